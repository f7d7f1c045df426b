"""Nothing is taken in that a disk or the memory could not bear; each disk that counts is looked at."""

import os
import subprocess
from contextlib import contextmanager

import pytest

from family_exchange.adapters import room
from family_exchange.adapters.room import LEAST, MIB, Room
from family_exchange.adapters.vault import Vault
from family_exchange.domain.errors import NoRoom, TryLater

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root makes small disks")


@contextmanager
def small_disk(place, options):
    """A disk of its own in that place while the block runs."""
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", str(place)], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


@as_root
def test_another_disk_that_is_nearly_full_stops_intake_and_is_named(tmp_path):
    with small_disk(tmp_path / "wal", f"size={2 * LEAST}") as wal:
        vault = Vault(tmp_path / "vault", Room(disks=(wal,)))
        vault.need_room(1)
        (wal / "segment").write_bytes(bytes(LEAST + MIB))
        with pytest.raises(NoRoom, match=rf"the disk of {wal} has \d+ MiB free and needs 256: make room at {wal}"):
            vault.need_room(1)
        Vault(tmp_path / "vault").need_room(1)


@as_root
def test_a_council_says_how_much_must_stay_free(tmp_path):
    with small_disk(tmp_path / "small", "size=64m") as place:
        Vault(place, Room(least=32 * MIB)).need_room(1)
        with pytest.raises(NoRoom, match="needs 256"):
            Vault(place).need_room(1)


@as_root
def test_a_file_must_fit_twice(tmp_path):
    with small_disk(tmp_path / "small", "size=64m") as place:
        Vault(place, Room(least=MIB)).need_room(20 * MIB)
        with pytest.raises(NoRoom, match="needs 80"):
            Vault(place, Room(least=MIB)).need_room(40 * MIB)


@as_root
def test_a_disk_without_inodes_has_no_room_however_many_bytes_are_free(tmp_path):
    with (
        small_disk(tmp_path / "small", f"size={2 * LEAST},nr_inodes=100") as place,
        pytest.raises(NoRoom, match=r"can hold \d+ more files and needs 1000"),
    ):
        Vault(place).need_room(1)
    with small_disk(tmp_path / "large", f"size={2 * LEAST},nr_inodes=2000") as place:
        Vault(place).need_room(1)


def test_a_disk_that_is_not_there_is_tried_again(tmp_path):
    with pytest.raises(TryLater, match=r"the disk of .*/gone cannot be looked at now \(errno 2\)"):
        Vault(tmp_path / "vault", Room(disks=(tmp_path / "gone",))).need_room(1)


def test_a_file_that_memory_could_not_bear_now_is_tried_again(tmp_path):
    vault = Vault(tmp_path)
    vault.need_room(1)
    with pytest.raises(TryLater, match=r"MiB of memory are free and the next file needs \d+"):
        vault.need_room(room.memory() // room.MEMORY_FOR_A_BYTE)


def test_what_a_container_may_take_counts_where_it_is_less(tmp_path):
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal: 8000000 kB\nMemAvailable:    4000000 kB\n")
    assert room.memory(meminfo, tmp_path) == 4_096_000_000
    (tmp_path / "memory.max").write_text("1000000000\n")
    (tmp_path / "memory.current").write_text("900000000\n")
    (tmp_path / "memory.stat").write_text("anon 1\ninactive_file 300000000\n")
    assert room.memory(meminfo, tmp_path) == 400_000_000
    (tmp_path / "memory.max").write_text("max\n")
    assert room.memory(meminfo, tmp_path) == 4_096_000_000


def test_the_older_way_of_containers_is_understood(tmp_path):
    older = tmp_path / "memory"
    older.mkdir()
    (older / "memory.limit_in_bytes").write_text("500\n")
    (older / "memory.usage_in_bytes").write_text("400\n")
    (older / "memory.stat").write_text("total_inactive_file 50\n")
    assert room.memory(tmp_path / "none", tmp_path) == 150
    (older / "memory.limit_in_bytes").write_text("9223372036854771712\n")
    assert room.memory(tmp_path / "none", tmp_path) is None


def test_this_machine_says_how_much_memory_is_free():
    assert room.memory() > LEAST
