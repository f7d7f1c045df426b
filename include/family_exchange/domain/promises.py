"""The sections of a council's profile; each leaf says where it comes from."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from family_exchange.domain.agreed_calendar import FeedCalendar
from family_exchange.domain.column import DataClass, Purpose
from family_exchange.domain.contract import PartnerType
from family_exchange.domain.framework import FrameworkCode, Overrides
from family_exchange.domain.provenance import Key, Model, Promise, Provenance, Slug, Words
from family_exchange.domain.return_definition import PeriodRule
from family_exchange.domain.versions import AgreedVersion


class Identity(Model):
    """Which council it is."""

    slug: Slug
    name: Promise[Words]
    la_code: Promise[Annotated[str, StringConstraints(pattern=r"^[0-9]{3}$")]]


class Notice(Model):
    """The version of the privacy notice that the profile is taken from."""

    file: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]*\.txt$")]
    version: int = Field(ge=1)
    in_force_from: Promise[date]
    change_clause: Promise[bool] | None = None


class Label(Provenance):
    """What a thing is called in one span of time; `until` is the first day on which it no longer is."""

    value: Words
    valid_from: date | None = None
    until: date | None = None

    def holds_on(self, day: date) -> bool:
        """True when the label is in use on `day`."""
        return (self.valid_from is None or self.valid_from <= day) and (self.until is None or day < self.until)


class Labels(Model):
    """The council's own words for the things of the programme."""

    programme: tuple[Label, ...] = Field(min_length=1)
    department: tuple[Label, ...] = Field(min_length=1)
    sex: Label


class PurposePromise(Provenance):
    """One purpose that the notice gives for using the data."""

    purpose: Purpose
    identifiable: bool = True
    """False when the notice allows only anonymised data for it."""


class DataClassPromise(Provenance):
    """One class of data that the notice says is taken in."""

    data_class: DataClass


class Agreement(Provenance):
    """What council and partner signed; without it no feed is taken in."""

    reference: Words
    approved_by: Words
    approved_on: date
    expires_on: date
    notice_version: int = Field(ge=1)
    gateways: tuple[Words, ...] = Field(min_length=1)
    """The statutes that let the partner share."""

    @model_validator(mode="after")
    def _expires_after_approval(self) -> Self:
        if self.expires_on <= self.approved_on:
            raise ValueError("`expires_on` must be after `approved_on`")
        return self


class Partner(Provenance):
    """An organisation that sends files under an agreement."""

    slug: Slug
    name: Words
    type: PartnerType
    feeds: tuple[Key, ...] = Field(min_length=1)
    calendars: Mapping[Key, FeedCalendar] = Field(default_factory=dict)
    """By feed; each feed has one."""
    versions: Mapping[Key, tuple[AgreedVersion, ...]] = Field(default_factory=dict)
    """By feed: which versions of the contract it may send, and when; a feed that is not named may send every one."""
    agreement: Agreement

    @property
    def active_feeds(self) -> tuple[str, ...]:
        """The feeds that come, in the profile's order; left out is one of which its calendar says that it does not."""
        return tuple(feed for feed in self.feeds if feed not in self.calendars or self.calendars[feed].active)


class NamedPartner(Provenance):
    """An organisation that the notice names and that sends no feed yet."""

    type: PartnerType
    name: Words


class LegalBasis(Provenance):
    """The lawful basis of one group of purposes, as the notice cites it and as it must be read."""

    purposes: tuple[Purpose, ...] = Field(min_length=1)
    as_published: tuple[Promise[Words], ...] = ()
    article_6: tuple[Words, ...] = Field(min_length=1)
    article_9: tuple[Words, ...] = ()
    article_10: tuple[Words, ...] = ()


class Legal(Model):
    """The law that the council relies on."""

    bases: tuple[LegalBasis, ...] = Field(min_length=1)
    statutes: tuple[Promise[Words], ...] = ()
    consent: Promise[bool]
    mandatory: Promise[bool]
    """True when the flows serve an obligation of the council to deliver the national programme."""


