"""Stage 5: who is who. Source records from staging, and a person for each.

A machine joins only what is certain; what is possible waits for a person.
"""

import logging

from family_exchange.adapters import audit, database, linkage, persons, register
from family_exchange.adapters.database import Connection
from family_exchange.adapters.doors import Doors
from family_exchange.adapters.linkage import LinkageModel
from family_exchange.adapters.persons import Assignment
from family_exchange.domain import clustering, person
from family_exchange.domain.clustering import Decided, How, Settled
from family_exchange.domain.errors import TryLater
from family_exchange.domain.matching import Thresholds

log = logging.getLogger(__name__)


def people(doors: Doors) -> dict[str, int]:
    """Every row of every applied file is a source record, and every source record has a person.

    Counts: `files`, `source_records`, `persons` (new), `joined` (persons found to be another), `possible_matches`
    (new). A second run finds nothing waiting and changes nothing.

    Raises:
        TryLater: another worker is writing the register.
    """
    with database.transaction(doors.database) as connection:
        if not database.lock(connection, register.LOCK, "register"):
            raise TryLater("another worker is bringing the register up to date")
        taken = register.take(connection, doors.contract)
        counts = {"files": len(taken.files), "source_records": taken.records}
        counts |= _decide(connection, doors, linkage.model())
    log.info("register: %s", counts)
    return counts


def _decide(connection: Connection, doors: Doors, model: LinkageModel) -> dict[str, int]:
    counts = {"persons": 0, "joined": 0, "possible_matches": 0}
    waiting = persons.undecided_keys(connection)
    if not waiting:
        return counts
    matching = doors.profile.matching
    thresholds = Thresholds(certain=matching.certain, possible=matching.possible)
    with linkage.pool(connection, model) as pool:
        pairs = pool.pairs(thresholds.possible)
        unit_of = pool.units(one.key for pair in pairs for one in (pair.a, pair.b))
        decided = clustering.decide(
            pairs,
            pool.statements(unit_of.values()),
            unit_of,
            thresholds=thresholds,
            names=model.names,
            margin=model.margin,
        )
    units = {known or key for key, known in waiting.items()} | decided.units
    existing = [unit for unit in units if not person.is_record_key(unit)]
    settled = clustering.settle(units, decided.leader, persons.seniority(connection, existing))
    counts["joined"] = persons.join(connection, settled.merged)
    how = persons.assign(connection, [_assignment(key, known, settled, decided) for key, known in waiting.items()])
    counts["persons"] = how.get(How.NEW, 0)
    counts["possible_matches"] = persons.note_possible(connection, decided.possible, settled.person_of)
    audit.append(connection, "register.persons", register.ACTOR, counts | {f"by_{way}": n for way, n in how.items()})
    return counts


def _assignment(key: str, known: str | None, settled: Settled, decided: Decided) -> Assignment:
    """Whose the undecided records of `key` are, and why."""
    one = settled.person_of[known or key]
    if known is not None:
        return Assignment(key, one, How.REFERENCE, None)
    if one == person.person_id([key]):
        return Assignment(key, one, How.NEW, None)
    reason = decided.reasons[key]
    return Assignment(key, one, reason.how, reason.weight)
