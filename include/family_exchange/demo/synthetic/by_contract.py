"""Good rows for any feed, from its contract and its suite alone: what is agreed is all that this writer knows."""

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from functools import cached_property
from random import Random

from family_exchange.demo.synthetic import numbers
from family_exchange.demo.synthetic.clerk import Clerk, Habits, Written
from family_exchange.demo.synthetic.meaning import Agreed, Row
from family_exchange.demo.synthetic.people import Household, Person, Population, Role
from family_exchange.demo.synthetic.ranges import Ranges
from family_exchange.demo.synthetic.references import References
from family_exchange.demo.synthetic.sheet import Sheet
from family_exchange.demo.synthetic.span import Span
from family_exchange.domain.column import Column, ColumnType, DataClass
from family_exchange.domain.identifiers import Kind
from family_exchange.domain.suite import VALUE, ExpectationType, kind

HABITS = Habits(
    typing=0.01, nickname=0.05, swapped_day=0, wrong_digit=0, no_birth_date=0, no_postcode=0, no_fixed_abode=0,
    former_surname=0.08, half_surname=0.1, abbreviated=0.06, unstated_sex=0,
)  # fmt: skip
_KNOWN_SHARE = 0.08
"""Share of the people a feed may speak of that one partner knows."""
_KNOWN_AT_LEAST = 80
"""Where there are so many: of very few, nobody can say that they changed."""
_SEVERAL_EVENTS_SHARE = 0.3
_EMPTY_SHARE = {DataClass.NAME: 0.02, DataClass.DATE_OF_BIRTH: 0.02, DataClass.SEX: 0.02, DataClass.ADDRESS: 0.03}
_EMPTY_NUMBER_SHARE, _EMPTY_OTHER_SHARE = 0.3, 0.2
_TRIES = 400
_ARRESTED_AT = 18
_RELATIONSHIPS = {
    Role.CHILD: ("child", "young_person", "dependant", "son", "daughter"),
    Role.MOTHER: ("mother", "parent", "tenant", "adult"),
    Role.FATHER: ("father", "parent", "partner", "adult"),
}
_WORDS = ("North Quay", "Harbour", "Millbrook", "Eastgate", "Orchard", "Station", "Riverside", "Old Forge")


Seen = dict[str, set[tuple[str, ...]]]
"""`rule → keys` of the rows that are there."""
Also = Callable[[Person, Household], Mapping[str, str]]
"""What stands in further columns, by canonical name; only where the column is not left empty."""


class Unmakeable(ValueError):
    """The rules of a suite leave no room for a row, or this writer does not find it; names feed and rules."""


