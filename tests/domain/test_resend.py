"""What is fixed, still wrong and new between two files of one partner."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from family_exchange.domain.resend import Changes, Mark, changes, digest

KEY = b"k" * 32


def a_mark(reference="INC-1", rule="PI-011", row_no=1, column="incident_ref", table=None):
    return Mark(rule, column, table, row_no, digest(KEY, (reference,)))


def numbers(changed):
    return len(changed.fixed), len(changed.still), len(changed.new)


def test_a_finding_is_recognised_by_reference_and_rule_wherever_its_row_stands():
    changed = changes([a_mark(row_no=7)], [a_mark(row_no=9)])
    assert numbers(changed) == (0, 1, 0)
    assert changed.still[0].row_no == 9


@pytest.mark.parametrize(
    "other",
    [a_mark(reference="INC-2"), a_mark(rule="PI-012"), a_mark(column="role"), a_mark(table="person")],
    ids=["another row", "another rule", "another column", "another table"],
)
def test_anything_else_is_fixed_here_and_new_there(other):
    assert changes([a_mark()], [other]) == Changes((a_mark(),), (), (other,))


def test_what_was_found_twice_and_is_found_once_was_fixed_once():
    assert numbers(changes([a_mark(row_no=1), a_mark(row_no=2)], [a_mark(row_no=5)])) == (1, 1, 0)


def test_a_finding_of_the_whole_file_is_not_one_of_a_row_without_reference():
    whole = Mark("PI-001", None, None, None, None)
    nameless = Mark("PI-001", None, None, 3, None)
    assert numbers(changes([whole], [nameless])) == (1, 0, 1)
    assert numbers(changes([whole], [whole])) == (0, 1, 0)
    assert numbers(changes([nameless], [nameless])) == (0, 1, 0)


marks = st.builds(
    Mark,
    st.sampled_from(["PI-011", "PI-012"]),
    st.sampled_from([None, "role"]),
    st.just(None),
    st.integers(1, 5),
    st.sampled_from([b"a", b"b", None]),
)


@given(st.lists(marks), st.lists(marks))
def test_every_finding_of_either_file_is_in_one_group(earlier, now):
    changed = changes(earlier, now)
    assert len(changed.fixed) + len(changed.still) == len(earlier)
    assert Counter(now) == Counter(changed.still + changed.new)


@given(st.lists(marks))
def test_the_same_file_again_changes_nothing(found):
    assert numbers(changes(found, found)) == (0, len(found), 0)


@given(st.lists(marks), st.lists(marks))
def test_going_back_exchanges_fixed_and_new(earlier, now):
    fixed, still, new = numbers(changes(earlier, now))
    assert numbers(changes(now, earlier)) == (new, still, fixed)


def test_a_digest_frames_its_parts_and_depends_on_the_key():
    assert digest(KEY, ("a", "bc")) != digest(KEY, ("ab", "c"))
    assert digest(KEY, ("a",)) != digest(KEY, ("a", ""))
    assert digest(KEY, ("a", None)) == digest(KEY, ("a", ""))
    assert digest(KEY, ("a",)) != digest(b"other" * 8, ("a",))


@pytest.mark.parametrize("empty", [(), ("",), ("", None)])
def test_a_row_without_any_reference_has_no_digest(empty):
    assert digest(KEY, empty) is None


def test_a_reference_is_not_in_what_is_printed():
    assert "INC-1" not in repr(a_mark())
    assert "reference" not in repr(a_mark())
