from itertools import product
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from family_exchange.domain import clustering
from family_exchange.domain.clustering import Edge, How
from family_exchange.domain.person import person_id

UNITS = "abcdef"


def an_edge(a, b, weight=10.0, how=How.SCORE):
    return Edge(*sorted((a, b)), how, weight if how is How.SCORE else None)


def kept_apart(*pairs):
    forbidden = {frozenset(pair) for pair in pairs}
    return lambda one, other: any(frozenset(pair) in forbidden for pair in product(one, other))


def test_the_stronger_of_two_reasons_that_exclude_each_other_wins():
    found = clustering.cluster([an_edge("a", "b", 8), an_edge("b", "c", 12)], kept_apart("ac"))
    assert found.leader["b"] == found.leader["c"] != found.leader["a"]
    assert [edge.a + edge.b for edge in found.refused] == ["ab"]


def test_an_identifier_is_stronger_than_any_score():
    edges = [an_edge("a", "b", 50), an_edge("b", "c", how=How.IDENTIFIER)]
    found = clustering.cluster(edges, kept_apart("ac"))
    assert found.leader["b"] == found.leader["c"]


edges_between_units = st.lists(
    st.builds(
        lambda pair, weight, how: an_edge(*pair, weight, how),
        st.sampled_from([(a, b) for a, b in product(UNITS, UNITS) if a < b]),
        st.integers(5, 40).map(float),
        st.sampled_from([How.SCORE, How.IDENTIFIER]),
    ),
    max_size=15,
)
conflicting_pairs = st.lists(st.sampled_from([a + b for a, b in product(UNITS, UNITS) if a < b]), max_size=8)


@given(edges_between_units, conflicting_pairs)
def test_no_person_is_ever_two_people(edges, pairs):
    found = clustering.cluster(edges, kept_apart(*pairs))
    for a, b in pairs:
        assert found.leader.get(a, a) != found.leader.get(b, b)


@given(edges_between_units, conflicting_pairs, st.integers())
def test_the_order_in_which_reasons_are_found_does_not_matter(edges, pairs, seed):
    shuffled = list(edges)
    Random(seed).shuffle(shuffled)
    assert clustering.cluster(edges, kept_apart(*pairs)) == clustering.cluster(shuffled, kept_apart(*pairs))


@pytest.mark.parametrize(("lead", "left_out"), [(3.0, {"ab", "ac"}), (9.0, {"ac"})])
def test_a_score_that_cannot_tell_two_people_apart_joins_neither(lead, left_out):
    edges = [an_edge("a", "b", 10 + lead), an_edge("a", "c", 10)]
    unclear = clustering.undecided(edges, lambda one, other: {one, other} == {"b", "c"}, margin=7)
    assert {edge.a + edge.b for edge in unclear} == left_out


def test_two_candidates_who_may_be_one_person_are_no_dilemma():
    edges = [an_edge("a", "b", 10), an_edge("a", "c", 10)]
    assert not clustering.undecided(edges, lambda one, other: False, margin=7)


def test_the_oldest_person_of_a_cluster_keeps_the_id_and_the_others_point_to_it():
    leader = {"P1": "P1", "P2": "P1", "f|p|1": "P1"}
    settled = clustering.settle(["f|p|2"], leader, {"P1": "S00000002.1", "P2": "S00000001.9"})
    assert settled.person_of == {"P1": "P2", "P2": "P2", "f|p|1": "P2", "f|p|2": person_id(["f|p|2"])}
    assert settled.merged == {"P1": "P2"}


def test_new_people_get_an_id_from_their_smallest_key():
    settled = clustering.settle([], {"f|p|1": "f|p|1", "f|q|0": "f|p|1"}, {})
    assert set(settled.person_of.values()) == {person_id(["f|p|1"])}
    assert not settled.merged
