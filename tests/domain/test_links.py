import pytest
from hypothesis import given
from hypothesis import strategies as st

from family_exchange.domain import links
from family_exchange.domain.links import Kind, Link, Links

KEYS = "abcdef"


def must(number, a, b):
    return Link(number, Kind.MUST_LINK, frozenset(a), frozenset(b))


def cannot(number, a, b):
    return Link(number, Kind.CANNOT_LINK, frozenset(a), frozenset(b))


def parts(keys, *decisions, kept=()):
    found = {}
    for key, unit in links.units(keys, Links(decisions), kept).items():
        found.setdefault(unit, set()).add(key)
    return {"".join(sorted(each)) for each in found.values()}


def test_without_a_decision_every_key_is_by_itself():
    assert parts("abc") == {"a", "b", "c"}


def test_what_must_be_one_is_one_by_whatever_chain():
    assert parts("abcd", must(1, "a", "b"), must(2, "b", "d")) == {"abd", "c"}


def test_a_key_without_records_says_nothing_and_the_others_hold():
    assert parts("bc", must(1, "ab", "c")) == {"bc"}
    assert parts("bc", cannot(1, "a", "b"), kept=["abc"]) == {"b", "c"}
    assert parts("cd", cannot(1, "a", "b"), kept=["abcd"]) == {"cd"}


@pytest.mark.parametrize(
    ("decisions", "together", "named"),
    [
        ([cannot(1, "a", "b")], "ab", (1,)),
        ([cannot(1, "a", "b")], "ac", ()),
        ([cannot(1, "a", "b"), must(2, "b", "c")], "ac", (1,)),
        ([cannot(1, "a", "b"), cannot(3, "ad", "c")], "abc", (1, 3)),
    ],
)
def test_a_join_is_refused_by_the_decisions_that_keep_the_two_apart(decisions, together, named):
    assert Links(decisions).against_joining(together) == named


@pytest.mark.parametrize(
    ("decisions", "one", "other", "named"),
    [
        ([must(1, "a", "b")], "a", "b", (1,)),
        ([must(1, "a", "b")], "ab", "c", ()),
        ([must(1, "a", "b"), must(2, "b", "c"), must(3, "d", "e")], "a", "c", (1, 2)),
    ],
)
def test_a_split_is_refused_by_the_decisions_that_hold_the_two_together(decisions, one, other, named):
    assert Links(decisions).against_parting(one, other) == named


def test_what_only_a_decision_joined_does_not_stay_together_without_it():
    decided = Links([must(1, "ab", "c"), cannot(2, "x", "y")])
    assert links.groups("abcd", decided) == [frozenset("ab"), frozenset("c"), frozenset("d")]
    assert links.groups("abcd", Links()) == [frozenset("abcd")]


sides = st.sets(st.sampled_from(KEYS), min_size=1)
anything = st.lists(st.tuples(st.sampled_from(Kind), sides, sides), max_size=6)


@given(anything, st.lists(sides, max_size=3))
def test_no_unit_ever_holds_both_sides_of_what_must_stay_apart(decided, kept):
    held = []
    for number, (kind, a, b) in enumerate(decided):
        one = Link(number, kind, frozenset(a - b), frozenset(b))
        if not one.side_a:
            continue
        before = Links(held)
        against = before.against_joining(one.keys) if kind is Kind.MUST_LINK else before.against_parting(a - b, b)
        if not against:
            held.append(one)
    unit_of = links.units(KEYS, Links(held), kept)
    for link in held:
        one, other = ({unit_of[key] for key in side} for side in (link.side_a, link.side_b))
        if link.kind is Kind.MUST_LINK:
            assert len(one | other) == 1
        else:
            assert one.isdisjoint(other)
