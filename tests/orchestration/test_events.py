from types import SimpleNamespace

import pytest

from family_exchange.adapters import audit
from family_exchange.orchestration import events


@pytest.fixture
def doors(council_database, tmp_path):
    audit.make_signing_key(tmp_path)
    return SimpleNamespace(
        database=council_database, checkpoints=tmp_path / "checkpoints", signing_key=audit.signing_key(tmp_path)
    )


def test_few_ids_are_listed(doors):
    told = events.of_counts(doors, {"persons": 2}, ["a", "b"])
    assert (told["counts"], told["ids"]) == ({"persons": 2}, ["a", "b"])
    assert set(told["audit"]) == {"seq", "sha256"}


def test_many_ids_become_a_number_and_one_digest_whatever_their_order(doors):
    ids = [f"p{number}" for number in range(events.MOST_IDS + 1)]
    told, again = events.of_counts(doors, {}, ids), events.of_counts(doors, {}, ids[::-1])
    assert len(told["ids"]) == events.MOST_IDS
    assert told["all_ids"] == len(ids)
    assert told["all_ids_sha256"] == again["all_ids_sha256"]


def test_an_event_without_anything_to_count_still_says_where_the_audit_stood(doors):
    assert events.of_counts(doors, {}) == {"counts": {}, "ids": [], "audit": events.of_counts(doors, {})["audit"]}


def test_the_ids_that_rang_are_read_from_every_event():
    rung = {"fpd": [SimpleNamespace(extra={"ids": ["fpd-1"]})], "nis": [SimpleNamespace(extra=None)]}
    assert events.ids_of(rung) == {"fpd-1"}
    assert events.ids_of({}) == set()
