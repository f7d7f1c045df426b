"""Each way a run can end badly has an entry; and the page on rooms names rooms that are there."""

import importlib
import re
from pathlib import Path

import pytest

from family_exchange.domain import delivery, file
from family_exchange.domain.errors import ExchangeError

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "include" / "family_exchange"
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text()
ROOMS = (ROOT / "docs" / "rooms-with-rows.md").read_text()

ENTRIES = set(re.findall(r"`(\w+)`", "\n".join(re.findall(r"^\| (`[^|]+)\|", RUNBOOK, re.MULTILINE))))
"""What stands in the first column of a table."""
HEADINGS = re.findall(r"^### (.+)$", RUNBOOK, re.MULTILINE)


def our_errors():
    derived = re.compile(r"^class \w+\((?:ExchangeError|NeedsDecision|TryLater|DataRefused)\)", re.MULTILINE)
    for source in PACKAGE.rglob("*.py"):
        if derived.search(source.read_text()):
            importlib.import_module(".".join(source.relative_to(PACKAGE.parent).with_suffix("").parts))
    found, waiting = set(), [ExchangeError]
    while waiting:
        below = waiting.pop().__subclasses__()
        found |= {each.__name__ for each in below if each.__module__.startswith("family_exchange")}
        waiting += below
    return found


@pytest.mark.parametrize("reason", list(file.Reason))
def test_every_reason_for_quarantine_has_an_entry(reason):
    assert reason.value in ENTRIES


def test_every_error_of_ours_has_an_entry():
    assert our_errors() <= ENTRIES


@pytest.mark.parametrize(
    "state", [file.State.QUARANTINED, file.State.GONE, file.State.DUPLICATE, file.State.SUPERSEDED]
)
def test_every_other_end_of_a_file_is_told_of(state):
    assert state.value in RUNBOOK


@pytest.mark.parametrize(
    "state", [delivery.State.REFUSED_BY_RECIPIENT, delivery.State.CONFLICT, delivery.State.VOID], ids=str
)
def test_every_bad_end_of_a_return_has_a_heading(state):
    assert state.value in HEADINGS


def test_no_entry_is_empty():
    parts = re.split(r"^### .+$", RUNBOOK, flags=re.MULTILINE)[1:]
    assert [heading for heading, text in zip(HEADINGS, parts, strict=True) if len(text.split()) < 8] == []


def test_words_that_the_runbook_quotes_are_words_that_the_product_says():
    """An operator searches for what the screen shows; a message that was reworded must be reworded here too."""
    code = "\n".join(source.read_text() for folder in (PACKAGE, ROOT / "docker") for source in folder.rglob("*.py"))
    joined = re.sub(r'"\s*\n\s*f?"', "", code)
    said = re.sub(r"\{[^{}]*\}", "…", joined) + (ROOT / "Makefile").read_text()
    assert [quoted for quoted in QUOTED if not all(piece.strip() in said for piece in quoted.split("…"))] == []


QUOTED = [
    span
    for span in re.findall(r"`([^`\n]+)`", RUNBOOK)
    if span.count(" ") >= 3
    and re.match(r"[a-zA-Z…' ]", span)
    and not re.search(r"--|[$/]|<|3 errors|1 of 2|53300", span)
]


def test_everything_that_halts_is_in_the_table_of_what_halts():
    """Each message of a `Halted` has its line there, in its own words."""
    table = RUNBOOK.split("### Everything that halts")[1].split("\n## ")[0]
    quoted = [span.strip("… ") for span in re.findall(r"^\| `([^`]+)`", table, re.MULTILINE)]
    said = {}
    for source in PACKAGE.rglob("*.py"):
        for raised in re.findall(r'Halted\(\s*((?:f?"[^"]*"\s*)+)', source.read_text()):
            said[source.name, raised] = re.sub(r"\{[^{}]*\}", "…", re.sub(r'"\s*f?"', "", raised))
    assert len(said) > 3
    words = [re.split(r"[…(]", span)[0].strip() for span in quoted]
    assert all(words)
    assert [place for place, message in said.items() if not any(word in message for word in words)] == []


def test_the_runbook_quotes_messages():
    assert len(QUOTED) > 20


def test_every_module_that_the_page_on_rooms_names_is_there():
    named = set(re.findall(r"`((?:domain|adapters|stages|orchestration|commands|demo)/[\w/]*(?:\.py)?)`", ROOMS))
    assert len(named) > 20
    assert {name for name in named if not (PACKAGE / name).exists()} == set()


def test_every_module_whose_fields_hide_from_repr_is_on_the_page_on_rooms():
    """A dataclass hides a field because it identifies somebody; settings hide secrets, which is another matter."""
    secrets = {
        "adapters/settings.py",
        "demo/airflow.py",
        "demo/postgres.py",
        "demo/sftpserver.py",
        "demo/airflow_api.py",
        "domain/shares.py",
        "stages/keep.py",
        "stages/restore.py",
        "demo/recovery.py",
    }
    hiding = {
        str(source.relative_to(PACKAGE))
        for source in PACKAGE.rglob("*.py")
        if "field(repr=False)" in source.read_text() or re.search(r"field\([^)]*repr=False", source.read_text())
    }
    missing = {name for name in hiding - secrets if name not in ROOMS and f"{name.rsplit('/', 1)[0]}/`" not in ROOMS}
    assert missing == set()
