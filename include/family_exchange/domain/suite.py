"""The rules of a feed: a Great Expectations suite as we read it, and the columns that its rules may speak of.

A suite speaks of a file's columns by their header, as text, and of columns made from them: what a cell means
(`<column>__value`: a date, a number, a normal form, an agreed code), whether it means anything (`<column>__valid`),
whether anything stands there (`<column>__given`) and sums, or texts in a row (`meta.derived`). Anybody can run the
suite with plain Great Expectations on such a frame and gets the same answer.
"""

import re
from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from family_exchange.domain.column import Column, ColumnType
from family_exchange.domain.contract import Contract, Version
from family_exchange.domain.findings import Severity
from family_exchange.domain.identifiers import Kind
from family_exchange.domain.provenance import Key, Model, Words

VALUE, VALID, PERMANENT, GIVEN = "__value", "__valid", "__permanent", "__given"
AS_OF, LATEST_BIRTH = "file__as_of", "file__latest_birth"
"""The file's own date in every row, and the latest day on which a child may be expected that is known by then."""

_NOT_EVERYWHERE = re.compile(r"\((?!\?:)|\\[1-9bBdDsSwW]")
"""Look-around, back-references, flags and Unicode classes: engines differ in them. GX warns of groups that capture."""


class ExpectationType(StrEnum):
    """The expectations that a suite may use; each means here exactly what it means in Great Expectations."""

    NOT_NULL = "expect_column_values_to_not_be_null"
    IN_SET = "expect_column_values_to_be_in_set"
    MATCH = "expect_column_values_to_match_regex"
    NOT_MATCH = "expect_column_values_to_not_match_regex"
    LENGTH = "expect_column_value_lengths_to_be_between"
    BETWEEN = "expect_column_values_to_be_between"
    NOT_BEFORE = "expect_column_pair_values_a_to_be_greater_than_b"
    PAIR = "expect_column_pair_values_to_be_in_set"
    UNIQUE = "expect_column_values_to_be_unique"
    UNIQUE_TOGETHER = "expect_compound_columns_to_be_unique"
    ROW_COUNT = "expect_table_row_count_to_be_between"
    COLUMN_SET = "expect_table_columns_to_match_set"

    @property
    def of_the_table(self) -> bool:
        """True when it judges the file as a whole and names no row."""
        return self in {ExpectationType.ROW_COUNT, ExpectationType.COLUMN_SET}


_BOUNDS = frozenset({"min_value", "max_value"})
_ARGUMENTS: Mapping[ExpectationType, tuple[frozenset[str], frozenset[str]]] = MappingProxyType(
    {
        ExpectationType.NOT_NULL: (frozenset({"column"}), frozenset()),
        ExpectationType.IN_SET: (frozenset({"column", "value_set"}), frozenset()),
        ExpectationType.MATCH: (frozenset({"column", "regex"}), frozenset()),
        ExpectationType.NOT_MATCH: (frozenset({"column", "regex"}), frozenset()),
        ExpectationType.LENGTH: (frozenset({"column"}), _BOUNDS),
        ExpectationType.BETWEEN: (frozenset({"column"}), _BOUNDS),
        ExpectationType.NOT_BEFORE: (frozenset({"column_A", "column_B", "or_equal", "ignore_row_if"}), frozenset()),
        ExpectationType.PAIR: (frozenset({"column_A", "column_B", "value_pairs_set", "ignore_row_if"}), frozenset()),
        ExpectationType.UNIQUE: (frozenset({"column"}), frozenset()),
        ExpectationType.UNIQUE_TOGETHER: (frozenset({"column_list", "ignore_row_if"}), frozenset()),
        ExpectationType.ROW_COUNT: (frozenset(), _BOUNDS),
        ExpectationType.COLUMN_SET: (frozenset({"column_set", "exact_match"}), frozenset()),
    }
)
"""What each must and may be given."""

Bound = Annotated[int | float | date, Field(union_mode="left_to_right")]
Header = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]


class Arguments(Model):
    """The `kwargs` of an expectation, by their names in Great Expectations."""

    model_config = ConfigDict(validate_by_name=False, validate_by_alias=True)

    column: Header | None = None
    column_a: Header | None = Field(default=None, alias="column_A")
    column_b: Header | None = Field(default=None, alias="column_B")
    column_list: tuple[Header, ...] | None = Field(default=None, min_length=2)
    column_set: tuple[Header, ...] | None = None
    value_set: tuple[bool | str, ...] | None = Field(default=None, min_length=1)
    value_pairs_set: tuple[tuple[bool | str, bool | str], ...] | None = Field(default=None, min_length=1)
    regex: str | None = None
    min_value: Bound | None = None
    max_value: Bound | None = None
    or_equal: Literal[True] | None = None
    ignore_row_if: Literal["either_value_is_missing", "any_value_is_missing"] | None = None
    exact_match: Literal[False] | None = None

    @model_validator(mode="after")
    def _regex_means_the_same_everywhere(self) -> Self:
        if self.regex is not None:
            if found := _NOT_EVERYWHERE.search(self.regex):
                raise ValueError(f"expected a regex without \\d \\w \\s and groups but (?:…); it has {found[0]}")
            try:
                re.compile(self.regex)
            except re.error as error:
                raise ValueError(f"expected a regular expression; {error.msg}") from None
        return self

    @property
    def given(self) -> frozenset[str]:
        """The names of the arguments that stand in the file."""
        return frozenset(type(self).model_fields[name].alias or name for name in self.model_fields_set)

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that the expectation reads, made ones included."""
        single = (self.column, self.column_a, self.column_b)
        return (*(name for name in single if name), *(self.column_list or ()), *(self.column_set or ()))


class Meta(Model):
    """What a rule says to people."""

    rule: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2,4}-[0-9]{3}$")]
    severity: Literal[Severity.ERROR, Severity.WARNING]
    column: Header | None = None
    """The file's column that the partner must look at; null: several, or the whole file."""
    action: Literal["drop_identifier"] | None = None
    """`drop_identifier`: the row stays and its `column` is left empty."""
    message: Words
    """What the partner should do, in plain words."""
    source: Words


