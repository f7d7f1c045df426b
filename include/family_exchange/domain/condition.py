"""What a row or a person must fulfil: comparisons of columns, and ages."""

from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Self

from pydantic import Field, model_validator

from family_exchange.domain.provenance import Key, Model


class Operator(StrEnum):
    """How a condition compares; `in` takes a list, and those of `WITHOUT_VALUE` take no value."""

    EQ = "eq"
    IN = "in"
    GE = "ge"
    GT = "gt"
    LE = "le"
    LT = "lt"
    PRESENT = "present"
    ABSENT = "absent"
    BEGUN = "begun"
    """A date that is known, and not after the day asked for."""
    OPEN = "open"
    """A date that is not known, or is after the day asked for."""
    AHEAD = "ahead"
    """A date that is known, and is after the day asked for."""


OF_A_DAY = frozenset({Operator.BEGUN, Operator.OPEN, Operator.AHEAD})
"""They ask how a date lies to the day asked for."""
WITHOUT_VALUE = OF_A_DAY | {Operator.PRESENT, Operator.ABSENT}


Scalar = bool | int | Decimal | date | str


class Condition(Model):
    """One comparison on a canonical column; a column without a value fulfils only `absent` and `open`."""

    column: Key
    op: Operator
    value: Scalar | tuple[Scalar, ...] | None = None

    @model_validator(mode="after")
    def _value_fits_the_operator(self) -> Self:
        if self.op in WITHOUT_VALUE:
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
