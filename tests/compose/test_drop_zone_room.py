"""When the drop zone closes a partner's folders, and opens them again; test_d_drop_zone.py tries it as a partner."""

import importlib.util
from pathlib import Path

import pytest

NOBODY = 4_000_000_000
"""A user's number that no process has."""


@pytest.fixture
def room():
    file = Path(__file__).parents[2] / "docker" / "drop-zone" / "room.py"
    spec = importlib.util.spec_from_file_location("room", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def partners(room, tmp_path):
    """Two partners with two folders each."""
    made = []
    for name in ("c.police", "c.schools"):
        folders = [tmp_path / name / feed for feed in ("one", "two")]
        for folder in folders:
            folder.mkdir(parents=True)
            folder.chmod(room.OPEN)
        made.append((name, NOBODY, str(tmp_path / name), [str(folder) for folder in folders]))
    return made


@pytest.fixture
def limits(room, tmp_path):
    return room.Room(str(tmp_path), share=2, files=10, least_free=1)


def leave(partner, name, mib=0.0, folder=0):
    path = Path(partner[3][folder]) / name
    path.write_bytes(b"x" * int(mib * 2**20))
    path.chmod(0o660)
    return path


def modes(partner):
    return {Path(folder).stat().st_mode & 0o7777 for folder in partner[3]}


def told(partner):
    notice = Path(partner[2]) / "FULL.txt"
    return notice.read_text() if notice.exists() else None


def test_whoever_left_too_much_is_closed_and_told_and_nobody_else(room, partners, limits, capsys):
    police, schools = partners
    for number in range(3):
        file = leave(police, f"file-{number}", 0.75, folder=number % 2)
    leave(schools, "small", 0.1)
    limits.look(partners)
    assert modes(police) == {room.CLOSED}
    assert file.stat().st_mode & 0o777 == room.KEPT
    assert "2 MiB in 3 files" in told(police)
    assert modes(schools) == {room.OPEN}
    assert told(schools) is None
    assert capsys.readouterr().out == "drop-zone: c.police is closed, too much: 2 MiB in 3 files\n"
    limits.look(partners)
    assert capsys.readouterr().out == ""


def test_it_is_open_again_when_the_council_has_taken_a_quarter(room, partners, limits):
    police, _ = partners
    files = [leave(police, f"file-{number}", 0.6) for number in range(4)]
    limits.look(partners)
    files.pop().unlink()
    limits.look(partners)
    assert modes(police) == {room.CLOSED}, "1.8 of 2 MiB is still more than three quarters"
    files.pop().unlink()
    limits.look(partners)
    assert modes(police) == {room.OPEN}
    assert told(police) is None
    assert {file.stat().st_mode & 0o777 for file in files} == {room.WRITABLE}


def test_many_empty_files_are_too_much_as_well(room, partners, limits):
    for number in range(11):
        leave(partners[0], f"file-{number}")
    limits.look(partners)
    assert modes(partners[0]) == {room.CLOSED}


def test_who_is_closed_stays_closed_when_the_drop_zone_starts_anew(room, partners, limits, tmp_path):
    files = [leave(partners[0], f"file-{number}", 0.6) for number in range(4)]
    limits.look(partners)
    files.pop().unlink()
    room.Room(str(tmp_path), share=2, files=10, least_free=1).look(partners)
    assert modes(partners[0]) == {room.CLOSED}


def test_while_the_disk_is_nearly_full_everybody_is_closed(room, partners, limits, monkeypatch):
    free = [0.9]
    monkeypatch.setattr(room, "_free", lambda _: free[0] * 2**20)
    limits.look(partners)
    assert {mode for partner in partners for mode in modes(partner)} == {room.CLOSED}
    free[0] = 1.1
    limits.look(partners)
    assert {mode for partner in partners for mode in modes(partner)} == {room.CLOSED}, "there is hardly more"
    free[0] = 1.3
    limits.look(partners)
    assert {mode for partner in partners for mode in modes(partner)} == {room.OPEN}


def test_a_link_that_somebody_laid_is_not_followed(room, partners, limits, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("of somebody else")
    elsewhere.chmod(0o600)
    (Path(partners[0][3][0]) / "link").symlink_to(elsewhere)
    for number in range(11):
        leave(partners[0], f"file-{number}")
    limits.look(partners)
    assert modes(partners[0]) == {room.CLOSED}
    assert elsewhere.stat().st_mode & 0o777 == 0o600


def test_one_partner_whose_folder_is_gone_does_not_keep_the_others_from_being_looked_at(room, partners, limits, capsys):
    police, schools = partners
    for folder in police[3]:
        Path(folder).rmdir()
    for number in range(11):
        leave(schools, f"file-{number}")
    limits.look(partners)
    assert modes(schools) == {room.CLOSED}
    assert "c.police: FileNotFoundError" in capsys.readouterr().out
