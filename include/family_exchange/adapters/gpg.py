"""One run of the machine's `gpg`: its output in memory, its status lines whole, its time and size bounded."""

import os
import resource
import selectors
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from time import monotonic

from family_exchange.domain.errors import NeedsDecision, TryLater

CHUNK = 1 << 20
"""Bytes read at once."""
STATUS_LIMIT = 1 << 20
"""Bytes of status lines after which a run is cut: an honest file has about a thousand."""

_PREFIX = b"[GNUPG:] "
_BASE = (
    "gpg",
    "--no-tty",
    "--no-options",
    "--disable-dirmngr",
    "--no-auto-key-locate",
    "--no-auto-key-retrieve",
    "--no-auto-check-trustdb",
    "--trust-model=always",  # the ring holds registered keys only, and `decide` pins fingerprints
    "--pinentry-mode=error",
)


@dataclass(slots=True)
class Run:
    """One finished gpg process."""

    rc: int
    status: tuple[str, ...]
    output: bytes = field(repr=False)
    bytes_out: int
    clean_eof: bool
    timed_out: bool


@dataclass(slots=True)
class _Reader:
    """Reads gpg's output and status until both end and gpg is gone, or until a limit is passed."""

    limit: int
    deadline: float
    output: BytesIO = field(default_factory=BytesIO, repr=False)
    status: bytearray = field(default_factory=bytearray, repr=False)
    clean_eof: bool = False
    timed_out: bool = False

    def read(self, output: int, status: int, process: int) -> None:
        """Fill `output` and `status` from these descriptors; `process` becomes readable when gpg is gone."""
        buffer = memoryview(bytearray(CHUNK))
        with selectors.DefaultSelector() as selector:
            for descriptor in (output, status, process):
                selector.register(descriptor, selectors.EVENT_READ)
            while selector.get_map():
                left = self.deadline - monotonic()
                if left <= 0:
                    self.timed_out = True
                if left <= 0 or self.output.tell() > self.limit or len(self.status) > STATUS_LIMIT:
                    return
                for key, _ in selector.select(left):
                    count = 0 if key.fd == process else os.readv(key.fd, [buffer])
                    if not count:
                        selector.unregister(key.fd)
                    elif key.fd == output:
                        self.output.write(buffer[:count])
                    else:
                        self.status += buffer[:count]
        self.clean_eof = True

    def lines(self) -> tuple[str, ...]:
        """The status lines; split at line feeds only, because names of keys hold what their owners chose."""
        return tuple(
            line.removeprefix(_PREFIX).decode("utf-8", "replace").strip(" ")
            for line in bytes(self.status).split(b"\n")
            if line.startswith(_PREFIX)
        )


def run(
    home: Path, arguments: tuple[str, ...], stdin: int | None, *, limit: int, timeout: float, batch: bool = True
) -> Run:
    """One gpg process from start to end; it never outlives this call.

    In batch mode gpg stops at a bad signature, before it knows whether the message is whole. Without it, there is
    still nobody whom it could ask.

    Raises:
        NeedsDecision: gpg is not installed.
        TryLater: the machine lacks what it takes to start it.
    """
    _no_core()
    reader = _Reader(limit=limit, deadline=monotonic() + timeout)
    status_read, status_write = os.pipe()
    command = [*_dying_with_us(), *_BASE, f"--homedir={home}", f"--status-fd={status_write}", "--output=-"]
    command += [*(("--batch",) if batch else ()), *arguments]
    try:
        try:
            process = subprocess.Popen(  # noqa: S603 - our own argument list; no name of a partner's stands in it
                command,
                stdin=subprocess.DEVNULL if stdin is None else stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,  # prose with names in it; the status lines say all that counts
                bufsize=0,
                pass_fds=(status_write,),
                env={"LC_ALL": "C", "PATH": os.environ.get("PATH", os.defpath)},
            )
        finally:
            os.close(status_write)
        with process:
            try:
                _watch(process, reader, status_read)
            finally:
                process.kill()
    except FileNotFoundError:
        raise NeedsDecision("gpg is not installed; install the package gnupg") from None
    except OSError as error:
        raise TryLater(f"gpg could not be run (errno {error.errno})") from None
    finally:
        os.close(status_read)
    return Run(
        rc=process.returncode,
        status=reader.lines(),
        output=reader.output.getvalue(),
        bytes_out=reader.output.tell(),
        clean_eof=reader.clean_eof,
        timed_out=reader.timed_out,
    )


def _dying_with_us() -> tuple[str, ...]:
    """What starts gpg so that the kernel ends it with us; nothing where that is missing.

    A gpg that still has output ends by itself, because its pipe breaks; one that waits for its agent would not.
    """
    return ("setpriv", "--pdeathsig=KILL") if shutil.which("setpriv") and shutil.which("gpg") else ()


def _watch(process: "subprocess.Popen[bytes]", reader: _Reader, status: int) -> None:
    """Read until gpg is gone: waiting for it with a time limit would mean to ask again and again."""
    assert process.stdout is not None  # noqa: S101 - a pipe was asked for
    gone = os.pidfd_open(process.pid)
    try:
        reader.read(process.stdout.fileno(), status, gone)
    finally:
        os.close(gone)


def _no_core() -> None:
    """Neither gpg nor we, who hold the content, leave a memory image behind in a crash: from now on, for good."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


@contextmanager
def in_memory(content: bytes) -> Iterator[int]:
    """A descriptor to read the content from, backed by memory and by no file system."""
    descriptor = os.memfd_create("message", os.MFD_CLOEXEC)
    try:
        view = memoryview(content)
        while view:
            view = view[os.write(descriptor, view) :]
        os.lseek(descriptor, 0, os.SEEK_SET)
        yield descriptor
    finally:
        os.close(descriptor)
