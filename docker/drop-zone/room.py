"""How much room a partner has: a folder that is too full is closed until the council has taken something out of it.

A partner is closed when its folders hold more than its share, or too many files; all of them are while the disk is
nearly full. Closed means: its sessions are ended, what is there stays as it is, and it can add, rename and remove
nothing; its council can take everything away, and receipts can be read. `FULL.txt` says so to whoever logs in. At three
quarters of its share a partner is open again.
"""

import contextlib
import os
import signal
import stat

MIB = 1 << 20
OPEN, CLOSED = 0o2770, 0o2570
"""Modes of a feed's folder: it belongs to its partner and to the council's group."""
WRITABLE, KEPT = 0o660, 0o460
"""Modes of the files in it."""
NOTICE = "FULL.txt"
SAYS = """\
Your folders hold {mib} MiB in {files} files, and the drop zone has no room for more at the moment.
Nothing that you left is lost. Nothing can be added, renamed or removed until the council has taken in what is here;
then this note goes away, and uploads work as before. If it stays for a day, tell the council.
"""


class Room:
    """What partners may use of the disk under `root`."""

    def __init__(self, root: str, *, share: int, files: int, least_free: int) -> None:
        """`share` and `least_free` are MiB, `files` a number of files."""
        self._root = root
        self._share = share * MIB
        self._files = files
        self._least_free = least_free * MIB
        self._closed: set[str] = set()

    def look(self, partners) -> None:
        """Close and open what has to be. Each partner is its log-in, its user's number, its home and its folders."""
        free = _free(self._root)
        for login, number, home, folders in partners:
            try:
                self._look_at(login, number, home, folders, free)
            except OSError as error:  # of one partner; the others are looked at
                print(f"drop-zone: {login}: {type(error).__name__} while its room was looked at", flush=True)

    def _look_at(self, login, number, home, folders, free) -> None:
        used, files = _held(folders)
        notice = f"{home}/{NOTICE}"
        closed = login in self._closed or os.path.exists(notice)
        short = free < self._least_free * (1.25 if closed else 1.0)
        part = 0.75 if closed else 1.0
        said = f"{used // MIB} MiB in {files} files"
        if short or used > part * self._share or files > part * self._files:
            _set(folders, CLOSED, KEPT)
            if not closed:
                self._closed.add(login)
                end_sessions(number)
                why = "the disk is nearly full" if short else "too much"
                print(f"drop-zone: {login} is closed, {why}: {said}", flush=True)
            if not os.path.exists(notice):
                with open(notice, "w") as note:
                    os.fchmod(note.fileno(), 0o644)
                    note.write(SAYS.format(mib=used // MIB, files=files))
        elif closed:
            _set(folders, OPEN, WRITABLE)
            os.unlink(notice)
            self._closed.discard(login)
            print(f"drop-zone: {login} is open again: {said}", flush=True)


def _free(folder: str) -> int:
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize


def _held(folders) -> tuple[int, int]:
    """Bytes and number of the files; what has gaps counts as if it had none."""
    sizes = [max(found.st_size, found.st_blocks * 512) for folder in folders for _, found in _files_in(folder)]
    return sum(sizes), len(sizes)


def _files_in(folder: str):
    with os.scandir(folder) as entries:
        for entry in entries:
            try:
                yield entry.path, entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue  # taken away just now


def _set(folders, of_folder: int, of_files: int) -> None:
    """First the folder, so that no file comes in while modes of files are set."""
    for folder in folders:
        if os.stat(folder).st_mode & 0o7777 != of_folder:
            os.chmod(folder, of_folder)
        for path, found in _files_in(folder):
            if stat.S_ISREG(found.st_mode) and found.st_mode & 0o7777 != of_files:
                with contextlib.suppress(FileNotFoundError):
                    file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
                    os.fchmod(file, of_files)
                    os.close(file)


def end_sessions(number: int) -> None:
    """Nobody is logged in as that user: what is under way would go on through a closed door."""
    for process in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{process}/status") as status:
                owner = next(line.split()[1] for line in status if line.startswith("Uid:"))
            if int(owner) == number:
                os.kill(int(process), signal.SIGKILL)
        except (FileNotFoundError, ProcessLookupError):
            continue