class Expectation(Model):
    """One rule."""

    type: ExpectationType
    kwargs: Arguments
    severity: Literal["critical", "warning"]
    meta: Meta

    @model_validator(mode="after")
    def _arguments_fit(self) -> Self:
        must, may = _ARGUMENTS[self.type]
        if missing := sorted(must - self.kwargs.given):
            raise ValueError(f"expected kwargs {', '.join(missing)} for {self.type}")
        if extra := sorted(self.kwargs.given - must - may):
            raise ValueError(f"expected no kwargs {', '.join(extra)} for {self.type}")
        ignored = "any" if self.type is ExpectationType.UNIQUE_TOGETHER else "either"
        if self.kwargs.ignore_row_if and not self.kwargs.ignore_row_if.startswith(ignored):
            raise ValueError(f"expected ignore_row_if {ignored}_value_is_missing for {self.type}")
        if may and not self.kwargs.given & may:
            raise ValueError(f"expected {' or '.join(sorted(may))} for {self.type}")
        return self

    @model_validator(mode="after")
    def _severity_is_said_once(self) -> Self:
        if (self.severity == "critical") != (self.meta.severity is Severity.ERROR):
            raise ValueError("expected severity critical with meta.severity error, or warning with warning")
        if self.meta.action and (self.meta.severity is not Severity.WARNING or not self.meta.column):
            raise ValueError("expected meta.action only with meta.severity warning and a meta.column")
        return self

    def narrowed(self, gone: frozenset[str]) -> "Expectation":
        """The rule without these columns in the set that a table must have."""
        if self.kwargs.column_set is None:
            return self
        kept = tuple(name for name in self.kwargs.column_set if name not in gone)
        return self.model_copy(update={"kwargs": self.kwargs.model_copy(update={"column_set": kept})})


class SuiteMeta(Model):
    """Which contract the suite belongs to, and the sums that its rules compare."""

    feed: Key
    version: Version
    table: Key | None = None
    """The table of a bundle; null: the contract has one table."""
    great_expectations_version: str
    derived: Mapping[Header, tuple[Header, ...]] = Field(default_factory=dict)
    """`made column → columns whose values are added`: numbers, flags (Y counts 1), or texts, put in a row.

    Without a value in one of them there is nothing.
    """


class Suite(Model):
    """Every rule of one version of a feed."""

    name: Words
    id: None = None
    notes: None = None
    expectations: tuple[Expectation, ...] = Field(min_length=1)
    meta: SuiteMeta

    @model_validator(mode="after")
    def _rules_are_told_apart(self) -> Self:
        codes = [expectation.meta.rule for expectation in self.expectations]
        if twice := sorted({code for code in codes if codes.count(code) > 1}):
            raise ValueError(f"expected each rule code once; {', '.join(twice)} repeats")
        return self

    @property
    def row_rules(self) -> tuple[Expectation, ...]:
        """The rules that name rows, in order."""
        return tuple(each for each in self.expectations if not each.type.of_the_table)

    @property
    def table_rules(self) -> tuple[Expectation, ...]:
        """The rules that judge the file as a whole, in order."""
        return tuple(each for each in self.expectations if each.type.of_the_table)

    @property
    def reads(self) -> frozenset[str]:
        """Every column that a rule reads, made ones included."""
        return frozenset(name for each in self.row_rules for name in each.kwargs.columns)

    @property
    def messages(self) -> dict[str, str]:
        """`rule → what to do`, in order."""
        return {each.meta.rule: each.meta.message for each in self.expectations}

    def without(self, headers: frozenset[str], contract: Contract) -> "Suite":
        """The suite for a council that does not take these columns in: rules that read one of them are left out."""
        gone = headers.union(*(made_from(column) for column in contract.columns if column.name in headers))
        gone |= {made for made, parts in self.meta.derived.items() if gone & {*parts}}
        kept = (each for each in self.expectations if each.type.of_the_table or not gone & {*each.kwargs.columns})
        return self.model_copy(update={"expectations": tuple(each.narrowed(gone) for each in kept)})


def kind(column: Column) -> Kind | None:
    """Which identifier the column holds, if any."""
    return Kind(column.canonical) if column.canonical in set(Kind) else None


def has_value(column: Column) -> bool:
    """True when a cell of the column means something other than its text."""
    return kind(column) is not None or column.type not in {ColumnType.TEXT, ColumnType.CODE}


def known_columns(contract: Contract, suite: Suite) -> frozenset[str]:
    """Every column that a rule of the contract's suite may read."""
    names = {*contract.headers, *suite.meta.derived, AS_OF, LATEST_BIRTH}
    for column in contract.columns:
        names.update(made_from(column))
    return frozenset(names)


def made_from(column: Column) -> tuple[str, ...]:
    """The columns that are made from this one; `GIVEN`, and `VALUE` of a code, only where a rule reads it."""
    made = [GIVEN]
    if has_value(column) or column.type is ColumnType.CODE:
        made.append(VALUE)
    if has_value(column):
        made.append(VALID)
    if kind(column) is Kind.UPN:
        made.append(PERMANENT)
    return tuple(column.name + each for each in made)
