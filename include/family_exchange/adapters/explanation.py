"""Why a family is proposed, as it was known when it was: rules in words, records by where they stand, nobody's name."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from family_exchange.adapters import evidence, memory, profiles
from family_exchange.adapters.database import Connection
from family_exchange.adapters.evidence import Layouts
from family_exchange.adapters.indicators import Moment
from family_exchange.adapters.reading import Notes
from family_exchange.domain import eligibility, ids
from family_exchange.domain.errors import NeedsDecision
from family_exchange.domain.family import Role
from family_exchange.domain.framework import Framework
from family_exchange.domain.indicator import Indicator, Route
from family_exchange.domain.person import age_on
from family_exchange.domain.problem import Subject
from family_exchange.domain.profile import Profile
from family_exchange.domain.provenance import Provenance, Status
from family_exchange.domain.register_rules import Attribute


@dataclass(frozen=True, slots=True)
class Found:
    """One thing that evidences a problem."""

    rule: str
    """What the rule asks for, in words."""
    source: str
    """Who says so: a line of a notice, or nobody yet."""
    route: Route
    who: str
    """Role, age and id; or the family."""
    what: str
    """The record or the nomination, by where it stands."""


@dataclass(frozen=True, slots=True)
class Explained:
    """One headline problem."""

    code: str
    label: str
    found: tuple[Found, ...]


@dataclass(frozen=True, slots=True)
class Unknown:
    """A problem that nobody could tell, and why."""

    code: str
    label: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a family is proposed; decision support, never a decision."""

    proposal: str
    family: str
    council: str
    programme: str
    rule: str
    asks_for: int
    """Distinct problems that propose a family."""
    proposed_on: date
    known_at: datetime
    """As of when everything here was known."""
    members: tuple[str, ...]
    problems: tuple[Explained, ...]
    capped: tuple[Explained, ...]
    """Evidenced, and not counted."""
    unknown: tuple[Unknown, ...]
    decided: str
    """What became of it."""
    criteria_published: bool
    beyond: int
    """Records that evidence something and are not for this purpose."""


def explain(
    notes: Notes, profile: Profile, layout: Layouts, placeholders: Iterable[date], proposal: str
) -> Explanation:
    """Why the family is proposed, as known when the proposal last came to stand; everybody on the page is read.

    Raises:
        NeedsDecision: there is no such proposal.
    """
    connection = notes.connection
    family, rule, problems, proposed_on, known_at, on, ended = _proposal(connection, proposal)
    framework = profiles.framework_in_force(profile, on)
    memory.as_known(connection, known_at)
    trusted = profile.choosing.sources(Attribute.BIRTH)
    evidence.note_members(connection, framework, layout, placeholders, Moment(on), trusted=trusted, only=[family])
    members = evidence.members(connection, family)
    words = {one.person: _member(one, on) for one in members}
    rows = _rows(connection, family, rule, framework, words)
    notes.read({*words, *(person for _, person, _, _ in rows if person)})
    seen = notes.records()
    came = evidence.feeds_that_came(connection, today=on)
    found = {(code, person) for code, person, _, _ in rows}
    said = eligibility.assess(framework, members, found, came, on=on)
    memory.as_known(connection, None)
    by_problem: dict[str, list[Found]] = {}
    for code, _, record, one in rows:
        if record is None or record in seen:
            by_problem.setdefault(code, []).append(one)
    labels = {each.code: each.label for each in framework.problems}
    unknown = [code for code in said.unknown if code not in by_problem]
    return Explanation(
        proposal=proposal,
        family=family,
        council=profile.name,
        programme=profile.programme,
        rule=rule,
        asks_for=framework.min_problems,
        proposed_on=proposed_on,
        known_at=known_at,
        members=tuple(words.values()),
        problems=tuple(Explained(code, labels.get(code, code), tuple(by_problem.get(code, ()))) for code in problems),
        capped=tuple(
            Explained(code, labels.get(code, code), tuple(by_problem[code]))
            for code in sorted(by_problem)
            if code not in problems
        ),
        unknown=tuple(Unknown(code, labels[code], tuple(_reasons(framework, code, came, on))) for code in unknown),
        decided=_decided(connection, proposal, ended),
        criteria_published=profile.criteria_published.value,
        beyond=sum(record is not None and record not in seen for _, _, record, _ in rows),
    )


