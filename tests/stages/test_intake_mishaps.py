"""What goes wrong around a file and not in it: each is told apart from a file that its partner took back."""

from datetime import UTC, datetime

import psycopg
import pytest

from family_exchange.adapters import database, decisions, desk
from family_exchange.adapters.sftp import DropZone
from family_exchange.domain.errors import NeedsDecision, TryLater
from family_exchange.domain.file import Reason, State
from family_exchange.domain.release import Action, Ground
from family_exchange.stages import acknowledge, intake, receive
from family_exchange.stages import office as offices
from support import periods
from support.periods import FEED, area, police, tenant

__all__ = ["area", "police", "tenant"]


@pytest.fixture(autouse=True)
def at_rest(tenant):
    """What a test left behind is finished before the next."""
    yield
    while periods.run(tenant.doors, FEED):
        pass


@pytest.fixture
def sealed(tenant, police, area):
    """A good file of this test alone."""
    return periods.sealed(tenant, police, periods.content(FEED, periods.table(FEED, 5), area=area))


@pytest.fixture
def left(tenant, police, area, sealed):
    """The id of a file that was found, and not yet worked on."""
    periods.put(police, FEED, f"{area}.pgp", sealed)
    (file_id,) = receive.find(tenant.doors, FEED, settle=0)
    return file_id


def take_in(tenant, file_id):
    return intake.take_in(tenant.doors, file_id, at=datetime.now(UTC))


def of(tenant, file_id):
    return next(file for file in periods.files(tenant.doors) if file.file_id == file_id)


def decide(tenant, file_id, action, by):
    ground = Ground.CAUSE_MENDED if action is Action.RELEASE else Ground.PARTNER_WITHDREW
    with database.transaction(tenant.doors.database) as connection:
        return decisions.decide(connection, file_id, action, by=by, ground=ground)


def both_decide(tenant, file_id, action):
    decide(tenant, file_id, action, "anna")
    decide(tenant, file_id, action, "ben")


def test_something_of_ours_that_is_missing_does_not_make_a_file_gone(tenant, left, monkeypatch):
    def missing(*_, **__):
        raise FileNotFoundError("a suite")

    with monkeypatch.context() as patch:
        patch.setattr(offices.examine, "file", missing)
        with pytest.raises(FileNotFoundError):
            take_in(tenant, left)
    assert of(tenant, left).state is State.VAULTED
    assert take_in(tenant, left) is State.APPLIED


def test_a_vault_that_lost_a_file_is_a_matter_for_people_here(tenant, left):
    with desk.opened(tenant.doors.database) as place:
        file = intake._bring_in(offices.CouncilOffice(tenant.doors), place, place.claim(left))
    kept = tenant.doors.vault.path(file.ct_sha256)
    kept.rename(kept.with_suffix(".away"))
    with pytest.raises(NeedsDecision, match="vault"):
        take_in(tenant, left)
    assert of(tenant, left).state is State.VAULTED
    kept.with_suffix(".away").rename(kept)
    assert take_in(tenant, left) is State.APPLIED


@pytest.mark.parametrize("trouble", [psycopg.errors.DeadlockDetected, psycopg.errors.LockNotAvailable])
def test_a_database_that_cannot_serve_an_examination_says_nothing_against_the_file(tenant, left, monkeypatch, trouble):
    def refused(*_, **__):
        raise trouble

    with monkeypatch.context() as patch:
        patch.setattr(offices.examine, "file", refused)
        for _ in range(intake.SAME_FAILURES + 1):
            with pytest.raises(TryLater):
                take_in(tenant, left)
    assert take_in(tenant, left) is State.APPLIED


