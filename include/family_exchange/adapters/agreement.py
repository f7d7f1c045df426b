"""Whether a profile agrees with its notice and with the contracts, frameworks and returns that it names."""

from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass

from family_exchange.adapters import onward
from family_exchange.adapters.documents import BadFile, Document, Problem
from family_exchange.adapters.notices import Notices
from family_exchange.domain.agreed_calendar import Every
from family_exchange.domain.column import ColumnType, DataClass
from family_exchange.domain.condition import OF_A_DAY, Condition, Operator
from family_exchange.domain.contract import Contract
from family_exchange.domain.framework import Framework
from family_exchange.domain.indicator import Indicator, Sign
from family_exchange.domain.profile import CRIMINAL_OFFENCE, OPERATIONS, SPECIAL_CATEGORIES, Profile, leaves
from family_exchange.domain.provenance import Status
from family_exchange.domain.return_definition import ReturnDefinition

WHO_CLASSES = frozenset(
    {
        DataClass.NAME,
        DataClass.DATE_OF_BIRTH,
        DataClass.SEX,
        DataClass.ADDRESS,
        DataClass.FAMILY,
        DataClass.NHS_NUMBER,
        DataClass.NINO,
        DataClass.UPN,
        DataClass.POLICE_REFERENCE,
        DataClass.JUSTICE_REFERENCE,
        DataClass.ETHNICITY,
        DataClass.REFERENCE,
    }
)
"""Classes that say who somebody is; a feed that may keep nothing else has no reason to come."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """The other files, by what names them; asking for a broken one raises `BadFile`."""

    notices: Notices
    contract: Callable[[str], Contract]
    versions: Callable[[str], tuple[str, ...]]
    framework: Callable[[str], tuple[Document, Framework]]
    return_definition: Callable[[str], ReturnDefinition]


def of_profile(document: Document, profile: Profile, shelf: Shelf) -> list[Problem]:
    """What in the profile contradicts its name, its notice or a file that it names; nothing is left out."""
    problems = list(_sources(document, profile, shelf.notices))
    if not document.file.endswith(f"/{profile.council}.yaml"):
        problems.append(document.problem("identity.slug", "expected the name of the file"))
    for part in (_classes, _frameworks, _returns, _onward, _feeds, _calendars):
        try:
            problems.extend(part(document, profile, shelf))
        except BadFile as error:
            problems.extend(error.problems)
    return problems


def of_sources(document: Document, framework: Framework, notices: Notices) -> list[Problem]:
    """What in the framework names a notice line that does not exist."""
    return [
        document.problem(path, objection)
        for path, leaf in leaves(framework)
        if leaf.source is not None and (objection := notices.objection(leaf.source, leaf.quote))
    ]


def of_indicators(document: Document, framework: Framework, shelf: Shelf, feeds: Container[str]) -> list[Problem]:
    """What in the framework's indicators and signs on `feeds` names a feed, a column or a code that does not exist."""
    asked: list[tuple[str, Indicator | Sign]] = [
        (f"indicators[{index}]", indicator) for index, indicator in enumerate(framework.indicators)
    ]
    if framework.dependent_child is not None:
        asked += [(f"dependent_child.kept_by[{n}]", each) for n, each in enumerate(framework.dependent_child.kept_by)]
    if framework.expectant_parent is not None:
        shown = framework.expectant_parent.shown_by
        asked += [(f"expectant_parent.shown_by[{n}]", each) for n, each in enumerate(shown)]
    return [problem for path, each in asked if each.feed in feeds for problem in _asked(document, path, each, shelf)]


def can_be_told(asked: Indicator | Sign, profile: Profile, agreed: Mapping[str, Contract]) -> bool:
    """True when the council takes the feed that is asked, of it every column that is read, and what it tells.

    A nomination needs no feed.
    """
    tells = asked.tells if isinstance(asked, Indicator) else None
    if tells is not None and not profile.collects(tells):
        return False
    if asked.feed is None:
        return True
    contract = agreed.get(asked.feed)
    if contract is None or (isinstance(asked, Indicator) and asked.referral and not profile.direct_referral.value):
        return False
    return all(profile.collects(contract.column(column).data_class) for column in asked.columns)


