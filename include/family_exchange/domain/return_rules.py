"""The checks of a return before people sign it off, and whose data may not be in it.

An error stops the return, a query asks a person to look. Source: domain notes on the national study's error checking;
which checks a return has, and which fields each of them reads, is data (`include/returns/<code>.yaml`).
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from family_exchange.domain import identifiers
from family_exchange.domain.period import Period
from family_exchange.domain.person import age_on
from family_exchange.domain.return_definition import ReturnDefinition

OLDEST = 110
"""Nobody in a return is older."""
DEPENDENT_UNTIL = 19
"""A family has a dependent child while somebody in it is younger: 0 to 15, or 16 to 18 at home."""
PUPIL_UNTIL = 19
NINO_FROM = 16
FILLER_BIRTHS = frozenset(
    {"1753-01-01", "1899-12-30", "1899-12-31", "1900-01-01", "1901-01-01", "1902-02-02", "1911-11-11", "1970-01-01"}
)
"""Days that clerks and programs write when a field must not be empty."""
FILLER_POSTCODES = frozenset({"", "NOPOSTCODE", "UNKNOWN", "NFA", "NONE"})
PROBLEMS = "p"
"""Fields `p1`, `p2` … are the flags of the headline problems."""
ON_PROGRAMME, COMPARISON = "I", "C"
YES = "Y"


class Severity(StrEnum):
    """What a finding does to the return."""

    ERROR = "error"
    QUERY = "query"


class Flag(StrEnum):
    """What a person has asked for, or the law has put on their data."""

    RESTRICTION = "restriction"
    OBJECTION_RESEARCH = "objection_research"
    OBJECTION_ALL = "objection_all"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong or odd, without the value that shows it."""

    row_no: int | None
    """1 is the first row; None: the whole return."""
    field: str | None
    rule: str
    severity: Severity


@dataclass(frozen=True, slots=True)
class Row:
    """One person as the return tells of them."""

    row_no: int
    content: Mapping[str, str | None] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Asked:
    """What the checks need to know beside the rows."""

    definition: ReturnDefinition
    disclosed: tuple[str, ...]
    """The fields that the council's notice discloses; the return holds exactly these."""
    period: Period
    min_problems: int
    flagged_rows: frozenset[int] = frozenset()
    """Rows of people whose data may not be in the return."""


def excluding(code: str) -> tuple[Flag, ...]:
    """The flags that keep a person out of a return; an objection to research keeps out of all but progress data."""
    services = (Flag.RESTRICTION, Flag.OBJECTION_ALL)
    return services if code == "fpd" else (*services, Flag.OBJECTION_RESEARCH)


def check(rows: Sequence[Row], asked: Asked) -> tuple[Finding, ...]:
    """Everything that the return's own checks find, by rule and row; the same rows always give the same findings.

    A check that reads a field which this council does not send is left out, except where the field is optional to it.
    """
    found = []
    for each in asked.definition.checks_for(asked.disclosed):
        for row_no, name in _CHECKS[each.code](rows, asked):
            found.append(Finding(row_no, name, each.code, Severity(each.severity)))
    return tuple(sorted(found, key=lambda finding: (finding.rule, finding.row_no or 0, finding.field or "")))


Found = Iterator[tuple[int | None, str | None]]


def _each(rule: Callable[[Mapping[str, str | None], Asked], Iterable[str]]) -> Callable[[Sequence[Row], Asked], Found]:
    """The check of single rows that names the fields at fault."""

    def check_rows(rows: Sequence[Row], asked: Asked) -> Found:
        for row in rows:
            for name in rule(row.content, asked):
                yield row.row_no, name

    return check_rows


def _required(content: Mapping[str, str | None], asked: Asked) -> Iterator[str]:
    for each in asked.definition.in_order(asked.disclosed):
        if each.required and not content.get(each.name):
            yield each.name


def _repeats(rows: Sequence[Row], _: Asked) -> Found:
    seen: set[str | None] = set()
    for row in rows:
        person = row.content.get("la_person_ref")
        if person in seen:
            yield row.row_no, "la_person_ref"
        seen.add(person)


def _two_families(rows: Sequence[Row], _: Asked) -> Found:
    first: dict[str | None, str | None] = {}
    for row in rows:
        person, family = row.content.get("la_person_ref"), row.content.get("family_ref")
        if first.setdefault(person, family) != family:
            yield row.row_no, "family_ref"


def _born(content: Mapping[str, str | None], asked: Asked) -> Iterator[str]:
    born = _day(content, "date_of_birth")
    filler = content.get("date_of_birth") in FILLER_BIRTHS  # a query asks about it: it says nothing of an age
    if born and not filler and (born > asked.period.last_day or age_on(born, asked.period.last_day) > OLDEST):
        yield "date_of_birth"


