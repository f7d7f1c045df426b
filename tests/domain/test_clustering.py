from datetime import date
from itertools import combinations, product
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from family_exchange.domain import clustering
from family_exchange.domain.clustering import Decided, Edge, How, Known, Pair
from family_exchange.domain.matching import Names, Thresholds
from family_exchange.domain.person import Birth, Identity, person_id

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


def decided(*clusters):
    """Record keys in clusters, each of them its own unit."""
    leader = {key: min(cluster) for cluster in clusters for key in cluster}
    return Decided({key: key for key in leader}, leader, {}, ())


def test_the_oldest_person_of_a_cluster_keeps_the_id_and_the_others_point_to_it():
    known = [Known("P1", "a", merged=False, since="S00000002.1"), Known("P2", "b", merged=False, since="S00000001.9")]
    settled = clustering.settle(decided("abc", "d"), known)
    assert settled.person_of == {"a": "P2", "b": "P2", "c": "P2", "d": person_id("d")}
    assert settled.points_to == {"P1": "P2", "P2": None}


def test_new_people_get_an_id_from_their_smallest_key():
    settled = clustering.settle(decided("ab"), [])
    assert set(settled.person_of.values()) == {person_id("a")}
    assert not settled.points_to


def test_of_a_person_who_is_parted_each_id_stays_with_the_one_it_means():
    known = [Known("P1", "a", merged=False, since="S1"), Known("P2", "b", merged=True)]
    settled = clustering.settle(decided("a", "bc", "d"), known)
    assert settled.person_of == {"a": "P1", "b": "P2", "c": "P2", "d": person_id("d")}
    assert settled.points_to == {"P1": None, "P2": None}


def test_an_id_that_is_a_persons_own_goes_before_one_that_points_elsewhere():
    known = [Known("P1", "a", merged=False, since="S9"), Known("P2", "b", merged=True, since="S1")]
    assert set(clustering.settle(decided("ab"), known).person_of.values()) == {"P1"}


def test_a_person_whose_reasons_are_destroyed_stays_whole():
    chain = [an_edge("a", "x"), an_edge("x", "b")]
    earlier = {"a": "P1", "b": "P1", "x": None, "c": "P2", "d": "P2", "e": "P3"}
    assert clustering.units(earlier, chain, ()) == {"a": "a", "b": "b", "x": "x", "c": "P2", "d": "P2", "e": "e"}


def test_a_person_about_whom_somebody_decided_stays_whole():
    assert clustering.units({"a": "P1", "b": "P1"}, [an_edge("a", "b")], {"P1"}) == {"a": "P1", "b": "P1"}


NAMES = Names(frozenset({"EMMA", "ELLA"}), {})
BORN = date(2015, 3, 4)
KEYS = [f"{feed}|p|{number}" for feed in "fg" for number in range(3)]
people = st.tuples(*(
    st.builds(
        Identity,
        key=st.just(key),
        forename=st.sampled_from(["EMMA", "ELLA", "EMMMA", ""]),
        born=st.sampled_from([BORN, date(2014, 4, 20)]),
        birth=st.just(Birth.ACTUAL),
        upn=st.sampled_from(["", "", "A950000178301"]),
    )
    for key in KEYS
))  # fmt: skip
scores = st.lists(st.tuples(st.sampled_from([0.7, 0.999]), st.integers(5, 30)), min_size=15, max_size=15)


@given(people, scores, st.permutations(KEYS), st.sets(st.integers(1, len(KEYS) - 1)))
def test_whatever_comes_first_the_same_people_are_one_person_and_no_id_changes_its_meaning(stated, scored, order, cuts):
    pairs = [
        Pair(a, b, probability, float(weight))
        for (a, b), (probability, weight) in zip(combinations(stated, 2), scored, strict=True)
    ]

    def brought(batches):
        """What the register says after the last batch: key → person, id → id."""
        person_of, points_to = {}, {}
        for end in batches:
            earlier = {key: person_of.get(key) for key in order[:end]}
            found = clustering.decide(
                [pair for pair in pairs if {pair.a.key, pair.b.key} <= set(earlier)],
                {one.key: [one] for one in stated},
                earlier,
                pinned=(),
                thresholds=Thresholds(certain=0.99, possible=0.5),
                names=NAMES,
                margin=7,
            )
            own = {person_id([key]): key for key in earlier}
            known = [Known(one, own[one], merged=to is not None) for one, to in points_to.items()]
            settled = clustering.settle(found, known)
            person_of = dict(settled.person_of)
            points_to = dict.fromkeys(person_of.values()) | dict(settled.points_to)
            assert {known.person for known in known} <= set(points_to)
            assert all((points_to[one] or one) == person_of[own[one]] for one in points_to)
        return {frozenset(key for key in order if person_of[key] == one) for one in person_of.values()}

    assert brought([*sorted(cuts), len(KEYS)]) == brought([len(KEYS)])
