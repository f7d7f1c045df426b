"""What a partner is told: the receipt's form, and what changed since an earlier file."""

import io
import json
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from python_calamine import CalamineWorkbook

from family_exchange.adapters import expectations, ledger, profiles, resends
from family_exchange.domain.answer import About, Counts
from family_exchange.domain.file import Reason, State, Verdict
from family_exchange.domain.findings import Finding, Severity
from family_exchange.domain.resend import Changes, Earlier, Mark, Resent, changes
from family_exchange.stages import book, reply, validate

FEED = "police_incidents"
CONTRACT = profiles.contract(FEED)
KEY = b"k" * 32
NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
COUNTS = Counts(read=10, loaded=7, with_finding=1, refused=2, columns_dropped=3)
ABOUT = About(FEED, "our file.csv.pgp", "halton", "F00000007", "police", "v1", NOW, 900, "ab" * 32, counts=COUNTS)
SAID = {"PI-031": "Give role in every row.", "PI-162": "Give the whole postcode.", "PI-001": "Send at least one row."}
EARLIER = Earlier("F00000003", "first try.csv.pgp", NOW, Verdict.PARTLY_ACCEPTED, None)


def told(about=ABOUT, findings=(), **options):
    given = {"said": SAID, "since": None, "workbook_name": None, "audit": None, **options}
    return json.loads(json.dumps(reply.receipt(about, findings, **given)))


def checked(content):
    return validate.table(content, CONTRACT, None, received_on=date(2026, 11, 20))


def lines(which="bad"):
    return (expectations.ROOT / FEED / f"v1.{which}.csv").read_text().splitlines()


def test_a_receipt_says_what_was_received_and_what_became_of_it():
    about = replace(ABOUT, state=State.CLOSED, verdict=Verdict.PARTLY_ACCEPTED, signer="AB" * 20, signed_at=NOW)
    receipt = told(about, workbook_name="F00000007.xlsx.pgp", audit=(12, "cd"))
    assert receipt["receipt"] == 2
    assert receipt["rows"] == {"read": 10, "loaded": 7, "loaded_with_finding": 1, "refused": 2}
    assert receipt["columns_not_taken"] == 3
    assert receipt["signed_at"] == receipt["received_at"] == "2026-11-20T09:30:00+00:00"
    assert receipt["audit"] == {"seq": 12, "hash": "cd"}
    assert receipt["workbook"] == "F00000007.xlsx.pgp"
    assert "send the whole file again" in receipt["what_to_do"]


def test_a_receipt_says_how_the_files_own_words_were_understood():
    about = replace(ABOUT, as_of=date(2026, 10, 31), coverage_from=date(2026, 4, 1), area="E08000036", sequence=7)
    assert told(about)["says"] == {
        "as_of": "2026-10-31", "coverage_from": "2026-04-01", "coverage_to": None, "area": "E08000036", "sequence": 7
    }  # fmt: skip


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_comes_with_its_advice(reason):
    receipt = told(replace(ABOUT, state=State.QUARANTINED, verdict=Verdict.REFUSED, reason=reason, counts=None))
    assert receipt["reason"] == reason
    assert len(receipt["what_to_do"]) > 40
    assert receipt["rows"]["read"] is None


ERROR = Finding(4, "role", "PI-031", Severity.ERROR)
WARNING = Finding(4, "postcode", "PI-162", Severity.WARNING)
OTHER_ROW = Finding(5, "postcode", "PI-162", Severity.WARNING)
WHOLE = Finding(None, None, "PI-001", Severity.ERROR)


@pytest.mark.parametrize(
    ("state", "findings", "loaded"),
    [
        (State.CLOSED, [ERROR, WARNING, OTHER_ROW], [False, False, True]),
        (State.CLOSED, [OTHER_ROW], [True]),
        (State.QUARANTINED, [OTHER_ROW], [False]),
        (State.CLOSED, [WHOLE, OTHER_ROW], [False, False]),
        (None, [ERROR, OTHER_ROW], [False, True]),
    ],
)
def test_each_finding_says_whether_its_row_was_taken(state, findings, loaded):
    assert [each["loaded"] for each in told(replace(ABOUT, state=state), findings)["findings"]] == loaded


def test_a_finding_names_row_column_rule_and_fix():
    assert told(findings=[ERROR])["findings"] == [
        {
            "table": None, "row": 4, "column": "role", "rule": "PI-031", "severity": "error",
            "fix": "Give role in every row.", "loaded": False,
        }
    ]  # fmt: skip


