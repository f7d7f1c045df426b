"""Programs of the demo end when the demo does, whatever they did to get away."""

import os
import signal
import subprocess
import sys
import textwrap
from contextlib import suppress
from pathlib import Path
from threading import main_thread

import psutil
import pytest

from family_exchange.demo import processes
from family_exchange.demo.processes import Programs, ended_by_signals
from support.processes import until

FAMILY = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)          # does not listen
if os.fork() == 0:
    os.setpgid(0, 0)                                   # a task in a process group of its own
    if os.fork() == 0:
        time.sleep(600)
    time.sleep(600)
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)   # an agent
print("up", flush=True)
time.sleep(600)
"""
"""A program, its child in another process group, its grandchild, and a daemon that left the session."""


@pytest.fixture
def programs(tmp_path, monkeypatch):
    monkeypatch.setattr(processes, "GRACE_SECONDS", 0.3)
    made = Programs(("FAMILY_EXCHANGE_TEST", str(tmp_path)))
    yield made
    made.stop()


def start(programs, folder, text, name="program"):
    log = folder / f"{name}.log"
    programs.start(name, [sys.executable, "-c", text], environment={"PATH": "/usr/bin:/bin"}, log=log)
    return log


def test_a_program_its_descendants_and_what_left_its_session_are_gone(programs, tmp_path):
    log = start(programs, tmp_path, FAMILY)
    until(lambda: log.read_text() == "up\n" and len(programs.left()) == 4)
    members = [process.pid for process in programs.left()]
    programs.stop()
    assert programs.left() == []
    assert not [pid for pid in members if runs(pid)]


def runs(pid):
    """Whoever inherits a process that was killed may bury it at any moment."""
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


def test_what_a_program_left_behind_when_it_died_is_gone_too(programs, tmp_path):
    start(programs, tmp_path, FAMILY.replace('print("up", flush=True)', "os._exit(1)"))
    until(lambda: len(programs.left()) == 3)
    programs.stop()
    assert programs.left() == []


def test_stopping_twice_is_harmless(programs, tmp_path):
    start(programs, tmp_path, "import time; time.sleep(600)")
    programs.stop()
    programs.stop()


def test_a_program_that_fails_is_named_with_its_log(programs, tmp_path):
    log = start(programs, tmp_path, "raise SystemExit(3)", name="migrate")
    with pytest.raises(RuntimeError, match=rf"migrate did not end well \(3\); see {log}"):
        programs.finish("migrate", within=120)


def test_a_program_that_takes_too_long_is_named_too(programs, tmp_path):
    start(programs, tmp_path, "import time; time.sleep(600)", name="migrate")
    with pytest.raises(RuntimeError, match="migrate did not end well"):
        programs.finish("migrate", within=0.1)


def test_a_program_that_ended_by_itself_is_missed(programs, tmp_path):
    start(programs, tmp_path, "raise SystemExit(1)", name="scheduler")
    until(lambda: programs.left() == [])
    with pytest.raises(RuntimeError, match="scheduler has ended"):
        programs.need_all()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_closes_what_the_block_opened(number, tmp_path):
    program = textwrap.dedent("""
        import sys, time
        from family_exchange.demo.processes import ended_by_signals
        with ended_by_signals():
            try:
                print("open", flush=True)
                time.sleep(600)
            finally:
                print("closed", flush=True)
    """)
    source = str(Path(processes.__file__).parents[2])
    running = subprocess.Popen(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": source, "PATH": "/usr/bin:/bin"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with running:
        assert running.stdout.readline() == "open\n"
        running.send_signal(number)
        assert running.stdout.readline() == "closed\n"
    assert running.returncode != 0


def test_a_second_ctrl_c_does_not_stop_the_stopping(programs, tmp_path, monkeypatch):
    ask = os.killpg

    def ask_and_be_asked(group, number):
        ask(group, number)
        signal.pthread_kill(main_thread().ident, signal.SIGINT)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores Ctrl-C
    start(programs, tmp_path, FAMILY)
    until(lambda: len(programs.left()) == 4)
    monkeypatch.setattr(os, "killpg", ask_and_be_asked)
    try:
        with pytest.raises(KeyboardInterrupt):  # it comes through when everything is gone
            programs.stop()
    finally:
        signal.signal(signal.SIGINT, before)
    assert programs.left() == []


def test_signal_handlers_are_put_back():
    before = signal.getsignal(signal.SIGTERM)
    with ended_by_signals():
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before