def _proposal(connection: Connection, proposal: str) -> tuple[str, str, list[str], date, datetime, date, str | None]:
    row = connection.execute(
        """SELECT family_id, framework, problems, proposed_on, stood_from,
                  CASE WHEN count(*) OVER () = 1 THEN proposed_on ELSE stood_from::date END AS of_day, ended
             FROM register.proposal_history WHERE proposal_id = %s ORDER BY stood_from DESC LIMIT 1""",
        (proposal,),
    ).fetchone()
    if row is None:
        raise NeedsDecision(f"there is no proposal {ids.said(proposal)}; `proposal list` names those that wait")
    family, rule, problems, proposed_on, since, on, ended = row
    return str(family), str(rule), list(problems), proposed_on, since, on, ended


def _rows(
    connection: Connection, family: str, rule: str, framework: Framework, words: Mapping[str, str]
) -> list[tuple[str, str | None, str | None, Found]]:
    """`(problem, person, source record, what was found)`, by problem, indicator and person, the newest first."""
    rows = connection.execute(
        """SELECT e.problem, e.indicator, e.person_id, e.source_record_id, r.feed, r.partner,
                  coalesce(a.file_id, r.file_id), coalesce(a.row_no, r.row_no), r.event_on, e.as_of, n.nomination_no,
                  n.role, n.nominated_by
             FROM register.evidence e LEFT JOIN register.source_record r USING (source_record_id)
             LEFT JOIN LATERAL (
               SELECT file_id, row_no FROM register.source_sighting said
                WHERE (said.source_record_id, said.as_of) = (e.source_record_id, e.as_of)
                ORDER BY file_id DESC, row_no DESC LIMIT 1) a ON true
             LEFT JOIN register.nomination n USING (nomination_no)
            WHERE e.family_id = %s AND e.framework = %s
            ORDER BY e.problem, e.indicator, e.person_id, r.event_on DESC NULLS LAST, e.source_record_id""",
        (family, rule),
    )
    found = []
    for code, name, person, record, feed, partner, file, number, event_on, as_of, nomination, profession, by in rows:
        indicator = framework.indicator(name)
        what = (
            f"record {record}: {feed} from {partner}, file {file}, row {number}, "
            f"{f'event of {event_on}' if event_on else 'no day of an event'}, as of {as_of}"
            if record
            else f"nomination {nomination} of {as_of} by {by}, {profession.replace('_', ' ')}"
        )
        who = "the family as a whole" if person is None else words.get(person, f"a former member ({person})")
        route = indicator.route if indicator else Route.NOMINATION if nomination else Route.DATA
        found.append((code, person, record, Found(_rule(indicator, name), _source(indicator), route, who, what)))
    return found


def _rule(indicator: Indicator | None, name: str) -> str:
    return indicator.label if indicator else f"{name.replace('_', ' ')} (a rule of an earlier version)"


def _source(told: Provenance | None) -> str:
    """Who says that the rule holds."""
    if told is None:
        return "the rule is not among those in force now"
    line = ""
    if told.source:
        notice, _, number = told.source.partition(":")
        line = f"{notice}, line {number}" + (f": “{told.quote}”" if told.quote else "")
    if told.status is Status.PUBLISHED:
        return f"published: {line}"
    return f"{told.status}: " + "; ".join(part for part in (line, told.note) if part)


def _member(one: Subject, on: date) -> str:
    age = "age unknown"
    if one.born is not None:
        age = "not born yet" if one.born > on else f"aged {age_on(one.born, on)}"
    home = "lives in the home" if one.resident else "belongs to the family and lives elsewhere"
    return f"{'an adult' if one.role is Role.ADULT else 'a child'}, {age}, {home} ({one.person})"


def _reasons(framework: Framework, code: str, came: Iterable[str], on: date) -> Iterable[str]:
    there = {*came}
    without = [each for each in framework.without_feed if each.problem == code]
    asked = [each for each in framework.indicators_of(code) if each.route is Route.DATA and each.holds_on(on)]
    for each in without:
        yield f"{each.label}: {each.note}"
    for indicator in asked:
        if indicator.feed not in there:
            yield f"{indicator.label}: no file of {indicator.feed} that covers the last months has come"
    if not without and not asked:
        yield f"no rule asks a feed for it on {on}"


def _decided(connection: Connection, proposal: str, ended: str | None) -> str:
    row = connection.execute(
        "SELECT outcome, decided_on, decided_by FROM register.decision WHERE proposal_id = %s", (proposal,)
    ).fetchone()
    if row is not None:
        return f"{str(row[0]).replace('_', ' ')} on {row[1]} by {row[2]}"
    return f"not decided, and it stands no more: {ended}" if ended else "not decided yet"
