from array import array

import pytest

from family_exchange.adapters import database, findings
from family_exchange.domain.findings import Broken, Finding, Findings, Severity

FOUND = Findings(
    9,
    (
        Broken("PI-020", "incident_date", Severity.ERROR, (2, 7)),
        Broken("PI-039", "pnc_id", Severity.WARNING, (1, 7)),
        Broken("PI-002", None, Severity.ERROR, ()),
    ),
)


IN_TABLES = Findings(
    20,
    (
        Broken("SP-001", "since", Severity.ERROR, array("i", [2, 11]), table="persons"),
        Broken("SP-002", None, Severity.WARNING, (), table="episodes"),
        Broken("SP-003", "until", Severity.WARNING, (1, 2), table="episodes"),
        Broken("SP-004", None, Severity.ERROR, (1, 11), table="persons"),
    ),
)


@pytest.mark.parametrize("found", [FOUND, IN_TABLES, Findings(3)])
def test_findings_by_columns_are_the_same_as_one_by_one(found):
    assert [
        Finding(row["row_no"], row["column_name"], row["rule"], Severity(row["severity"]), row["table_name"])
        for row in findings.frame(found).iter_rows(named=True)
    ] == list(found)


def test_findings_are_numbered_from_one():
    assert findings.frame(FOUND)["finding_no"].to_list() == [1, 2, 3, 4, 5]


def test_a_file_without_findings_copies_nothing():
    assert bytes(findings.csv("F00000001", Findings(3))) == b""


@pytest.mark.parametrize(
    ("found", "digests"),
    [
        (FOUND, {1: b"\0one", 2: b"two", 7: b"\xff"}),
        (FOUND, {7: b"seven"}),
        (FOUND, None),
        (IN_TABLES, {("persons", 11): b"a", ("episodes", 1): b"b"}),
    ],
)
def test_findings_travel_to_the_ledger_in_one_copy(council_database, found, digests):
    with database.transaction(council_database) as connection:
        connection.execute(
            """INSERT INTO exchange.file (file_id, partner, feed, name_bytes, size, modified_at)
               VALUES ('F00000001', 'police', 'police_incidents', 'a', 1, 1)"""
        )
        statement = f"COPY exchange.finding ({', '.join(findings.COLUMNS)}) FROM STDIN (FORMAT csv)"
        with connection.cursor().copy(statement) as copy:
            copy.write(findings.csv("F00000001", found, digests))
        stored = connection.execute(
            "SELECT row_no, column_name, rule, severity, table_name, ref_hmac FROM exchange.finding ORDER BY finding_no"
        ).fetchall()
    assert [Finding(*row[:3], Severity(row[3]), row[4]) for row in stored] == list(found)
    assert [digest for *_, digest in stored] == [
        (digests or {}).get((each.table, each.row_no) if each.table else each.row_no) for each in found
    ]
