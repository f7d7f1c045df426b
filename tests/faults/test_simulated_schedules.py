"""The platform's own intake in a simulated world: whatever interleaves, dies, repeats or lies about the time."""

import pytest

from family_exchange.domain.file import State
from family_exchange.domain.identity import Place, Placed
from family_exchange.stages import acknowledge, receive
from support.simulator import desk as memory
from support.simulator import run
from support.simulator.desk import MemoryDesk, MemoryLedger

SCHEDULES = 100_000
ENOUGH_TO_FIND = 4_000
"""Schedules within which a known mistake must show itself."""


@pytest.mark.timeout(3600)
def test_a_hundred_thousand_schedules_keep_every_invariant():
    failure = run.play_all(1, SCHEDULES)
    assert failure is None, f"{failure[1]}\n{run.repeat(failure[0])}"


def removes_whatever_bears_the_name(patch):
    patch(receive, "clear", lambda zone, file: zone.remove(receive.folder(file), file.name_bytes, missing_ok=True))


def removes_what_it_set_aside_whatever_it_reads(patch):
    patch(receive, "_put_back", lambda zone, file, aside: zone.remove(receive.folder(file), aside, missing_ok=True))


def lets_every_worker_have_every_file(patch):
    def unfenced(self, what, fenced=None):
        self.world.at(self.worker, f"ledger.{what}")

    patch(MemoryDesk, "_call", unfenced)
    patch(MemoryDesk, "hold", lambda self, file_id: not self._call("hold"))


def believes_that_all_is_news(patch):
    patch(memory, "place", lambda new, siblings, waived: Placed(Place.NEWS))


def tells_only_of_what_was_applied(patch):
    patch(acknowledge, "_unanswered", lambda file: file.state is State.APPLIED)


def lets_an_answer_that_nobody_noted_stand_for_the_next(patch):
    noted = MemoryLedger.people

    def people(self, file, to):
        noted(self, file.with_({"answers": file.answers - (file.receipt_at is None)}), to)

    patch(MemoryLedger, "people", people)


def believes_that_what_is_missing_was_swept_by_nobody(patch):
    def upload(zone, folder, final, data):
        temporary = f".{final}.{len(data)}.part"
        zone.upload_new(folder, temporary, data)
        zone.rename(folder, temporary, final)

    patch(acknowledge, "_upload", upload)


@pytest.mark.parametrize(
    "mistake",
    [
        lets_an_answer_that_nobody_noted_stand_for_the_next,
        believes_that_what_is_missing_was_swept_by_nobody,
        removes_whatever_bears_the_name,
        removes_what_it_set_aside_whatever_it_reads,
        lets_every_worker_have_every_file,
        believes_that_all_is_news,
        tells_only_of_what_was_applied,
    ],
)
def test_a_known_mistake_is_found(monkeypatch, mistake):
    mistake(monkeypatch.setattr)
    assert run.first_failure(range(1, ENOUGH_TO_FIND)) is not None
