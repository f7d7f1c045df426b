"""An archive is unpacked into its folder and nowhere else."""

import tarfile
from io import BytesIO

import pytest

from family_exchange.adapters import unpacking
from family_exchange.domain.errors import NeedsDecision


def archive(*members):
    """An archive of (name, kind, link target) in memory, each file with four bytes and every right for everybody."""
    target = BytesIO()
    with tarfile.open(fileobj=target, mode="w") as made:
        for name, kind, link in members:
            member = tarfile.TarInfo(name)
            member.type, member.linkname, member.mode, member.uid = kind, link, 0o6777, 12345
            if kind == tarfile.REGTYPE:
                member.size = 4
            made.addfile(member, BytesIO(b"four") if kind == tarfile.REGTYPE else None)
    target.seek(0)
    return tarfile.open(fileobj=target)


def test_files_and_folders_are_unpacked_for_whoever_unpacks(tmp_path):
    with archive(("base", tarfile.DIRTYPE, ""), ("base/1", tarfile.REGTYPE, "")) as opened:
        unpacking.unpack(opened, tmp_path / "data")
    file = tmp_path / "data" / "base" / "1"
    assert file.read_bytes() == b"four"
    assert file.stat().st_uid == tmp_path.stat().st_uid
    assert file.stat().st_mode & 0o6022 == 0


@pytest.mark.parametrize(
    "member",
    [
        ("../outside", tarfile.REGTYPE, ""),
        ("base/../../outside", tarfile.REGTYPE, ""),
        ("/tmp/outside", tarfile.REGTYPE, ""),
        ("link", tarfile.SYMTYPE, "/etc/passwd"),
        ("hard", tarfile.LNKTYPE, "../outside"),
        ("pipe", tarfile.FIFOTYPE, ""),
        ("disk", tarfile.BLKTYPE, ""),
    ],
)
def test_nothing_leaves_the_folder(tmp_path, member):
    with archive(("first", tarfile.REGTYPE, ""), member) as opened, pytest.raises(NeedsDecision):
        unpacking.unpack(opened, tmp_path / "data")
    assert [path.name for path in tmp_path.rglob("*")] == ["data", "first"]
