"""Proposals and the decisions on them: what the machine suggests, and what a named person decided about it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from family_exchange.adapters import audit
from family_exchange.adapters.database import Connection
from family_exchange.domain import eligibility
from family_exchange.domain.errors import NeedsDecision
from family_exchange.domain.framework import Framework


@dataclass(frozen=True, slots=True)
class Proposal:
    """A family that the framework proposes; never a decision."""

    family: str
    problems: tuple[str, ...]
    unknown: tuple[str, ...]


def put(connection: Connection, proposals: Sequence[Proposal], framework: Framework, *, today: date) -> int:
    """The number of proposals that are new: nobody had proposed the family for these problems, or for more."""
    connection.execute(
        """CREATE TEMP TABLE proposed (proposal_id text, family_id text, problems text[], unknown text[])
           ON COMMIT DROP"""
    )
    with connection.cursor() as cursor, cursor.copy("COPY proposed FROM STDIN") as copy:
        for one in proposals:
            number = eligibility.proposal_id(one.family, framework.rule, one.problems)
            copy.write_row((number, one.family, list(one.problems), list(one.unknown)))
    connection.execute(
        """CREATE TEMP TABLE stands ON COMMIT DROP AS
           SELECT n.proposal_id, n.family_id, n.problems, n.unknown FROM proposed n
            WHERE NOT EXISTS (SELECT FROM register.proposal p
                               WHERE p.family_id = n.family_id AND p.framework = %(rule)s
                                 AND p.problems @> n.problems)""",
        {"rule": framework.rule},
    )
    connection.execute(
        """INSERT INTO memory.proposal (proposal_id, family_id, framework, problems, proposed_on)
           SELECT proposal_id, family_id, %(rule)s, problems, %(today)s FROM stands ORDER BY 1
           ON CONFLICT (proposal_id) DO NOTHING""",
        {"rule": framework.rule, "today": today},
    )
    return connection.execute(
        "INSERT INTO memory.proposal_standing (proposal_id, unknown) SELECT proposal_id, unknown FROM stands ORDER BY 1"
    ).rowcount


def undecided(connection: Connection) -> list[str]:
    """The proposals that wait for a decision, most problems first; one that a fuller one replaced waits no more."""
    rows = connection.execute(
        """SELECT p.proposal_id FROM register.proposal p
            WHERE NOT EXISTS (SELECT FROM register.decision d WHERE d.proposal_id = p.proposal_id)
              AND NOT EXISTS (SELECT FROM register.proposal q
                               WHERE q.family_id = p.family_id AND q.framework = p.framework
                                 AND q.proposal_id <> p.proposal_id AND q.problems @> p.problems)
            ORDER BY cardinality(p.problems) DESC, p.proposed_on DESC, p.proposal_id"""
    )
    return [str(proposal) for (proposal,) in rows]


def decide(
    connection: Connection,
    proposals: Sequence[str],
    *,
    outcome: str,
    decided_by: str,
    reason: str,
    on: date,
    supported_since: date | None,
) -> int:
    """The number of proposals decided now; those decided before keep their decision.

    Raises:
        NeedsDecision: a proposal does not exist.
    """
    wanted = sorted(set(proposals))
    known = {
        str(found)
        for (found,) in connection.execute(
            "SELECT proposal_id FROM register.proposal WHERE proposal_id = ANY(%s)", (wanted,)
        )
    }
    if missing := sorted(set(wanted) - known):
        raise NeedsDecision(f"there is no proposal {', '.join(missing)}")
    rows = [(eligibility.decision_id(one), one) for one in wanted]
    decided = [
        str(found)
        for (found,) in connection.execute(
            """INSERT INTO memory.decision (decision_id, proposal_id, outcome, decided_by, decided_on, reason,
                                              supported_since)
               SELECT d.decision_id, d.proposal_id, %s, %s, %s, %s, %s
                 FROM unnest(%s::text[], %s::text[]) AS d(decision_id, proposal_id)
               ON CONFLICT (proposal_id) DO NOTHING RETURNING proposal_id""",
            (outcome, decided_by, on, reason, supported_since, [row[0] for row in rows], [row[1] for row in rows]),
        )
    ]
    if decided:
        body: dict[str, audit.Plain] = {"outcome": outcome, "decided": len(decided), "proposals": sorted(decided)}
        audit.append(connection, "register.decisions", decided_by, body)
    return len(decided)
