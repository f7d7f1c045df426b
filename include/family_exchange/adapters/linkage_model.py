"""The linkage model, a versioned file: how likely people agree by chance, and one person's records with each other."""

from datetime import date
from functools import cache

from pydantic import JsonValue

from family_exchange.adapters import places
from family_exchange.domain.matching import Names
from family_exchange.domain.provenance import Model

FOLDER = places.DATA / "linkage"


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
    forename_share: dict[str, float]
    surname_share: dict[str, float]
    other_forename: float
    other_surname: float
    placeholder_births: frozenset[date]

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
        return Names(frozenset(self.forename_share) | frozenset(groups), groups, alike, self.shared_forenames)

    def share(self, forename: str, surname: str) -> float:
        """The share of people who bear this whole name."""
        given = self.forename_share.get(forename.split(" ", maxsplit=1)[0], self.other_forename)
        return given * self.surname_share.get(surname, self.other_surname)


@cache
def model(version: str = "v1") -> LinkageModel:
    """The linkage model of that version."""
    return LinkageModel.model_validate_json((FOLDER / f"{version}.json").read_text())
