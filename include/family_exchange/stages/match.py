"""Stage 5: who is who. Source records from staging, and a person for each.

A machine joins only what is certain; what is possible waits for a person.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from family_exchange.adapters import audit, database, linkage, linkage_model, persons, register
from family_exchange.adapters.database import Connection
from family_exchange.adapters.doors import Doors
from family_exchange.adapters.linkage_model import LinkageModel
from family_exchange.adapters.persons import Assignment
from family_exchange.domain import clustering, person
from family_exchange.domain.clustering import Decided, How
from family_exchange.domain.errors import TryLater
from family_exchange.domain.matching import Thresholds

log = logging.getLogger(__name__)


def people(doors: Doors) -> dict[str, int]:
    """Every row of every applied file is a source record, and every source record has a person.

    The same files end in the same persons, in whatever order and batches they come. So what comes later may show that
    a certain match was none: then the person is parted, each id stays with the one it means, and somebody must look.

    Counts: `files`, `source_records`, `persons` (new), `joined` (persons found to be another), `parted` (persons found
    to be more than one), `possible_matches` (new). A second run finds nothing waiting and changes nothing.

    Raises:
        TryLater: another worker is writing the register.
    """
    with database.transaction(doors.database) as connection:
        if not database.lock(connection, register.LOCK, "register"):
            raise TryLater("another worker is bringing the register up to date")
        taken = register.take(connection, doors.contract)
        counts = {"files": len(taken.files), "source_records": taken.records}
        counts |= _decide(connection, doors, linkage_model.model())
    log.info("register: %s", counts)
    return counts


def _decide(connection: Connection, doors: Doors, model: LinkageModel) -> dict[str, int]:
    counts = {"persons": 0, "joined": 0, "parted": 0, "possible_matches": 0}
    waiting = persons.undecided_keys(connection)
    if not waiting:
        return counts
    weighed = _weighed(connection, doors, model, [key for key, known in waiting.items() if known is None])
    decided, earlier = weighed.decided, weighed.earlier
    settled = clustering.settle(decided, persons.known(connection, earlier, weighed.reached))
    counts["persons"] = persons.begin(connection, settled.person_of.values())
    counts["joined"] = persons.point(connection, settled.points_to)
    moved = {key: was for key, was in earlier.items() if was is not None and settled.person_of[key] != was}
    counts["parted"] = len({was for was in moved.values() if settled.points_to.get(was) is None})
    person_of = {key: known for key, known in waiting.items() if known is not None} | dict(settled.person_of)
    how = persons.assign(connection, [_assignment(key, person_of[key], decided) for key in sorted({*waiting, *moved})])
    unit_is = {unit: settled.person_of[key] for key, unit in decided.unit_of.items()}
    counts["possible_matches"] = persons.note_possible(connection, decided.possible, unit_is, among=weighed.reached)
    audit.append(connection, "register.persons", register.ACTOR, counts | {f"by_{way}": n for way, n in how.items()})
    return counts


@dataclass(frozen=True, slots=True)
class _Weighed:
    """What the fresh statements have a say in. Whom they do not reach, by any chain of matches, is as before."""

    earlier: Mapping[str, str | None]
    """Record key → whose it was until now."""
    reached: frozenset[str]
    """The persons of these keys."""
    decided: Decided


def _weighed(connection: Connection, doors: Doors, model: LinkageModel, new: Sequence[str]) -> _Weighed:
    matching = doors.profile.matching
    thresholds = Thresholds(certain=matching.certain, possible=matching.possible)
    remembered = persons.remembered(connection, new)
    with linkage.pool(connection, model) as pool:
        pairs = pool.pairs(thresholds.possible)
        paired = pool.held((one.key for pair in pairs for one in (pair.a, pair.b)), ()) | remembered
        reached = persons.reached(connection, filter(None, paired.values()))
        pairs += pool.pairs_among(reached, thresholds.possible)
        held = pool.held(paired, reached) | remembered
        earlier = dict.fromkeys(new) | held
        decided = clustering.decide(
            pairs,
            pool.statements(held),
            earlier,
            pinned=persons.pinned(connection, reached),
            thresholds=thresholds,
            names=model.names,
            margin=model.margin,
        )
    return _Weighed(earlier, reached, decided)


def _assignment(key: str, one: str, decided: Decided) -> Assignment:
    """Whose the records of `key` are, and why."""
    if one == person.person_id([key]):
        return Assignment(key, one, How.NEW, None)
    reason = decided.reasons.get(key)
    return Assignment(key, one, reason.how, reason.weight) if reason else Assignment(key, one, How.REFERENCE, None)
