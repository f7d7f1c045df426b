"""Profiles, contracts, frameworks and returns, read from `include/` and checked against one another.

Reading one council never stops another: each function raises for the files that it needs, and `check` goes through all.
"""

from collections.abc import Callable, Iterator
from datetime import date
from functools import cache, partial
from pathlib import Path
from typing import TypeVar, cast

from pydantic import BaseModel, Field

from family_exchange.adapters import agreement, places
from family_exchange.adapters.documents import BadFile, Document, Problem, parsed, read
from family_exchange.adapters.notices import Notices
from family_exchange.domain.contract import Contract
from family_exchange.domain.drift import Drift
from family_exchange.domain.errors import NeedsDecision
from family_exchange.domain.framework import Framework
from family_exchange.domain.profile import Profile, assumed
from family_exchange.domain.provenance import Model, Words
from family_exchange.domain.return_definition import ReturnDefinition
from family_exchange.domain.versions import newest_last

__all__ = [
    "BadFile",
    "Problem",
    "advice",
    "assumed",
    "check",
    "contract",
    "councils",
    "demo_council",
    "drift",
    "feeds",
    "framework",
    "framework_codes",
    "framework_in_force",
    "profile",
    "return_codes",
    "return_definition",
    "versions",
]

ROOT = places.DATA
"""What people outside agree: data, not code."""

M = TypeVar("M", bound=BaseModel)


class OutOfDate(Model):
    """Words that no longer hold, and what holds now."""

    words: Words
    now: Words


class Advice(Model):
    """What a profile is warned about: repealed law, contacts that went stale."""

    out_of_date: tuple[OutOfDate, ...] = Field(min_length=1)


def councils(*, root: Path = ROOT) -> tuple[str, ...]:
    """The slugs of all councils that have a profile, sorted; a broken profile is named too."""
    return _stems(root / "councils")


def framework_codes(*, root: Path = ROOT) -> tuple[str, ...]:
    """The codes of all frameworks, sorted."""
    return _stems(root / "frameworks")


def return_codes(*, root: Path = ROOT) -> tuple[str, ...]:
    """The codes of all returns, sorted."""
    return _stems(root / "returns")


def feeds(*, root: Path = ROOT) -> tuple[str, ...]:
    """The feeds that have a contract, sorted."""
    return tuple(sorted({path.parent.name for path in (root / "contracts").glob("*/v*.yaml")}))


def versions(feed: str, *, root: Path = ROOT) -> tuple[str, ...]:
    """The versions of the feed that have a contract, oldest first; a broken one is named too."""
    return newest_last(_stems(root / "contracts" / feed))


def profile(council: str, *, root: Path = ROOT) -> Profile:
    """The profile of `council`, whole and in agreement with its notice and with the files that it names.

    Raises:
        BadFile: the profile, or a file that it names, has a mistake.
    """
    document, model = _loaded(root, f"councils/{council}.yaml", Profile)
    if problems := agreement.of_profile(document, model, _shelf(root)):
        raise BadFile(sorted(problems))
    return model


def contract(feed: str, version: str = "v1", *, root: Path = ROOT) -> Contract:
    """The agreed layout of `feed`.

    Raises:
        BadFile: there is no such contract, or it has a mistake.
    """
    document, model = _loaded(root, f"contracts/{feed}/{version}.yaml", Contract)
    if (model.feed, model.version) != (feed, version):
        raise BadFile([document.problem("feed", f"expected feed {feed} and version {version}, as the path says")])
    return model


def drift(*, root: Path = ROOT) -> Drift:
    """How much a file may differ from its partner's earlier ones.

    Raises:
        BadFile: `drift.yaml` has a mistake, or names a feed or a header that no contract has.
    """
    document, model = _loaded(root, "drift.yaml", Drift)
    problems = []
    for feed, own in model.feeds.items():
        headers = {header for version in versions(feed, root=root) for header in _headers(feed, version, root)}
        if not headers:
            problems.append(document.problem(f"feeds.{feed}", "expected a feed that has a contract"))
        elif unknown := sorted((own.leave_out or frozenset()) - headers):
            problems.append(document.problem(f"feeds.{feed}.leave_out", f"expected headers; not {', '.join(unknown)}"))
    if problems:
        raise BadFile(sorted(problems))
    return model


def framework(code: str, *, root: Path = ROOT) -> Framework:
    """The framework of that code, as its programme published it.

    Raises:
        BadFile: there is no such framework, or it has a mistake.
    """
    return _framework(code, root)[1]


