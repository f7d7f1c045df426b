"""An advisory source that does not answer, or knows nothing of a package, is never taken for a clean bill."""

import json
import os
import stat

import pytest

from support.audit_packages import HOLES, NO_HOLES, NOT_ASKED, Answer, ask, best, read, told
from support.pinned import RUNS

CLEAN = {"name": "good", "version": "1.0", "vulns": []}
OPEN = {"name": "old", "version": "1.0", "vulns": [{"id": "CVE-1", "fix_versions": ["1.1"]}]}
SKIPPED = {"name": "strange", "skip_reason": "could not be audited"}


def said(*each):
    return json.dumps({"dependencies": each, "fixes": []})


@pytest.mark.parametrize(
    ("each", "ending"),
    [
        ((CLEAN,), NO_HOLES),
        ((CLEAN, OPEN), HOLES),
        ((CLEAN, SKIPPED), NOT_ASKED),
        ((SKIPPED, OPEN), HOLES),
        ((), NOT_ASKED),
    ],
)
def test_only_an_answer_about_every_package_is_clean(each, ending):
    assert read(said(*each)).ending == ending


def test_what_is_told_names_the_hole_and_its_repair():
    assert list(told("r.txt", read(said(CLEAN, OPEN)))) == [
        "old 1.0: CVE-1, closed in 1.1",
        "r.txt: 2 packages asked about, 1 holes",
    ]


@pytest.mark.parametrize("answer", [read(said(SKIPPED)), read("no JSON"), read("{}")])
def test_what_was_not_audited_is_told_in_capitals(answer):
    assert "r.txt: NOT AUDITED:" in "\n".join(told("r.txt", answer))


def test_the_source_that_knows_most_counts():
    assert best([Answer(silent="away"), Answer(3), Answer(2)]) == Answer(3)
    assert best([Answer(3), Answer(1, ("hole",))]).ending == HOLES


@pytest.fixture
def program(tmp_path):
    """A program in the place of pip-audit."""

    def that(script):
        file = tmp_path / "pip-audit"
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(file.stat().st_mode | stat.S_IXUSR)
        return file

    return that


def test_a_source_that_cannot_be_reached_is_told_without_its_whole_story(program):
    answer = ask(RUNS, "osv", program("echo 'requests.exceptions.ConnectionError: a long story' >&2; exit 1"))
    assert (answer.ending, answer.silent) == (NOT_ASKED, "osv cannot be reached (requests.exceptions.ConnectionError)")


def test_a_program_that_is_not_there_is_told(tmp_path):
    assert ask(RUNS, "pypi", tmp_path / "none").silent == "pip-audit could not be run (FileNotFoundError)"


def test_pip_audit_takes_our_pinned_file_as_it_is(tmp_path):
    """The real one, with no network: it reads the file, and cannot ask."""
    environment = {
        "https_proxy": "http://127.0.0.1:9",
        "http_proxy": "http://127.0.0.1:9",
        "XDG_CACHE_HOME": str(tmp_path),
    }
    before = dict(os.environ)
    os.environ.update(environment)
    try:
        answer = ask(RUNS, "osv")
    finally:
        os.environ.clear()
        os.environ.update(before)
    assert answer.ending == NOT_ASKED
    assert "pip-audit could not be run" not in answer.silent
