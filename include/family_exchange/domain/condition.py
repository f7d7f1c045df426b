"""What a row or a person must fulfil: comparisons of columns, and ages."""

from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Self

from pydantic import Field, model_validator

from family_exchange.domain.provenance import Key, Model


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