def test_what_the_ledger_stored_is_what_validation_found():
    stored = [
        ledger.StoredFinding(4, "role", "PI-031", "error"),
        ledger.StoredFinding(5, "postcode", "PI-162", "warning"),
    ]
    assert list(reply.as_found(stored)) == [ERROR, OTHER_ROW]


def a_mark(rule="PI-031", row_no=1):
    return Mark(rule, "role", None, row_no, b"x")


def test_a_resend_says_what_is_fixed_still_wrong_and_new():
    since = Resent(EARLIER, Changes((a_mark(),) * 12, (a_mark(),) * 3, (a_mark(),)))
    changed = told(since=since)["changes"]
    assert (changed["fixed"], changed["still_wrong"], changed["new"]) == (12, 3, 1)
    assert changed["since"]["file"] == "F00000003"
    assert changed["since"]["name"] == "first try.csv.pgp"
    assert changed["reason_no_longer_applies"] is None


def test_a_resend_of_what_was_refused_says_that_the_reason_is_gone():
    since = Resent(replace(EARLIER, reason=Reason.SCHEMA), None, Reason.SCHEMA)
    changed = told(since=since)["changes"]
    assert (changed["reason_no_longer_applies"], changed["fixed"]) == ("SCHEMA", None)


def mended(monkeypatch, earlier, before, now, about=ABOUT):
    monkeypatch.setattr(resends, "earlier", lambda *_: earlier)
    monkeypatch.setattr(resends, "marks", lambda *_: before)
    return reply.resent(None, about, now)


def test_a_file_without_an_earlier_one_changes_nothing(monkeypatch):
    assert mended(monkeypatch, None, [], []) is None


def test_a_file_that_could_not_be_read_is_compared_with_nothing(monkeypatch):
    assert mended(monkeypatch, EARLIER, [a_mark()], [], replace(ABOUT, counts=None)) is None


def test_two_readable_files_are_compared_one_by_one(monkeypatch):
    since = mended(monkeypatch, EARLIER, [a_mark()], [a_mark(row_no=9)])
    assert since == Resent(EARLIER, Changes((), (a_mark(row_no=9),), ()), None)


@pytest.mark.parametrize(("before", "now"), [(None, []), ([], None)])
def test_too_many_findings_are_not_compared(monkeypatch, before, now):
    assert mended(monkeypatch, EARLIER, before, now).changes is None


def test_a_file_that_could_not_be_read_has_no_findings_to_be_fixed(monkeypatch):
    since = mended(monkeypatch, replace(EARLIER, reason=Reason.SCHEMA), [], [a_mark()])
    assert (since.changes, since.reason_gone) == (None, Reason.SCHEMA)


def test_a_reason_that_holds_again_is_not_gone(monkeypatch):
    refused = replace(ABOUT, reason=Reason.CONTENT)
    since = mended(monkeypatch, replace(EARLIER, reason=Reason.CONTENT), [a_mark()], [a_mark()], refused)
    assert since.reason_gone is None
    assert len(since.changes.still) == 1


def test_rows_are_recognised_in_a_file_of_another_order():
    first = lines()
    second = [*first[:2], *reversed(first[2:])]
    before, now = (reply.marks(checked("\n".join([*each, ""]).encode()), KEY) for each in (first, second))
    changed = changes(before, now)
    assert len(changed.still) == len(before)
    assert not changed.fixed
    assert not changed.new


def test_a_mended_row_is_fixed_and_a_broken_one_new():
    first = lines()
    at = next(number for number, line in enumerate(first) if line.startswith("INC-005"))
    role = CONTRACT.headers.index("role")
    cells = first[at].split(",")
    cells[role] = "victim"
    last = first[-1].split(",")
    assert last[role]
    last[role] = ""
    second = [*first[:at], ",".join(cells), *first[at + 1 : -1], ",".join(last)]
    before, now = (reply.marks(checked("\n".join([*each, ""]).encode()), KEY) for each in (first, second))
    changed = changes(before, now)
    assert [(mark.rule, mark.row_no) for mark in changed.fixed] == [("PI-031", 5)]
    assert [(mark.rule, mark.row_no) for mark in changed.new] == [("PI-031", len(first) - 2)]


def test_digests_depend_on_the_key_and_name_no_reference():
    found = checked("\n".join([*lines(), ""]).encode())
    one, other = reply.digests(found, KEY), reply.digests(found, b"o" * 32)
    assert one.keys() == other.keys()
    assert not set(one.values()) & set(other.values())