def out_of_date(document: Document, profile: Profile, known: Mapping[str, str]) -> Iterator[Problem]:
    """The leaves whose words no longer hold, but for labels that say themselves until when they held."""
    for path, leaf in leaves(profile):
        if getattr(leaf, "until", None) is not None:
            continue
        words = " ".join(str(getattr(leaf, name, "")) for name in ("value", "quote"))
        for old, now in known.items():
            if old.casefold() in words.casefold():
                yield document.problem(path, f"`{old}` no longer holds; now: {now}")


def _sources(document: Document, profile: Profile, notices: Notices) -> Iterator[Problem]:
    own = profile.notice.file
    for path, leaf in leaves(profile):
        if leaf.source is None:
            continue
        if not leaf.source.startswith(f"{own}:"):
            yield document.problem(path, f"expected a line of the council's own notice, {own}")
        elif objection := notices.objection(leaf.source, leaf.quote):
            yield document.problem(path, objection)


def _classes(document: Document, profile: Profile, _shelf: Shelf) -> Iterator[Problem]:
    for index, each in enumerate(profile.data_classes):
        if each.data_class in SPECIAL_CATEGORIES | CRIMINAL_OFFENCE and each.status is Status.ASSUMED:
            yield document.problem(
                f"data_classes[{index}]",
                f"expected a line of the notice from which {each.data_class} follows; such data are not assumed",
            )


def _frameworks(document: Document, profile: Profile, shelf: Shelf) -> Iterator[Problem]:
    for index, choice in enumerate(profile.frameworks):
        path = f"frameworks[{index}]"
        source, framework = shelf.framework(choice.code)
        yield from of_indicators(source, framework, shelf, profile.feeds)
        if choice.min_problems > len(framework.problems):
            yield document.problem(f"{path}.min_problems", f"expected at most {len(framework.problems)}")
        try:
            framework.with_overrides(choice.overrides)
        except ValueError as error:
            yield document.problem(f"{path}.overrides", str(error))
        for number, indicator in enumerate(choice.overrides.indicators):
            yield from _asked(document, f"{path}.overrides.indicators[{number}]", indicator, shelf)


def _returns(document: Document, profile: Profile, shelf: Shelf) -> Iterator[Problem]:
    for code, promise in profile.returns.items():
        definition = shelf.return_definition(code)
        for index, name in enumerate(promise.fields):
            path = f"returns.{code}.fields[{index}]"
            if name not in definition.names:
                yield document.problem(path, f"expected one of {', '.join(definition.names)}; found an unknown field")
                continue
            data_class = definition.field(name).data_class
            if not profile.collects(data_class):
                yield document.problem(path, f"expected a field that the notice discloses; {data_class} is not")
        if missing := [
            field.name for field in definition.fields if field.required and field.name not in promise.fields
        ]:
            yield document.problem(f"returns.{code}.fields", f"expected {', '.join(missing)} among them")
        frameworks = [shelf.framework(choice.code)[1] for choice in profile.frameworks]
        for each in onward.told(profile, definition, shelf.contract, frameworks):
            yield document.problem(
                f"returns.{code}.fields[{each.index}]",
                f"expected no {each.field}, or an entry of `onward` that names {promise.recipient} and"
                f" {definition.purpose}: {each.feed} has a part in it, which the {each.law} protects",
            )


def _onward(document: Document, profile: Profile, shelf: Shelf) -> Iterator[Problem]:
    for index, each in enumerate(profile.onward):
        if each.feed not in profile.feeds:
            yield document.problem(f"onward[{index}].feed", "expected an agreed feed; nobody sends it")
        elif shelf.contract(each.feed).protected_by is None:
            yield document.problem(f"onward[{index}].feed", "expected a feed that a law of its own protects")


