"""A tar archive unpacked into a folder and nowhere else: plain files and folders, owned by whoever unpacks."""

import os
import tarfile
from pathlib import Path, PurePosixPath

from family_exchange.domain.errors import NeedsDecision


def unpack(archive: tarfile.TarFile, folder: Path) -> None:
    """Everything in the archive is in `folder`; nothing is readable for others than it was, and nothing is set-user-id.

    Raises:
        NeedsDecision: the archive holds what does not belong into one of ours: links out of it, devices, other paths.
    """
    for member in archive:
        _require_ours(member)
        if hasattr(tarfile, "data_filter"):  # Python 3.11 has it since 3.11.4; Debian 12 has 3.11.2
            archive.extract(member, folder, filter="data")
        else:
            member.uid, member.gid, member.uname, member.gname = os.getuid(), os.getgid(), "", ""
            member.mode = 0o700 if member.isdir() else (member.mode & 0o755) | 0o600
            archive.extract(member, folder)


def _require_ours(member: tarfile.TarInfo) -> None:
    path = PurePosixPath(member.name)
    if path.is_absolute() or ".." in path.parts or not (member.isfile() or member.isdir()):
        raise NeedsDecision("the archive holds more than files and folders of its own: it is not a backup of ours")
