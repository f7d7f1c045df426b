"""The linkage model, a versioned file: how likely people agree by chance, and one person's records with each other."""

import re
from collections.abc import Iterator
from datetime import date
from functools import cache
from math import log2
from pathlib import Path
from typing import Any

from pydantic import JsonValue, ValidationError

from family_exchange.adapters import places
from family_exchange.domain.errors import NeedsDecision
from family_exchange.domain.likeness import Names
from family_exchange.domain.person import Placeholders
from family_exchange.domain.provenance import Model
from family_exchange.domain.register_rules import Matching

FOLDER = places.DATA / "linkage"


class Training(Model):
    """Where the weights of a model come from; counts only."""

    on: str
    """The council, or what else was trained on."""
    statements: int
    seed: int
    engine: str
    """Splink's version."""


class LinkageModel(Model):
    """How likely people agree by chance, and how likely one person's records agree."""

    version: str
    margin: float
    """Bits by which the better of two candidates must lead who are not one person."""
    splink: dict[str, JsonValue]
    """Splink's own settings: blocking, comparisons, m and u."""
    forms: tuple[frozenset[str], ...]
    """Customary forms of one forename."""
    shared_forenames: frozenset[str] = frozenset()
    """Forenames that brothers or sisters bear before their own."""
    other_forenames: frozenset[str] = frozenset()
    """Forenames too rare to have a share: names in their own right all the same."""
    forename_share: dict[str, float]
    surname_share: dict[str, float]
    other_forename: float
    other_surname: float
    placeholder_births: frozenset[date]
    placeholder_postcodes: frozenset[str] = frozenset()
    shared_places: frozenset[str] = frozenset()
    """Words of the addresses at which many live who are no family."""
    shared_uprns: frozenset[str] = frozenset()
    trained: tuple[Training, ...] = ()
    """Empty: its weights are assumed."""

    @property
    def names(self) -> Names:
        """What is known of forenames in general."""
        forms: dict[str, set[int]] = {}
        for number, group in enumerate(self.forms):
            for name in group:
                forms.setdefault(name, set()).add(number)
        groups = {name: frozenset(numbers) for name, numbers in forms.items()}
        alike = {
            name: frozenset().union(*(self.forms[each] for each in found)) - {name} for name, found in forms.items()
        }
        given = frozenset(self.forename_share) | frozenset(groups) | self.other_forenames
        return Names(given, groups, alike, self.shared_forenames)

    @property
    def placeholders(self) -> Placeholders:
        """What says nothing of a person."""
        return Placeholders(self.placeholder_births, self.placeholder_postcodes, self.shared_places, self.shared_uprns)

    @property
    def by_share(self) -> tuple[str, ...]:
        """The columns whose agreement is weighed by how common the value is, in order."""
        return tuple(
            dict.fromkeys(
                str(level["tf_adjustment_column"]) for _, level in self.levels() if "tf_adjustment_column" in level
            )
        )

    def levels(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Every comparison's name with each of its levels, as Splink writes them; null levels included."""
        comparisons: Any = self.splink["comparisons"]
        for comparison in comparisons:
            for level in comparison["comparison_levels"]:
                yield str(comparison["output_column_name"]), level

    def share(self, forename: str, surname: str) -> float:
        """The share of people who bear this whole name."""
        return self.share_of_forename(forename) * self.share_of_surname(surname)

    def share_of_forename(self, forename: str) -> float:
        """The share of people whose first forename it is."""
        return self.forename_share.get(forename.split(" ", maxsplit=1)[0], self.other_forename)

    def share_of_surname(self, surname: str) -> float:
        """The share of people with this surname."""
        return self.surname_share.get(surname, self.other_surname)


def weights(model: LinkageModel) -> dict[tuple[str, str], float]:
    """Comparison and level → bits by which it speaks for one person; below zero, against."""
    return {
        (name, str(level["label_for_charts"])): round(log2(level["m_probability"] / level["u_probability"]), 2)
        for name, level in model.levels()
        if not level.get("is_null_level")
    }


def is_version(text: str) -> bool:
    """True for `v` and a number."""
    return re.fullmatch(r"v[1-9][0-9]*", text) is not None


def versions() -> tuple[str, ...]:
    """The versions that there are, oldest first."""
    return tuple(sorted((path.stem for path in FOLDER.glob("v*.json")), key=lambda name: int(name[1:])))


@cache
def model(version: str | None = None) -> LinkageModel:
    """The linkage model of that version; the newest when none is named.

    Raises:
        NeedsDecision: there is no such version.
    """
    wanted = version or versions()[-1]
    if wanted not in versions():
        raise NeedsDecision(f"there is no linkage model of that version; there are: {', '.join(versions())}")
    return read(FOLDER / f"{wanted}.json")


def read(path: Path) -> LinkageModel:
    """The model of a file.

    Raises:
        NeedsDecision: it is none; the message names the keys that are wrong.
    """
    try:
        return LinkageModel.model_validate_json(path.read_text(encoding="utf-8"))
    except ValidationError as error:
        keys = sorted({".".join(map(str, each["loc"])) or "the file" for each in error.errors()})
        raise NeedsDecision(f"{path.name} is no linkage model: {', '.join(keys)}") from None


@cache
def of(matching: Matching) -> LinkageModel:
    """The model that a council's profile chooses, with the council's own placeholders."""
    chosen = model(matching.model)
    return chosen.model_copy(
        update={
            "placeholder_postcodes": chosen.placeholder_postcodes | matching.default_postcodes,
            "shared_uprns": chosen.shared_uprns | matching.shared_uprns,
        }
    )
