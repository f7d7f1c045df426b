"""The agreed layout of a feed: its columns, what each discloses, and which rows may come at all.

One contract, four uses: validation, the partner's own check, the synthetic files and the documentation.
"""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from family_exchange.domain.column import Column, DataClass, Purpose, each_once, withholding
from family_exchange.domain.condition import OF_A_DAY, Ages, Condition
from family_exchange.domain.container import FileFormat, Format, Role
from family_exchange.domain.provenance import Key, Model, Words, wrong

Version = Annotated[str, StringConstraints(pattern=r"^v[1-9][0-9]*$")]


class PartnerType(StrEnum):
    """What kind of organisation a partner is."""

    HEALTH = "health"
    SOCIAL_SERVICES = "social_services"
    HOUSING = "housing"
    POLICE = "police"
    FIRE = "fire"
    DOMESTIC_ABUSE = "domestic_abuse"
    SUBSTANCE_MISUSE = "substance_misuse"
    YOUNG_PEOPLE = "young_people"
    PROBATION = "probation"
    PRISON = "prison"
    YOUTH_JUSTICE = "youth_justice"
    HEALTH_VISITING = "health_visiting"
    EDUCATION = "education"
    DWP = "dwp"
    PUBLIC_HEALTH = "public_health"
    JUSTICE = "justice"
    DEPARTMENT = "department"


class CategoryChoice(Model):
    """A retention category for the rows that fulfil every condition."""

    when: tuple[Condition, ...] = Field(min_length=1)
    category: Key
    trigger: Key | None = None
    """The canonical column whose date starts the clock; null: the contract's own."""

    @model_validator(mode="after")
    def _holds_on_every_day(self) -> Self:
        if any(condition.op in OF_A_DAY for condition in self.when):
            raise wrong("when", "expected conditions that hold on one day as on another")
        return self


class ContractRetention(Model):
    """Which retention category a row belongs to, and the date that starts its clock."""

    category: Key
    trigger: Key
    category_by: tuple[CategoryChoice, ...] = ()
    """Tried in order; the first choice that fits wins, and `category` stands when none does."""


class Whose(StrEnum):
    """Whose files are asked whether a person is known."""

    PARTNER = "partner"
    """Those of the partner itself; it is told."""
    ANYBODY = "anybody"
    """Those of every partner; only the council is told."""


_KNOWN_BY = frozenset({"record_ref", "nhs_number", "nino", "upn", "forename", "surname", "date_of_birth", "postcode"})
"""Canonical columns by which a person is looked for in other feeds."""


class KnownBy(Model):
    """From which other feeds the person of each row should be known, and by what."""

    whose: Whose
    feeds: tuple[Key, ...] = ()
    """Empty: every other feed."""
    by: tuple[tuple[Key, ...], ...] = Field(min_length=1)
    """Canonical columns; a person is known when all of one group are there and the same."""

    @model_validator(mode="after")
    def _tells_people_apart(self) -> Self:
        for index, group in enumerate(self.by):
            if not group or not {*group} <= _KNOWN_BY:
                raise wrong(f"by[{index}]", f"expected some of {', '.join(sorted(_KNOWN_BY))}")
            if self.whose is Whose.ANYBODY and "record_ref" in group:
                raise wrong(f"by[{index}]", "expected no record_ref: each partner has its own")
        return self


class Service(Model):
    """A service that is involved with somebody, as the rows of a feed tell."""

    service: Key
    data_class: DataClass
    since: Key | None = None
    until: Key | None = None
    """Canonical columns of its first and its last day; without `since` each row tells of its own day."""
    at: Key | None = None
    """Canonical column of the place, e.g. a school's number."""
    holds_months: int | None = Field(default=None, ge=1, le=60)
    """How long a row without a last day goes on telling so; null: until another word."""


