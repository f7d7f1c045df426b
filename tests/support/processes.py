"""Other processes of this machine: waiting for what they do, and gpg and its agents among them."""

import os
import signal
import time
from contextlib import contextmanager, suppress
from pathlib import Path

from support.keys import Ring


def until(holds):
    """What `holds` gives, as soon as that is something."""
    deadline = time.monotonic() + 120
    while not (found := holds()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return found


def decrypting(home):
    """The folders in /proc of living gpg processes that decrypt with this ring."""
    return [one for one in _with(f"--homedir={home}", "--decrypt") if _line(one).startswith(b"gpg\0")]


@contextmanager
def stopped(home):
    """The ring's agent stands still, as if it were swamped, or looked at in a debugger."""
    Ring(home).gpg("--list-secret-keys")
    agents = [int(one.name) for one in _with(f"--homedir\0{home}", "gpg-agent")]
    assert agents
    for agent in agents:
        os.kill(agent, signal.SIGSTOP)
    try:
        yield
    finally:
        for agent in agents:
            os.kill(agent, signal.SIGCONT)


def _with(*words):
    """The folders in /proc of processes in whose command line each of these stands, up to the end of an argument."""
    ended = [os.fsencode(word) + b"\0" for word in words]
    return [one for one in Path("/proc").glob("[0-9]*") if all(word in _line(one) for word in ended)]


def _line(process):
    """Its command line; nothing when it ended since it was listed."""
    with suppress(OSError):
        return (process / "cmdline").read_bytes()
    return b""
