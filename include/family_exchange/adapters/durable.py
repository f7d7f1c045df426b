"""What must be on the disk before anything goes on: names in a folder, and small files that are there whole or not."""

import os
from pathlib import Path


def sync_folder(folder: Path) -> None:
    """The names in the folder, new and gone, outlive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write(path: Path, content: bytes) -> None:
    """The file has this content, whatever happens: the new one or, until then, the old one.

    Its folder is made, for its owner only, when it is not there. What a failed attempt left under another name is gone.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.part")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(path)
        sync_folder(path.parent)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
