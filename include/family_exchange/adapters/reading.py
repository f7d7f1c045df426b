"""The one door through which a person reads about people: a purpose, a name, an audit event, and then what it allows.

Within it the transaction has the role of the purpose. PostgreSQL shows that role nothing of anybody until
`register.read_person` has written the audit event that names who reads whom; if that cannot be written, nothing can be
read. What it shows then is for the purpose alone, class by class, and nothing of those who are protected from the one
for whose eyes it is.
"""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime

import psycopg
from psycopg import sql

from family_exchange.adapters import audit, database, memory, profiles, roles
from family_exchange.adapters.database import Connection
from family_exchange.adapters.doors import Doors
from family_exchange.domain import ids, need_to_know
from family_exchange.domain.column import Purpose
from family_exchange.domain.errors import NeedsDecision

REFUSED = "register.read_refused"
"""The audit event of a read that was not allowed."""
_UNKNOWN = "FX004"
PATIENCE_SECONDS = 30
"""How long a reader waits for somebody else's audit event to be written, before they are asked to try later."""
_NO_ROLE = (psycopg.errors.InsufficientPrivilege, psycopg.errors.InvalidParameterValue)


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody who reads, within one transaction."""

    connection: Connection
    """Under the role of the purpose: ask the room `register` what you want, it shows what may be seen."""
    purpose: Purpose
    by: str
    subject: str | None
    """For whose eyes: an id of a person, or None for the reader's own."""

    def person(self, person_id: str) -> str:
        """Whom the id means: from here on that person's rows can be read; it may be another id than the one given.

        Raises:
            NeedsDecision: the register knows nobody of that id, or nothing of them may be shown to the subject.
        """
        found = self.found(person_id)
        if found is None:
            raise NeedsDecision(f"there is nothing of a person {ids.said(person_id)} that may be shown here")
        return found

    def found(self, person_id: str) -> str | None:
        """As `person`; None where that raises."""
        found = self._read("SELECT register.read_person(%s, %s, %s, %s)", person_id)
        return None if found is None else str(found)

    def family(self, family_id: str) -> tuple[str, ...]:
        """The people who are or were of the family, each read with an audit event of their own; sorted ids.

        Raises:
            NeedsDecision: the register knows no such family, or nothing of it may be shown to the subject.
        """
        found = self._read("SELECT register.read_family(%s, %s, %s, %s)", family_id)
        if not isinstance(found, list) or not found:
            raise NeedsDecision(f"there is nothing of a family {ids.said(family_id)} that may be shown here")
        return tuple(map(str, found))

    def _read(self, question: str, item: str) -> object:
        try:
            row = self.connection.execute(question.encode(), (item, self.purpose, self.by, self.subject)).fetchone()
        except psycopg.Error as error:
            if error.sqlstate == _UNKNOWN:
                raise NeedsDecision(
                    "nobody can be read so: the purpose has no classes of data, or nobody has the id of the one for "
                    "whose eyes it is"
                ) from None
            raise
        return row[0] if row else None


@dataclass(frozen=True, slots=True)
class Notes:
    """Somebody who reads what was computed of people, within one transaction of the register's owner."""

    connection: Connection
    purpose: Purpose
    by: str

    def read(self, people: Iterable[str], *, subject: str | None = None) -> None:
        """Each of these people is read, with an audit event of their own; ids of nobody are left out.

        Raises:
            NeedsDecision: the purpose has no classes of data.
        """
        reader = Reader(self.connection, self.purpose, self.by, subject)
        for person in sorted({*people}):
            reader.found(person)

    def records(self) -> frozenset[str]:
        """Ids of the source records of those who are read that the purpose may see, and know for what they are."""
        rows = self.connection.execute(
            "SELECT source_record_id FROM register.readable_classes(%s) WHERE origin", (roles.of(self.purpose),)
        )
        return frozenset(str(record) for (record,) in rows)


