import pytest
from hypothesis import given
from hypothesis import strategies as st

from family_exchange.domain.file import Verdict
from family_exchange.domain.findings import Broken, Finding, Findings, Severity

ERROR, WARNING = Severity.ERROR, Severity.WARNING


def broken(rule="PI-001", severity=ERROR, rows=(1,), column="surname"):
    return Broken(rule, column, severity, tuple(rows))


rules = st.builds(
    broken,
    rule=st.sampled_from(["PI-001", "PI-002", "PI-003"]),
    severity=st.sampled_from(Severity),
    rows=st.sets(st.integers(1, 20), max_size=20).map(sorted),
)
anything_found = st.lists(rules, max_size=6, unique_by=lambda found: found.rule).map(
    lambda found: Findings(20, tuple(found))
)


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        ((), Verdict.ACCEPTED),
        ((broken(severity=WARNING),), Verdict.ACCEPTED_WITH_FINDINGS),
        ((broken(),), Verdict.PARTLY_ACCEPTED),
        ((broken(rows=(1, 2, 3)),), Verdict.REFUSED),
        ((broken(rows=(1, 2)), broken("PI-002", rows=(2, 3))), Verdict.REFUSED),
        ((broken(rows=()),), Verdict.REFUSED),
        ((broken(severity=WARNING, rows=()),), Verdict.ACCEPTED_WITH_FINDINGS),
    ],
)
def test_the_verdict_follows_from_the_worst_that_was_found(found, verdict):
    assert Findings(3, found).verdict() is verdict


@pytest.mark.parametrize(
    ("severity", "holds", "told", "verdict"),
    [
        (Severity.HOLD, True, 1, Verdict.ACCEPTED_WITH_FINDINGS),
        (Severity.NOTE, False, 0, Verdict.ACCEPTED),
        (WARNING, False, 1, Verdict.ACCEPTED_WITH_FINDINGS),
    ],
)
def test_a_hold_makes_a_file_wait_and_a_note_is_for_the_council_only(severity, holds, told, verdict):
    found = Findings(3).and_more([broken(severity=severity, rows=() if severity is Severity.HOLD else (1,))])
    assert (found.holds, len(found.told()), found.verdict()) == (holds, told, verdict)
    assert found.rows_refused == 0
    assert found.rows_with_finding == (severity is WARNING)


def test_a_rule_that_stands_for_two_columns_is_counted_for_both():
    found = Findings(9, (broken(rows=(1, 2)), broken(rows=(3,), column="forename")))
    assert found.by_rule() == {"PI-001": 3}


def test_a_file_without_rows_is_refused():
    assert Findings(0).verdict() is Verdict.REFUSED


def test_a_row_with_an_error_and_a_warning_counts_as_refused_only():
    found = Findings(4, (broken(rows=(1, 2)), broken("PI-002", WARNING, rows=(2, 3))))
    assert (found.rows_refused, found.rows_with_finding, found.rows_loaded) == (2, 1, 1)


def test_findings_come_in_the_order_of_rows_and_the_file_itself_comes_first():
    found = Findings(
        5, (broken("B", rows=(2, 5)), broken("A", WARNING, rows=(1, 5)), broken("C", rows=(), column=None))
    )
    assert list(found) == [
        Finding(None, None, "C", ERROR),
        Finding(1, "surname", "A", WARNING),
        Finding(2, "surname", "B", ERROR),
        Finding(5, "surname", "B", ERROR),
        Finding(5, "surname", "A", WARNING),
    ]


@given(anything_found)
def test_every_row_is_loaded_or_loaded_with_a_finding_or_refused(found):
    assert found.rows_loaded >= 0
    assert found.rows_loaded + found.rows_with_finding + found.rows_refused == found.rows_read


@given(anything_found)
def test_what_is_counted_is_what_is_listed(found):
    assert len(found) == len(list(found)) == sum(found.by_rule().values())
    assert all(finding.rule in found.by_rule() for finding in found)


@given(anything_found)
def test_a_file_is_accepted_only_when_nothing_was_found(found):
    assert (found.verdict() is Verdict.ACCEPTED) == (len(found.told()) == 0)


def test_rows_of_a_bundle_are_counted_within_their_tables():
    found = Findings(
        10,
        (
            Broken("A", None, Severity.ERROR, (1, 2), "people"),
            Broken("B", None, Severity.WARNING, (2, 3), "people"),
            Broken("C", None, Severity.WARNING, (1, 2), "plans"),
            Broken("D", None, Severity.ERROR, (2,), "plans"),
        ),
    )
    assert (found.rows_refused, found.rows_with_finding, found.rows_loaded) == (3, 2, 5)
    assert [(each.table, each.row_no, each.rule) for each in found] == [
        ("people", 1, "A"), ("people", 2, "A"), ("people", 2, "B"), ("people", 3, "B"),
        ("plans", 1, "C"), ("plans", 2, "C"), ("plans", 2, "D"),
    ]  # fmt: skip
    assert found.verdict() is Verdict.PARTLY_ACCEPTED
