"""The agreed layout of a feed: its columns, what each discloses, and which rows may come at all.

One contract, four uses: validation, the partner's own check, the synthetic files and the documentation.
"""

from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from family_exchange.domain.container import FileFormat, Format, Role
from family_exchange.domain.provenance import Key, Model, Words, wrong

IDENTITY_COLUMNS = frozenset(
    {
        "record_ref", "event_ref", "household_ref", "relationship", "forename", "surname", "date_of_birth", "sex",
        "address_line_1", "address_line_2", "town", "postcode", "uprn", "nhs_number", "nino", "upn", "event_on",
    }
)  # fmt: skip
"""Canonical names with a column of their own in `register.source_record`; every other one goes to `facts`."""

_PICTURES = frozenset(
    {
        "photo",
        "photograph",
        "picture",
        "image",
        "img",
        "jpeg",
        "jpg",
        "png",
        "portrait",
        "thumbnail",
        "base64",
        "binary",
        "blob",
        "attachment",
    }
)
"""Words in the name of a column that holds something else than text; no notice lets it be exchanged (R-031)."""

Version = Annotated[str, StringConstraints(pattern=r"^v[1-9][0-9]*$")]


class DataClass(StrEnum):
    """What a column tells about somebody; a council takes in a class only when its profile lists it."""

    NAME = "name"
    DATE_OF_BIRTH = "date_of_birth"
    SEX = "sex"
    ADDRESS = "address"
    FAMILY = "family"
    NHS_NUMBER = "nhs_number"
    NINO = "nino"
    UPN = "upn"
    POLICE_REFERENCE = "police_reference"
    JUSTICE_REFERENCE = "justice_reference"
    """Numbers that prisons and probation give to people."""
    ETHNICITY = "ethnicity"
    CRIME_ASB = "crime_asb"
    DOMESTIC_ABUSE = "domestic_abuse"
    ATTENDANCE = "attendance"
    BEHAVIOUR = "behaviour"
    SOCIAL_CARE = "social_care"
    EARLY_HELP = "early_help"
    HOUSING = "housing"
    FINANCIAL = "financial"
    EMPLOYMENT = "employment"
    HEALTH = "health"
    MENTAL_HEALTH = "mental_health"
    SUBSTANCE_MISUSE = "substance_misuse"
    REFERENCE = "reference"
    """The partner's own references and the dates of events: always taken in."""


class Sensitivity(StrEnum):
    """How a column must be guarded."""

    IDENTITY = "identity"
    IDENTIFIER = "identifier"
    CONTACT = "contact"
    CRIMINAL_OFFENCE = "criminal_offence"
    SPECIAL_CATEGORY = "special_category"
    OPERATIONAL = "operational"


class Purpose(StrEnum):
    """Why data may be used; a council's profile lists its own."""

    IDENTIFY = "identify"
    SUPPORT = "support"
    MONITOR = "monitor"
    EVALUATE_LOCAL = "evaluate_local"
    EVALUATE_NATIONAL = "evaluate_national"
    PLAN_SERVICES = "plan_services"
    STATISTICS = "statistics"


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


class ColumnType(StrEnum):
    """How a cell is read."""

    TEXT = "text"
    DATE = "date"
    INTEGER = "integer"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    CODE = "code"


class Operator(StrEnum):
    """How a condition compares; `present` and `absent` take no value, `in` takes a list."""

    EQ = "eq"
    IN = "in"
    GE = "ge"
    GT = "gt"
    LE = "le"
    LT = "lt"
    PRESENT = "present"
    ABSENT = "absent"


Scalar = bool | int | Decimal | date | str


class Condition(Model):
    """One comparison on a canonical column; a column without a value fulfils only `absent`."""

    column: Key
    op: Operator
    value: Scalar | tuple[Scalar, ...] | None = None

    @model_validator(mode="after")
    def _value_fits_the_operator(self) -> Self:
        if self.op in {Operator.PRESENT, Operator.ABSENT}:
            if self.value is not None:
                raise ValueError(f"`{self.op}` takes no value")
        elif self.op is Operator.IN:
            if not isinstance(self.value, tuple) or not self.value:
                raise ValueError("`in` takes a list with at least one value")
        elif self.value is None or isinstance(self.value, tuple):
            raise ValueError(f"`{self.op}` takes one value")
        return self


class Ages(Model):
    """Whole years, both ends included; null leaves an end open."""

    min: int | None = Field(default=None, ge=0, le=130)
    max: int | None = Field(default=None, ge=0, le=130)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError("`min` must not be above `max`")
        return self


class CategoryChoice(Model):
    """A retention category for the rows that fulfil every condition."""

    when: tuple[Condition, ...] = Field(min_length=1)
    category: Key
    trigger: Key | None = None
    """The canonical column whose date starts the clock; null: the contract's own."""


class ContractRetention(Model):
    """Which retention category a row belongs to, and the date that starts its clock."""

    category: Key
    trigger: Key
    category_by: tuple[CategoryChoice, ...] = ()
    """Tried in order; the first choice that fits wins, and `category` stands when none does."""


class Column(Model):
    """One column of a file."""

    name: Words
    """The header that stands in the file."""
    canonical: Key
    type: ColumnType
    required: bool = True
    """The header must be there."""
    nullable: bool = False
    data_class: DataClass
    sensitivity: Sensitivity
    purposes: tuple[Purpose, ...] = Field(min_length=1)
    codes: tuple[str, ...] = ()
    pattern: str | None = None
    nothing: tuple[Words, ...] = ()
    """Texts that say that nothing is known, whatever their case: read as an empty cell."""
    description: Words

    @model_validator(mode="after")
    def _codes_go_with_the_type(self) -> Self:
        if (self.type is ColumnType.CODE) != bool(self.codes):
            raise ValueError("`codes` goes with `type: code`, and only with it")
        if len(set(self.codes)) != len(self.codes):
            raise ValueError("`codes` must not repeat")
        return self

    @model_validator(mode="after")
    def _holds_no_picture(self) -> Self:
        if found := sorted(_PICTURES & {*self.name.lower().split("_"), *self.canonical.split("_")}):
            raise ValueError(f"expected words and numbers; pictures and binary data ({found[0]}) are not exchanged")
        return self

    @property
    def identity(self) -> bool:
        """True when the register has a column of its own for it."""
        return self.canonical in IDENTITY_COLUMNS


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
        canonicals = _unique(self.columns)
        timed = self.role in {Role.ADDRESSES, Role.EPISODES}
        if timed != (self.since is not None) or timed != (self.until is not None):
            raise wrong("since", "expected `since` and `until` with addresses and episodes, and only with them")
        if unknown := sorted({*self.key, PERSON, *filter(None, (self.since, self.until))} - canonicals):
            raise wrong("columns", f"expected columns for {', '.join(unknown)}")
        return self


PERSON = "record_ref"
"""Canonical column that names the person, in every table."""


def _unique(columns: tuple[Column, ...]) -> frozenset[str]:
    """The canonical names, each of which stands once, as does each header."""
    for what in ("name", "canonical"):
        names = [str(getattr(column, what)) for column in columns]
        for index, name in enumerate(names):
            if name in names[:index]:
                raise wrong(f"columns[{index}].{what}", f"expected each {what} once; {name} repeats")
    return frozenset(column.canonical for column in columns)


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
    columns: tuple[Column, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _columns_are_unique(self) -> Self:
        _unique(self.columns)
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
