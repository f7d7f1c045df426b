"""A partner's own references: the same for the same person, household or event in every table that it sends."""

from collections.abc import Iterator
from random import Random

from family_exchange.demo.synthetic import pattern
from family_exchange.demo.synthetic.meaning import Agreed
from family_exchange.domain.column import Column
from family_exchange.domain.suite import ExpectationType

_TRIES = 400


class References:
    """Gives each owner one reference of each kind, and none twice while the contract's form leaves others."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._known: dict[tuple[str, str], str] = {}
        self._given: set[tuple[str, str]] = set()

    def of(self, agreed: Agreed, column: Column, owner: str) -> str:
        """The reference of `owner`: a number, and after a dot which of several."""
        if (column.canonical, owner) not in self._known:
            self._known[column.canonical, owner] = self._new(agreed, column, owner)
        return self._known[column.canonical, owner]

    def by_pattern(self, agreed: Agreed, column: Column) -> str:
        """A text of the form that the contract wants; empty when it wants none."""
        asked = agreed.rules(column.name, ExpectationType.MATCH)
        wanted = column.pattern or next((each.regex for each in asked if each.regex), None)
        return pattern.text(wanted, self._rng) if wanted else ""

    def _new(self, agreed: Agreed, column: Column, owner: str) -> str:
        for made in self._candidates(agreed, column, owner):
            if (column.canonical, made) not in self._given:
                self._given.add((column.canonical, made))
                return made
        return made

    def _candidates(self, agreed: Agreed, column: Column, owner: str) -> Iterator[str]:
        """Everyday references first; where the contract wants its own form, texts of that form, at last a repeat."""
        number, _, nth = owner.partition(".")
        plain = f"{column.name[0].upper()}{int(number):06d}{'-' + nth if nth else ''}"
        if agreed.fits(column.name, plain):
            yield plain
        for _ in range(_TRIES):
            yield self.by_pattern(agreed, column) or plain
