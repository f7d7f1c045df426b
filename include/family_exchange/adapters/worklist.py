"""The families that the rules propose and nobody has decided about: what a person who decides looks through."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from family_exchange.adapters.database import Connection
from family_exchange.domain.indicator import Route

REFERRALS = "direct_referrals"
"""The feed by which partners refer families directly."""


class Order(StrEnum):
    """What stands first; decision support, and no more than that."""

    PROBLEMS = "problems"
    """The most problems, then the newest event."""
    RECENCY = "recency"
    """The newest event, then the most problems."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """One proposal that waits for a person."""

    proposal: str
    family: str
    problems: tuple[str, ...]
    unknown: tuple[str, ...]
    routes: tuple[Route, ...]
    newest: date | None
    """The day of the newest event that it rests on."""
    proposed_on: date

    def as_plain(self) -> Mapping[str, object]:
        """For machines."""
        return {
            "proposal": self.proposal,
            "family": self.family,
            "problems": list(self.problems),
            "unknown": list(self.unknown),
            "routes": [str(route) for route in self.routes],
            "newest": self.newest,
            "proposed_on": self.proposed_on,
        }


_UNDECIDED = """NOT EXISTS (SELECT FROM register.decision d WHERE d.proposal_id = p.proposal_id)
       AND NOT EXISTS (SELECT FROM register.proposal_history h JOIN register.decision d USING (proposal_id)
                        WHERE h.family_id = p.family_id AND h.problems @> p.problems)
       AND NOT EXISTS (SELECT FROM register.family_status s WHERE s.family_id = p.family_id
                           AND s.status IN ('invited', 'accepted') AND upper_inf(s.valid))"""
"""A family that was accepted is its lead worker's, and one that was invited has its answer to give; a family that was
not accepted comes back with a problem nobody decided about."""

_WAITING = f"""
    SELECT p.proposal_id, p.family_id, p.problems, p.unknown, p.proposed_on,
           max(least(coalesce(r.event_on, e.as_of), e.as_of)) AS newest,
           array_agg(DISTINCT CASE WHEN e.nomination_no IS NOT NULL THEN 'nomination'
                                   WHEN r.feed = %(referrals)s THEN 'referral' ELSE 'data' END)
             FILTER (WHERE e.evidence_id IS NOT NULL) AS routes
      FROM register.proposal p
      LEFT JOIN register.evidence e ON e.family_id = p.family_id AND e.framework = p.framework
                                   AND e.problem = ANY(p.problems)
      LEFT JOIN register.source_record r USING (source_record_id)
     WHERE {_UNDECIDED}
     GROUP BY 1, 2, 3, 4, 5
"""  # noqa: S608 - our own words


def waiting(
    connection: Connection,
    order: Order = Order.PROBLEMS,
    *,
    problems: Collection[str] = (),
    at_least: int = 1,
    routes: Collection[Route] = (),
) -> list[Waiting]:
    """The proposals that stand and wait, in that order; with `problems` and `routes`, those that have all of them."""
    found = [
        Waiting(
            str(proposal),
            str(family),
            tuple(met),
            tuple(unknown),
            tuple(Route(each) for each in sorted(came_by or ())),
            newest,
            proposed_on,
        )
        for proposal, family, met, unknown, proposed_on, newest, came_by in connection.execute(
            _WAITING, {"referrals": REFERRALS}
        )
    ]
    kept = [
        one
        for one in found
        if {*problems} <= {*one.problems} and len(one.problems) >= at_least and {*routes} <= {*one.routes}
    ]
    return sorted(kept, key=lambda one: _place(one, order))


def queue(connection: Connection) -> tuple[int, date | None]:
    """How many proposals stand and wait, and since which day the oldest does."""
    row = connection.execute(
        f"SELECT count(*), min(p.proposed_on) FROM register.proposal p WHERE {_UNDECIDED}"  # noqa: S608 - our own words
    ).fetchone()
    return (int(row[0]), row[1]) if row else (0, None)


def _place(one: Waiting, order: Order) -> tuple[int, int, int, str]:
    many, recent = -len(one.problems), -(one.newest or date.min).toordinal()
    first, second = (many, recent) if order is Order.PROBLEMS else (recent, many)
    return (first, second, -one.proposed_on.toordinal(), one.proposal)
