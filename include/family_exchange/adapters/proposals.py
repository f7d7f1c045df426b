"""Proposals and the decisions on them: what the machine suggests, and what a named person decided about it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from family_exchange.adapters import audit, programme
from family_exchange.adapters.database import Connection
from family_exchange.domain import eligibility, ids
from family_exchange.domain.errors import NeedsDecision
from family_exchange.domain.framework import Framework
from family_exchange.domain.programme import Withdrawn


@dataclass(frozen=True, slots=True)
class Proposal:
    """A family that the framework proposes; never a decision."""

    family: str
    problems: tuple[str, ...]
    unknown: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a named person says about proposals."""

    outcome: str
    by: str
    reason: str
    on: date
    supported_since: date | None
    """None unless the family is accepted."""
    said_at: datetime | None = None
    """When it was given; None: now."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What a run changed."""

    new: int
    """Proposals that nobody had made before, or that came back."""
    ended: int


def keep(
    connection: Connection,
    proposals: Sequence[Proposal],
    framework: Framework,
    *,
    today: date,
    only: Collection[str] | None = None,
) -> Kept:
    """The proposals that stand are these and those that were decided; with `only`, of those families alone.

    A family is proposed for what a decision of the same framework was not about, and not while it is on the programme.
    One that stands no more has a reason: a fuller one came (superseded), who is who or who belongs to the family was
    corrected, or it lapsed with time. One that comes back is the same proposal, with its first day.
    """
    connection.execute("DROP TABLE IF EXISTS proposed, standing")
    connection.execute(
        """CREATE TEMP TABLE proposed (proposal_id text, family_id text, problems text[], unknown text[])
           ON COMMIT DROP"""
    )
    with connection.cursor() as cursor, cursor.copy("COPY proposed FROM STDIN") as copy:
        for one in proposals:
            number = eligibility.proposal_id(one.family, framework.rule, one.problems)
            copy.write_row((number, one.family, list(one.problems), list(one.unknown)))
    connection.execute("ANALYZE proposed")
    connection.execute(_ANSWERED, {"framework": framework.code})
    connection.execute(_STANDING, {"only": None if only is None else sorted(only)})
    ended = connection.execute(_END).rowcount
    connection.execute(
        """UPDATE memory.proposal_standing s SET recorded = tstzrange(lower(s.recorded), clock_timestamp())
             FROM standing t JOIN proposed n USING (proposal_id)
            WHERE s.proposal_id = t.proposal_id AND upper_inf(s.recorded) AND t.unknown <> n.unknown"""
    )
    connection.execute(
        """INSERT INTO memory.proposal (proposal_id, family_id, framework, problems, proposed_on)
           SELECT proposal_id, family_id, %(rule)s, problems, %(today)s FROM proposed ORDER BY 1
           ON CONFLICT (proposal_id) DO NOTHING""",
        {"rule": framework.rule, "today": today},
    )
    connection.execute(
        """INSERT INTO memory.proposal_standing (proposal_id, unknown)
           SELECT n.proposal_id, n.unknown FROM proposed n
            WHERE NOT EXISTS (SELECT FROM memory.proposal_standing s
                               WHERE s.proposal_id = n.proposal_id AND upper_inf(s.recorded)) ORDER BY 1"""
    )
    row = connection.execute(
        """SELECT count(*) FROM proposed n
            WHERE NOT EXISTS (SELECT FROM standing t WHERE t.proposal_id = n.proposal_id)"""
    ).fetchone()
    return Kept(int(row[0]) if row else 0, ended)


def new_files(connection: Connection) -> list[str]:
    """The files that the register took since families were last assessed, of whatever day."""
    rows = connection.execute(
        """SELECT file_id FROM exchange.file
            WHERE registered_at > coalesce((SELECT recorded_at FROM register.run WHERE stage = 'propose'), '-infinity')
            ORDER BY 1"""
    )
    return [str(file) for (file,) in rows]


def newly_closed(connection: Connection) -> list[str]:
    """The families that may be proposed again: their support ended, or what was decided of them was a mistake.

    Since families were last assessed, that is.
    """
    rows = connection.execute(
        """SELECT family_id FROM memory.family_status
            WHERE status = 'accepted'
              AND upper(recorded) > (SELECT recorded_at FROM register.run WHERE stage = 'propose')
           UNION
           SELECT p.family_id FROM memory.proposal p JOIN memory.decision d USING (proposal_id)
            WHERE upper(d.recorded) > (SELECT recorded_at FROM register.run WHERE stage = 'propose') ORDER BY 1"""
    )
    return [str(family) for (family,) in rows]


_DECIDED = """(
    SELECT p.* FROM memory.proposal p JOIN memory.decision d USING (proposal_id) WHERE upper_inf(d.recorded))"""

_ANSWERED = f"""
    DELETE FROM proposed n
     WHERE EXISTS (SELECT FROM memory.family_status s WHERE s.family_id = n.family_id AND s.status = 'accepted'
                      AND upper_inf(s.recorded) AND upper_inf(s.valid))
        OR EXISTS (SELECT FROM {_DECIDED} p WHERE p.family_id = n.family_id AND p.problems @> n.problems
                      AND split_part(p.framework, '/', 1) = %(framework)s)
"""  # noqa: S608 - our own words
"""Nobody is asked twice about the same problems, nor about a family that is on the programme."""

_STANDING = """
    CREATE TEMP TABLE standing ON COMMIT DROP AS
    SELECT p.proposal_id, p.family_id, p.problems, p.proposed_on, s.unknown, lower(s.recorded) AS since
      FROM memory.proposal p JOIN memory.proposal_standing s USING (proposal_id)
     WHERE upper_inf(s.recorded) AND (%(only)s::text[] IS NULL OR p.family_id = ANY(%(only)s))
       AND NOT EXISTS (SELECT FROM memory.decision d WHERE d.proposal_id = p.proposal_id AND upper_inf(d.recorded))
"""
"""What stood before the run and nobody has decided about."""

