from dataclasses import replace
from datetime import date
from itertools import combinations, count, pairwise, product
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from family_exchange.domain import clustering, settling
from family_exchange.domain.clustering import Decided, Edge, How, Pair
from family_exchange.domain.likeness import Names
from family_exchange.domain.links import Kind, Link, Links
from family_exchange.domain.matching import Ground, Thresholds
from family_exchange.domain.person import Birth, Identity, person_id
from family_exchange.domain.settling import Known

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


def test_who_bears_the_very_name_is_that_one_of_two_though_hardly_heavier():
    exact, alike = replace(an_edge("a", "b", 28), ground=Ground.EXACT), an_edge("a", "c", 26)
    two_people = kept_apart("bc")
    assert clustering.undecided([exact, alike], two_people, margin=7) == {alike}
    rival = replace(an_edge("a", "d", 27), ground=Ground.EXACT)
    assert clustering.undecided([exact, alike, rival], kept_apart("bc", "bd", "cd"), margin=7) == {exact, alike, rival}
    lighter = replace(exact, weight=25.0)
    assert clustering.undecided([lighter, alike], two_people, margin=7) == {lighter, alike}


def test_an_age_tells_who_is_meant_only_where_nobody_else_may_be_meant():
    aged = replace(an_edge("a", "b", 15), ground=Ground.AGED)
    assert not clustering.rivalled([aged], [], kept_apart("bc"))
    assert not clustering.rivalled([aged], [an_edge("a", "c", 9)], kept_apart())
    assert clustering.rivalled([aged], [an_edge("a", "c", 9)], kept_apart("bc")) == {aged}
    assert clustering.rivalled([aged, an_edge("a", "c", 9)], [], kept_apart("bc")) == {aged}
    assert not clustering.rivalled([an_edge("a", "b", 15)], [an_edge("a", "c", 9)], kept_apart("bc"))


def test_two_candidates_who_may_be_one_person_are_no_dilemma():
    edges = [an_edge("a", "b", 10), an_edge("a", "c", 10)]
    assert not clustering.undecided(edges, lambda one, other: False, margin=7)


def decided(*clusters):
    """Record keys in clusters, each of them its own unit."""
    leader = {key: min(cluster) for cluster in clusters for key in cluster}
    return Decided({key: key for key in leader}, leader, {}, ())


def test_the_oldest_person_of_a_cluster_keeps_the_id_and_the_others_point_to_it():
    settled = settling.settle(decided("abc", "d"), [Known("P1", "a", since="2"), Known("P2", "b", since="1")])
    assert settled.person_of == {"a": "P2", "b": "P2", "c": "P2", "d": person_id("d")}
    assert settled.points_to == {"P1": "P2", "P2": None}


def test_new_people_get_an_id_from_their_smallest_key():
    settled = settling.settle(decided("ab"), [])
    assert set(settled.person_of.values()) == {person_id("a")}
    assert not settled.points_to


def test_of_a_person_who_is_parted_each_id_stays_with_the_one_it_means():
    known = [Known("P1", "a", since="1"), Known("P2", "b", since="2")]
    settled = settling.settle(decided("a", "bc", "d"), known)
    assert settled.person_of == {"a": "P1", "b": "P2", "c": "P2", "d": person_id("d")}
    assert settled.points_to == {"P1": None, "P2": None}


def a_link(number, a, b, kind=Kind.CANNOT_LINK):
    return Link(number, kind, frozenset(a), frozenset(b))


def one_decided(pairs, keys, links=(), kept=(), stated=None):
    return clustering.decide(
        pairs,
        stated or {},
        keys,
        links=Links(links),
        kept=kept,
        thresholds=Thresholds(certain=0.99, possible=0.5),
        names=NAMES,
        margin=7,
    )


def clusters(found):
    named = {}
    for key in found.unit_of:
        named.setdefault(found.cluster_of(key), set()).add(key)
    return {"".join(sorted(each)) for each in named.values()}


def a_pair(a, b, probability=0.999, weight=20.0):
    emma = {"forename": "EMMA", "born": BORN, "birth": Birth.ACTUAL}
    return Pair(Identity(key=a, **emma), Identity(key=b, **emma), probability, weight)


def test_a_decision_joins_what_everything_speaks_against():
    stated = {"a": [Identity(key="a", upn="A950000178301")], "b": [Identity(key="b", upn="H243278544154")]}
    found = one_decided([], "ab", [a_link(1, "a", "b", Kind.MUST_LINK)], stated=stated)
    assert clusters(found) == {"ab"}
    assert {edge.how for edge in found.reasons.values()} == {How.DECISION}


def test_a_decision_parts_what_everything_speaks_for_and_nobody_is_asked_again():
    assert clusters(one_decided([a_pair("a", "b")], "ab")) == {"ab"}
    found = one_decided([a_pair("a", "b")], "ab", [a_link(1, "a", "b")])
    assert clusters(found) == {"a", "b"}
    assert not found.possible


def test_no_chain_of_matches_leads_around_a_decision():
    pairs = [a_pair("a", "x", weight=40.0), a_pair("b", "x", weight=20.0)]
    found = one_decided(pairs, "abx", [a_link(1, "a", "b")])
    assert clusters(found) == {"ax", "b"}
    assert not found.possible  # of x and b somebody has said enough: x is a, and a is never b


