"""One council, as data: what its notice promises, and what the platform therefore does and leaves undone."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Literal, Self

from pydantic import BaseModel, Field, model_validator

from family_exchange.domain.agreed_calendar import Mailbox, SchoolTerms
from family_exchange.domain.column import DataClass, Purpose
from family_exchange.domain.errors import NeedsDecision
from family_exchange.domain.onward import Onward
from family_exchange.domain.promises import (
    Access,
    Contact,
    DataClassPromise,
    FrameworkChoice,
    Identity,
    Labels,
    Legal,
    LegalBasis,
    LocalResearch,
    NamedPartner,
    NationalDataset,
    Notice,
    Partner,
    PurposePromise,
    ReturnPromise,
    Rights,
)
from family_exchange.domain.provenance import Key, Model, Promise, Provenance, Status, wrong
from family_exchange.domain.register_rules import Matching, RegisterRules
from family_exchange.domain.retention_rule import RetentionRule

OWN_CATEGORIES = frozenset({"nis_return", "fpd_return", "partner_file", "quarantined_file", "staged_file"})
"""Retention categories of what the platform itself makes; every profile has a rule for each."""
SPECIAL_CATEGORIES = frozenset(
    {DataClass.ETHNICITY, DataClass.HEALTH, DataClass.MENTAL_HEALTH, DataClass.SUBSTANCE_MISUSE}
)
"""UK GDPR Article 9: taken in only where a basis names an Article 9 condition."""
CRIMINAL_OFFENCE = frozenset({DataClass.CRIME_ASB, DataClass.POLICE_REFERENCE, DataClass.JUSTICE_REFERENCE})
"""UK GDPR Article 10: taken in only where a basis names an Article 10 condition."""

PROGRAMME = "programme"
"""The mailbox for what concerns the families on the programme; a council without it has operations told."""
OPERATIONS = "operations"
"""The mailbox for what concerns nobody but those who run the exchange."""


class Profile(Model):
    """A council's profile; reading it again gives an equal value."""

    identity: Identity
    demo_default: bool = False
    """True for the one council that the demo takes when nobody names another."""
    notice: Notice
    labels: Labels
    purposes: tuple[PurposePromise, ...] = Field(min_length=1)
    data_classes: tuple[DataClassPromise, ...] = Field(min_length=1)
    partners: tuple[Partner, ...] = ()
    named_partners: tuple[NamedPartner, ...] = ()
    partners_exhaustive: Promise[bool]
    legal: Legal
    frameworks: tuple[FrameworkChoice, ...] = Field(min_length=1)
    criteria_published: Promise[bool]
    direct_referral: Promise[bool]
    lead_worker: Promise[bool]
    claim_model: Promise[Literal["pbr", "earned_autonomy", "devolved", "none"]]
    matching: Matching
    choosing: RegisterRules = Field(alias="register", default_factory=RegisterRules)
    returns: Mapping[Key, ReturnPromise]
    onward: tuple[Onward, ...] = ()
    """Where what protected feeds tell may go; without an entry it stays."""
    national_datasets: tuple[NationalDataset, ...] = ()
    local_research: LocalResearch
    retention: tuple[RetentionRule, ...] = Field(min_length=1)
    rights: Rights
    contacts: tuple[Contact, ...] = Field(min_length=1)
    mailboxes: Mapping[Key, Mailbox] = Field(default_factory=dict)
    """Where the platform writes to people of the council."""
    school_terms: SchoolTerms | None = None
    statistics_preset: Promise[Literal["dfe_cin", "nhs_hes", "ons_10_5", "srs_10", "exclusions_1_2"]]
    uk_only: Promise[Literal[True]]
    access: Access

    @model_validator(mode="after")
    def _lists_do_not_repeat(self) -> Self:
        lists: dict[str, list[str]] = {
            "purposes": [each.purpose for each in self.purposes],
            "data_classes": [each.data_class for each in self.data_classes],
            "partners": [each.slug for each in self.partners],
            "retention": [each.category for each in self.retention],
        }
        for key, codes in lists.items():
            for index, code in enumerate(codes):
                if code in codes[:index]:
                    raise wrong(f"{key}[{index}]", f"expected each of them once; {code} repeats")
        return self

    @model_validator(mode="after")
    def _only_what_comes_is_trusted(self) -> Self:
        for attribute, rule in self.choosing.precedence.items():
            if unknown := sorted({*rule.sources} - {*self.feeds}):
                key = f"register.precedence.{attribute}.sources"
                raise wrong(key, f"expected agreed feeds; nobody sends {', '.join(unknown)}")
        return self

    @model_validator(mode="after")
    def _own_categories_have_rules(self) -> Self:
        if missing := sorted(OWN_CATEGORIES - {rule.category for rule in self.retention}):
            raise wrong("retention", f"expected a rule for {', '.join(missing)}")
        return self

    @model_validator(mode="after")
    def _data_have_their_lawful_basis(self) -> Self:
        for conditions, classes in (("article_9", SPECIAL_CATEGORIES), ("article_10", CRIMINAL_OFFENCE)):
            collected = sorted(classes & self._collected)
            if collected and not any(getattr(basis, conditions) for basis in self.legal.bases):
                raise wrong("legal.bases", f"expected an `{conditions}`, which {', '.join(collected)} need")
        based = {purpose for basis in self.legal.bases for purpose in basis.purposes}
        if without := sorted({each.purpose for each in self.purposes} - based):
            raise wrong("legal.bases", f"expected a basis for the purposes {', '.join(without)}")
        return self

    @model_validator(mode="after")
    def _people_can_be_reached(self) -> Self:
        for kind in ("data_protection", "regulator"):
            if self.contact(kind) is None:
                raise wrong("contacts", f"expected one of the kind {kind}")
        return self

    @model_validator(mode="after")
    def _agreements_follow_the_notice(self) -> Self:
        for index, partner in enumerate(self.partners):
            if partner.agreement.notice_version != self.notice.version:
                key = f"partners[{index}].agreement.notice_version"
                raise wrong(key, f"expected {self.notice.version}, the version of the notice in force")
        return self

    @property
    def council(self) -> str:
        """The council's slug, which is also its file's name."""
        return self.identity.slug

    @property
    def name(self) -> str:
        """The council's name for people."""
        return self.identity.name.value

    @property
    def la_code(self) -> str:
        """The three-digit code of the local authority."""
        return self.identity.la_code.value

    @property
    def programme(self) -> str:
        """What the council calls its programme."""
        return self.labels.programme[0].value

    @property
    def feeds(self) -> tuple[str, ...]:
        """The feeds that are agreed with some partner, sorted."""
        return tuple(sorted({feed for partner in self.partners for feed in partner.feeds}))

    @property
    def active_feeds(self) -> tuple[str, ...]:
        """The feeds that some partner sends, sorted; what is agreed but not connected is left out."""
        return tuple(sorted({feed for partner in self.partners for feed in partner.active_feeds}))

    @property
    def active_partners(self) -> tuple[Partner, ...]:
        """The partners that send at least one feed, in the profile's order."""
        return tuple(partner for partner in self.partners if partner.active_feeds)

    @property
    def _collected(self) -> frozenset[DataClass]:
        return frozenset(promise.data_class for promise in self.data_classes)

    def department_on(self, day: date) -> str:
        """What the sponsoring department is called on `day`."""
        return next(
            (label.value for label in self.labels.department if label.holds_on(day)),
            self.labels.department[-1].value,
        )

    def partner(self, slug: str) -> Partner:
        """The partner of that slug.

        Raises:
            NeedsDecision: the council has no agreement with it.
        """
        for partner in self.partners:
            if partner.slug == slug:
                return partner
        raise NeedsDecision(f"council {self.council} has no partner {slug}")

    def partners_for(self, feed: str) -> tuple[Partner, ...]:
        """The partners that send `feed`, in the profile's order."""
        return tuple(partner for partner in self.partners if feed in partner.active_feeds)

    def collects(self, data_class: str) -> bool:
        """True when the notice says that this class of data is taken in; references always are."""
        return data_class == DataClass.REFERENCE or data_class in self._collected

    def goes_on(self, feed: str, recipient: str, purpose: Purpose) -> bool:
        """True when what a protected feed tells may leave for that recipient and that purpose."""
        return any((each.feed, each.recipient, each.purpose) == (feed, recipient, purpose) for each in self.onward)

    def allows(self, purpose: str) -> bool:
        """True when the notice gives `purpose` as a reason to use the data."""
        return any(promise.purpose == purpose for promise in self.purposes)

    def basis_for(self, purpose: str) -> LegalBasis:
        """The lawful basis of `purpose`.

        Raises:
            NeedsDecision: the profile names none; nothing may run for that purpose.
        """
        for basis in self.legal.bases:
            if purpose in basis.purposes:
                return basis
        raise NeedsDecision(f"council {self.council} has no lawful basis for the purpose {purpose}")

    def framework_on(self, day: date) -> FrameworkChoice:
        """The framework that decides for families assessed on `day`.

        Raises:
            NeedsDecision: the profile chooses none for that day.
        """
        for choice in self.frameworks:
            if choice.holds_on(day):
                return choice
        raise NeedsDecision(f"council {self.council} chooses no framework for {day.isoformat()}")

    def retention_rule(self, category: str) -> RetentionRule:
        """The retention rule of `category`.

        Raises:
            NeedsDecision: the profile has none, so nothing of that category may be destroyed or taken in.
        """
        for rule in self.retention:
            if rule.category == category:
                return rule
        raise NeedsDecision(f"council {self.council} has no retention rule for {category}")

    def contact(self, kind: str) -> Contact | None:
        """The contact of that kind; None when the notice names none."""
        return next((contact for contact in self.contacts if contact.kind == kind), None)


def leaves(model: BaseModel, path: str = "") -> Iterator[tuple[str, Provenance]]:
    """Every leaf of `model` that says where it comes from, with its key path as the file writes it."""
    if isinstance(model, Provenance):
        yield path, model
    for name, field in type(model).model_fields.items():
        yield from _within(getattr(model, name), f"{path}.{field.alias or name}".lstrip("."))


def _within(value: object, path: str) -> Iterator[tuple[str, Provenance]]:
    if isinstance(value, BaseModel):
        yield from leaves(value, path)
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from _within(item, f"{path}[{index}]")
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _within(item, f"{path}.{key}")


def assumed(profile: Profile) -> tuple[str, ...]:
    """The key paths of what nobody has published and the council's owner must confirm, in file order."""
    paths = [path for path, leaf in leaves(profile) if leaf.status is Status.ASSUMED]
    triggers = [
        f"retention[{index}].trigger"
        for index, rule in enumerate(profile.retention)
        if rule.trigger_status is Status.ASSUMED
    ]
    return (*paths, *triggers)