@contextmanager
def reading(
    doors: Doors,
    *,
    purpose: str,
    by: str,
    subject: str | None = None,
    known: datetime | None = None,
    at_once: bool = False,
) -> Iterator[Reader]:
    """A reader for that purpose; `known`: the room `register` shows what was known at that moment.

    With `at_once` everything that the block asks is of one moment, and nobody else writes to the audit until it ends.

    What was read is in the audit when the block ends without an error, and nothing was read otherwise. A refusal is in
    the audit too.

    Raises:
        NeedsDecision: nobody is named; the council has no such purpose, or only anonymised data serve it; the block
            asked for something that the purpose may not ask; the roles of purposes are not there.
        TryLater: others have been writing to the audit for long.
    """
    named, stated = _allowed(doors, purpose, by)
    try:
        with _opening(doors, at_once=at_once) as connection:
            _bring_up_to_date(connection, doors)
            memory.as_known(connection, known)
            _take_on(connection, stated)
            try:
                yield Reader(connection, stated, named, subject)
            except psycopg.errors.InsufficientPrivilege:
                raise _Denied from None
    except _Denied:
        raise _refused(doors, stated, named) from None


def _opening(doors: Doors, *, at_once: bool) -> AbstractContextManager[Connection]:
    if at_once:
        return database.one_moment(doors.database, locked=audit.HEAD, patience=PATIENCE_SECONDS)
    return database.transaction(doors.database, patience=PATIENCE_SECONDS)


@contextmanager
def noted(doors: Doors, *, purpose: Purpose, by: str) -> Iterator[Notes]:
    """For questions that compute more than a purpose may ask: nothing is told of anybody who is not noted as read.

    Everything that the block asks is of one moment, and nobody else writes to the audit until it ends. What of it may
    be told is asked with `Notes.records`.

    Raises:
        NeedsDecision: nobody is named; the council has no such purpose, or only anonymised data serve it.
        TryLater: others have been writing to the audit for long.
    """
    named, stated = _allowed(doors, purpose, by)
    with _opening(doors, at_once=True) as connection:
        _bring_up_to_date(connection, doors)
        yield Notes(connection, stated, named)


class _Denied(Exception):
    """The role of the purpose may not ask that."""


def _allowed(doors: Doors, purpose: str, by: str) -> tuple[str, Purpose]:
    """Who reads, and for what; a purpose that anonymised data must serve is refused, in the audit too."""
    named = need_to_know.named(by)
    stated = need_to_know.purpose(doors.profile, purpose)
    if not need_to_know.is_identifiable(doors.profile, stated):
        raise _refused(doors, stated, named)
    return named, stated


def _refused(doors: Doors, purpose: Purpose, by: str) -> NeedsDecision:
    """The refusal, after it was written down."""
    with database.transaction(doors.database) as connection:
        audit.append(connection, REFUSED, by, {"purpose": purpose})
    return NeedsDecision(f"for the purpose {purpose} nobody may read that about people; the attempt is in the audit")


def _take_on(connection: Connection, purpose: Purpose) -> None:
    try:
        connection.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(roles.of(purpose))))
    except _NO_ROLE:
        raise NeedsDecision(
            f"the database server has no role {roles.of(purpose)} for this council's login: whoever may make roles "
            "runs `family-exchange database prepare`"
        ) from None


def _bring_up_to_date(connection: Connection, doors: Doors) -> None:
    """The database knows what each purpose may see, as the profile and the contracts say it today."""
    contracts = (profiles.contract(feed, each) for feed in doors.profile.feeds for each in profiles.versions(feed))
    wanted = sorted(need_to_know.allowed(doors.profile, contracts))
    stored = connection.execute("SELECT purpose, feed, data_class FROM register.purpose_class ORDER BY 1, 2, 3")
    if wanted == stored.fetchall():
        return
    given = {
        "purposes": [purpose for purpose, _, _ in wanted],
        "feeds": [feed for _, feed, _ in wanted],
        "classes": [data_class for _, _, data_class in wanted],
    }
    connection.execute(
        """DELETE FROM register.purpose_class WHERE (purpose, feed, data_class) NOT IN (
             SELECT * FROM unnest(%(purposes)s::text[], %(feeds)s::text[], %(classes)s::text[]))""",
        given,
    )
    connection.execute(  # another reader may be at the same
        """INSERT INTO register.purpose_class (purpose, feed, data_class)
           SELECT * FROM unnest(%(purposes)s::text[], %(feeds)s::text[], %(classes)s::text[]) ON CONFLICT DO NOTHING""",
        given,
    )
    audit.append(connection, "register.purposes", "exchange", {"classes": len(wanted)})