def test_a_decision_on_a_kept_person_parts_it_and_the_rest_stays_whole():
    assert clusters(one_decided([], "abcd", kept=["abcd"])) == {"abcd"}
    assert clusters(one_decided([], "abcd", [a_link(1, "ab", "cd")], kept=["abcd"])) == {"ab", "cd"}
    assert clusters(one_decided([], "abcd", [a_link(1, "ab", "cd"), a_link(2, "a", "b")], kept=["abcd"])) == {
        "a", "b", "cd"
    }  # fmt: skip


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


acts = st.lists(
    st.tuples(st.sampled_from(["join", "split", "undo"]), st.integers(0, 99), st.integers(0, 99)), max_size=10
)


class Persons:
    """Who is who, by key, as files come and people decide."""

    def __init__(self, stated, scored):
        self.stated = {one.key: [one] for one in stated}
        self.pairs = [
            Pair(a, b, probability, float(weight))
            for (a, b), (probability, weight) in zip(combinations(stated, 2), scored, strict=True)
        ]
        self.keys, self.links, self.since, self.person_of, self.numbers = (), Links(), {}, {}, count(1)

    def bring(self, keys=()):
        """What the register says once these keys have come too."""
        self.keys = (*self.keys, *keys)
        pairs = [pair for pair in self.pairs if {pair.a.key, pair.b.key} <= set(self.keys)]
        found = one_decided(pairs, self.keys, self.links.all, stated=self.stated)
        own = {person_id([key]): key for key in self.keys}
        known = [Known(one, own[one], since) for one, since in self.since.items()]
        settled = settling.settle(found, known)
        self.person_of = dict(settled.person_of)
        for one in sorted({*self.person_of.values()} - self.since.keys()):
            self.since[one] = f"{len(self.since):04}"
        points_to = dict.fromkeys(self.person_of.values()) | dict(settled.points_to)
        assert all((points_to[one] or one) == self.person_of[own[one]] for one in self.since)  # an id keeps its meaning
        open_pairs = {tuple(sorted((found.cluster_of(e.a), found.cluster_of(e.b)))) for e in found.possible}
        return self.person_of, {key: edge.how for key, edge in found.reasons.items()}, open_pairs

    def partition(self):
        return {frozenset(k for k, one in self.person_of.items() if one == other) for other in self.person_of.values()}

    def whose(self, number):
        people = sorted({*self.person_of.values()})
        return frozenset(key for key, one in self.person_of.items() if one == people[number % len(people)])

    def act(self, what, one, other):
        """What somebody tries; refused where it contradicts what somebody has said."""
        if what == "undo":
            if self.links.all and (link := self.links.all[one % len(self.links.all)]):
                rest = self.links.without(link.number)
                if link.kind is Kind.CANNOT_LINK or not rest.against_parting(link.side_a, link.side_b):
                    self.links = rest
        elif what == "join":
            a, b = self.whose(one), self.whose(other)
            if a != b and not self.links.against_joining(a | b):
                self.links = Links([*self.links.all, Link(next(self.numbers), Kind.MUST_LINK, a, b)])
        else:
            everyone = self.whose(one)
            some = frozenset(sorted(everyone)[: 1 + other % max(1, len(everyone) - 1)])
            if some != everyone and not self.links.against_parting(some, everyone - some):
                self.links = Links([*self.links.all, Link(next(self.numbers), Kind.CANNOT_LINK, some, everyone - some)])
        return self.bring()

    def holds(self):
        """Everything in force is so."""
        for link in self.links.all:
            one, other = ({self.person_of.get(key) for key in side} - {None} for side in (link.side_a, link.side_b))
            if link.kind is Kind.MUST_LINK:
                assert len(one | other) <= 1
            else:
                assert one.isdisjoint(other)


@pytest.mark.requirement("R-038")
@given(people, scores, acts)
def test_whatever_is_joined_split_and_undone_all_undone_is_the_start(stated, scored, tried):
    register = Persons(stated, scored)
    start = register.bring(KEYS)
    for act in tried:
        register.act(*act)
        register.holds()
    while register.links.all:
        before = len(register.links.all)
        for number in range(before):
            register.act("undo", number, 0)
        assert len(register.links.all) < before  # something can always be undone
    assert register.bring() == start


@given(people, scores, acts, st.permutations(KEYS), st.sets(st.integers(1, len(KEYS) - 1)))
def test_what_people_decided_holds_in_whatever_order_files_come(stated, scored, tried, order, cuts):
    first = Persons(stated, scored)
    first.bring(KEYS)
    for act in tried:
        first.act(*act)
    later = Persons(stated, scored)
    later.links = first.links
    for start, end in pairwise([0, *sorted(cuts), len(KEYS)]):
        later.bring(order[start:end])
        later.holds()
    assert later.partition() == first.partition()


@given(people, scores, st.permutations(KEYS), st.sets(st.integers(1, len(KEYS) - 1)))
def test_whatever_comes_first_the_same_people_are_one_person_and_no_id_changes_its_meaning(stated, scored, order, cuts):
    def brought(ends):
        register = Persons(stated, scored)
        for start, end in pairwise([0, *ends]):
            register.bring(order[start:end])
        return register.partition()

    assert brought([*sorted(cuts), len(KEYS)]) == brought([len(KEYS)])
