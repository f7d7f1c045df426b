"""Wrong use: each error says what to do, ends with 2, and repeats nothing that somebody typed."""

import sys
from dataclasses import replace

import pytest

from family_exchange import cli
from family_exchange.adapters import settings
from family_exchange.adapters.doors import make_secrets
from family_exchange.commands import common
from support.registry import COUNCIL, doors_to

CANARY = "Quillfeather"
FAMILY = "H0123456789abcdef"
BY = ("--by", "Manager B")

WRONG = [
    ("files", "show", CANARY),
    ("files", "release", CANARY, *BY, "--reason", "partner_confirmed"),
    ("files", "reject", "F00000001", *BY, "--reason", CANARY),
    ("person", "show", CANARY, *BY, "--purpose", "support"),
    ("person", "show", "P0123456789abcdef", *BY, "--purpose", CANARY),
    ("person", "show", "P0123456789abcdef", *BY, "--purpose", "support", "--for", CANARY),
    ("person", "eligibility", CANARY, *BY),
    ("family", "show", CANARY, *BY, "--purpose", "support"),
    ("family", "status", CANARY, *BY, "--to", "accepted", "--reason", "x"),
    ("family", "status", FAMILY, *BY, f"--to={CANARY}", "--reason", "x"),
    ("family", "lead", CANARY, *BY, "--name", "x", "--organisation", "y"),
    ("family", "suggest", CANARY, *BY, "--service", "x", "--reason", "y"),
    ("family", CANARY),
    ("family", "show", f"--{CANARY}"),
    ("family", "exceptions", CANARY),
    ("match", "join", CANARY, CANARY, *BY, "--reason", "x"),
    ("match", "undo", CANARY, *BY, "--reason", "x"),
    ("subject", "withdraw", CANARY, *BY),
    ("propose", "--as-of", CANARY),
    ("proposal", "show", CANARY, *BY),
    ("proposal", "decide", CANARY, *BY, "--outcome", "accepted", "--reason", "x"),
    ("proposal", "list", "--sort", CANARY),
    ("nominate", CANARY, "--indicator", "crime_nomination", *BY, "--role", "teacher", "--reason", "x"),
    ("nomination", "withdraw", CANARY, *BY),
    ("return", "check", CANARY),
    ("return", "sign-off", CANARY, *BY),
    ("return", "assemble", "--return", CANARY, "--period", "2026-H1"),
    ("return", "assemble", "--return", "fpd", "--period", CANARY),
    ("retention", "purge", CANARY, *BY),
    ("retention", "hold", CANARY, "x", *BY, "--reason", "y"),
    ("retention", "hold", "person", CANARY, *BY, "--reason", "y"),
    ("retention", "hold", "category", CANARY, *BY, "--reason", "y"),
    ("retention", "event", CANARY, *BY, "--on", "2026-01-01"),
    ("retention", "event", "programme_end", *BY, "--on", CANARY),
    ("keys", "add", f"/nowhere/{CANARY}", "--partner", "police", *BY),
    ("keys", "revoke", CANARY, *BY, "--reason", "lost"),
    ("keys", "revoke", "A" * 40, *BY, "--reason", CANARY),
    ("backup", "close", *BY, "--reason", CANARY),
]


@pytest.fixture
def council(council_database, monkeypatch, tmp_path):
    make_secrets(tmp_path)
    here = doors_to(council_database).settings
    server = replace(here.drop_zone, host_key="ssh-ed25519 AAAA")
    own = replace(here, state=tmp_path, drop_zone=server, recipient=server)
    for name, value in settings.as_environment(own).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)


def ended(monkeypatch, *words):
    monkeypatch.setattr(sys, "argv", ["family-exchange", *words])
    with pytest.raises(SystemExit) as end:
        cli.main()
    return end.value.code


def test_no_error_repeats_what_somebody_typed(council, monkeypatch, capsys):
    for words in WRONG:
        code = ended(monkeypatch, *words, "--council", COUNCIL)
        printed = capsys.readouterr()
        assert code == 2, (words, printed)
        assert printed.err.startswith("stopped: "), words
        assert CANARY not in printed.out + printed.err, words


def test_an_error_says_what_could_have_been_given(monkeypatch, capsys):
    assert ended(monkeypatch, "family", "status", FAMILY, *BY, "--to", CANARY, "--reason", "x", "--council", "x") == 2
    said = capsys.readouterr().err
    assert "Invalid value for '--to': what was given is not one of 'identified', 'invited'" in said
    assert "status --help` says what it takes" in said
    assert ended(monkeypatch, "family", "status", FAMILY, "--council", "x") == 2
    assert "Missing option '--to'" in capsys.readouterr().err
    assert ended(monkeypatch, "family", "exceptions", "--council") == 2
    assert "Option '--council' requires an argument" in capsys.readouterr().err


def test_a_council_without_a_profile_is_answered_by_those_that_there_are(monkeypatch, capsys):
    assert ended(monkeypatch, "files", "list", "--council", CANARY) == 2
    said = capsys.readouterr().err
    assert CANARY not in said
    assert COUNCIL in said


def test_help_and_a_bare_command_end_as_they_should(monkeypatch, capsys):
    assert ended(monkeypatch, "family", "--help") == 0
    assert "exceptions" in capsys.readouterr().out
    assert ended(monkeypatch, "family") == 2
    told = capsys.readouterr()
    assert "exceptions" in told.out + told.err


def test_what_stands_in_brackets_is_printed_as_it_is(capsys):
    rows = [("a reason [see the file]", "[bold]no markup[/]"), (None, "[data]")]
    common.say([], as_json=False, words=lambda: common.table("[of two]", ("why", "what"), rows))
    common.say([], as_json=False, words=lambda: "came by [nomination]")
    printed = capsys.readouterr().out
    for each in ("[of two]", "[see the file]", "[bold]no markup[/]", "[data]", "came by [nomination]"):
        assert each in printed
