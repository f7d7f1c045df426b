"""Programs that the demo starts: each in a session of its own, all of them gone when the demo is.

A program's children, and theirs, stay in its session whatever process groups they make; a daemon that leaves the
session still carries the mark in its environment. Both are found, told to stop, and then made to.
"""

import os
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep
from types import FrameType

import psutil

GRACE_SECONDS = 4.0
"""How long the programs may take to end by themselves."""

ENDING = (signal.SIGTERM, signal.SIGHUP)
IMPATIENCE = (signal.SIGINT, *ENDING)


class Programs:
    """Running programs that carry one mark: an environment variable with a value of its own."""

    def __init__(self, mark: tuple[str, str]) -> None:
        self._mark = "=".join(mark).encode()
        self._environment = dict([mark])
        self._started: dict[str, subprocess.Popen[bytes]] = {}
        self._logs: dict[str, Path] = {}

    def start(self, name: str, command: Sequence[str], *, environment: Mapping[str, str], log: Path) -> None:
        """The program runs; what it says goes to `log`."""
        with log.open("wb") as output:
            self._started[name] = subprocess.Popen(  # noqa: S603 - our own argument list
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**environment, **self._environment},
                cwd=log.parent,
                start_new_session=True,
            )
        self._logs[name] = log

    def finish(self, name: str, *, within: float) -> None:
        """The program has ended well.

        Raises:
            RuntimeError: it ended badly, or not in time; the message names its log.
        """
        try:
            code: int | None = self._started[name].wait(within)
        except subprocess.TimeoutExpired:
            code = None
        if code != 0:
            raise RuntimeError(f"{name} did not end well ({code}); see {self._logs[name]}")
        del self._started[name]  # its number may be given to somebody else's process now

    def need_all(self) -> None:
        """Every program runs, but for those that finished well.

        Raises:
            RuntimeError: one of them has ended; the message names its log.
        """
        for name, process in self._started.items():
            if process.poll() not in {None, 0}:
                raise RuntimeError(f"{name} has ended ({process.returncode}); see {self._logs[name]}")

    def stop(self) -> None:
        """None of the programs, their children or what those left behind is running; a second Ctrl-C has to wait."""
        before = signal.pthread_sigmask(signal.SIG_BLOCK, IMPATIENCE)
        try:
            self._ask()
            self._make()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def _ask(self) -> None:
        for process in self._started.values():
            if process.poll() is None:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGTERM)
        deadline = monotonic() + GRACE_SECONDS
        while monotonic() < deadline and any(process.poll() is None for process in self._started.values()):
            sleep(0.05)

    def _make(self) -> None:
        while left := self.left():
            for member in left:
                with suppress(psutil.NoSuchProcess):
                    member.kill()
            psutil.wait_procs(left, timeout=1)
        for program in self._started.values():
            program.wait()

    def left(self) -> list[psutil.Process]:
        """What still runs of the programs: everything in their sessions, and everything that carries their mark."""
        sessions = {process.pid for process in self._started.values()}
        return [process for process in psutil.process_iter() if self._is_ours(process, sessions)]

    def _is_ours(self, process: psutil.Process, sessions: set[int]) -> bool:
        try:
            if process.status() == psutil.STATUS_ZOMBIE:
                return False
            return os.getsid(process.pid) in sessions or self._mark in _environment_of(process.pid)
        except (psutil.Error, OSError):
            return False  # it ended while we looked, or it belongs to somebody else


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """A termination signal raises SystemExit inside the block, so that what the block opened is closed."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, _exit) for number in ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _exit(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def _environment_of(pid: int) -> set[bytes]:
    return set(Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"))
