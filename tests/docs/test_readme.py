"""What the pages say exists: targets, commands, Dags, connections, links."""

import re
from pathlib import Path

import pytest
import typer

from family_exchange.cli import application
from family_exchange.orchestration.connections import HINTS

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
RUNBOOK = ROOT / "docs" / "runbook.md"
PAGES = sorted(
    page
    for folder in (ROOT, ROOT / "docs", ROOT / "docs" / "adr", ROOT / "expectations")
    for page in folder.glob("*.md")
)
TOP = typer.main.get_command(application())


def in_blocks(page):
    """Every line of the blocks of code in a page."""
    blocks = re.findall(r"```\w*\n(.*?)```", page.read_text(), re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


def in_lines(page):
    """Every piece of code within the text of a page."""
    return re.findall(r"`([^`\n]+(?:\n[^`\n]+)?)`", re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL))


def spans(page):
    return in_blocks(page) + in_lines(page)


def commands(page):
    """Every command line in a page; within the text a group's name is enough (`files show`)."""
    groups = {name for name, command in TOP.commands.items() if hasattr(command, "commands")}
    for line in spans(page):
        words = line.replace("'", "").split()
        if words[:1] == ["family-exchange"]:
            yield words[1:]
    for span in in_lines(page):
        words = span.split()
        if len(words) > 1 and words[0] in groups and words[1] != "…":  # `return … has` is a message
            yield words


def command_of(words):
    """The command and what is left of the words, or None when there is no such command."""
    command = TOP
    while words and hasattr(command, "commands"):
        if words[0] not in command.commands:
            return None, words
        command, words = command.commands[words[0]], words[1:]
    return command, words


def named_in_the_table():
    for row in re.findall(r"^\| `family-exchange [^|]+", README.read_text(), re.MULTILINE):
        for span in re.findall(r"`([^`]+)`", row):
            yield span.removeprefix("family-exchange ")


def heading_ids(page):
    return {
        re.sub(r"[^\w\- ]", "", line.lstrip("# ").lower()).replace(" ", "-")
        for line in page.read_text().splitlines()
        if line.startswith("#")
    }


def test_every_make_target_that_a_page_names_exists():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {name for page in PAGES for span in spans(page) for name in re.findall(r"^make ([a-z-]+)", span)}
    assert {"demo", "test", "lock"} <= named <= targets


@pytest.mark.parametrize("page", [README, RUNBOOK, ROOT / "CONTRIBUTING.md"], ids=lambda page: page.name)
def test_every_command_that_a_page_names_exists_with_its_options(page):
    for words in commands(page):
        command, rest = command_of(words)
        assert command is not None, words
        known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
        assert {word for word in rest if word.startswith("--")} <= known, words


def test_the_table_of_commands_has_every_command():
    every = set()
    for name, command in TOP.commands.items():
        every |= {f"{name} {part}" for part in command.commands} if hasattr(command, "commands") else {name}
    assert set(named_in_the_table()) == every


def test_options_of_the_demo_that_the_readme_gives_to_make_exist():
    given = re.findall(r'make demo ARGS="([^"]+)"', README.read_text())
    known = {option for parameter in TOP.commands["demo"].params for option in parameter.opts}
    assert given
    assert {word for words in given for word in words.split() if word.startswith("--")} <= known


def test_every_airflow_connection_is_described():
    rows = re.findall(r"^\| `<council>_(\w+)` \| (\w+) \|", README.read_text(), re.MULTILINE)
    assert {kind for kind, _ in rows} == set(HINTS)


def test_every_setting_of_our_section_in_airflow_is_described():
    code = "".join(file.read_text() for file in (ROOT / "include/family_exchange/orchestration").glob("*.py"))
    used = {name.upper() for name in re.findall(r'conf\.get\w*\(SECTION, "(\w+)"', code)}
    assert set(re.findall(r"AIRFLOW__FAMILY_EXCHANGE__([A-Z_]+)`", README.read_text())) == used


def test_every_link_leads_somewhere():
    for page in PAGES:
        for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
            path, _, heading = target.partition("#")
            leads_to = (page.parent / path).resolve() if path else page
            assert leads_to.exists(), f"{page.name}: {target}"
            assert not heading or heading in heading_ids(leads_to), f"{page.name}: {target}"


def test_every_dag_family_is_on_the_map():
    map_of_data = README.read_text().split("## The way of the data")[1].split("\n## ")[0]
    for dag in dag_families():
        assert f"`{dag}`" in map_of_data, dag


def dag_families():
    """Ids of Dags as their files make them, `receive_<council>_<feed>` for example."""
    code = "".join(file.read_text() for file in (ROOT / "dags").glob("*.py"))
    made = set(re.findall(r'(?:DAG\(|dag_id, tags = )f"([^"]+)"', code))
    assert len(made) == len(re.findall(r"with DAG\(", code))
    return {re.sub(r"\{(\w+)\}", r"<\1>", name) for name in made}


def test_the_runbook_has_every_dag_family():
    headings = [line for line in RUNBOOK.read_text().splitlines() if line.startswith("### ")]
    for dag in dag_families():
        assert any(f"`{dag}`" in heading for heading in headings), dag
