import asyncio
import json
from itertools import pairwise

import pytest
from airflow.sdk import Connection
from airflow.sdk.exceptions import AirflowNotFoundException
from airflow.secrets.local_filesystem import LocalFilesystemBackend
from hypothesis import given
from hypothesis import strategies as st

from family_exchange.adapters import sftp_watch
from family_exchange.domain.errors import MissingSetting, TryLater
from family_exchange.orchestration import arrivals
from family_exchange.orchestration.arrivals import Arrivals, Bell


def test_an_empty_folder_rings_no_bell():
    assert not Bell().should_ring(0, "empty", 0)


def test_a_changed_listing_rings_at_once():
    bell = Bell()
    assert bell.should_ring(1, "a", 0)
    assert not bell.should_ring(1, "a", 1)
    assert bell.should_ring(2, "b", 2)


def test_files_that_stay_are_told_of_again_less_and_less_often():
    bell = Bell()
    rings = [moment for moment in range(20_000) if bell.should_ring(1, "a", float(moment))]
    gaps = [later - earlier for earlier, later in pairwise(rings)]
    assert gaps[:3] == [120, 240, 480]
    assert max(gaps) == arrivals.LONGEST


def test_the_same_file_again_after_an_empty_folder_rings():
    bell = Bell()
    bell.should_ring(1, "a", 0)
    bell.should_ring(0, "empty", 1)
    assert bell.should_ring(1, "a", 2)


def test_files_that_a_run_takes_away_ring_no_bell_but_what_stays_behind_does():
    bell = Bell()
    assert bell.should_ring(3, "abc", 0)
    assert not bell.should_ring(2, "bc", 1)
    assert not bell.should_ring(1, "c", 2)
    assert not bell.should_ring(1, "c", 121)
    assert bell.should_ring(1, "c", 122)


@given(st.lists(st.frozensets(st.integers(0, 4), max_size=4), max_size=40))
def test_no_file_stays_untold_for_longer_than_the_first_wait(folders):
    bell, waiting = Bell(), {}
    for number, folder in enumerate(folders):
        moment = number * 10.0
        rang = bell.should_ring(len(folder), str(sorted(folder)), moment)
        waiting = {file: waiting.get(file, moment) for file in folder}
        if rang:
            waiting = dict.fromkeys(folder, float("inf"))
        assert all(moment - since <= arrivals.RING_AGAIN for since in waiting.values())


async def _first_event(trigger):
    return (await anext(trigger.run())).payload


def test_an_event_has_counts_and_a_digest_and_an_endpoint_that_is_away_is_asked_again(monkeypatch, caplog):
    looks = iter([TryLater("away"), TryLater("away"), RuntimeError("Jo Bloggs.csv"), (0, "none"), (2, "digest")])

    async def listing(_endpoint, folders):
        assert folders == ["/police/police_incidents"]
        look = next(looks)
        if isinstance(look, Exception):
            raise look
        return look

    async def endpoint(_council):
        return None

    monkeypatch.setattr(sftp_watch, "listing_digest", listing)
    monkeypatch.setattr(arrivals, "_endpoint", endpoint)
    trigger = Arrivals(council="north-vale", folders=["/police/police_incidents"], seconds=0)
    with caplog.at_level("WARNING"):
        assert asyncio.run(_first_event(trigger)) == {"files": 2, "sha256": "digest"}
    assert caplog.text.count("away") == 1, "the same trouble is told once"
    assert "RuntimeError" in caplog.text
    assert "Bloggs" not in caplog.text


def test_a_council_without_a_drop_zone_is_told_which_connection_is_missing(monkeypatch):
    async def nothing(conn_id):
        raise AirflowNotFoundException(conn_id)

    monkeypatch.setattr(Connection, "async_get", nothing)
    with pytest.raises(MissingSetting, match="north_vale_drop_zone"):
        asyncio.run(arrivals._endpoint("north-vale"))


def test_a_drop_zone_in_a_file_of_connections_is_found_too(monkeypatch, tmp_path):
    extra = json.dumps({"key_file": "/keys/council", "host_key": "ssh-ed25519 AAAA"})
    described = {"conn_type": "sftp", "host": "drop-zone", "port": 2022, "login": "north-vale", "extra": extra}
    file = tmp_path / "connections.json"
    file.write_text(json.dumps({"north_vale_drop_zone": described}))

    async def in_file(conn_id):
        return LocalFilesystemBackend(connections_file_path=str(file)).get_connection(conn_id)

    monkeypatch.setattr(Connection, "async_get", in_file)
    found = asyncio.run(arrivals._endpoint("north-vale"))
    assert (found.host, found.port, found.username) == ("drop-zone", 2022, "north-vale")
    assert found.host_key == "ssh-ed25519 AAAA"


def test_a_trigger_is_made_anew_from_what_it_serialises():
    trigger = Arrivals(council="north-vale", folders=["/a/b"], seconds=7)
    path, kwargs = trigger.serialize()
    assert path == "family_exchange.orchestration.arrivals.Arrivals"
    assert Arrivals(**kwargs).serialize() == (path, kwargs)


@pytest.mark.parametrize("seconds", [None])
def test_how_often_it_looks_is_configured(seconds, monkeypatch):
    monkeypatch.setenv("AIRFLOW__FAMILY_EXCHANGE__POLL_SECONDS", "11")
    assert Arrivals(council="c", folders=[], seconds=seconds).seconds == 11
