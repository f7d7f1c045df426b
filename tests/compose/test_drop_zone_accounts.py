"""Whose sessions the drop zone ends, and which lines of sshd are nobody's but the health check's."""

import importlib
import sys
from pathlib import Path

import pytest

PROGRAMS = Path(__file__).parents[2] / "docker" / "drop-zone"


@pytest.fixture
def zone(monkeypatch, tmp_path):
    """The program, its folder of keys in force being the test's."""
    monkeypatch.syspath_prepend(str(PROGRAMS))
    for name in ("room", "drop_zone"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    program = importlib.import_module("drop_zone")
    monkeypatch.setattr(program, "LOG_INS", str(tmp_path))
    yield program
    for name in ("room", "drop_zone"):
        sys.modules.pop(name, None)


def test_whoever_lost_a_key_is_named_and_whoever_got_one_more_is_not(zone, tmp_path):
    before = {"c.gone": "one\n", "c.fewer": "one\ntwo\n", "c.more": "one\n", "c.none": "", "c": "own\n"}
    for login, keys in before.items():
        (tmp_path / login).write_text(keys)
    now = {"c.fewer": ["two"], "c.more": ["one", "two"], "c.none": ["one"], "c.new": ["one"], "c": ["own"]}
    assert zone._taken_back(now) == ["c.fewer", "c.gone"]


CALLED = [
    b"Connection closed by 127.0.0.1 port 40312 [preauth]\r\n",
    b"Connection reset by 127.0.0.1 port 40312 [preauth]\n",
    b"ssh_dispatch_run_fatal: Connection from 127.0.0.1 port 40312: Broken pipe [preauth]\n",
]
TOLD = [
    b"Invalid user admin from 192.0.2.7 port 51514\n",
    b"Invalid user a 127.0.0.1 port 1 from 192.0.2.7 port 51514\n",
    b"Connection closed by invalid user x 127.0.0.1 port 1 192.0.2.7 port 51514 [preauth]\n",
    b"Connection closed by authenticating user c.police 192.0.2.7 port 51514 [preauth]\n",
    b"Invalid user x: Connection closed by 127.0.0.1 port 1 from 2001:db8::7 port 51514\n",
    b"Accepted publickey for c.police from 192.0.2.7 port 51514 ssh2: ED25519 SHA256:abc\n",
]


@pytest.mark.parametrize("line", CALLED)
def test_what_the_health_check_leaves_in_the_log_is_left_out(zone, capsys, line):
    zone._pass_on([line])
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("line", TOLD)
def test_nobody_leaves_a_guess_out_of_the_log_by_the_name_that_was_tried(zone, capsys, line):
    zone._pass_on([line])
    assert capsys.readouterr().out == line.decode().rstrip("\n") + "\n"
