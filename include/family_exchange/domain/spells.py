"""Spells: what held of one thing, one after the other, each from its day until the next one or an end."""

from dataclasses import dataclass
from datetime import date
from typing import Any, Generic, TypeVar

from family_exchange.domain.errors import NeedsDecision

What = TypeVar("What")


@dataclass(frozen=True, slots=True)
class Spell(Generic[What]):
    """Something that held from one day until another, which is the first day on which it did not."""

    what: What
    from_on: date
    until: date | None = None
    """None: it goes on."""

    def holds(self, on: date) -> bool:
        """True when it held on that day."""
        return self.from_on <= on and (self.until is None or on < self.until)


def at(spells: tuple[Spell[What], ...], on: date) -> Spell[What] | None:
    """The spell that holds on that day, or None."""
    return next((one for one in spells if one.holds(on)), None)


def begun(spells: tuple[Spell[What], ...], what: What, on: date) -> tuple[Spell[What], ...]:
    """`spells`, with `what` from that day until the next spell that is known, or on.

    What held on the day ends there; a spell that began on the very day is replaced.
    """
    before = tuple(_cut(one, on) for one in spells if one.from_on < on)
    after = tuple(one for one in spells if one.from_on > on)
    return (*before, Spell(what, on, after[0].from_on if after else None), *after)


def ended(spells: tuple[Spell[What], ...], on: date) -> tuple[Spell[What], ...]:
    """`spells`, with the one that holds on that day ending there; of one that began on the very day nothing is left.

    Raises:
        NeedsDecision: nothing holds on that day.
    """
    if at(spells, on) is None:
        raise NeedsDecision(f"nothing is recorded for {on} that could end then")
    return tuple(_cut(one, on) for one in spells if not (one.holds(on) and one.from_on == on))


def without(spells: tuple[Spell[What], ...], from_on: date) -> tuple[Spell[What], ...]:
    """`spells` as if the one that begins on that day had never been: what it ended goes on in its place.

    Raises:
        NeedsDecision: none begins on that day.
    """
    wrong = next((one for one in spells if one.from_on == from_on), None)
    if wrong is None:
        known = ", ".join(str(one.from_on) for one in spells) or "no day"
        raise NeedsDecision(f"nothing is recorded as beginning on {from_on}; there is something from {known}")
    return tuple(
        Spell(one.what, one.from_on, wrong.until) if one.until == from_on else one for one in spells if one is not wrong
    )


def outside(spells: tuple[Spell[What], ...], gap: Spell[Any]) -> tuple[Spell[What], ...]:
    """`spells`, with nothing that holds during the gap; what held before it ends at its beginning."""
    kept = (one for one in spells if not gap.holds(one.from_on))
    return tuple(
        Spell(one.what, one.from_on, gap.from_on)
        if one.from_on < gap.from_on and (one.until is None or one.until > gap.from_on)
        else one
        for one in kept
    )


def _cut(spell: Spell[What], on: date) -> Spell[What]:
    return Spell(spell.what, spell.from_on, on) if spell.holds(on) else spell