def quarantined_before_it_was_answered(tenant, police, area, monkeypatch):
    """The id of a file whose receipt lies there, though its worker died before the ledger knew."""
    held = periods.sealed(tenant, police, periods.content(FEED, "no,table\n", area=area))
    periods.put(police, FEED, f"{area}.pgp", held)
    (file_id,) = receive.find(tenant.doors, FEED, settle=0)
    assert take_in(tenant, file_id) is State.QUARANTINED

    def dies(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(desk.Desk, "answered", dies)
        with pytest.raises(KeyboardInterrupt):
            acknowledge.partner(tenant.doors, file_id)
    return file_id


def test_a_decision_about_a_file_whose_answer_nobody_noted_is_told_too(tenant, police, area, monkeypatch):
    file_id = quarantined_before_it_was_answered(tenant, police, area, monkeypatch)
    both_decide(tenant, file_id, Action.REJECT)
    assert acknowledge.partner(tenant.doors, file_id) is State.REJECTED
    assert periods.receipt(tenant, police, of(tenant, file_id))["state"] == State.QUARANTINED
    assert periods.receipt(tenant, police, of(tenant, file_id), answer=2)["state"] == State.REJECTED


def test_a_released_file_whose_answer_nobody_noted_is_answered_again(tenant, police, area, monkeypatch):
    file_id = quarantined_before_it_was_answered(tenant, police, area, monkeypatch)
    both_decide(tenant, file_id, Action.RELEASE)
    assert take_in(tenant, file_id) is State.QUARANTINED
    acknowledge.partner(tenant.doors, file_id)
    assert periods.receipt(tenant, police, of(tenant, file_id), answer=2)["reason"] == of(tenant, file_id).reason


def test_an_unknown_leftover_among_the_receipts_keeps_no_file_back(tenant, police, left):
    with DropZone(tenant.doors.settings.drop_zone) as zone:
        zone.upload_new("/police/receipts", ".F99999999-2.json.pgp.0.part", b"not ours")
        assert receive.find(tenant.doors, FEED, settle=0) == [left]
        zone.remove("/police/receipts", b".F99999999-2.json.pgp.0.part")
    assert take_in(tenant, left) is State.APPLIED


@pytest.mark.parametrize("folder", [f"/police/{FEED}", "/police/receipts"])
def test_a_folder_that_is_not_there_is_named_to_people_here(tenant, folder):
    root = tenant.third_party.root.parents[1] / "drop-zone" / tenant.doors.profile.council
    there = root / folder.removeprefix("/")
    there.rename(root / "away")
    try:
        with pytest.raises(NeedsDecision, match=folder):
            receive.find(tenant.doors, FEED, settle=0)
    finally:
        (root / "away").rename(there)
    receive.find(tenant.doors, FEED, settle=0)


def test_what_a_dead_worker_set_aside_too_late_is_found_again(tenant, police, area, sealed):
    file = periods.left(tenant, police, FEED, f"{area}.pgp", sealed)
    assert file.state is State.CLOSED
    other = periods.sealed(tenant, police, periods.content(FEED, periods.table(FEED, 5, first=70), area=area))
    periods.put(police, FEED, f"{area}-next.pgp", other)
    with DropZone(tenant.doors.settings.drop_zone) as zone:
        zone.rename(f"/police/{FEED}", f"{area}-next.pgp", f".fx-{file.file_id}")
    (found,) = [*periods.run(tenant.doors, FEED), *periods.run(tenant.doors, FEED)]
    assert (found.state, found.rows_loaded) == (State.CLOSED, 5)


def test_what_a_dead_worker_set_aside_too_late_and_is_ours_already_goes(tenant, police, area, sealed):
    file = periods.left(tenant, police, FEED, f"{area}.pgp", sealed)
    periods.put(police, FEED, f"{area}-again.pgp", sealed)
    with DropZone(tenant.doors.settings.drop_zone) as zone:
        zone.rename(f"/police/{FEED}", f"{area}-again.pgp", f".fx-{file.file_id}")
        assert periods.run(tenant.doors, FEED) == []
        assert not zone.exists(f"/police/{FEED}/.fx-{file.file_id}")


def test_what_is_put_back_finds_a_free_name(tenant, police, area, sealed):
    file = periods.left(tenant, police, FEED, f"{area}.pgp", sealed)
    with DropZone(tenant.doors.settings.drop_zone) as zone:
        place = f"/police/{FEED}"
        for name in (f"{area}.pgp", f"{file.file_id}-again.pgp", f".fx-{file.file_id}"):
            zone.upload_new(place, name, sealed + name.encode())
        receive.clear(zone, file)
        assert not zone.exists(f"{place}/.fx-{file.file_id}")
        assert len(zone.list(place)) == 3
        for entry in zone.list(place):
            zone.remove(place, entry.name)
    assert of(tenant, file.file_id).reason is not Reason.CORRUPT
