"""How each family stands to the programme, as named people decided it; the only door by which a status is written.

Nothing is overwritten: an entry that was wrong, or that a later one ends, is closed in the memory and stays there.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import astuple, dataclass
from datetime import date

from family_exchange.adapters import audit, care, database, register, spells
from family_exchange.adapters.database import Connection
from family_exchange.adapters.memory import Kept
from family_exchange.adapters.sound import SOUND_OF_FAMILIES
from family_exchange.adapters.worklist import REFERRALS
from family_exchange.domain import ids, programme
from family_exchange.domain.errors import NeedsDecision
from family_exchange.domain.indicator import Route
from family_exchange.domain.programme import Decision, History, Standing, Status, Withdrawn
from family_exchange.domain.spells import Spell

FAMILY_STATUS = Kept(
    "family_status",
    ("family_id", "valid"),
    ("status", "decided_by", "reason", "route", "referral_reason", "proposal_id"),
)
"""The columns of `domain.programme.Standing`, in its order."""


TURN_SECONDS = 30
"""How long a person who writes waits while the register is brought up to date, before they are asked to try later."""


@dataclass(frozen=True, slots=True)
class Changed:
    """What one change of a family's status came to."""

    before: Status | None
    """The status of that day before the change."""
    newest: bool
    """False when a later entry was recorded before."""
    withdrawn: Withdrawn | None
    """What was decided of its proposals by mistake."""


@dataclass(frozen=True, slots=True)
class Came:
    """How a family came to be known."""

    route: Route
    referral_reason: str | None
    proposal: str | None
    """What proposes it: the newest proposal that stands, or the last one that did."""


def turn(connection: Connection) -> None:
    """This transaction alone writes the register from now on; somebody else's work is waited for, but not for long.

    A caller sees no half-written register, and what it writes belongs to one moment.
    """
    database.wait_at_most(connection, TURN_SECONDS)
    connection.execute("SELECT pg_advisory_xact_lock(%s, hashtext('register'))", (register.LOCK,))
    database.wait_at_most(connection, None)


def undecided(connection: Connection, family: str) -> list[str]:
    """The proposals of the family that stand and that nobody has decided."""
    rows = connection.execute(
        """SELECT proposal_id FROM register.proposal p
            WHERE family_id = %s AND NOT EXISTS (SELECT FROM register.decision d WHERE d.proposal_id = p.proposal_id)
            ORDER BY proposal_id""",
        (family,),
    )
    return [str(proposal) for (proposal,) in rows]


def histories(connection: Connection, families: Collection[str]) -> dict[str, History]:
    """What was decided about each of these families, oldest first; they stay locked for this transaction."""
    found: dict[str, History] = dict.fromkeys(families, ())
    for (family,), told in spells.of(connection, FAMILY_STATUS, families).items():
        found[family] = tuple(Spell(_standing(one.what), one.from_on, one.until) for one in told)
    return found


def change(
    connection: Connection, family: str, status: Status, decision: Decision, *, instead_of: date | None = None
) -> Changed:
    """From that day on the family has the status that somebody decided.

    With `closed` its lead worker, its team and its plan end too.

    Raises:
        NeedsDecision: there is no such family, nothing proposes it, or what is recorded of it does not allow it.
    """
    _known(connection, family)
    history = histories(connection, (family,))[family]
    came = how_they_came(connection, (family,), on=decision.on)[family]
    if came.proposal is None:
        raise NeedsDecision(
            f"nothing proposes family {family}: a family joins the programme when enough problems are evidenced; a "
            "professional may nominate it"
        )
    standing = Standing(status, decision.by, decision.reason, came.route, came.referral_reason, came.proposal)
    after = programme.changed(history, standing, decision.on, instead_of=instead_of)
    _put(connection, {family: after})
    if status is Status.CLOSED:
        care.close(connection, family, next(one for one in after if one.from_on == decision.on))
    before = programme.status_on(history, decision.on)
    body: dict[str, audit.Plain] = {"family": family, "status": status, "before": before, "on": str(decision.on)}
    audit.append(connection, "programme.status", decision.by, body | {"instead_of": _day(instead_of)})
    withdrawn = programme.withdrawn(history, after, instead_of=instead_of)
    return Changed(before, newest=after[-1].from_on == decision.on, withdrawn=withdrawn)


