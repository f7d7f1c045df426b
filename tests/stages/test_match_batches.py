"""Who is who, and who is a family, depends on what was sent and not on how it was batched, nor in which order."""

from collections import defaultdict
from dataclasses import replace
from functools import cache
from itertools import pairwise
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from family_exchange.adapters import database, profiles
from family_exchange.adapters import register as registry
from family_exchange.demo import synthetic
from family_exchange.stages import match, propose, register
from support.registry import COUNCIL, TODAY, doors_to, load, query

PEOPLE = 600


def brought(url, profile, batches):
    """The register after the batches of files, each brought in before the next one comes."""
    for batch in batches:
        load(url, SimpleNamespace(files=batch), profile)
        match.people(doors_to(url))
        register.families(doors_to(url), today=TODAY)
    return url


def persons(url):
    """Person → their source records, each by what its partner calls it."""
    found = defaultdict(set)
    for person, *record in query(
        url,
        """SELECT p.person_id, r.feed, r.partner, r.record_ref, r.event_ref
             FROM register.source_record r JOIN register.person_record p USING (source_record_id)""",
    ):
        found[person].add(tuple(record))
    return {person: frozenset(records) for person, records in found.items()}


def partition(url):
    return set(persons(url).values())


def families(url):
    """The families as sets of people, by their records, with the time and place of each."""
    records = persons(url)
    found = defaultdict(set)
    for family, person, *rest in query(
        url, "SELECT family_id, person_id, from_on, to_on, role, resident FROM register.family_member"
    ):
        found[family].add((records[person], *rest))
    return {frozenset(members) for members in found.values()}


def possible(url):
    records = persons(url)
    rows = query(url, "SELECT person_a, person_b, probability FROM register.possible_match")
    return {(frozenset({records[a], records[b]}), probability) for a, b, probability in rows}


@pytest.mark.requirement("R-038")
@pytest.mark.parametrize("seed", [4, 8])
def test_the_register_is_the_same_however_the_files_are_batched(fresh, seed):
    profile = profiles.profile(COUNCIL)
    files = [file for file in synthetic.council(profile, people=PEOPLE, seed=seed).files if file.misbehaviour is None]
    one_by_one = [[file] for file in files]
    once = brought(fresh(), profile, [files])
    for batches in (one_by_one, one_by_one[::-1]):
        other = brought(fresh(), profile, batches)
        assert partition(other) == partition(once)
        assert possible(other) == possible(once)
        assert families(other) == families(once)
        with database.transaction(other) as connection:
            before = registry.digest(connection)
        assert set(match.people(doors_to(other)).values()) == {0}
        with database.transaction(other) as connection:
            assert registry.digest(connection) == before


FEW = 250


@cache
def halves():
    """Every file of a small council in two parts: eight files."""
    profile = profiles.profile(COUNCIL)
    whole = [file for file in synthetic.council(profile, people=FEW, seed=3).files if file.misbehaviour is None]
    return [replace(file, content=part) for file in whole for part in _in_two(file.content)]


def _in_two(content):
    """The rows of a file without those that are the same person in both parts and the same event."""
    lines = content.splitlines(keepends=True)
    first = 2 if lines[0].startswith(b"#") else 1
    middle = first + (len(lines) - first) // 2
    return b"".join(lines[:middle]), b"".join([*lines[:first], *lines[middle:]])


def told(url):
    """The whole register without its ids: people by their records, families by their people, and what follows."""
    people = persons(url)
    members = defaultdict(set)
    for family, person in query(url, "SELECT family_id, person_id FROM register.family_member"):
        members[family].add(people[person])
    record = dict(
        query(
            url,
            """SELECT source_record_id, concat_ws('|', feed, partner, record_ref, event_ref)
                 FROM register.source_record""",
        )
    )
    evidence = {
        (frozenset(members[family]), people[person], record[source], *rest)
        for family, person, source, *rest in query(
            url, "SELECT family_id, person_id, source_record_id, problem, indicator, as_of FROM register.evidence"
        )
    }
    proposals = {
        (frozenset(members[family]), tuple(problems))
        for family, problems in query(url, "SELECT family_id, problems FROM register.proposal")
    }
    return {
        "persons": set(people.values()),
        "possible": possible(url),
        "families": families(url),
        "evidence": evidence,
        "proposals": proposals,
    }


@pytest.fixture
def at_once(fresh):
    """What the register says when all files come at once."""
    profile = profiles.profile(COUNCIL)
    url = brought(fresh(), profile, [halves()])
    propose.families(doors_to(url), today=TODAY)
    return told(url)


@pytest.mark.requirement("R-038")
@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(range(8)), cuts=st.sets(st.integers(1, 7), max_size=4))
def test_the_same_files_in_any_order_and_any_batches_give_the_same_register(fresh, at_once, order, cuts):
    files = [halves()[number] for number in order]
    batches = [files[start:end] for start, end in pairwise([0, *sorted(cuts), len(files)])]
    url = brought(fresh(), profiles.profile(COUNCIL), batches)
    propose.families(doors_to(url), today=TODAY)
    found = told(url)
    assert all(at_once.values())
    for what, expected in at_once.items():
        assert found[what] == expected, what