class FrameworkChoice(Provenance):
    """Which framework decides for new families in one span of time, and how many distinct problems it takes."""

    code: FrameworkCode
    min_problems: int = Field(ge=1, le=10)
    valid_from: date | None = None
    until: date | None = None
    overrides: Overrides = Overrides()

    def holds_on(self, day: date) -> bool:
        """True when the choice is in force on `day`."""
        return (self.valid_from is None or self.valid_from <= day) and (self.until is None or day < self.until)


class FieldPromise(Provenance):
    """One field that the council's notice lets a return hold."""

    name: Key


class Periods(Provenance):
    """The periods of one council's return."""

    value: tuple[PeriodRule, ...] = Field(min_length=1)


class ReturnPromise(Model):
    """What one council sends as one return, and to whom."""

    enabled_leaf: Promise[bool] = Field(alias="enabled")
    recipient_leaf: Promise[Words] = Field(alias="recipient")
    comparison_leaf: Promise[bool] = Field(alias="comparison_group")
    sign_offs_leaf: Promise[Annotated[int, Field(ge=2, le=5)]] = Field(alias="sign_offs")
    periods_leaf: Periods = Field(alias="periods")
    due_leaf: Promise[Annotated[int, Field(ge=1, le=260)]] = Field(alias="due_working_days")
    field_leaves: tuple[FieldPromise, ...] = Field(alias="fields", min_length=1)

    @model_validator(mode="after")
    def _fields_do_not_repeat(self) -> Self:
        if twice := sorted({name for name in self.fields if self.fields.count(name) > 1}):
            raise ValueError(f"`fields` repeat {', '.join(twice)}")
        return self

    @property
    def enabled(self) -> bool:
        """True when the council makes this return."""
        return self.enabled_leaf.value

    @property
    def recipient(self) -> str:
        """The only organisation that the return may go to."""
        return self.recipient_leaf.value

    @property
    def fields(self) -> tuple[str, ...]:
        """The field names that the council's notice discloses."""
        return tuple(field.name for field in self.field_leaves)

    @property
    def comparison_group(self) -> bool:
        """True when families only assessed are sent too, marked as such."""
        return self.comparison_leaf.value

    @property
    def sign_offs(self) -> int:
        """How many different people must sign off."""
        return self.sign_offs_leaf.value

    @property
    def periods(self) -> tuple[PeriodRule, ...]:
        """The periods of a year."""
        return self.periods_leaf.value

    @property
    def due_working_days(self) -> int:
        """Working days after the period's last day."""
        return self.due_leaf.value


class Contact(Provenance):
    """Where people turn to; `current` is what to print when the published one has gone stale."""

    kind: Literal["questions", "requests", "data_protection", "complaints", "regulator", "further_information"]
    value: Words
    current: Words | None = None


class Rights(Model):
    """What a person can ask for; the law grants each of them where a notice is silent."""

    access: Promise[bool]
    rectification: Promise[bool]
    restriction: Promise[bool]
    objection: Promise[bool]
    objection_to_research: Promise[bool]
    complaint: Promise[bool]
    charge: Promise[Literal[False]]
    reply_within_months: Promise[int]
    automated_decisions: Promise[Literal[False]]


class LocalResearch(Model):
    """What the notice says of local research."""

    allowed: Promise[bool]
    may_reuse_nis_dataset: Promise[bool]
    include_not_invited: Promise[bool]


class NationalDataset(Provenance):
    """A body and the datasets that the trusted third party links with; the platform has no door to them."""

    body: Words
    datasets: tuple[Words, ...] = ()


class Access(Model):
    """Who may see what."""

    rule: Promise[Words]
    max_users: Promise[int] | None = None
    mfa: Promise[bool]
    case_system: Promise[Words] | None = None
