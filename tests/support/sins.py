"""The few lines that must never stand in the product, each found in the syntax tree: what they are, and why.

ruff finds others (its rules `S`, `DTZ`, `PTH`); these are those that it does not know, or that a comment could silence.
"""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from family_exchange.domain.errors import ExchangeError

ROOT = Path(__file__).parents[2]
PLACES = ("include", "dags", "plugins", "docker")
"""What runs in production."""

LOGGING = frozenset({"debug", "info", "warning", "error", "critical", "exception", "log", "print", "echo", "write"})
ASKING = frozenset({"execute", "executemany", "copy", "SQL", "text", "exec_driver_sql"})
LOADERS = frozenset({"pickle", "cPickle", "dill", "cloudpickle", "marshal", "shelve", "joblib"})
SAFE = frozenset({"SafeLoader", "CSafeLoader", "Loader"})
"""`Loader` is ours: `adapters.documents.Loader`, one of the other two."""


@dataclass(frozen=True)
class Sin:
    """One kind of line."""

    name: str
    why: str
    finds: Callable[[ast.AST], Iterator[ast.AST]]


def names_of_our_errors():
    """What our own errors are called: their words hold ids, rows, columns and rules, and may be shown."""
    found, waiting = {"ExchangeError"}, [ExchangeError]
    while waiting:
        below = waiting.pop().__subclasses__()
        found |= {each.__name__ for each in below}
        waiting += below
    return found


def _called(node):
    """The last word of what is called: `execute` of `connection.execute(…)`."""
    function = node.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _calls(tree):
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def _keyword(name, is_wrong):
    def finds(tree):
        for node in ast.walk(tree):
            if isinstance(node, ast.keyword) and node.arg == name and is_wrong(node.value):
                yield node.value
            if isinstance(node, ast.Dict):
                yield from (
                    value
                    for key, value in zip(node.keys, node.values, strict=True)
                    if isinstance(key, ast.Constant) and key.value == name and is_wrong(value)
                )

    return finds


def _is(value):
    return lambda node: isinstance(node, ast.Constant) and node.value is value


def _word(*words):
    """These words as a name, an attribute or an import."""

    def finds(tree):
        for node in ast.walk(tree):
            said = {getattr(node, "id", None), getattr(node, "attr", None)}
            if isinstance(node, ast.Import | ast.ImportFrom):
                said |= {part for each in node.names for part in each.name.split(".")}
                said |= set((getattr(node, "module", None) or "").split("."))
            if said & set(words):
                yield node

    return finds


def _call(*words):
    def finds(tree):
        return (node for node in _calls(tree) if _called(node) in words)

    return finds


def _builtin(*words):
    def finds(tree):
        return (node for node in _calls(tree) if isinstance(node.func, ast.Name) and node.func.id in words)

    return finds


def _shell(tree):
    yield from _keyword("shell", lambda node: not _is(False)(node))(tree)
    for node in _calls(tree):
        if ast.unparse(node.func) in {"os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput"}:
            yield node


def _yaml(tree):
    for node in _calls(tree):
        function = node.func
        if isinstance(function, ast.Attribute) and getattr(function.value, "id", "") == "yaml":
            given = {ast.unparse(word.value).rpartition(".")[2] for word in node.keywords if word.arg == "Loader"}
            given |= {ast.unparse(word).rpartition(".")[2] for word in node.args[1:2]}
            harmless = bool(given & SAFE) or not function.attr.startswith(("load", "unsafe_load", "full_load"))
            if not harmless:
                yield node


def _lost(tree):
    """Text that is read and of which what does not fit is dropped without a word."""
    yield from _keyword("errors", _is_ignore)(tree)
    for node in _calls(tree):
        if _called(node) in {"decode", "encode"}:
            yield from (given for given in node.args[1:2] if _is_ignore(given))


def _is_ignore(node):
    return isinstance(node, ast.Constant) and node.value == "ignore"


def _foreign_words(tree):
    """An error that is not ours, put into words: its own text may quote a value."""
    ours = names_of_our_errors()
    for handler in (node for node in ast.walk(tree) if isinstance(node, ast.ExceptHandler) and node.name):
        kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
        if {ast.unparse(kind).rpartition(".")[2] for kind in kinds if kind is not None} <= ours:
            continue
        for node in (inner for line in handler.body for inner in ast.walk(line)):
            if isinstance(node, ast.FormattedValue) and _names(node.value, handler.name):
                yield node
            elif isinstance(node, ast.Call) and (_called(node) in LOGGING or _is_error(node)):
                yield from (given for given in node.args if _names(given, handler.name))


def _is_error(node):
    """True for `SomeError(…)`: what is raised is shown."""
    return _called(node)[:1].isupper()


def _names(node, name):
    """True for the error itself, and for `str(error)`, `repr(error)` and `error.args`."""
    if isinstance(node, ast.Call) and _called(node) in {"str", "repr", "format"} and node.args:
        return _names(node.args[0], name)
    if isinstance(node, ast.Attribute) and node.attr == "args":
        return _names(node.value, name)
    return isinstance(node, ast.Name) and node.id == name


def _tracebacks(tree):
    """A whole traceback in a log: its last line is the error's own text."""
    yield from _keyword("exc_info", lambda node: not _is(False)(node))(tree)
    yield from _call("format_exc", "print_exc", "format_exception", "print_exception")(tree)
    yield from (node for node in _call("exception")(tree) if "log" in ast.unparse(node.func).lower())


