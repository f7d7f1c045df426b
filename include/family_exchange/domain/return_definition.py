"""What a return is made of: its fields, its measures, its checks, whom it covers and when it is due.

A definition says what a return may hold. What one council sends is the smaller list in its profile, because a return
never tells more than the council's own notice discloses.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from family_exchange.domain.column import DataClass, Purpose
from family_exchange.domain.provenance import Key, Model, Status, Words, wrong

MonthDay = Annotated[str, StringConstraints(pattern=r"^(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$")]
"""A day of any year, `MM-DD`."""
CheckCode = Annotated[str, StringConstraints(pattern=r"^[EQ][0-9]{2}$")]


class FieldType(StrEnum):
    """How a field is written."""

    TEXT = "text"
    DATE = "date"
    INTEGER = "integer"
    DECIMAL = "decimal"
    FLAG = "flag"
    CODE = "code"


class Cohort(StrEnum):
    """Whom a return covers."""

    SUPPORTED = "supported"
    """Every member of a family on the programme on any day of the period, and nobody else."""
    ASSESSED = "assessed"
    """The members of families on the programme, and of those only assessed where the notice says so."""


class Nulls(StrEnum):
    """What an empty or zero measure means; the three are never written alike."""

    NOT_COLLECTED = "not_collected"
    """No file covers the period, or the profile does not take the data class in."""
    NONE_RECORDED = "none_recorded"
    """A file covers the period and tells of nothing."""
    NOT_APPLICABLE = "not_applicable"
    """The measure does not concern this person, e.g. attendance of an adult."""


class ReturnField(Model):
    """One column of a return."""

    name: Key
    data_class: DataClass
    type: FieldType
    level: Literal["person", "family"] = "person"
    source: Key
    """The key that the assembly evaluates, e.g. `forenames`, `p1`, `sessions_possible`."""
    feeds: tuple[Key, ...] = ()
    """For a measure: the feeds without whose coverage the value is `not_collected`, never zero."""
    nulls: tuple[Nulls, ...] = ()
    """For a measure: the meanings that an empty value can have."""
    required: bool = False
    max_length: int | None = Field(default=None, ge=1)
    codes: tuple[str, ...] = ()
    status: Status = Status.ASSUMED
    note: Words | None = None
    description: Words

    @model_validator(mode="after")
    def _codes_and_nulls_fit(self) -> Self:
        if (self.type is FieldType.CODE) != bool(self.codes):
            raise ValueError("`codes` goes with `type: code`, and only with it")
        if bool(self.feeds) != bool(self.nulls):
            raise ValueError("a measure names both its `feeds` and its `nulls`; any other field neither")
        return self

    @property
    def measure(self) -> bool:
        """True when the value comes from feeds over the period."""
        return bool(self.feeds)


class ReturnCheck(Model):
    """One check of a return before sign-off: an error stops it, a query asks a person to look."""

    code: CheckCode
    fields: tuple[Key, ...] = ()
    """The fields that it looks at; a check without one of them in the council's field set is left out."""
    message: Words

    @property
    def severity(self) -> Literal["error", "query"]:
        """An `E` code is an error, a `Q` code a query."""
        return "error" if self.code.startswith("E") else "query"


class PeriodRule(Model):
    """One period of every year, e.g. `H2` from 1 October to 31 March of the next year."""

    code: Annotated[str, StringConstraints(pattern=r"^[A-Z][0-9]$")]
    start: MonthDay
    end: MonthDay
    """Last day, included; before `start` in the calendar when the period runs over the year's end."""


class Calendar(Model):
    """The periods of a year, and when a return is due."""

    periods: tuple[PeriodRule, ...] = Field(min_length=1)
    due_working_days: int = Field(ge=1, le=260)
    """Working days after the period's last day."""
    status: Status
    note: Words | None = None

    @model_validator(mode="after")
    def _codes_are_unique(self) -> Self:
        codes = [period.code for period in self.periods]
        if len(set(codes)) != len(codes):
            raise ValueError("`periods` repeat a code")
        return self


class ReturnDefinition(Model):
    """One kind of return."""

    code: Key
    version: int = Field(ge=1)
    title: Words
    purpose: Purpose
    """What the recipient has it for."""
    cohort: Cohort
    calendar: Calendar
    fields: tuple[ReturnField, ...] = Field(min_length=1)
    checks: tuple[ReturnCheck, ...] = ()

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        for what, names in (("fields", self.names), ("checks", tuple(check.code for check in self.checks))):
            for index, name in enumerate(names):
                if name in names[:index]:
                    raise wrong(f"{what}[{index}]", f"expected each of them once; {name} repeats")
        return self

    @model_validator(mode="after")
    def _checks_name_fields(self) -> Self:
        for index, check in enumerate(self.checks):
            if unknown := sorted(set(check.fields) - set(self.names)):
                raise wrong(f"checks[{index}].fields", f"expected fields of the return; it has no {', '.join(unknown)}")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """The field names in the order in which they are written."""
        return tuple(field.name for field in self.fields)

    def field(self, name: str) -> ReturnField:
        """The field of that name.

        Raises:
            KeyError: the return has no such field.
        """
        for field in self.fields:
            if field.name == name:
                return field
        raise KeyError(name)

    def in_order(self, names: Iterable[str]) -> tuple[ReturnField, ...]:
        """The named fields in the order in which the return writes them."""
        wanted = set(names)
        return tuple(field for field in self.fields if field.name in wanted)

    def checks_for(self, names: Iterable[str]) -> tuple[ReturnCheck, ...]:
        """The checks that can be made when only the named fields are sent."""
        sent = set(names)
        return tuple(check for check in self.checks if sent.issuperset(check.fields))
