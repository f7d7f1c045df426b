"""What the platform writes to people of the council: each thing once, in words, without names, values or file names.

A message's key says what it is about; the same key is never written twice, however often the platform looks.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from family_exchange.domain.calendar import LEAST_LEARNED_FROM, LONDON, Standing, State
from family_exchange.domain.programme import Gap
from family_exchange.domain.promises import Partner


class Topic(StrEnum):
    """What a message is about."""

    LATE_SOON = "late_soon"
    OVERDUE = "overdue"
    WAITING = "waiting"
    HELD = "held"
    KEY_ENDS = "key_ends"
    AGREEMENT_ENDS = "agreement_ends"
    TERMS_END = "terms_end"
    ENDPOINT = "endpoint"
    AUDIT = "audit"
    NO_RECEIPT = "no_receipt"
    SUPPORT = "support"
    SET_ASIDE = "set_aside"


@dataclass(frozen=True, slots=True)
class Message:
    """One thing that somebody here should know, and what to do about it."""

    key: str
    """Parts with slashes between them: letters, digits, `.`, `_` and `-`."""
    topic: Topic
    recipient: str
    """An e-mail address of the profile's mailboxes."""
    subject: str
    lines: tuple[str, ...]
    """Whole sentences; the last says what to do."""


@dataclass(frozen=True, slots=True)
class Measures:
    """What cannot be told when a feed has not come."""

    indicators: tuple[str, ...]
    """Problem and label of each indicator that reads the feed."""
    fields: tuple[str, ...]
    """Return and name of each field that reads the feed."""

    @property
    def words(self) -> str:
        """All of them in one sentence."""
        named = [*self.indicators, *self.fields]
        return f"Not received without it: {'; '.join(named)}." if named else "No measure depends on it."


def late(council: str, partner: Partner, feed: str, standing: Standing, measures: Measures, to: str) -> Message:
    """The warning of a file that is late soon, or overdue."""
    file, overdue = standing.expected, standing.state is State.OVERDUE
    topic = Topic.OVERDUE if overdue else Topic.LATE_SOON
    due, deadline = moment(file.due_at), moment(file.deadline)
    when = (
        f"was expected by {due} and is overdue since {deadline}"
        if overdue
        else f"is expected by {due} and has not come; from {deadline} it is overdue"
    )
    source = (
        f"learned from its last {standing.learned_from} files in time"
        if standing.learned_from
        else f"assumed, for fewer than {LEAST_LEARNED_FROM} files have come in time"
    )
    refused = (
        f"A file came, but was refused: {', '.join(standing.refused_for)}. The partner has a receipt that says why."
    )
    return Message(
        key=f"{council}/{partner.slug}/{feed}/{file.due_on}/{topic}",
        topic=topic,
        recipient=to,
        subject=f"{feed} from {partner.slug} {'is overdue' if overdue else 'has not come yet'}",
        lines=(
            f"{feed} from {partner.name} {when} (London time).",
            f"It usually comes by {moment(standing.usual_at)} ({source}).",
            *((refused,) if standing.refused_for else ()),
            measures.words,
            f"Ask the partner for it. `family-exchange files list --council {council}` shows what came.",
        ),
    )


def waiting(council: str, partner: str, feed: str, file_ids: Sequence[str], to: str) -> Message:
    """The warning of files that have been worked on for too long."""
    return Message(
        key=f"{council}/{partner}/{feed}/waiting/{max(file_ids)}",
        topic=Topic.WAITING,
        recipient=to,
        subject=f"{_files(file_ids)} of {feed} from {partner} not finished",
        lines=(
            f"{_files(file_ids)} of {feed} from {partner} not taken in a day after coming: {_some(file_ids)}.",
            f"Look whether `receive_{council}_{feed}` runs, and clear what failed. If the upload broke off, ask again.",
        ),
    )


def held(council: str, partner: str, feed: str, file_ids: Sequence[str], to: str) -> Message:
    """The request for two people to decide about files."""
    return Message(
        key=f"{council}/{partner}/{feed}/held/{max(file_ids)}",
        topic=Topic.HELD,
        recipient=to,
        subject=f"{_files(file_ids)} of {feed} from {partner} held for two people",
        lines=(
            f"{_files(file_ids)} of {feed} from {partner} waiting for a decision: {_some(file_ids)}.",
            f"Two people decide: see `family-exchange files show ID --council {council}`, then release or reject it.",
        ),
    )


def no_receipt(council: str, return_id: str, sent_at: datetime, to: str) -> Message:
    """The warning of a return that nobody has acknowledged."""
    return Message(
        key=f"{council}/return/{return_id}/no-receipt",
        topic=Topic.NO_RECEIPT,
        recipient=to,
        subject=f"return {return_id} is not acknowledged",
        lines=(
            f"Return {return_id} was sent on {moment(sent_at)} (London time); no receipt has come.",
            "Ask the recipient what became of it. Send nothing again by hand: the platform sends the same bytes.",
        ),
    )


