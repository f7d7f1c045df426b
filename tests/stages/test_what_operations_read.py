"""Who takes part in research, or objects to it, changes nothing about what a family is offered."""

import ast
import re
from pathlib import Path

import grimp
import pytest

import family_exchange
from family_exchange.adapters import database, worklist
from family_exchange.stages import match, propose, register
from support.register import Register
from support.registry import TODAY, a_file, doors_to, query, with_staging
from support.troubled import a_term, an_offence

PACKAGE = Path(family_exchange.__file__).parent
OPERATIONS = ("stages.match", "stages.register", "stages.facts", "stages.propose", "stages.nominate",
              "stages.programme", "stages.decide", "adapters.worklist")  # fmt: skip
"""What decides who is who, which families there are, what is proposed, and what becomes of it."""
RESEARCH = ("stages.assemble", "stages.deliver", "adapters.returns", "adapters.return_rows", "adapters.recipient",
            "domain.return_file")  # fmt: skip
"""What makes and sends returns."""
KEEPERS = {"adapters.links", "adapters.persons"}
"""They move whatever was decided about a person along when records are joined or parted, whichever kind it is."""
RESTRICTED = re.compile(
    r"FROM rights\.flag f WHERE f\.kind = 'restriction' AND \(\s*"
    r"SELECT s\.status FROM rights\.flag_status s WHERE s\.flag_id = f\.flag_id"
)
"""A restriction of processing is not about research: nothing may be worked out about such a person."""
ROOM_OF_RETURNS = re.compile(r"\b(FROM|JOIN|INTO|UPDATE|EXISTS|TABLE)\s+returns\.")


@pytest.fixture(scope="module")
def graph():
    return grimp.build_graph("family_exchange", cache_dir=None)


def behind(graph, modules):
    """The modules and everything of ours that they are made of."""
    named = {f"family_exchange.{module}" for module in modules}
    found = named.union(*(graph.find_upstream_modules(each) for each in named))
    return {module.removeprefix("family_exchange.") for module in found}


def texts(module):
    """Every string of a module that is not a docstring."""
    file = PACKAGE / f"{module.replace('.', '/')}.py"
    if not file.exists():
        return []
    tree = ast.parse(file.read_text())
    said = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in said
    ]


def objections(modules):
    """The modules that read who objects, or what stands in a return."""
    return {
        module
        for module in modules
        for text in texts(module)
        if "objection" in text
        or ROOM_OF_RETURNS.search(text)
        or ("rights.flag" in RESTRICTED.sub("", text) and module not in KEEPERS)
    }


@pytest.mark.requirement("R-027")
def test_what_operations_are_made_of_reads_no_objection_and_no_return(graph):
    operations = behind(graph, OPERATIONS)
    assert len(operations) > 60
    assert objections(operations) == set()


@pytest.mark.requirement("R-027")
def test_operations_are_not_made_of_what_makes_returns(graph):
    assert behind(graph, OPERATIONS).isdisjoint(RESEARCH)


def test_what_makes_returns_does_read_them(graph):
    """The twin: the scan sees what it looks for."""
    assert {"adapters.returns", "adapters.return_rows"} <= objections(behind(graph, RESEARCH))
    assert "adapters.evidence" not in objections(behind(graph, RESEARCH))


def test_what_keeps_decisions_with_a_person_asks_for_no_kind():
    for module in KEEPERS:
        assert any("rights.flag" in text for text in texts(module)), module
        assert not [text for text in texts(module) if re.search(r"\bkind\s*(=|IN)", text)], module


@pytest.mark.requirement("R-027")
@pytest.mark.parametrize(
    ("flag", "problems"),
    [
        (None, ["P1", "P2"]),
        ("objection_research", ["P1", "P2"]),
        ("objection_all", ["P1", "P2"]),
        ("restriction", None),
    ],
)
def test_an_objection_changes_nothing_about_what_a_family_is_offered(council_database, flag, problems):
    """A restriction of processing does: the twin that shows that flags are looked at where they must be."""
    url = with_staging(council_database)
    a_file(url, "police_incidents", [an_offence()])
    a_file(url, "school_attendance", [a_term()])
    doors = doors_to(url)
    match.people(doors)
    register.families(doors, today=TODAY)
    for (person,) in query(url, "SELECT person_id FROM register.person"):
        if flag:
            Register(url).flag(person, flag)
    propose.families(doors, today=TODAY)
    with database.transaction(url) as connection:
        assert [list(each.problems) for each in worklist.waiting(connection)] == ([problems] if problems else [])
