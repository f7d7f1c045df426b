"""Invented tables of the Standard Safeguarding Dataset, as a council's case system exports them."""

import csv
from collections.abc import Mapping
from io import StringIO

from family_exchange.adapters import profiles
from family_exchange.domain.contract import Contract
from support import containers

MANIFEST = (
    "#family-exchange feed=childrens_social_care contract=v2 as_of=2026-10-31 coverage_from=2026-04-01"
    " coverage_to=2026-10-31"
)

Rows = list[dict[str, str]]


def contract() -> Contract:
    return profiles.contract("childrens_social_care", "v2")


def person(ref: str, **cells: str) -> dict[str, str]:
    known = {"pers_surname": f"Testperson-{ref}", "pers_forename": "Ada", "pers_dob": "2012-02-29", "pers_sex": "F"}
    return {"pers_person_id": ref, **known, **cells}


def tables(**rows: Rows) -> dict[str, Rows]:
    """Every table of the contract; those that are not named have no rows. Names are without `ssd_`."""
    return {table.name: rows.get(table.name.removeprefix("ssd_"), []) for table in contract().tables}


def as_csv(table: str, rows: Rows) -> str:
    text = StringIO()
    writer = csv.DictWriter(text, contract().of_table(table).headers, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def bundle(rows: Mapping[str, Rows], *, manifest: str = MANIFEST) -> bytes:
    """The sealed ZIP's content."""
    members = {f"{table}.csv": as_csv(table, each) for table, each in rows.items()}
    return containers.archive(members | ({"manifest.txt": manifest + "\n"} if manifest else {}))


def workbook(rows: Mapping[str, Rows], *, manifest: str = MANIFEST) -> bytes:
    """The same as a workbook with a sheet for each table."""
    sheets = [
        (
            table,
            [
                contract().of_table(table).headers,
                *([row.get(name) for name in contract().of_table(table).headers] for row in each),
            ],
        )
        for table, each in rows.items()
    ]
    return containers.workbook(*([("manifest", [[manifest]])] if manifest else []), *sheets)