_END = f"""
    UPDATE memory.proposal_standing s
       SET recorded = tstzrange(lower(s.recorded), clock_timestamp()),
           ended = CASE
             WHEN EXISTS (SELECT FROM proposed n WHERE n.family_id = t.family_id AND n.problems @> t.problems)
               OR EXISTS (SELECT FROM {_DECIDED} d WHERE d.family_id = t.family_id AND d.problems @> t.problems)
             THEN 'superseded'
             WHEN EXISTS (SELECT FROM memory.family_member m
                           WHERE m.family_id = t.family_id AND m.recorded @> t.since AND upper(m.recorded) > t.since
                             AND coalesce(m.to_on > t.proposed_on, true) AND NOT EXISTS (
                                 SELECT FROM memory.family_member n
                                  WHERE n.family_id = m.family_id AND n.person_id = m.person_id
                                    AND n.resident = m.resident AND upper_inf(n.recorded)
                                    AND daterange(n.from_on, n.to_on) @> greatest(m.from_on, t.proposed_on)))
               OR EXISTS (SELECT FROM memory.evidence e JOIN memory.person_record p USING (source_record_id)
                           WHERE e.family_id = t.family_id AND upper(p.recorded) > t.since)
             THEN 'corrected' ELSE 'lapsed' END
      FROM standing t
     WHERE s.proposal_id = t.proposal_id AND upper_inf(s.recorded)
       AND NOT EXISTS (SELECT FROM proposed n WHERE n.proposal_id = t.proposal_id)
"""  # noqa: S608 - our own words
"""Who moved out, joined or grew up since changes nothing of the day on which the family was proposed: a proposal was a
mistake when somebody who belonged to the family then, or from a later day on, turns out not to have, or to have lived
elsewhere; or when its evidence turned out to be another person's."""


def decide(connection: Connection, proposals: Collection[str], answer: Answer) -> int:
    """The number of proposals decided now; those decided before keep their decision, unless it was taken back.

    An answer that was given before a decision on a proposal was taken back is about a mistake, and does not count.

    Raises:
        NeedsDecision: a proposal does not exist.
    """
    programme.turn(connection)  # a return that is assembled meanwhile sees all of it or nothing
    wanted = sorted({*proposals} - _taken_back(connection, proposals, since=answer.said_at))
    known: dict[str, int] = {
        str(found): mistakes
        for found, mistakes in connection.execute(
            """SELECT p.proposal_id, (SELECT count(*) FROM memory.decision d
                                       WHERE d.proposal_id = p.proposal_id AND NOT upper_inf(d.recorded))
                 FROM register.proposal p WHERE p.proposal_id = ANY(%s)""",
            (wanted,),
        )
    }
    if missing := sorted(set(wanted) - known.keys()):
        raise NeedsDecision(f"there is no proposal {', '.join(map(ids.said, missing))}; `proposal list` shows them")
    rows = [(eligibility.decision_id(one, mistakes=known[one]), one) for one in wanted]
    decided = [
        str(found)
        for (found,) in connection.execute(
            """INSERT INTO memory.decision (decision_id, proposal_id, outcome, decided_by, decided_on, reason,
                                              supported_since)
               SELECT d.decision_id, d.proposal_id, %s, %s, %s, %s, %s
                 FROM unnest(%s::text[], %s::text[]) AS d(decision_id, proposal_id)
               ON CONFLICT (proposal_id) WHERE upper_inf(recorded) DO NOTHING RETURNING proposal_id""",
            (
                answer.outcome,
                answer.by,
                answer.on,
                answer.reason,
                answer.supported_since,
                [row[0] for row in rows],
                [row[1] for row in rows],
            ),
        )
    ]
    if decided:
        body: dict[str, audit.Plain] = {"decided": len(decided), "proposals": sorted(decided)}
        audit.append(connection, "register.decisions", answer.by, {"outcome": answer.outcome} | body)
        begins = answer.supported_since or answer.on
        programme.follow(
            connection, decided, answer.outcome, by=answer.by, reason=answer.reason, on=answer.on, begins=begins
        )
    return len(decided)


def take_back(connection: Connection, family: str, mistake: Withdrawn, *, by: str) -> set[str]:
    """The proposals of the family whose decisions count no more from now on."""
    taken = {
        str(proposal)
        for (proposal,) in connection.execute(
            """UPDATE memory.decision d SET recorded = tstzrange(lower(d.recorded), clock_timestamp())
                 FROM memory.proposal p
                WHERE p.proposal_id = d.proposal_id AND p.family_id = %s AND upper_inf(d.recorded)
                  AND d.outcome = ANY(%s) AND d.decided_on >= %s RETURNING d.proposal_id""",
            (family, sorted(mistake.outcomes), mistake.since),
        )
    }
    if taken:
        body: dict[str, audit.Plain] = {"family": family, "taken_back": len(taken), "proposals": sorted(taken)}
        audit.append(connection, "register.decisions_taken_back", by, body)
    return taken


def _taken_back(connection: Connection, proposals: Collection[str], *, since: datetime | None) -> set[str]:
    """Those of the proposals on which a decision was taken back since that moment; None: since now."""
    rows = connection.execute(
        "SELECT proposal_id FROM memory.decision WHERE upper(recorded) > %s AND proposal_id = ANY(%s)",
        (since, list(proposals)),
    )
    return {str(proposal) for (proposal,) in rows}