def framework_in_force(council: Profile, day: date, *, root: Path = ROOT) -> Framework:
    """The framework that decides for `council` on `day`, as the council applies it.

    It carries the council's own threshold and changes. An indicator on what the council does not take in stands under
    `without_feed`: its problem is unknown there, never absent.

    Raises:
        NeedsDecision: the profile chooses none for that day.
    """
    choice = council.framework_on(day)
    chosen = framework(choice.code, root=root).with_overrides(choice.overrides)
    agreed = {feed: contract(feed, root=root) for feed in council.active_feeds}
    limited = chosen.limited_to(lambda indicator: agreement.can_be_told(indicator, council, agreed))
    return limited.model_copy(update={"min_problems": choice.min_problems})


def return_definition(code: str, *, root: Path = ROOT) -> ReturnDefinition:
    """The return of that code.

    Raises:
        BadFile: there is no such return, or its file has a mistake.
    """
    document, model = _loaded(root, f"returns/{code}.yaml", ReturnDefinition)
    if model.code != code:
        raise BadFile([document.problem("code", f"expected {code}, as the file is called")])
    return model


def demo_council(*, root: Path = ROOT) -> str:
    """The council that the demo takes when nobody names one.

    Raises:
        NeedsDecision: no readable profile says `demo_default: true`.
    """
    for council in councils(root=root):
        try:
            _, model = _loaded(root, f"councils/{council}.yaml", Profile)
        except BadFile:
            continue
        if model.demo_default:
            return council
    raise NeedsDecision("no profile says `demo_default: true`; name a council with --council")


def check(council: str | None = None, *, root: Path = ROOT) -> list[Problem]:
    """Every mistake in the shared files and in the profile of `council`, or of every council; empty: all is well."""
    found: set[Problem] = set()
    for load in _loads(council, root):
        try:
            load()
        except BadFile as error:
            found.update(error.problems)
    return sorted(found)


def advice(council: str, *, root: Path = ROOT) -> list[Problem]:
    """What in a sound profile deserves a look: repealed law, stale contacts, with what holds now.

    Raises:
        BadFile: the profile or `advice.yaml` has a mistake.
    """
    document, model = _loaded(root, f"councils/{council}.yaml", Profile)
    _, known = _loaded(root, "advice.yaml", Advice)
    return sorted(agreement.out_of_date(document, model, {each.words: each.now for each in known.out_of_date}))


def _loads(council: str | None, root: Path) -> Iterator[Callable[[], object]]:
    yield partial(_loaded, root, "advice.yaml", Advice)
    yield partial(drift, root=root)
    for path in sorted((root / "contracts").glob("*/v*.yaml")):
        yield partial(contract, path.parent.name, path.stem, root=root)
    yield from (partial(_framework_on_its_feeds, code, root) for code in framework_codes(root=root))
    yield from (partial(return_definition, code, root=root) for code in return_codes(root=root))
    yield from (partial(profile, each, root=root) for each in ([council] if council else councils(root=root)))


def _framework(code: str, root: Path) -> tuple[Document, Framework]:
    document, model = _loaded(root, f"frameworks/{code}.yaml", Framework)
    problems = agreement.of_sources(document, model, Notices(root / "notices"))
    if model.code != code:
        problems.append(document.problem("code", f"expected {code}, as the file is called"))
    if problems:
        raise BadFile(sorted(problems))
    return document, model


def _framework_on_its_feeds(code: str, root: Path) -> None:
    document, model = _framework(code, root)
    every_feed = model.feeds | {sign.feed for sign in model.signs}
    if problems := agreement.of_indicators(document, model, _shelf(root), every_feed):
        raise BadFile(sorted(problems))


def _headers(feed: str, version: str, root: Path) -> Iterator[str]:
    """The headers of one contract, of its tables too."""
    agreed = contract(feed, version, root=root)
    yield from agreed.headers
    for table in agreed.tables:
        yield from (column.name for column in table.columns)


def _stems(folder: Path) -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in folder.glob("*.yaml")))


def _shelf(root: Path) -> agreement.Shelf:
    return agreement.Shelf(
        notices=Notices(root / "notices"),
        contract=lambda feed: contract(feed, root=root),
        versions=lambda feed: versions(feed, root=root),
        framework=lambda code: _framework(code, root),
        return_definition=lambda code: return_definition(code, root=root),
    )


def _loaded(root: Path, name: str, model: type[M]) -> tuple[Document, M]:
    path = root / name
    changed = path.stat().st_mtime_ns if path.exists() else 0
    return cast("tuple[Document, M]", _kept(path, name, model, changed))  # a cache forgets its type variables


@cache
def _kept(path: Path, name: str, model: type[BaseModel], _changed: int) -> tuple[Document, BaseModel]:
    document = read(path, name)
    return document, parsed(document, model)