def _feeds(document: Document, profile: Profile, shelf: Shelf) -> Iterator[Problem]:
    covered = {rule.category for rule in profile.retention}
    for index, partner in enumerate(profile.partners):
        for number, feed in enumerate(partner.feeds):
            path = f"partners[{index}].feeds[{number}]"
            contract = shelf.contract(feed)
            if partner.type not in contract.partner_types:
                yield document.problem(path, f"expected a partner of type {', '.join(contract.partner_types)}")
            if not any(profile.allows(purpose) for purpose in contract.purposes):
                yield document.problem(path, "expected a feed that serves a purpose of the notice")
            if not any(profile.collects(c.data_class) for c in contract.columns if c.data_class not in WHO_CLASSES):
                yield document.problem(path, "expected a feed of which the notice discloses more than who somebody is")
            if uncovered := sorted(contract.categories - covered):
                yield document.problem("retention", f"expected a rule for {', '.join(uncovered)}, which {feed} needs")
        for feed, agreed in partner.versions.items():
            path = f"partners[{index}].versions.{feed}"
            if feed not in partner.feeds:
                yield document.problem(path, "expected a feed of the partner")
            elif unknown := sorted({each.version for each in agreed} - {*shelf.versions(feed)}):
                yield document.problem(path, f"expected versions that have a contract; not {', '.join(unknown)}")


def _calendars(document: Document, profile: Profile, _: Shelf) -> Iterator[Problem]:
    if OPERATIONS not in profile.mailboxes:
        yield document.problem("mailboxes", f"expected one called {OPERATIONS}, for what nobody else is told of")
    for index, partner in enumerate(profile.partners):
        path = f"partners[{index}].calendars"
        if missing := [feed for feed in partner.feeds if feed not in partner.calendars]:
            yield document.problem(path, f"expected a calendar of {', '.join(missing)}")
        for feed, calendar in partner.calendars.items():
            if feed not in partner.feeds:
                yield document.problem(f"{path}.{feed}", "expected a feed of this partner")
            if calendar.contact not in profile.mailboxes:
                known = ", ".join(profile.mailboxes) or "a mailbox"
                yield document.problem(f"{path}.{feed}.contact", f"expected one of `mailboxes`: {known}")
            if calendar.every is Every.TERM and profile.school_terms is None:
                yield document.problem(f"{path}.{feed}.every", "expected `school_terms`, by which terms are known")


def _asked(document: Document, path: str, asked: Indicator | Sign, shelf: Shelf) -> Iterator[Problem]:
    if asked.feed is None:
        return
    try:
        contract = shelf.contract(asked.feed)
    except BadFile as error:
        yield document.problem(f"{path}.feed", "expected a feed with a sound contract")
        yield from error.problems
        return
    if unknown := sorted(asked.columns - set(contract.canonicals)):
        yield document.problem(path, f"expected columns of {asked.feed}; it has no {', '.join(unknown)}")
        return
    if asked.columns and (asked.window_months or asked.ahead_months):
        yield from _dated(document, f"{path}.window_column", asked.window_column, contract)
    for index, condition in enumerate(asked.where):
        yield from _code(document, f"{path}.where[{index}]", condition, contract)


def _dated(document: Document, path: str, column: str, contract: Contract) -> Iterator[Problem]:
    if contract.column(column).type is not ColumnType.DATE:
        yield document.problem(path, f"expected a column of dates; {column} of {contract.feed} is none")


def _code(document: Document, path: str, condition: Condition, contract: Contract) -> Iterator[Problem]:
    column = contract.column(condition.column)
    if condition.op in OF_A_DAY:
        yield from _dated(document, f"{path}.column", condition.column, contract)
    if column.type is not ColumnType.CODE or condition.op not in {Operator.EQ, Operator.IN}:
        return
    values = condition.value if isinstance(condition.value, tuple) else (condition.value,)
    if any(value not in column.codes for value in values):
        yield document.problem(path, f"expected codes of {column.canonical}: {', '.join(column.codes)}")