def agreement_ends(council: str, partner: Partner, days: int, step: int, to: str) -> Message:
    """The countdown to the end of an agreement, without which no file is taken in."""
    ends = partner.agreement.expires_on
    said = f"ends in {days} days, on {day(ends)}" if days >= 0 else f"ended on {day(ends)}"
    return Message(
        key=f"{council}/{partner.slug}/agreement/{ends}/{step}",
        topic=Topic.AGREEMENT_ENDS,
        recipient=to,
        subject=f"the agreement with {partner.slug} {'ends soon' if days >= 0 else 'has ended'}",
        lines=(
            f"The agreement with {partner.name} {said}.",
            f"Renew it and state it in include/councils/{council}.yaml, or set the partner's feeds to `active: false`.",
        ),
    )


def key_ends(council: str, owner: str, key: str, ends: date, days: int, step: int, to: str) -> Message:
    """The countdown to the end of a key; `owner` is a partner's slug, or `own` or `recipient`."""
    whose = {"own": "The council's own", "recipient": "The recipient's"}.get(owner, f"The {owner} partner's")
    said = f"ends in {days} days, on {day(ends)}" if days >= 0 else f"ended on {day(ends)}"
    return Message(
        key=f"{council}/key/{key}/{ends}/{step}",
        topic=Topic.KEY_ENDS,
        recipient=to,
        subject=f"{whose[0].lower()}{whose[1:]} key {'ends soon' if days >= 0 else 'has ended'}",
        lines=(
            f"{whose} key {key} {said}.",
            f"Register its successor now, so that both hold for a while; `keys list --council {council}` shows all.",
        ),
    )


def terms_end(council: str, last: date, to: str) -> Message:
    """The request for school terms, without which no file of a term is expected."""
    return Message(
        key=f"{council}/school_terms/{last}",
        topic=Topic.TERMS_END,
        recipient=to,
        subject="the school terms run out",
        lines=(
            f"The school terms in the profile end on {day(last)}; after that no file of a term is expected or missed.",
            f"Add the area's published terms to `school_terms` in include/councils/{council}.yaml.",
        ),
    )


_GAPS = {
    Gap.NO_LEAD_WORKER: "no lead worker",
    Gap.OUTSIDE_WITHOUT_REASON: "a member outside the plan, and nobody said why",
    Gap.NOBODY_SAID: "nobody said whether a member is in the plan",
    Gap.NO_DEPENDENT_CHILD: "no dependent child",
    Gap.NO_MEMBER: "no member",
}
"""What is missing, in the words of a letter."""


def support(council: str, missing: Mapping[Gap, int], on: date, to: str) -> Message:
    """What is missing in the support of families, in numbers; once a week."""
    counted = ", ".join(f"{_GAPS[gap]}: {number}" for gap, number in sorted(missing.items()))
    return Message(
        key=f"{council}/support/{on:%G-W%V}",
        topic=Topic.SUPPORT,
        recipient=to,
        subject="something is missing in the support of families",
        lines=(
            f"Exceptions in the support of families on the programme: {counted}.",
            f"`family-exchange family exceptions --council {council}` names the families; a person sees to each.",
        ),
    )


def endpoint(council: str, name: str, why: str, on: date, to: str) -> Message:
    """The warning of a server that does not answer, or is not the one that was agreed; once a day."""
    return Message(
        key=f"{council}/endpoint/{name}/{on}",
        topic=Topic.ENDPOINT,
        recipient=to,
        subject=f"the {name} does not serve us",
        lines=(
            f"The {name} cannot be used: {why}.",
            "Files and receipts wait, and nothing is lost.",
            "If it shows another key, trust nothing of it: telephone its operator before you change the pinned one.",
        ),
    )


def set_aside(council: str, name: str, days: int, on: date, to: str) -> Message:
    """The warning of a whole copy of the council's database that is there for longer than it may be; once a week."""
    return Message(
        key=f"{council}/set-aside/{name}/{on:%G-W%V}",
        topic=Topic.SET_ASIDE,
        recipient=to,
        subject="a database that a restore set aside is still there",
        lines=(
            f"The database {name} was set aside more than {days} days ago; what was destroyed since is still in it.",
            "No certificate of destruction holds for it.",
            f"Whoever runs the database server drops it: `dropdb {name}`.",
        ),
    )


def audit(council: str, broken_at: int, why: str, to: str) -> Message:
    """The alarm that the audit chain does not hold."""
    return Message(
        key=f"{council}/audit/{broken_at}",
        topic=Topic.AUDIT,
        recipient=to,
        subject="the audit chain does not hold",
        lines=(
            f"The audit chain of {council} does not hold at event {broken_at}: {why}.",
            "Stop the council's Dags, keep the database and the checkpoints as they are, and follow the runbook.",
        ),
    )


def moment(instant: datetime) -> str:
    """The instant on London's clocks, e.g. `Monday 7 December 2026, 12:00`."""
    local = instant.astimezone(LONDON)
    return f"{day(local.date())}, {local:%H:%M}"


def day(each: date) -> str:
    """The day in words, e.g. `Monday 7 December 2026`."""
    return f"{each:%A} {each.day} {each:%B %Y}"


def _files(file_ids: Sequence[str]) -> str:
    return "1 file is" if len(file_ids) == 1 else f"{len(file_ids)} files are"


def _some(ids: Iterable[str], most: int = 10) -> str:
    listed = sorted(ids)
    return ", ".join(listed[:most]) + (" …" if len(listed) > most else "")