class Writer:
    """Writes rows of one table about people of the synthetic population."""

    def __init__(
        self,
        rng: Random,
        agreed: Agreed,
        population: Population,
        during: Span,
        *,
        references: References | None = None,
        also: Also | None = None,
    ) -> None:
        """A writer; of several for one bundle, all share `references`, and `also` knows what only the bundle knows."""
        self.agreed = agreed
        self.during = during
        self._rng = rng
        self._population = population
        self._clerk = Clerk(rng, HABITS)
        self._ranges = Ranges(agreed, during)
        self._references = references or References(rng)
        self._also = also or (lambda _person, _home: {})
        self._rows = 0

    def sheet(self, *, place: int = 0, of: int = 1) -> Sheet:
        """A good sheet: no row of it breaks a rule. Of several partners, the one at `place` knows people of its own."""
        contract = self.agreed.contract
        result = Sheet(contract.feed, contract.headers, contract=contract.version)
        seen = self.nothing_seen()
        for person, home in self._known(place, of):
            for _ in range(self._how_often()):
                row = self.row_about(person, home, seen)
                if row is not None:
                    result.rows.append(tuple(row.values()))
                    result.meant[row[self._record_ref]] = person
        return result

    def nothing_seen(self) -> Seen:
        """The keys of no rows yet."""
        return {rule: set() for rule, _ in self.agreed.unique}

    def row(self) -> Row:
        """A good row about anybody under references that no other row has; nothing is empty unless a rule wants it."""
        person, home = self._rng.choice(self.eligible)
        return self._good(person, home, full=True, fresh=f"{person.number}.{self._rows}")

    def row_about(self, person: Person, home: Household, seen: Seen) -> Row | None:
        """A good row that repeats none of those seen, and is now seen; None when this person has no other left."""
        for _ in range(_TRIES):
            row = self._good(person, home)
            keys = {rule: tuple(row[name] for name in columns) for rule, columns in self.agreed.unique}
            if not any(all(key) and key in seen[rule] for rule, key in keys.items()):
                for rule, key in keys.items():
                    seen[rule].add(key)
                return row
        return None

    @cached_property
    def eligible(self) -> list[tuple[Person, Household]]:
        """Everybody here of whom the feed may speak, and whose numbers it needs are known; watched families first."""
        homes = sorted(self._population.households, key=lambda home: not home.verbatim)
        return [
            (person, home)
            for home in homes
            if home.left_on is None
            for person in home.members
            if self._may_stand(person)
        ]

    def identifier(self, which: Kind, person: Person, home: Household) -> str:
        """The person's number of that kind; empty when they have none, or when nobody can make such numbers."""
        serial, year = person.number, min(self.during.as_of.year, person.born.year + _ARRESTED_AT)
        made = {
            Kind.NHS_NUMBER: lambda: person.nhs_number,
            Kind.NINO: lambda: person.nino,
            Kind.UPN: lambda: person.upn,
            Kind.UPRN: lambda: home.home_on(self.during.as_of).uprn,
            Kind.POSTCODE: lambda: home.home_on(self.during.as_of).postcode,
            Kind.ULN: lambda: numbers.uln(serial),
            Kind.PNC: lambda: numbers.pnc_id(year, serial),
            Kind.CRO: lambda: numbers.cro(year, serial),
        }
        return made[which]() if which in made else ""

    def written_day(self, day: date) -> str:
        """The day as the contract writes it."""
        return day.strftime(self.agreed.contract.file.date_format)

    @property
    def _record_ref(self) -> str:
        contract = self.agreed.contract
        return contract.column("record_ref" if "record_ref" in contract.canonicals else contract.key[0]).name

    def _known(self, place: int, of: int) -> list[tuple[Person, Household]]:
        theirs = [pair for pair in self.eligible if pair[1].verbatim or pair[0].number % of == place]
        watched = [pair for pair in theirs if pair[1].verbatim]
        others = theirs[len(watched) :]
        count = min(len(others), max(_KNOWN_AT_LEAST, round(len(others) * _KNOWN_SHARE)))
        return watched + sorted(self._rng.sample(others, count), key=lambda pair: pair[0].number)

    def _how_often(self) -> int:
        per_event = "event_ref" in self.agreed.contract.key
        return 2 if per_event and self._rng.random() < _SEVERAL_EVENTS_SHARE else 1

    def _may_stand(self, person: Person) -> bool:
        gate, age = self.agreed.contract.age_gate, person.age(self.during.as_of)
        if (gate.min is not None and age < gate.min) or (gate.max is not None and age > gate.max):
            return False
        needed = {kind(self.agreed.headers[header]) for header in self.agreed.never_empty}
        return (Kind.NINO not in needed or bool(person.nino)) and (Kind.UPN not in needed or bool(person.upn))

    def _good(self, person: Person, home: Household, *, full: bool = False, fresh: str = "") -> Row:
        for number in range(_TRIES):
            row = self._draft(person, home, full and number < _TRIES // 2, fresh)
            broken = self.agreed.broken(row, self.during.as_of)
            if not broken:
                return row
        contract = self.agreed.contract
        raise Unmakeable(f"{contract.feed} {contract.version}: no row keeps {', '.join(sorted(broken))}")

    def _draft(self, person: Person, home: Household, full: bool, fresh: str) -> Row:  # noqa: FBT001 - as given
        self._rows += 1
        written = self._clerk.write(person, home, self.during.as_of)
        filled = [column for column in self.agreed.contract.columns if full or not self._left_empty(column, home)]
        filled = [column for column in filled if self._ranges.begun(column.name, filled)]
        known = {column.name: person.born for column in filled if column.canonical == "date_of_birth"}
        values = self._ranges.values(self._rng, [column.name for column in filled], known)
        row = dict.fromkeys(self.agreed.contract.headers, "")
        for column in filled:
            value = values.get(column.name)
            if isinstance(value, date):
                row[column.name] = self.written_day(value)
            elif isinstance(value, Decimal):
                row[column.name] = f"{value:.2f}" if column.type is ColumnType.DECIMAL else str(value)
            else:
                row[column.name] = self._text(column, person, home, written, fresh)
        also = self._also(person, home)
        row |= {each.name: also[each.canonical] for each in filled if each.canonical in also}
        return row | {header: "" for header, flag in self.agreed.secret.items() if row[flag] == "Y"}

    def _left_empty(self, column: Column, home: Household) -> bool:
        if column.name in self.agreed.never_empty or (home.verbatim and column.identity):
            return False
        share = _EMPTY_NUMBER_SHARE if kind(column) else _EMPTY_OTHER_SHARE
        if column.identity and not kind(column):
            share = _EMPTY_SHARE.get(column.data_class, share)
        return self._rng.random() < share

    def _text(self, column: Column, person: Person, home: Household, written: Written, fresh: str) -> str:
        if which := kind(column):
            return self.identifier(which, person, home)
        if column.type is ColumnType.BOOLEAN:
            return self._flag(column)
        if column.type is ColumnType.CODE:
            return self._code(column, person)
        owners = {"record_ref": f"{person.number}", "household_ref": f"{home.number}", "event_ref": f"{self._rows}"}
        if column.canonical in self.agreed.contract.key:
            return self._references.of(self.agreed, column, fresh or owners.get(column.canonical, f"{self._rows}"))
        if column.canonical in owners:
            return self._references.of(self.agreed, column, owners[column.canonical])
        return self._plain(column, written)

    def _plain(self, column: Column, written: Written) -> str:
        """Names and addresses as written; anything else by its pattern, or a word."""
        known = {
            "forename": written.forename, "surname": written.surname, "address_line_1": written.line_1,
            "address_line_2": written.line_2, "town": written.town,
        }  # fmt: skip
        if column.canonical in known:
            return known[column.canonical]
        if column.data_class is DataClass.NAME:
            return written.surname
        return self._references.by_pattern(self.agreed, column) or self._rng.choice(_WORDS)

    def _flag(self, column: Column) -> str:
        allowed = self.agreed.rules(column.name + VALUE, ExpectationType.IN_SET)
        flags = [each for each in (True, False) if all(each in (asked.value_set or ()) for asked in allowed)]
        return "Y" if self._rng.choice(flags or [True, False]) else "N"

    def _code(self, column: Column, person: Person) -> str:
        codes = [code for code in column.codes if self.agreed.fits(column.name, code)]
        suited = {
            "sex": (person.sex,),
            "relationship": _RELATIONSHIPS.get(person.role, ("other", "adult")),
        }.get(column.canonical, (person.ethnicity,) if column.data_class is DataClass.ETHNICITY else ())
        return next((code for code in suited if code in codes), None) or self._rng.choice(codes)
