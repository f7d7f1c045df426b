"""What stands in a folder of an SFTP server, and the paths of it that cannot lead anywhere else."""

import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from paramiko import SFTPAttributes


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a folder."""

    name: bytes = field(repr=False)
    """As the partner chose it: no encoding is promised, and it may tell of a person."""
    size: int
    modified_at: int
    """The server's time in whole seconds; not trusted."""
    regular: bool
    """False for a folder, a link, a pipe or a device."""


def path_of(folder: str, name: bytes = b"") -> bytes:
    """The path of an entry, which cannot lead out of its folder."""
    if name and not one_part(name):
        raise ValueError("a name is one part of a path")
    return folder.rstrip("/").encode() + b"/" + name if name else folder.rstrip("/").encode() or b"/"


def one_part(name: bytes) -> bool:
    """True for a name that stays in its folder."""
    return name not in {b"", b".", b".."} and b"/" not in name and b"\0" not in name


def entry_of(name: bytes, attributes: "SFTPAttributes") -> Entry:
    """The entry that a server tells of."""
    return Entry(
        name=name,
        size=attributes.st_size or 0,
        modified_at=attributes.st_mtime or 0,
        regular=is_regular(attributes),
    )


def is_regular(attributes: "SFTPAttributes") -> bool:
    """True for a plain file."""
    return stat.S_ISREG(attributes.st_mode or 0)
