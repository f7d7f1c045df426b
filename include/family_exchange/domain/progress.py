"""Progress against a start: each measure before support began and in a period, with what is missing kept apart."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation

from family_exchange.domain.return_definition import Nulls

FLAGS: Mapping[str, int] = {"Y": 1, "N": 0}


@dataclass(frozen=True, slots=True)
class Measured:
    """One person's value of one measure, as a return writes it; None: there is no row."""

    measure: str
    at_start: str | None = field(repr=False)
    in_period: str | None = field(repr=False)


@dataclass(slots=True)
class Progress:
    """What became of one measure; totals and changes are of those people alone whose values are known both times."""

    measure: str
    people: int = 0
    compared: int = 0
    at_start: Decimal = Decimal(0)
    in_period: Decimal = Decimal(0)
    fell: int = 0
    same: int = 0
    rose: int = 0
    missing_at_start: Counter[str] = field(default_factory=Counter)
    """Why people have no value at the start: `not_collected`, `none_recorded`, `not_applicable`."""
    missing_in_period: Counter[str] = field(default_factory=Counter)

    def add(self, one: Measured) -> None:
        """Count one more person."""
        self.people += 1
        before, after = value(one.at_start), value(one.in_period)
        if before is None:
            self.missing_at_start[one.at_start or Nulls.NONE_RECORDED] += 1
        if after is None:
            self.missing_in_period[one.in_period or Nulls.NONE_RECORDED] += 1
        if before is None or after is None:
            return
        self.compared += 1
        self.at_start += before
        self.in_period += after
        self.fell += after < before
        self.same += after == before
        self.rose += after > before


def value(text: str | None) -> Decimal | None:
    """The number that a return wrote, a flag as 1 or 0; None for every way in which there is none."""
    if text is not None and text in FLAGS:
        return Decimal(FLAGS[text])
    try:
        return Decimal(text or "")
    except InvalidOperation:
        return None


def progress(measures: Iterable[str], measured: Iterable[Measured]) -> list[Progress]:
    """One line for each measure, in the given order, also for one that nobody has."""
    found = {name: Progress(name) for name in measures}
    for one in measured:
        found[one.measure].add(one)
    return list(found.values())
