"""One column of a file: how its cells are read, what it tells about somebody, and what it may be used for."""

from enum import StrEnum
from typing import Self

from pydantic import Field, model_validator

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


class ColumnType(StrEnum):
    """How a cell is read."""

    TEXT = "text"
    DATE = "date"
    INTEGER = "integer"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    CODE = "code"


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
    withheld_by: Key | None = None
    """Canonical column of a flag: in a row whose flag does not say N, nothing of this cell is kept."""
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


def withholding(columns: tuple[Column, ...], key: tuple[str, ...]) -> Column | None:
    """The flag that says in which rows cells must stay secret; None where no column is withheld.

    Whoever may not know an address may not know any part of it: with one column, all of its class are withheld.

    Raises:
        ValueError: the flag does not protect what it seems to protect.
    """
    named = {column.canonical: column for column in columns}
    flags = [flag for flag in dict.fromkeys(column.withheld_by for column in columns) if flag]
    if not flags:
        return None
    flag = named.get(flags[0])
    if len(flags) > 1 or flag is None or flag.type is not ColumnType.BOOLEAN or flag.withheld_by:
        raise wrong("columns", "expected one column of type boolean as `withheld_by`")
    classes = {column.data_class for column in columns if column.withheld_by}
    for index, column in enumerate(columns):
        if column.withheld_by and (not column.nullable or column.canonical in key):
            raise wrong(f"columns[{index}].withheld_by", "expected a column that may be empty and is not in the key")
        if column.withheld_by and flag.data_class not in {column.data_class, DataClass.REFERENCE}:
            raise wrong(f"columns[{index}].withheld_by", "expected a flag of the same class, lest it be dropped alone")
        if column is not flag and not column.withheld_by and column.data_class in classes:
            raise wrong(f"columns[{index}]", f"expected `withheld_by: {flag.canonical}`, as others of its class have")
    return flag


def each_once(columns: tuple[Column, ...]) -> frozenset[str]:
    """The canonical names, each of which stands once, as does each header."""
    for what in ("name", "canonical"):
        names = [str(getattr(column, what)) for column in columns]
        for index, name in enumerate(names):
            if name in names[:index]:
                raise wrong(f"columns[{index}].{what}", f"expected each {what} once; {name} repeats")
    return frozenset(column.canonical for column in columns)
