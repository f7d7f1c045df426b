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


def sync_tree(folder: Path) -> None:
    """All that is in the folder, and in folders in it, outlives a power cut."""
    for found in folder.rglob("*"):
        if found.is_dir():
            sync_folder(found)
        elif found.is_file():
            with found.open("rb") as file:
                os.fsync(file.fileno())
    sync_folder(folder)


def write(path: Path, content: bytes, *, mode: int = 0o666) -> None:
    """The file has this content, whatever happens: the new one or, until then, the old one.

    Its folder is made, for its owner only, when it is not there; `mode` is that of a new file, less the umask. What a
    failed attempt left under another name is gone.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.part")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(path)
        sync_folder(path.parent)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