def _typed_statements(tree):
    """A statement put together from values; names in capitals are our own words."""
    for node in _calls(tree):
        if _called(node) not in ASKING or not node.args:
            continue
        said = node.args[0]
        if isinstance(said, ast.Call) and _called(said) == "encode":
            said = said.func.value
        if isinstance(said, ast.JoinedStr):
            values = (part.value for part in said.values if isinstance(part, ast.FormattedValue))
            yield from (value for value in values if not _our_word(value))
        elif _is_joined(said) or _is_filled(said):
            yield said


def _is_joined(node):
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Mod) and _is_text(node.left)


def _is_filled(node):
    return isinstance(node, ast.Call) and _called(node) == "format" and _is_text(node.func.value)


def _our_word(node):
    return isinstance(node, ast.Name | ast.Attribute) and ast.unparse(node).rpartition(".")[2].lstrip("_").isupper()


def _is_text(node):
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


SINS = (
    Sin("unknown_host", "whoever answers would be taken for the server", _word("AutoAddPolicy", "WarningPolicy")),
    Sin("any_host", "whoever answers would be taken for the server", _keyword("known_hosts", _is(None))),
    Sin("any_certificate", "whoever answers would be taken for the server", _keyword("verify", _is(False))),
    Sin("shell", "what a partner named could be run", _shell),
    Sin("pickle", "what is read could be run", _word(*LOADERS)),
    Sin("yaml_load", "what is read could be run", _yaml),
    Sin("eval", "what is read could be run", _builtin("eval", "exec", "compile", "__import__")),
    Sin("foreign_words", "the text of another's error may quote what somebody typed", _foreign_words),
    Sin("traceback", "the text of another's error may quote what somebody typed", _tracebacks),
    Sin("typed_statement", "what somebody typed could be a part of the statement", _typed_statements),
    Sin("splitlines", "it splits at characters that may stand within a value", _call("splitlines")),
    Sin("lost_text", "a name would be another one, and nobody told", _lost),
    Sin("posix_rename", "it overwrites what is there: a return sent twice", _word("posix_rename")),
)


OUR_WORDS = "names of our own tables and columns, or parts of statements that stand in our own code"
OUR_LINES = "lines that we wrote ourselves, as ASCII"
EXPLAINED = {
    ("typed_statement", "include/family_exchange/adapters/arrivals.py"): (1, OUR_WORDS),
    ("typed_statement", "include/family_exchange/adapters/columns.py"): (1, OUR_WORDS),
    ("typed_statement", "include/family_exchange/adapters/letting_go.py"): (2, OUR_WORDS),
    ("typed_statement", "include/family_exchange/adapters/linkage.py"): (2, OUR_WORDS),
    ("typed_statement", "include/family_exchange/adapters/linkage_sql.py"): (1, OUR_WORDS),
    ("typed_statement", "include/family_exchange/adapters/links.py"): (2, OUR_WORDS),
    ("typed_statement", "include/family_exchange/adapters/met.py"): (1, OUR_WORDS),
    ("typed_statement", "include/family_exchange/adapters/metrics.py"): (1, "our own numbers"),
    ("typed_statement", "include/family_exchange/adapters/nobodys.py"): (2, OUR_WORDS),
    ("typed_statement", "include/family_exchange/adapters/persons.py"): (2, OUR_WORDS),
    ("typed_statement", "include/family_exchange/adapters/register.py"): (3, OUR_WORDS),
    ("typed_statement", "include/family_exchange/adapters/resemblance.py"): (
        2,
        "our own words, and a table that Splink named",
    ),
    ("typed_statement", "include/family_exchange/adapters/return_rows.py"): (3, OUR_WORDS),
    ("typed_statement", "include/family_exchange/adapters/stated.py"): (2, OUR_WORDS),
    ("typed_statement", "include/family_exchange/adapters/tables/memory.py"): (1, OUR_WORDS),
    ("typed_statement", "include/family_exchange/migrations/versions/0002_intake_that_loses_nothing.py"): (
        1,
        OUR_WORDS,
    ),
    ("typed_statement", "include/family_exchange/migrations/versions/*"): (9, OUR_WORDS),
    ("splitlines", "include/family_exchange/adapters/audit.py"): (2, OUR_LINES),
    ("splitlines", "include/family_exchange/adapters/feed_parts.py"): (2, "our own expectations and samples"),
    ("splitlines", "include/family_exchange/adapters/marks.py"): (1, OUR_LINES),
    ("splitlines", "include/family_exchange/commands/common.py"): (1, "the settings of whoever runs the command"),
}
"""`(sin, files) → (how many lines at most in one file, why they do no harm)`: each was read; `*` is any name."""


def found(tree, sin):
    """The lines of the tree with that sin."""
    return sorted({node.lineno for node in sin.finds(tree)})


def explanations(name, file):
    """The entries that speak of this sin in this file."""
    return [key for key in EXPLAINED if key[0] == name and fnmatch(file, key[1])]


def files():
    """Every file of what runs, by its path from the root."""
    return sorted(
        str(path.relative_to(ROOT))
        for place in PLACES
        for path in (ROOT / place).rglob("*.py")
        if (ROOT / place).is_dir()
    )