def test_more_findings_than_are_compared_have_no_marks(monkeypatch):
    found = checked("\n".join([*lines(), ""]).encode())
    monkeypatch.setattr(resends, "MOST", len(found.findings))
    assert len(reply.marks(found, KEY)) == len(found.findings)
    monkeypatch.setattr(resends, "MOST", len(found.findings) - 1)
    assert reply.marks(found, KEY) is None


def sheets(made):
    workbook = CalamineWorkbook.from_filelike(io.BytesIO(made))
    return {name: workbook.get_sheet_by_name(name).to_python() for name in workbook.sheet_names}


def test_after_a_resend_the_workbook_shows_what_changed():
    found = checked("\n".join([*lines(), ""]).encode())
    first, second, *_ = reply.marks(found, KEY)
    gone = Mark("PI-999", "role", None, 77, b"gone")
    since = Resent(EARLIER, Changes((gone,), (first,), (second,)))
    made = sheets(book.workbook(reply.examined(ABOUT, found), found, CONTRACT, since))
    heading, still, new, fixed = made["Changes"]
    assert heading[:4] == ["Since the earlier file", "Row", "incident_ref", "person_ref"]
    assert (still[0], still[1], still[3]) == ("still wrong", 1.0, "P001")
    assert (new[0], new[1], new[2]) == ("new", 2.0, "two words")
    assert (fixed[0], fixed[1], fixed[2], fixed[-1]) == ("fixed", 77.0, "", "the earlier file")
    summary = {line[0]: line[1] for line in made["Summary"]}
    assert summary["Findings since then"] == "1 fixed, 1 still wrong, 1 new"
    assert "first try.csv.pgp" in summary["Compared with"]


def test_a_file_in_order_that_mends_another_has_a_workbook_of_what_was_fixed():
    found = checked("\n".join([*lines("good"), ""]).encode())
    about = reply.examined(ABOUT, found)
    fixed = Resent(EARLIER, Changes((a_mark(),), (), ()))
    assert book.workbook(about, found, CONTRACT) is None
    assert book.workbook(about, found, CONTRACT, Resent(EARLIER, Changes((), (), ()))) is None
    assert sheets(book.workbook(about, found, CONTRACT, fixed))["Changes"][1][0] == "fixed"


def test_a_workbook_lists_so_many_findings_and_counts_the_rest(monkeypatch):
    found = checked("\n".join([*lines(), ""]).encode())
    monkeypatch.setattr(book, "MOST_ROWS", 5)
    made = sheets(book.workbook(reply.examined(ABOUT, found), found, CONTRACT))
    assert len(made["Rows"]) == 1 + 5
    more = next(line[1] for line in made["Summary"] if line[0] == "More findings")
    assert more.startswith(f"{len(found.findings) - 5} more")


@pytest.mark.parametrize(("held", "loaded"), [(True, {"no"}), (False, {"yes", "no"})])
def test_no_row_of_a_held_file_is_called_loaded(held, loaded):
    found = checked("\n".join([*lines(), ""]).encode())
    made = sheets(book.workbook(reply.examined(ABOUT, found, held=held), found, CONTRACT))
    assert {line[-1] for line in made["Rows"][1:]} == loaded


def test_a_rule_without_words_sends_the_partner_to_a_person(monkeypatch):
    monkeypatch.setattr(expectations, "messages", lambda *_: {})
    found = checked("\n".join([*lines(), ""]).encode())
    made = sheets(book.workbook(reply.examined(ABOUT, found), found, CONTRACT))
    assert all("Speak to your contact" in line[-2] for line in made["Rows"][1:])


def test_a_reference_that_looks_like_a_formula_stays_text():
    rows = lines("good")[1:3]
    cells = rows[1].split(",")
    cells[CONTRACT.headers.index("person_ref")] = "=1+1"
    found = checked("\n".join([rows[0], ",".join(cells), ""]).encode())
    made = sheets(book.workbook(reply.examined(ABOUT, found), found, CONTRACT))
    assert made["Rows"][1][2] == "=1+1"


def test_the_workbook_names_no_cell_but_the_reference():
    found = checked("\n".join([*lines(), ""]).encode())
    shown = json.dumps(sheets(book.workbook(reply.examined(ABOUT, found), found, CONTRACT)))
    assert "INC-005" in shown
    assert "Testperson" not in shown
    assert "Testtown" not in shown
