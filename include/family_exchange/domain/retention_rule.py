"""How long one category of data may be kept: the part of a profile that the purge reads."""

from enum import StrEnum
from typing import Literal, Self

from pydantic import Field, model_validator

from family_exchange.domain.provenance import Key, Provenance, Status, Words


class Trigger(StrEnum):
    """The date that starts a retention clock."""

    RECORD_DATE = "record_date"
    """The date in the contract's trigger column, kept as `retain_from` of the source record."""
    DATE_OF_BIRTH = "date_of_birth"
    EVENT = "event"
    """The day of the rule's `event`, which a named person records."""
    RETURN_ACCEPTED = "return_accepted"
    FILE_CLOSED = "file_closed"
    FILE_QUARANTINED = "file_quarantined"
    ROW_STAGED = "row_staged"


class RetentionRule(Provenance):
    """How long one category is kept; the status is that of the period."""

    category: Key
    years: int | None = Field(default=None, ge=0, le=150)
    max_years: int | None = Field(default=None, ge=1, le=150)
    """The published upper end of a range: review after `years`, destroy after this."""
    days: int | None = Field(default=None, ge=0, le=3650)
    event: Key | None = None
    """The event that the period counts from, or that ends it when there is no period."""
    trigger: Trigger
    trigger_status: Status
    trigger_note: Words | None = None
    action: Literal["delete", "review", "anonymise"] = "delete"

    @model_validator(mode="after")
    def _period_is_whole(self) -> Self:
        if self.years is not None and self.days is not None:
            raise ValueError("give `years` or `days`, not both")
        if self.years is None and self.days is None and self.event is None:
            raise ValueError("give `years`, `days` or an `event`")
        if self.max_years is not None and (self.years is None or self.max_years <= self.years):
            raise ValueError("`max_years` goes with fewer `years`")
        if (self.trigger is Trigger.EVENT) != (self.event is not None):
            raise ValueError("`event` goes with `trigger: event`, and only with it")
        if self.trigger_status is Status.ASSUMED and self.trigger_note is None:
            raise ValueError("an assumed trigger needs a `trigger_note` that says why")
        return self
