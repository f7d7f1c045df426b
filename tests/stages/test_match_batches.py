"""Who is who, and who is a family, depends on what was sent and not on how it was batched, nor in which order."""

from collections import defaultdict
from types import SimpleNamespace
from uuid import uuid4

import psycopg
import pytest

from family_exchange.adapters import database, profiles
from family_exchange.adapters import register as registry
from family_exchange.demo import synthetic
from family_exchange.stages import match, register
from support.registry import COUNCIL, TODAY, doors_to, load, query, with_staging

PEOPLE = 600


@pytest.fixture
def fresh(server, migrated):
    """Makes migrated databases, and forgets them."""
    made = []

    def another():
        name = f"b{uuid4().hex[:12]}"
        with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE migrated OWNER migrated")
        made.append(name)
        return with_staging(migrated.rsplit("/", 1)[0] + f"/{name}")

    yield another
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        for name in made:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


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
