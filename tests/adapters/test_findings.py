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


def test_findings_by_columns_are_the_same_as_one_by_one():
    rows = findings.frame(FOUND).iter_rows(named=True)
    assert [Finding(row["row_no"], row["column_name"], row["rule"], Severity(row["severity"])) for row in rows] == list(
        FOUND
    )


def test_findings_are_numbered_from_one():
    assert findings.frame(FOUND)["finding_no"].to_list() == [1, 2, 3, 4, 5]


def test_a_file_without_findings_copies_nothing():
    assert bytes(findings.csv("F00000001", Findings(3))) == b""


def test_findings_travel_to_the_ledger_in_one_copy(council_database):
    with database.transaction(council_database) as connection:
        connection.execute(
            """INSERT INTO exchange.file (file_id, partner, feed, name_bytes, size, modified_at)
               VALUES ('F00000001', 'police', 'police_incidents', 'a', 1, 1)"""
        )
        statement = f"COPY exchange.finding ({', '.join(findings.COLUMNS)}) FROM STDIN (FORMAT csv)"
        with connection.cursor().copy(statement) as copy:
            copy.write(findings.csv("F00000001", FOUND))
        stored = connection.execute(
            "SELECT row_no, column_name, rule, severity FROM exchange.finding ORDER BY finding_no"
        ).fetchall()
    assert [Finding(*row[:3], Severity(row[3])) for row in stored] == list(FOUND)
