"""What new records and people's decisions make of who is who: weigh, settle, and write down what came of it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from family_exchange.adapters import audit, linkage, linkage_model, links, memory, persons, register, stated
from family_exchange.adapters.database import Connection
from family_exchange.adapters.doors import Doors
from family_exchange.adapters.linkage_model import LinkageModel
from family_exchange.adapters.persons import Assignment
from family_exchange.domain import clustering, person, settling
from family_exchange.domain.clustering import Decided, How
from family_exchange.domain.links import Links
from family_exchange.domain.matching import Thresholds
from family_exchange.domain.settling import Known


def again(connection: Connection, doors: Doors, *, about: Collection[str] = ()) -> dict[str, int]:
    """Every record that waits has its person, and so have these record keys and whoever either reaches.

    The caller's transaction holds the register's lock. Counts: `persons` (new), `joined`, `parted`,
    `possible_matches` (new).
    """
    counts = {"persons": 0, "joined": 0, "parted": 0, "possible_matches": 0}
    model = linkage_model.of(doors.profile.matching)
    thresholds = Thresholds(certain=doors.profile.matching.certain, possible=doors.profile.matching.possible)
    waiting = persons.undecided_keys(connection)
    if not waiting and not about and not stated.outdated(connection, model, thresholds):
        return counts
    weighed = _weighed(connection, model, thresholds, waiting, about)
    decided, earlier = weighed.decided, weighed.earlier
    settled = settling.settle(decided, weighed.known)
    counts["persons"] = persons.begin(connection, settled.person_of.values())
    counts["joined"] = persons.point(connection, settled.points_to)
    moved = {key: was for key, was in earlier.items() if was is not None and settled.person_of[key] != was}
    counts["parted"] = len({was for was in moved.values() if settled.points_to.get(was) is None})
    person_of = {key: known for key, known in waiting.items() if known is not None} | dict(settled.person_of)
    assigned = persons.assign(
        connection, [_assignment(key, one, decided, weighed.links) for key, one in sorted(person_of.items())]
    )
    unit_is = {unit: settled.person_of[key] for key, unit in decided.unit_of.items()}
    counts["possible_matches"] = persons.note_possible(connection, decided.possible, unit_is, among=weighed.reached)
    memory.touch(connection, assigned.persons)
    body = counts | {f"by_{way}": number for way, number in sorted(assigned.by_how.items())}
    audit.append(connection, "register.persons", register.ACTOR, body)
    return counts


@dataclass(frozen=True, slots=True)
class _Weighed:
    """What new statements, or a decision, have a say in. Whom they do not reach, by any chain, is as before."""

    earlier: Mapping[str, str | None]
    """Record key → whose it was until now."""
    reached: frozenset[str]
    """The persons of these keys."""
    known: list[Known]
    """The ids that mean one of these keys."""
    links: Links
    decided: Decided


def _weighed(
    connection: Connection,
    model: LinkageModel,
    thresholds: Thresholds,
    waiting: Mapping[str, str | None],
    about: Collection[str],
) -> _Weighed:
    new = [key for key, known in waiting.items() if known is None]
    again = persons.returned(connection, new)
    decided = links.in_force(connection)
    holders = persons.holders(connection, {key for link in decided.all for key in link.keys} | {*about})
    beside = [{holders[key] for key in link.keys if key in holders} for link in decided.all]
    told = {holders[key] for link in decided.all if not link.keys.isdisjoint(new) for key in link.keys & holders.keys()}
    with linkage.pool(connection, model, thresholds) as pool:
        pairs = pool.pairs(thresholds.possible)
        paired = pool.held({one.key for pair in pairs for one in (pair.a, pair.b)} | pool.fresh(), ())
        first = {*filter(None, paired.values()), *again.values(), *told, *(holders[k] for k in about if k in holders)}
        reached = persons.reached(connection, first, beside)
        pairs += pool.pairs_among(reached, thresholds.possible)
        earlier = dict.fromkeys(new) | pool.held(paired, reached)
        known = persons.known(connection, earlier)
        means = {one.person: one.means for one in known}
        links.keep(connection, ({key, means[one]} for key, one in sorted(again.items()) if one in means))
        pinned = persons.pinned(connection, reached) - {holders[key] for key in about if key in holders}
        found = clustering.decide(
            pairs,
            pool.statements(earlier),
            earlier,
            links=decided,
            kept=[*links.kept(connection, earlier), *_by_person(earlier, pinned)],
            thresholds=thresholds,
            names=model.names,
            margin=model.margin,
        )
    return _Weighed(earlier, reached, known, decided, found)


def _by_person(earlier: Mapping[str, str | None], wanted: Collection[str]) -> list[set[str]]:
    """The keys of each of these persons."""
    groups: dict[str, set[str]] = {}
    for each, one in earlier.items():
        if one is not None and one in wanted:
            groups.setdefault(one, set()).add(each)
    return [groups[one] for one in sorted(groups)]


def _assignment(key: str, one: str, decided: Decided, decisions: Links) -> Assignment:
    """Whose the records of `key` are, and why."""
    if one == person.person_id([key]):
        return Assignment(key, one, How.NEW)
    if decisions.decided(key):
        return Assignment(key, one, How.DECISION)
    reason = decided.reasons.get(key)
    return Assignment(key, one, reason.how, reason.weight) if reason else Assignment(key, one, None)
