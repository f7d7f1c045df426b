from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from family_exchange.domain import spells
from family_exchange.domain.errors import NeedsDecision
from family_exchange.domain.spells import Spell

JAN, FEB, MAR, APR = (date(2026, month, 1) for month in range(1, 5))


def test_a_spell_holds_from_its_day_and_no_more_on_its_last():
    spell = Spell("a", JAN, FEB)
    assert [spell.holds(day) for day in (JAN - timedelta(1), JAN, FEB - timedelta(1), FEB)] == [
        False,
        True,
        True,
        False,
    ]


def test_a_spell_without_an_end_goes_on():
    assert Spell("a", JAN).holds(date(2999, 1, 1))


@pytest.mark.parametrize(
    ("known", "what", "on", "then"),
    [
        ((), "a", JAN, (Spell("a", JAN),)),
        ((Spell("a", JAN),), "b", FEB, (Spell("a", JAN, FEB), Spell("b", FEB))),
        ((Spell("a", JAN),), "b", JAN, (Spell("b", JAN),)),
        ((Spell("a", FEB),), "b", JAN, (Spell("b", JAN, FEB), Spell("a", FEB))),
        ((Spell("a", JAN, FEB),), "b", MAR, (Spell("a", JAN, FEB), Spell("b", MAR))),
        (
            (Spell("a", JAN, MAR), Spell("c", MAR)),
            "b",
            FEB,
            (Spell("a", JAN, FEB), Spell("b", FEB, MAR), Spell("c", MAR)),
        ),
    ],
    ids=["first", "next", "same day", "before the first", "after a gap", "between"],
)
def test_what_begins_holds_until_the_next_that_is_known(known, what, on, then):
    assert spells.begun(known, what, on) == then


def test_what_ends_leaves_a_gap():
    assert spells.ended((Spell("a", JAN),), FEB) == (Spell("a", JAN, FEB),)


def test_what_ends_on_its_first_day_never_was():
    assert spells.ended((Spell("a", JAN, FEB), Spell("b", FEB)), FEB) == (Spell("a", JAN, FEB),)


@pytest.mark.parametrize("on", [JAN - timedelta(1), MAR])
def test_nothing_ends_on_a_day_on_which_nothing_holds(on):
    with pytest.raises(NeedsDecision, match=str(on)):
        spells.ended((Spell("a", JAN, FEB),), on)


def test_without_an_entry_what_it_ended_goes_on():
    known = (Spell("a", JAN, FEB), Spell("b", FEB, MAR), Spell("c", MAR))
    assert spells.without(known, FEB) == (Spell("a", JAN, MAR), Spell("c", MAR))
    assert spells.without(known, MAR) == (Spell("a", JAN, FEB), Spell("b", FEB))
    assert spells.without(known, JAN) == known[1:]


def test_only_an_entry_that_is_there_can_be_taken_out_and_the_error_names_those_that_are():
    with pytest.raises(NeedsDecision, match="from 2026-01-01"):
        spells.without((Spell("a", JAN),), FEB)


def test_nothing_holds_in_a_gap_and_what_held_before_ends_there():
    known = (Spell("a", JAN, FEB), Spell("b", FEB, APR), Spell("c", APR))
    assert spells.outside(known, Spell("closed", MAR)) == (Spell("a", JAN, FEB), Spell("b", FEB, MAR))
    assert spells.outside(known, Spell("closed", FEB, APR)) == (Spell("a", JAN, FEB), Spell("c", APR))


DAYS = st.integers(0, 30).map(lambda number: JAN + timedelta(number))


@given(st.lists(st.tuples(DAYS, st.integers(0, 3)), max_size=12), DAYS)
def test_the_newest_word_about_a_day_on_which_something_began_holds_and_nothing_overlaps(said, asked):
    known: tuple[Spell[int], ...] = ()
    last = {}
    for on, what in said:
        known = spells.begun(known, what, on)
        last[on] = what
    assert [one.from_on for one in known] == sorted(last)
    assert all(one.until == after.from_on for one, after in pairwise(known))
    begun = [on for on in last if on <= asked]
    held = spells.at(known, asked)
    assert (held.what if held else None) == (last[max(begun)] if begun else None)
