"""Staged rows of invented people, and the doors of a council that has them."""

import csv
from datetime import date
from pathlib import Path

from psycopg import sql

from family_exchange.adapters import database, profiles, staging
from family_exchange.adapters.doors import Doors
from family_exchange.adapters.settings import CouncilSettings, SftpEndpoint
from support import folders

COUNCIL = "cheshire-west-and-chester"
AS_OF = date(2026, 10, 31)
TODAY = date(2026, 11, 22)
FEEDS = ("childrens_social_care", "housing_tenancies", "police_incidents", "school_attendance")
PARTNERS = {
    "childrens_social_care": "childrens-services",
    "housing_tenancies": "housing",
    "police_incidents": "police",
    "school_attendance": "schools",
}


def doors_to(url, council=COUNCIL, profile=None):
    """Doors whose database is real and whose other ends are nowhere."""
    nowhere = SftpEndpoint("localhost", 1, "nobody", Path("/dev/null"), "")
    settings = CouncilSettings(
        council=council,
        database=url,
        state=folders.set_up(),
        own_key="0" * 40,
        recipient_key="0" * 40,
        drop_zone=nowhere,
        recipient=nowhere,
    )
    return Doors(profile or profiles.profile(council), settings)


def with_staging(url):
    """The staging tables of every feed, as intake would have made them."""
    with database.transaction(url) as connection:
        staging.create_tables(connection, [profiles.contract(feed) for feed in FEEDS])
    return url


def a_file(url, feed, rows, *, as_of=AS_OF, state="APPLIED", coverage=None, partner=None):
    """The id of an applied file whose staged rows are `rows`, one dict of canonical columns each."""
    with database.transaction(url) as connection:
        (file_id,) = connection.execute(
            """INSERT INTO exchange.file (partner, feed, name_bytes, size, modified_at, state, contract, as_of,
                                          coverage_from, coverage_to)
               VALUES (%s, %s, 'x', 1, 1, %s, 'v1', %s, %s, %s) RETURNING file_id""",
            (partner or PARTNERS[feed], feed, state, as_of, *(coverage or (None, as_of))),
        ).fetchone()
        columns = sorted({column for row in rows for column in row})
        names = sql.SQL(", ").join(map(sql.Identifier, ["file_id", "row_no", *columns]))
        statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier("staging", feed), names)
        with connection.cursor() as cursor, cursor.copy(statement) as copy:
            for number, row in enumerate(rows, start=1):
                copy.write_row([file_id, number, *(row.get(column) for column in columns)])
    return file_id


def query(url, text, *parameters):
    """The rows of a query."""
    with database.transaction(url) as connection:
        return connection.execute(text, parameters).fetchall()


def persons_of(url, ref):
    """The persons of a partner's reference."""
    rows = query(
        url,
        """SELECT DISTINCT p.person_id FROM register.person_record p JOIN register.source_record r
            USING (source_record_id) WHERE r.record_ref = %s""",
        ref,
    )
    return {person for (person,) in rows}


def person_of(url, ref):
    """The one person of a partner's reference."""
    (person,) = persons_of(url, ref)
    return person


def same_person(url, *refs):
    """True when the references have one person."""
    return len({person_of(url, ref) for ref in refs}) == 1


def load(url, council, profile):
    """The good files of a synthetic council as applied files; columns that the profile does not allow stay out."""
    for file in council.files:
        if file.misbehaviour is not None:
            continue
        contract = profiles.contract(file.feed)
        lines = file.content.decode().splitlines()
        if lines[0].startswith("#"):
            del lines[0]
        canonical = {column.name: column for column in contract.columns}
        allowed = {name for name, column in canonical.items() if profile.collects(column.data_class)}
        rows = [
            {canonical[name].canonical: value for name, value in row.items() if name in allowed and value}
            for row in csv.DictReader(lines)
        ]
        a_file(url, file.feed, rows, partner=file.partner)