def _identifiers(content: Mapping[str, str | None], asked: Asked) -> Iterator[str]:
    for kind, rule in _IDENTIFIERS.items():
        if (value := content.get(kind)) and rule(value, asked.period.last_day.year) is None:
            yield kind


def _on_programme(content: Mapping[str, str | None], asked: Asked) -> Iterator[str]:
    if content.get("group") != ON_PROGRAMME:
        return
    flags = [value for name, value in content.items() if name[:1] == PROBLEMS and name[1:].isdigit()]
    if flags and sum(value == YES for value in flags) < asked.min_problems:
        yield "group"
    if "support_start" in content and not content["support_start"]:
        yield "support_start"


def _comparison(content: Mapping[str, str | None], _: Asked) -> Iterator[str]:
    if content.get("group") == COMPARISON:
        yield from (name for name in ("support_start", "support_end") if content.get(name))


def _ended_early(content: Mapping[str, str | None], _: Asked) -> Iterator[str]:
    start, end = _day(content, "support_start"), _day(content, "support_end")
    if start and end and end < start:
        yield "support_end"


def _screened_late(content: Mapping[str, str | None], _: Asked) -> Iterator[str]:
    screened, start = _day(content, "date_screened"), _day(content, "support_start")
    if screened and start and screened > start:
        yield "date_screened"


def _flagged(rows: Sequence[Row], asked: Asked) -> Found:
    yield from ((row.row_no, None) for row in rows if row.row_no in asked.flagged_rows)


def _undisclosed(rows: Sequence[Row], asked: Asked) -> Found:
    extra = {name for row in rows for name in row.content} - set(asked.disclosed)
    yield from ((None, name) for name in sorted(extra))


def _adult_pupil(content: Mapping[str, str | None], asked: Asked) -> Iterator[str]:
    if content.get("upn") and _age(content, asked) >= PUPIL_UNTIL:
        yield "upn"


def _young_worker(content: Mapping[str, str | None], asked: Asked) -> Iterator[str]:
    if content.get("nino") and 0 <= _age(content, asked) < NINO_FROM:
        yield "nino"


def _childless(rows: Sequence[Row], asked: Asked) -> Found:
    """One finding a family, at its first row; a member of unknown age may be a child."""
    first: dict[str | None, int] = {}
    children: Counter[str | None] = Counter()
    for row in rows:
        family = row.content.get("family_ref")
        first.setdefault(family, row.row_no)
        children[family] += _age(row.content, asked) < DEPENDENT_UNTIL
    yield from ((row_no, "family_ref") for family, row_no in first.items() if not children[family])


def _no_postcode(content: Mapping[str, str | None], _: Asked) -> Iterator[str]:
    value = (content.get("postcode") or "").replace(" ", "").upper()
    if value in FILLER_POSTCODES or set(value) == {"X"}:
        yield "postcode"


def _filler_birth(content: Mapping[str, str | None], _: Asked) -> Iterator[str]:
    if content.get("date_of_birth") in FILLER_BIRTHS:
        yield "date_of_birth"


def _day(content: Mapping[str, str | None], name: str) -> date | None:
    value = content.get(name)
    return date.fromisoformat(value) if value else None


def _age(content: Mapping[str, str | None], asked: Asked) -> int:
    """Whole years on the period's last day; -1 when the date of birth is not known or still to come."""
    born = _day(content, "date_of_birth")
    return age_on(born, asked.period.last_day) if born and born <= asked.period.last_day else -1


_IDENTIFIERS: Mapping[str, Callable[[str, int], str | None]] = {
    "nhs_number": lambda value, _: identifiers.nhs_number(value),
    "nino": lambda value, _: identifiers.nino(value),
    "upn": lambda value, _: identifiers.upn(value),
    "pnc_id": lambda value, year: identifiers.pnc(value, this_year=year),
}

_CHECKS: Mapping[str, Callable[[Sequence[Row], Asked], Found]] = {
    "E01": _each(_required),
    "E02": _repeats,
    "E03": _two_families,
    "E04": _each(_born),
    "E05": _each(_identifiers),
    "E06": _each(_on_programme),
    "E07": _each(_comparison),
    "E08": _each(_ended_early),
    "E09": _each(_screened_late),
    "E10": _flagged,
    "E11": _undisclosed,
    "Q01": _each(_adult_pupil),
    "Q02": _each(_young_worker),
    "Q03": _childless,
    "Q04": _each(_no_postcode),
    "Q05": _each(_filler_birth),
}

KNOWN: Collection[str] = frozenset(_CHECKS)
"""The codes that a return definition may ask for."""
