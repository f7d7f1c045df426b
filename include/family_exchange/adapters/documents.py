"""YAML files read into models; whatever is wrong is named by file, line, key and what was expected.

These files are written by the people who run the platform, so a message may show a key; it never shows a value.
"""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from family_exchange.domain.errors import NeedsDecision
from family_exchange.domain.provenance import NOTICE_LINE, SLUG

M = TypeVar("M", bound=BaseModel)
_FORMS = {NOTICE_LINE: "`<notice>.txt:<line>`", SLUG: "lower-case letters, digits and hyphens"}
"""Patterns that people meet often, in words."""
Loader: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's loader where it was built in: ten times faster, and Dags are parsed often."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One mistake in one file."""

    file: str
    line: int
    key: str
    """Key path, e.g. `returns.nis.fields[3]`; empty for the file as a whole."""
    expected: str

    def __str__(self) -> str:
        """One line for a terminal."""
        return f"{self.file}:{self.line} {self.key or 'the file'}: {self.expected}"


class BadFile(NeedsDecision):
    """A file of ours has mistakes; `problems` holds all of them, the attributes tell of the first."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        first = problems[0]
        self.problems = tuple(problems)
        self.file, self.line, self.key, self.expected = first.file, first.line, first.key, first.expected
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        super().__init__(f"{first}{more}")


@dataclass(frozen=True, slots=True)
class Document:
    """A file as plain values, and the line of every key path in it."""

    file: str
    data: object
    lines: Mapping[str, int]

    def problem(self, key: str, expected: str) -> Problem:
        """A problem at `key`, or at the nearest key above it that stands in the file."""
        above = key
        while above and above not in self.lines:
            above = above[: max(above.rfind("."), above.rfind("["), 0)]
        return Problem(self.file, self.lines.get(above, 1), key, expected)


def read(path: Path, name: str) -> Document:
    """The file at `path`, called `name` in messages.

    Raises:
        BadFile: it is absent, not UTF-8, not YAML, empty, or repeats a key.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise BadFile([Problem(name, 1, "", "expected this file; it is not there")]) from None
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise BadFile([Problem(name, line, "", "expected UTF-8 text")]) from None
    loader = Loader(text)
    try:
        node = loader.get_single_node()
        reading = _Reading(name, loader)
        data = reading.value(node, "") if node is not None else None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise BadFile([Problem(name, line, "", f"expected YAML; {error.problem}")]) from None
    except (yaml.YAMLError, ValueError):
        raise BadFile([Problem(name, 1, "", "expected YAML without control characters or impossible dates")]) from None
    finally:
        loader.dispose()
    if not isinstance(data, dict):
        raise BadFile([Problem(name, 1, "", "expected a mapping of keys to values")])
    if reading.repeated:
        raise BadFile(reading.repeated)
    return Document(name, data, reading.lines)


class _Reading:
    """Turns nodes into plain values and remembers where each stands."""

    def __init__(self, name: str, loader: yaml.SafeLoader) -> None:
        self.name = name
        self.loader = loader
        self.lines: dict[str, int] = {}
        self.repeated: list[Problem] = []

    def value(self, node: yaml.Node, path: str) -> object:
        self.lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, f"{path}[{index}]") for index, item in enumerate(node.value)]
        return self.loader.construct_object(node)

    def _mapping(self, node: yaml.MappingNode, path: str) -> dict[str, object]:
        values: dict[str, object] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value)
            inner = f"{path}.{key}" if path else key
            line = key_node.start_mark.line + 1
            if key in values:
                self.repeated.append(Problem(self.name, line, inner, "expected each key once; this one repeats"))
            self.lines[inner] = line
            values[key] = self.value(value_node, inner)
        return values


def parsed(document: Document, model: type[M]) -> M:
    """The document as `model`.

    Raises:
        BadFile: with every mistake that the model finds.
    """
    try:
        return model.model_validate(document.data)
    except ValidationError as error:
        found = {_problem(document, model, each) for each in error.errors(include_url=False, include_input=False)}
        raise BadFile(sorted(found)) from None


def _problem(document: Document, model: type[BaseModel], error: ErrorDetails) -> Problem:
    location = error["loc"]
    key = _path(document, location, missing=error["type"] == "missing")
    match error["type"]:
        case "missing":
            expected = "expected this key; it is missing"
        case "extra_forbidden":
            expected = _expected_keys(model, location)
        case "wrong_at":
            key = f"{key}.{error['ctx']['key']}".lstrip(".")
            expected = error["msg"]
        case "value_error":
            expected = str(error["ctx"]["error"])
        case "string_pattern_mismatch":
            pattern = error["ctx"]["pattern"]
            expected = f"expected {_FORMS.get(pattern, f'text of the form {pattern}')}"
        case _:
            message = error["msg"].replace("Input should be", "expected")
            expected = message if message.startswith("expected") else f"expected otherwise: {message}"
    return document.problem(key, expected)


def _path(document: Document, location: Sequence[int | str], *, missing: bool) -> str:
    """The key path of an error; the words that pydantic adds for the branch of a union stand in no file."""
    path = ""
    for part in location:
        inner = _joined(path, part)
        if inner in document.lines:
            path = inner
    return _joined(path, location[-1]) if missing else path


def _joined(path: str, part: int | str) -> str:
    return f"{path}[{part}]" if isinstance(part, int) else f"{path}.{part}".lstrip(".")


def _expected_keys(model: type[BaseModel], location: Sequence[int | str]) -> str:
    known = sorted(field.alias or name for name, field in _model_at(model, location[:-1]).model_fields.items())
    close = difflib.get_close_matches(str(location[-1]), known, n=1)
    hint = f"; did you mean {close[0]}?" if close else ""
    return f"expected one of {', '.join(known)}; found an unknown field{hint}"


def _model_at(model: type[BaseModel], location: Sequence[int | str]) -> type[BaseModel]:
    """The model whose keys stand at `location`, or the nearest one above it."""
    here: Any = model
    for part in location:
        if isinstance(part, int):
            here = _within(here, 0)
        elif isinstance(here, type) and issubclass(here, BaseModel):
            model = here
            fields = {field.alias or name: field.annotation for name, field in here.model_fields.items()}
            here = _without_none(fields.get(part))
        else:
            here = _within(here, -1)
    return here if isinstance(here, type) and issubclass(here, BaseModel) else model


def _within(annotation: Any, position: int) -> Any:  # noqa: ANN401 - an annotation has no type of its own
    arguments = get_args(annotation)
    return _without_none(arguments[position]) if arguments else None


def _without_none(annotation: Any) -> Any:  # noqa: ANN401 - an annotation has no type of its own
    if get_origin(annotation) in {Union, UnionType}:
        return next((each for each in get_args(annotation) if each is not type(None)), None)
    return annotation