def follow(
    connection: Connection, proposals: Sequence[str], outcome: str, *, by: str, reason: str, on: date, begins: date
) -> int:
    """The number of families whose status is now what was decided about their proposals, from `begins` on.

    `on` is the day of the decision. A family on the programme stays there whatever becomes of a further proposal.

    Raises:
        NeedsDecision: nobody is named, or something recorded of a family on that very day does not allow it.
    """
    decision = Decision(by, begins, reason, today=on)
    of_family: dict[str, str] = {}
    for family, proposal in connection.execute(
        """SELECT family_id, proposal_id FROM memory.proposal WHERE proposal_id = ANY(%s)
            ORDER BY family_id, cardinality(problems) DESC, proposal_id""",
        (list(proposals),),
    ):
        of_family.setdefault(family, proposal)
    came = how_they_came(connection, of_family, on=on)
    changed: dict[str, History] = {}
    for family, history in histories(connection, of_family).items():
        one = came[family]
        standing = Standing(
            Status(outcome), decision.by, decision.reason, one.route, one.referral_reason, of_family[family]
        )
        try:
            after = programme.followed(history, standing, decision.on)
        except NeedsDecision as refused:
            raise NeedsDecision(f"family {family}: {refused}") from None
        if after != history:
            changed[family] = after
    _put(connection, changed)
    if changed:
        body: dict[str, audit.Plain] = {"status": outcome, "families": sorted(changed), "on": str(begins)}
        audit.append(connection, "programme.status", decision.by, body)
    return len(changed)


def how_they_came(connection: Connection, families: Collection[str], *, on: date) -> dict[str, Came]:
    """How each family came to be known by that day: a referral before a nomination, a nomination before data."""
    rows = connection.execute(_CAME.encode(), {"families": sorted(families), "referrals": REFERRALS, "on": on})
    return {family: Came(Route(route), referral_reason, proposal) for family, route, referral_reason, proposal in rows}


_CAME = f"""
    WITH {SOUND_OF_FAMILIES}
    SELECT f.family_id,
           CASE WHEN r.referred THEN 'referral' WHEN n.nominated THEN 'nomination' ELSE 'data' END,
           r.reason, p.proposal_id
      FROM unnest(%(families)s::text[]) f(family_id)
      LEFT JOIN LATERAL (
        SELECT true AS referred, s.facts ->> 'referral_reason' AS reason
          FROM register.family_member m JOIN register.person_record USING (person_id)
          JOIN register.source_record s USING (source_record_id)
         WHERE m.family_id = f.family_id AND s.feed = %(referrals)s AND s.current AND s.first_as_of <= %(on)s
         ORDER BY s.event_on DESC NULLS LAST, s.source_record_id DESC LIMIT 1) r ON true
      LEFT JOIN LATERAL (
        SELECT true AS nominated FROM register.evidence e
         WHERE e.family_id = f.family_id AND e.nomination_no IS NOT NULL LIMIT 1) n ON true
      LEFT JOIN LATERAL (
        SELECT h.proposal_id FROM register.proposal_history h
         WHERE h.family_id = f.family_id AND h.proposal_id IN (SELECT proposal_id FROM sound)
         ORDER BY h.stood_to DESC NULLS FIRST, h.proposed_on DESC, h.proposal_id LIMIT 1) p ON true
"""  # noqa: S608 - our own words


def _known(connection: Connection, family: str) -> None:
    if connection.execute("SELECT FROM memory.family WHERE family_id = %s", (family,)).fetchone() is None:
        raise NeedsDecision(f"there is no family {ids.said(family)}")


def _put(connection: Connection, believed: Mapping[str, History]) -> None:
    spells.put(
        connection,
        FAMILY_STATUS,
        {
            (family,): tuple(Spell(astuple(one.what), one.from_on, one.until) for one in history)
            for family, history in believed.items()
        },
    )


def _standing(told: spells.Told) -> Standing:
    return Standing(Status(told[0]), *told[1:])


def _day(day: date | None) -> str | None:
    return str(day) if day else None