class Table(Model):
    """One table of a bundle: a CSV, or a sheet, of this name."""

    name: Key
    title: Words
    role: Role
    key: tuple[Key, ...] = Field(min_length=1)
    """Canonical columns that together are unique in the table."""
    since: Key | None = None
    until: Key | None = None
    """Canonical columns of the first and the last day of a row that holds for a time."""
    columns: tuple[Column, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _named_columns_exist(self) -> Self:
        canonicals = each_once(self.columns)
        timed = self.role in {Role.ADDRESSES, Role.EPISODES}
        if timed != (self.since is not None) or timed != (self.until is not None):
            raise wrong("since", "expected `since` and `until` with addresses and episodes, and only with them")
        if unknown := sorted({*self.key, PERSON, *filter(None, (self.since, self.until))} - canonicals):
            raise wrong("columns", f"expected columns for {', '.join(unknown)}")
        withholding(self.columns, self.key)
        return self


PERSON = "record_ref"
"""Canonical column that names the person, in every table."""


class Contract(Model):
    """The layout of one feed, one version."""

    feed: Key
    version: Version
    title: Words
    partner_types: tuple[PartnerType, ...] = Field(min_length=1)
    purposes: tuple[Purpose, ...] = Field(min_length=1)
    age_gate: Ages = Ages()
    key: tuple[Key, ...] = Field(min_length=1)
    """Canonical columns that together are unique in a file."""
    retention: ContractRetention
    file: FileFormat = FileFormat()
    tables: tuple[Table, ...] = ()
    """With tables a file is a bundle of them, and `columns` are those of the rows that they are joined to."""
    known_by: KnownBy | None = None
    services: tuple[Service, ...] = ()
    """Which services its rows tell to be involved with somebody; an incident is none."""
    protected_by: Words | None = None
    """The law under which nothing of it leaves the council but for a recipient and a purpose that the profile names."""
    columns: tuple[Column, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _columns_are_unique(self) -> Self:
        each_once(self.columns)
        withholding(self.columns, self.key)
        return self

    @model_validator(mode="after")
    def _tables_make_a_bundle(self) -> Self:
        names = [table.name for table in self.tables]
        if len({*names}) != len(names):
            raise wrong("tables", "expected each table once")
        if self.tables and [table.role for table in self.tables].count(Role.PERSONS) != 1:
            raise wrong("tables", "expected one table of persons")
        if bool(self.tables) == (Format.CSV in self.file.formats):
            raise wrong("file.formats", "expected csv for a feed without tables; zip or xlsx for one with tables")
        if not self.tables and Format.ZIP in self.file.formats:
            raise wrong("file.formats", "expected zip only for a feed with tables")
        return self

    @model_validator(mode="after")
    def _people_can_be_looked_for(self) -> Self:
        if self.known_by is None:
            return self
        if self.tables:
            raise wrong("known_by", "expected no tables: people of a bundle are known from its own table of persons")
        if self.feed in self.known_by.feeds:
            raise wrong("known_by.feeds", "expected other feeds")
        for index, group in enumerate(self.known_by.by):
            if unknown := sorted({*group} - set(self.canonicals)):
                raise wrong(f"known_by.by[{index}]", f"expected columns of the contract; not {', '.join(unknown)}")
        return self

    @model_validator(mode="after")
    def _named_columns_exist(self) -> Self:
        choices = self.retention.category_by
        named = {"key": set(self.key), "retention.trigger": {self.retention.trigger}}
        for index, one in enumerate(self.services):
            named[f"services[{index}]"] = {*filter(None, (one.since, one.until, one.at))}
        for index, choice in enumerate(choices):
            columns = {condition.column for condition in choice.when}
            named[f"retention.category_by[{index}]"] = columns | ({choice.trigger} if choice.trigger else set())
        for key, columns in named.items():
            if unknown := sorted(columns - set(self.canonicals)):
                raise wrong(key, f"expected columns of the contract; it has no {', '.join(unknown)}")
        return self

    @model_validator(mode="after")
    def _columns_serve_the_contracts_purposes(self) -> Self:
        for index, column in enumerate(self.columns):
            if extra := sorted(set(column.purposes) - set(self.purposes)):
                raise wrong(
                    f"columns[{index}].purposes", f"expected purposes of the contract; it has no {', '.join(extra)}"
                )
        return self

    @property
    def suite(self) -> str:
        """The name of the file that holds its rules, without the ending."""
        return self.version

    @property
    def withholding(self) -> Column | None:
        """The flag that says in which rows the columns that are `withheld_by` it must stay secret."""
        return withholding(self.columns, self.key)

    @property
    def may_be_empty(self) -> bool:
        """True when a header without rows says something: that there is nothing to tell."""
        return False

    def of_table(self, name: str) -> "TableContract":
        """The layout of one table of a bundle, as a contract of its own.

        Raises:
            KeyError: the contract has no such table.
        """
        for table in self.tables:
            if table.name == name:
                own = {
                    "file": self.file.model_copy(update={"formats": (Format.CSV,)}),
                    "tables": (),
                    "age_gate": Ages(),
                    "key": table.key,
                    "columns": table.columns,
                }
                inherited = {name: getattr(self, name) for name in type(self).model_fields}
                return TableContract.model_construct(**{**inherited, **own}, table=table)
        raise KeyError(name)

    @property
    def headers(self) -> tuple[str, ...]:
        """The header names in file order."""
        return tuple(column.name for column in self.columns)

    @property
    def canonicals(self) -> tuple[str, ...]:
        """The canonical names in file order."""
        return tuple(column.canonical for column in self.columns)

    @property
    def fact_columns(self) -> tuple[Column, ...]:
        """The columns that go to `facts`, in file order."""
        return tuple(column for column in self.columns if not column.identity)

    @property
    def categories(self) -> frozenset[str]:
        """Every retention category that a row of this feed may get."""
        return frozenset({self.retention.category, *(choice.category for choice in self.retention.category_by)})

    def column(self, canonical: str) -> Column:
        """The column of that canonical name.

        Raises:
            KeyError: the contract has no such column.
        """
        for column in self.columns:
            if column.canonical == canonical:
                return column
        raise KeyError(canonical)


class TableContract(Contract):
    """The layout of one table of a bundle; made by `Contract.of_table`, never read from a file."""

    table: Table

    @property
    def suite(self) -> str:
        """The name of the file that holds its rules, without the ending."""
        return f"{self.version}.{self.table.name}"

    @property
    def may_be_empty(self) -> bool:
        """A bundle has persons; every other table may say that there is nothing to tell."""
        return self.table.role is not Role.PERSONS
