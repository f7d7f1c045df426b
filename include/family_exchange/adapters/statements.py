"""What the source records state of who people are, standardised, by columns.

Rows travel by COPY; a rule of `domain.person` is applied once to each distinct value, never to each row.
"""

from collections.abc import Callable
from datetime import date
from io import BytesIO
from typing import Any

from family_exchange.adapters.database import Connection
from family_exchange.domain import person
from family_exchange.domain.matching import Names
from family_exchange.domain.person import Birth, Placeholders

BIRTH_ESTIMATED = "pers_dob_estimated"
"""The canonical column by which a partner says that a date of birth is an estimate or an expectation."""

KEY = "r.feed || '|' || r.partner || '|' || r.record_ref"
"""`person.record_key`, as SQL over `register.source_record r`."""

Table = Any
"""A pyarrow table; its package has no types."""

SEPARATOR = "\x1f"
RAW = (
    "key", "person_id", "forename", "surname", "sex", "uprn", "nhs_number", "nino", "upn", "pnc", "cro", "crn", "noms",
    "birth", "address",
)  # fmt: skip
JUSTICE = {"pnc": "pnc_id", "cro": "cro", "crn": "crn", "noms": "noms_number"}
"""Numbers of police, prison and probation, and the canonical columns in which feeds carry them."""
_COPY = f"""
    COPY (SELECT {KEY} AS key,
                 max(p.person_id) OVER (PARTITION BY r.feed, r.partner, r.record_ref) AS person_id,
                 p.person_id IS NULL AS fresh,
                 coalesce(r.forename, '') AS forename, coalesce(r.surname, '') AS surname, coalesce(r.sex, '') AS sex,
                 coalesce(r.uprn, '') AS uprn, coalesce(r.nhs_number, '') AS nhs_number,
                 coalesce(r.nino, '') AS nino, coalesce(r.upn, '') AS upn,
                 {", ".join(f"coalesce(r.facts ->> '{stated}', '') AS {name}" for name, stated in JUSTICE.items())},
                 concat_ws(E'\\x1f', coalesce(r.date_of_birth::text, ''),
                           coalesce(r.facts ->> '{BIRTH_ESTIMATED}', 'false'),
                           coalesce(r.date_of_birth > r.as_of, false)) AS birth,
                 concat_ws(E'\\x1f', coalesce(r.address_line_1, ''), coalesce(r.address_line_2, ''),
                           coalesce(r.postcode, '')) AS address
            FROM register.source_record r
            LEFT JOIN register.person_record p USING (source_record_id)) TO STDOUT (FORMAT csv, HEADER)
"""  # noqa: S608 - our own words


def standardised(connection: Connection, names: Names, placeholders: Placeholders) -> Table:
    """`standard` of each source record that the register has."""
    return standard(_fetched(connection), names, placeholders)


def standard(raw: Table, names: Names, placeholders: Placeholders) -> Table:
    """One row for each of `raw`: `key`, `person_id` (empty: none yet), `fresh` and the standardised identity.

    `raw` has the columns `RAW` as text, what is unknown empty, and `fresh`. Its `birth` is the day, whether it is an
    estimate (`true`) and whether it lay ahead (`t`); its `address` two lines and the postcode; parted by `SEPARATOR`.
    `stated_birth` is any known date of birth, its kind in `birth`; `born` is one that is actual; `forms` are
    the groups of customary forms that the forename belongs to. A place that many share is no home, so that nothing of
    its address is there.
    """
    import pyarrow as pa  # noqa: PLC0415 - costs half a second
    import pyarrow.compute as pc  # noqa: PLC0415 - as above

    def mapped(column: str, rule: Callable[[str], object], kind: object = None) -> object:
        coded = raw[column].combine_chunks().dictionary_encode()
        return pa.array([rule(value) for value in coded.dictionary.to_pylist()], kind).take(coded.indices)

    def births(value: str) -> tuple[date | None, Birth]:
        day, estimated, unborn = value.split(SEPARATOR)
        stated = date.fromisoformat(day) if day else None
        kind = person.birth_kind(
            stated, estimated=estimated == "true", unborn=unborn == "t", placeholders=placeholders.births
        )
        return (None if kind is Birth.UNKNOWN else stated), kind

    def actual(value: str) -> date | None:
        stated, kind = births(value)
        return stated if kind is Birth.ACTUAL else None

    def shared(value: str) -> bool:
        line_1, line_2, _ = value.split(SEPARATOR)
        return person.is_shared_place(line_1, line_2, placeholders)

    def postcode(value: str) -> str:
        return "" if shared(value) else person.standard_postcode(value.split(SEPARATOR)[2], placeholders)

    def dwelling(value: str) -> str:
        line_1, line_2, _ = value.split(SEPARATOR)
        return person.dwelling_key(line_1, line_2, postcode(value))

    def uprn(value: str) -> str:
        number = person.uprn(value)
        return "" if number in placeholders.shared_uprns else number

    standard = {
        "key": raw["key"],
        "person_id": raw["person_id"],
        "fresh": raw["fresh"],
        "sex": raw["sex"],
        "forename": mapped("forename", person.standard_name, pa.string()),
        "surname": mapped("surname", person.standard_name, pa.string()),
        "forms": mapped(
            "forename", lambda value: sorted(names.groups(person.standard_name(value))), pa.list_(pa.int32())
        ),
        "stated_birth": mapped("birth", lambda value: births(value)[0], pa.date32()),
        "birth": mapped("birth", lambda value: str(births(value)[1]), pa.string()),
        "born": mapped("birth", actual, pa.date32()),
        "dwelling": mapped("address", dwelling, pa.string()),
        "postcode": mapped("address", postcode, pa.string()),
        "uprn": pc.if_else(mapped("address", shared, pa.bool_()), "", mapped("uprn", uprn, pa.string())),
        "nhs_number": mapped("nhs_number", person.nhs_number, pa.string()),
        "nino": mapped("nino", person.nino, pa.string()),
        "upn": mapped("upn", person.upn, pa.string()),
        **{name: mapped(name, person.justice_number, pa.string()) for name in JUSTICE},
    }
    return pa.table(standard)


def _fetched(connection: Connection) -> Table:
    import pyarrow as pa  # noqa: PLC0415 - costs half a second
    from pyarrow import csv  # noqa: PLC0415 - as above

    buffer = BytesIO()
    with connection.cursor() as cursor, cursor.copy(_COPY.encode()) as copy:
        for block in copy:
            buffer.write(block)
    buffer.seek(0)
    return csv.read_csv(
        buffer,
        parse_options=csv.ParseOptions(newlines_in_values=True),
        convert_options=csv.ConvertOptions(
            column_types={column: pa.string() for column in RAW} | {"fresh": pa.bool_()},
            true_values=["t"],
            false_values=["f"],
        ),
    )
