"""Stage 6: who is a family. Homes, names, children and partners' household references become families over time."""

import logging
from datetime import date
from hashlib import sha256

from family_exchange.adapters import audit, database, linkage_model, memory, register
from family_exchange.adapters import families as stored
from family_exchange.adapters.doors import Doors
from family_exchange.domain import family, home
from family_exchange.domain.errors import TryLater
from family_exchange.domain.person import Placeholders
from family_exchange.domain.register_rules import Attribute
from family_exchange.stages import facts

log = logging.getLogger(__name__)


def families(doors: Doors, *, today: date) -> dict[str, int]:
    """Every family that the source records tell of is in the register, with who belonged to it from when to when.

    Counts: `families` (new), `members` (new or changed memberships), `members_left` (memberships that nothing tells of
    any more). A second run on the same day finds nothing due; on a later day at most roles change, on birthdays.

    Raises:
        TryLater: another worker is writing the register.
    """
    with database.transaction(doors.database) as connection:
        if not database.lock(connection, register.LOCK, "register"):
            raise TryLater("another worker is bringing the register up to date")
        facts.bring_up(connection, doors.profile, today=today)
        due = memory.take_due(connection, "families")
        trusted = doors.profile.choosing.sources(Attribute.BIRTH)
        placeholders = linkage_model.of(doors.profile.matching).placeholders
        rule = ",".join((*trusted, _digest(placeholders)))
        if not due and not memory.whole(connection, "families", due, today=today, rule=rule):
            return {"families": 0, "members": 0, "members_left": 0}
        stored.note_births(connection, placeholders.births, today=today, trusted=trusted)
        seen, homes = stored.sightings(connection, today=today, placeholders=placeholders)
        living = family.at_home(home.stays(seen), stored.ties(connection, today=today), homes, on=today)
        whole = family.whole(living, stored.claims(connection, today=today))
        counts = stored.save(connection, family.named(whole, *stored.ids(connection)))
        memory.note_whole(connection, "families", today=today, rule=rule)
        if any(counts.values()):
            audit.append(connection, "register.families", register.ACTOR, counts)
    log.info("families: %s", counts)
    return counts


def _digest(placeholders: Placeholders) -> str:
    """The same text for the same words, days and numbers that tell of nobody and of no home."""
    told = (placeholders.births, placeholders.postcodes, placeholders.shared_places, placeholders.shared_uprns)
    return sha256(repr([sorted(map(str, each)) for each in told]).encode()).hexdigest()
