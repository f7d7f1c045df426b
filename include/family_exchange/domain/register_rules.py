"""The sections of a council's profile about its register: who is one person, and whose word stands."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from family_exchange.domain.identifiers import POSTCODE_FORM, UPRN_FORM
from family_exchange.domain.provenance import Key, Model, Provenance


class Matching(Provenance):
    """The probabilities at which two records are certainly, or possibly, one person."""

    certain: float = Field(gt=0, le=1)
    possible: float = Field(gt=0, le=1)
    model: str | None = Field(default=None, pattern=r"^v[1-9][0-9]*$")
    """The version of the linkage model; None: the newest."""
    default_postcodes: frozenset[Annotated[str, Field(pattern=POSTCODE_FORM)]] = frozenset()
    """Postcodes that stand for none in this council's files, as its own offices' do."""
    shared_uprns: frozenset[Annotated[str, Field(pattern=UPRN_FORM)]] = frozenset()
    """Hostels, refuges and the like, where many live who are no family."""

    @model_validator(mode="after")
    def _possible_is_below_certain(self) -> Self:
        if self.possible >= self.certain:
            raise ValueError("`possible` must be below `certain`")
        return self


class Attribute(StrEnum):
    """What is known of a person."""

    NAME = "name"
    BIRTH = "birth"
    SEX = "sex"
    ADDRESS = "address"
    IDENTIFIER = "identifier"
    RELATIONSHIP = "relationship"
    INVOLVEMENT = "involvement"


class Precedence(Provenance):
    """Whose word stands when partners tell different things of one attribute."""

    sources: tuple[Key, ...] = ()
    """Feeds, the most trusted first; those that are not named come after them and are equal among themselves. Of equal
    sources the newest word stands."""

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        if len({*self.sources}) != len(self.sources):
            raise ValueError("`sources` must not repeat")
        return self


class RegisterRules(Model):
    """How the register chooses among what partners tell."""

    precedence: Mapping[Attribute, Precedence] = Field(default_factory=dict)
    """By attribute; of one that is not named the newest word stands."""

    def sources(self, attribute: Attribute) -> tuple[str, ...]:
        """The feeds that are trusted most of `attribute`, in order."""
        rule = self.precedence.get(attribute)
        return rule.sources if rule else ()
