"""What the machine shows of itself: disks, swap, memory images, its clock; some as other machines would show it."""

import os
import resource
import subprocess
import sys

import pytest

from family_exchange.adapters import doctor_disks, doctor_machine
from family_exchange.domain.doctor import Grade

MIB = 1 << 20
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root makes small disks")


@pytest.fixture
def small(tmp_path):
    """A disk of 64 MiB with room for 100 files."""
    place = tmp_path / "small"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m,nr_inodes=100", "none", str(place)], check=True)
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


@as_root
@pytest.mark.parametrize(("least", "grade"), [(MIB, Grade.GOOD), (32 * MIB, Grade.WARNING), (65 * MIB, Grade.BAD)])
def test_a_disk_is_spoken_of_before_it_stops_intake(small, least, grade):
    bytes_left, files_left = doctor_disks.room(small, "it", least)
    assert bytes_left.grade is grade
    assert files_left.grade is Grade.BAD
    assert "more files fit" in files_left.found


def test_a_disk_that_cannot_be_looked_at_is_told(tmp_path):
    (finding,) = doctor_disks.room(tmp_path / "gone", "it", MIB)
    assert (finding.grade, finding.found) == (Grade.UNSEEN, "it cannot be looked at (errno 2)")


@as_root
def test_a_council_must_not_lie_in_memory(small, tmp_path):
    assert doctor_disks.mounted(small)[0] == "tmpfs"
    (finding,) = doctor_disks.encryption(small, "it")
    assert (finding.grade, finding.found) == (Grade.WARNING, "tmpfs: it is gone with the power")
    (beside,) = doctor_disks.encryption(tmp_path, "it")
    assert beside.grade in {Grade.GOOD, Grade.NOTE}


def test_the_innermost_mount_is_the_one_that_counts(tmp_path):
    table = tmp_path / "mountinfo"
    table.write_text(
        "22 1 254:0 / / rw - ext4 /dev/vda rw\n"
        f"30 22 253:1 / {tmp_path.parent} rw,relatime shared:1 - xfs /dev/mapper/crypt rw\n"
        f"31 22 0:41 / {tmp_path}\\040else rw - tmpfs none rw\n"
    )
    assert doctor_disks.mounted(tmp_path, table) == ("xfs", "253:1")


def test_a_device_is_encrypted_when_it_is_or_one_below_it(tmp_path):
    """As the kernel shows LVM on LUKS: 253:1 is a volume on 253:0, which is the encrypted one."""
    for number, uuid, below in (
        ("253:1", "LVM-abc", "253:0"),
        ("253:0", "CRYPT-LUKS2-abc", "8:1"),
        ("8:1", None, None),
    ):
        (tmp_path / number / "slaves").mkdir(parents=True)
        if uuid:
            (tmp_path / number / "dm").mkdir()
            (tmp_path / number / "dm" / "uuid").write_text(f"{uuid}\n")
        if below:
            (tmp_path / number / "slaves" / "x").mkdir()
            (tmp_path / number / "slaves" / "x" / "dev").write_text(f"{below}\n")
    assert doctor_disks.is_encrypted("253:1", tmp_path)
    assert doctor_disks.is_encrypted("253:0", tmp_path)
    assert not doctor_disks.is_encrypted("8:1", tmp_path)
    assert not doctor_disks.is_encrypted("9:9", tmp_path)


@pytest.mark.parametrize(
    ("lines", "grade"),
    [
        ("", Grade.GOOD),
        ("/dev/zram0 partition 100 0 5\n", Grade.GOOD),
        ("/dev/null partition 100 0 5\n", Grade.WARNING),
        ("/swapfile-that-is-not-there file 100 0 5\n", Grade.WARNING),
    ],
)
def test_swap_in_the_clear_is_found(tmp_path, lines, grade):
    swaps = tmp_path / "swaps"
    swaps.write_text(f"Filename Type Size Used Priority\n{lines}")
    (finding,) = doctor_machine.swap(swaps)
    assert finding.grade is grade


CORES = """
import resource, sys
from pathlib import Path
resource.setrlimit(resource.RLIMIT_CORE, (int(sys.argv[1]), resource.getrlimit(resource.RLIMIT_CORE)[1]))
from family_exchange.adapters import doctor_machine
(finding,) = doctor_machine.core_dumps(Path(sys.argv[2]))
print(finding.grade, "|", finding.found)
"""


@pytest.mark.parametrize(
    ("limit", "pattern", "said"),
    [
        ("0", "core", "good | off for this process"),
        ("1000", "core", "warning | on for this process: they are written into files"),
        ("1000", "|/usr/lib/systemd/systemd-coredump %P", "warning | on for this process: a program takes them"),
        ("1000", "", "good | the kernel writes none"),
    ],
)
def test_a_crash_that_would_leave_memory_on_a_disk_is_found(tmp_path, limit, pattern, said):

    if limit != "0" and resource.getrlimit(resource.RLIMIT_CORE)[1] == 0:
        pytest.skip("this machine lets nobody turn them on")
    kernel = tmp_path / "core_pattern"
    kernel.write_text(f"{pattern}\n")
    done = subprocess.run([sys.executable, "-c", CORES, limit, str(kernel)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == said


def test_this_machine_says_how_it_stands():
    (clock,), (memory,), temporary = doctor_machine.clock(), doctor_machine.memory(), [*doctor_machine.temporary()]
    assert clock.grade in {Grade.GOOD, Grade.NOTE}
    assert memory.found.endswith("MiB free")
    assert "MiB free" in temporary[0].found
