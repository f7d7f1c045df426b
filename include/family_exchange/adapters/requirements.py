"""Every requirement against the tests that prove it: the list in `docs/` beside the `requirement` marks in tests."""

import ast
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from family_exchange.adapters.documents import parsed, read
from family_exchange.domain.provenance import Model, NoticeLine, Words

PROJECT = Path(__file__).resolve().parents[3]
LIST = "docs/requirements.yaml"


class Requirement(Model):
    """One thing that a notice or the law asks for, and how a test can decide whether it holds."""

    id: Annotated[str, StringConstraints(pattern=r"^[RD]-[0-9]{2,3}$")]
    group: Words
    says: Words
    check: Words
    notices: tuple[NoticeLine, ...] = ()
    source: Words | None = None

    @model_validator(mode="after")
    def _comes_from_somewhere(self) -> Self:
        if bool(self.notices) == bool(self.source):
            raise ValueError("a requirement names `notices` or a `source`")
        return self


class Requirements(Model):
    """All of them, each id once."""

    requirements: tuple[Requirement, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _ids_are_unique(self) -> Self:
        ids = [requirement.id for requirement in self.requirements]
        if twice := sorted({each for each in ids if ids.count(each) > 1}):
            raise ValueError(f"`requirements` repeat {', '.join(twice)}")
        return self


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """One test that says it proves one requirement."""

    requirement: str
    test: str
    """`tests/…/test_x.py::test_y`, or the module when the whole module is marked."""
    line: int


def requirements(project: Path = PROJECT) -> tuple[Requirement, ...]:
    """All requirements in the list's own order.

    Raises:
        BadFile: the list has a mistake.
    """
    return parsed(read(project / LIST, LIST), Requirements).requirements


def marks(project: Path = PROJECT) -> tuple[Mark, ...]:
    """Every mark in the tests, sorted; the tests are read, never imported."""
    found = [
        mark
        for path in sorted((project / "tests").rglob("test_*.py"))
        for mark in _marks_in(ast.parse(path.read_text(encoding="utf-8")), path.relative_to(project).as_posix())
    ]
    return tuple(sorted(set(found)))


def unknown(project: Path = PROJECT) -> tuple[Mark, ...]:
    """The marks that name a requirement that the list has not."""
    known = {requirement.id for requirement in requirements(project)}
    return tuple(mark for mark in marks(project) if mark.requirement not in known)


def report(project: Path = PROJECT) -> str:
    """The list as text: each requirement, what it comes from, and the tests that prove it."""
    tests: Mapping[str, list[str]] = defaultdict(list)
    for mark in marks(project):
        tests[mark.requirement].append(mark.test)
    lines = []
    everything = requirements(project)
    for requirement in everything:
        lines.append(f"{requirement.id}  {requirement.says}")
        lines.append(f"       from {', '.join(requirement.notices) or requirement.source}")
        lines.extend(f"       {test}" for test in sorted(set(tests[requirement.id])) or ["no test yet"])
    proved = sum(1 for requirement in everything if tests[requirement.id])
    lines.append(f"{proved} of {len(everything)} requirements have a test")
    lines.extend(f"unknown: {mark.requirement} in {mark.test} (line {mark.line})" for mark in unknown(project))
    return "\n".join(lines)


def _marks_in(tree: ast.AST, place: str) -> Iterator[Mark]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield from _marks_in(node, f"{place}::{node.name}")
            continue
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "requirement":
            for argument in node.args:
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    yield Mark(argument.value, place, node.lineno)
        yield from _marks_in(node, place)


if __name__ == "__main__":
    sys.stdout.write(report() + "\n")
    sys.exit(1 if unknown() else 0)
