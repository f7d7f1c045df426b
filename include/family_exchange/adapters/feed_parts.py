"""The parts of a feed's page, as Markdown."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

from family_exchange.adapters import expectations
from family_exchange.adapters.feed_words import (
    FORMATS,
    NAMES,
    PURPOSES,
    ROLES,
    SENSITIVITIES,
    ages,
    condition,
    day_like,
    encodings,
    form,
    tells,
)
from family_exchange.adapters.places import DATA, EXPECTATIONS
from family_exchange.domain.column import Column
from family_exchange.domain.contract import Contract, TableContract
from family_exchange.domain.findings import AGE, KEEP_EMPTY, MESSAGES, WITHHELD, Severity
from family_exchange.domain.suite import Expectation, Suite

_CODES_IN_A_CELL = 6
_EXAMPLE_ROWS = 2
_OUT, _EMPTIED = "The row stays out", "The row is taken, and this cell is left empty"
_SAID = (
    "The receipt and the workbook name the rule, the column and your row; row 1 is the first after the header. They "
    "never repeat what stands in a cell."
)


@dataclass(frozen=True)
class Agreement:
    """One version of a feed: its contract, and what lies beside it."""

    contract: Contract

    @cached_property
    def suite(self) -> Suite:
        """The rules."""
        return expectations.load_suite(self.contract.feed, self.contract.suite)

    @cached_property
    def about(self) -> str:
        """What the contract's own first lines say of it, as one paragraph."""
        path = DATA / "contracts" / self.contract.feed / f"{self.contract.version}.yaml"
        said = []
        for line in path.read_text(encoding="utf-8").splitlines():
            if not line.startswith("#"):
                break
            said.append(line.lstrip("# ").strip())
        words = " ".join(line for line in said if not line.startswith(("yaml-language-server", "The order of the col")))
        words = re.sub(r"\s*docs/adr/[\w-]+\.?", "", words.removeprefix("Contract: "))
        return words[:1].upper() + words[1:]

    @cached_property
    def example(self) -> list[str]:
        """The lines of the good sample that lies beside the suite; none where there is no such sample."""
        path = EXPECTATIONS / self.contract.feed / f"{self.contract.suite}.good.csv"
        return path.read_text(encoding="utf-8").splitlines() if path.exists() else []

    @cached_property
    def examples(self) -> Mapping[str, str]:
        """`header → a value of the good sample`, for the columns that have one."""
        lines = self.example
        rows = csv.DictReader(
            io.StringIO("\n".join(line for line in lines if not line.startswith("#"))),
            delimiter=self.contract.file.delimiter,
        )
        found: dict[str, str] = {}
        for row in rows:
            for name, value in row.items():
                if value:
                    found.setdefault(name, value)
        return MappingProxyType(found)


def sections(agreement: Agreement, level: int) -> Iterator[str]:
    """The sections of one version, each with its heading."""
    contract = agreement.contract
    yield f"{agreement.about}\n"
    yield from _section(level, "In brief", ["\n".join(f"- **{what}**: {is_so}." for what, is_so in _brief(contract))])
    yield from _section(level, "How the file is written", [_written(contract)])
    if not contract.tables:
        yield from _section(level, "An example", _example(agreement))
        yield from _section(level, "Columns", _columns(agreement))
        yield from _section(level, "Rules", [_SAID, *_rules(agreement)])
        return
    yield from _section(level, "The tables", _tables(contract))
    for each in contract.tables:
        of_table = Agreement(contract.of_table(each.name))
        yield from _section(level, f"`{each.name}`", [f"{each.title}: {ROLES[each.role]}."])
        yield from (f"{part}\n" for part in _example(of_table))
        yield from _section(level + 1, f"Columns of `{each.name}`", _columns(of_table))
        yield from _section(level + 1, f"Rules of `{each.name}`", _rules(of_table))
    yield from _section(level, "Rules between the tables", [_SAID, *_between(contract)])


def _tables(contract: Contract) -> Iterator[str]:
    yield "Every table must be there with its header. All but that of persons may be without rows: nothing to tell."
    rows = (
        (f"`{each.name}`", each.title, ROLES[each.role], _headers(contract.of_table(each.name), each.key))
        for each in contract.tables
    )
    yield table(("table", "what it holds", "how it is read", "key"), rows)
    yield (
        "The [first line](README.md#the-first-line) stands in `manifest.txt` of a ZIP, or in cell A1 of a sheet called "
        "`manifest`; its `rows` counts those of all tables."
    )


def senders(contract: Contract) -> str:
    """Who may send the feed."""
    return ", ".join(NAMES.get(each, each.value.replace("_", " ")) for each in contract.partner_types)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; a bar in a cell stays a bar."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _section(level: int, title: str, parts: Iterable[str]) -> Iterator[str]:
    yield f"{'#' * level} {title}\n"
    for part in parts:
        yield f"{part}\n"


def _brief(contract: Contract) -> Iterator[tuple[str, str]]:
    yield "Who sends it", senders(contract)
    yield "What it may be used for", "; ".join(PURPOSES[each] for each in contract.purposes)
    yield "Whom it is about", ages(contract.age_gate)
    if not contract.tables:
        yield "One row for each", _headers(contract, contract.key)
    yield "How long a row is kept", _kept(contract)


def _kept(contract: Contract) -> str:
    """The category whose period the council's profile gives, and the day that starts the clock."""
    kept = contract.retention
    said = []
    for choice in kept.category_by:
        when = " and ".join(condition(each, contract) for each in choice.when)
        since = f", counted from {_headers(contract, [choice.trigger])}," if choice.trigger else ""
        said.append(f"as `{choice.category}`{since} when {when}")
    otherwise = "otherwise " if said else ""
    said.append(f"{otherwise}as `{kept.category}`, counted from {_headers(contract, [kept.trigger])}")
    return "; ".join(said) + ". The council's notice says for how many years"


def _headers(contract: Contract, canonicals: Iterable[str]) -> str:
    return " and ".join(f"`{contract.column(each).name}`" for each in canonicals)


def _written(contract: Contract) -> str:
    file = contract.file
    return "\n".join(
        (
            f"- **Format**: {', or '.join(FORMATS[each] for each in file.formats)}.",
            f"- **Encoding**: {encodings(file.encoding)}.",
            f"- **Cells** are parted by `{file.delimiter}`; one with this sign, a quote or a line break is quoted.",
            f"- **Dates** are written `{day_like(file.date_format)}`; no other form is guessed at.",
            "- **Numbers** are digits, where decimals are allowed with at most two after a point; no sign, no comma.",
            "- **Yes and no** are `Y` and `N`.",
            "- **Nothing known** is an empty cell, never a placeholder or an invented date.",
            "- **The header** has exactly the columns below, in any order.",
        )
    )


def _example(agreement: Agreement) -> Iterator[str]:
    """The first lines of the good sample, with the number of rows that is shown."""
    contract = agreement.contract
    shown = agreement.example[: 2 + _EXAMPLE_ROWS] or [contract.file.delimiter.join(contract.headers)]
    if isinstance(contract, TableContract):
        shown = [line for line in shown if not line.startswith("#")]
    if shown[0].startswith("#"):
        words = (f"rows={len(shown) - 2}" if word.startswith("rows=") else word for word in shown[0].split())
        shown = [" ".join(words), *shown[1:]]
    yield "```\n" + "\n".join(shown) + "\n```"
    if shown[0].startswith("#"):
        yield "What the words of the first line say is explained [for all feeds](README.md#the-first-line)."


def _columns(agreement: Agreement) -> Iterator[str]:
    head = ("column", "what it is", "filled", "what to write", "example", "what it tells")
    yield table(head, (_column(agreement, column) for column in agreement.contract.columns))
    for column in agreement.contract.columns:
        if len(column.codes) > _CODES_IN_A_CELL:
            codes = ", ".join(f"`{code}`" for code in column.codes)
            yield f"**Codes of `{column.name}`**, {column.description}: {codes}."


def _column(agreement: Agreement, column: Column) -> tuple[str, ...]:
    example = agreement.examples.get(column.name, "")
    return (
        f"`{column.name}`" + ("" if column.required else " (may be left out)"),
        column.description,
        _filled(agreement.contract, column),
        _what_to_write(agreement, column),
        f"`{example}`" if example else "",
        f"{tells(column.data_class)}: {SENSITIVITIES[column.sensitivity]}",
    )


def _filled(contract: Contract, column: Column) -> str:
    """When there is something in the cells of the column."""
    if column.withheld_by:
        return f"if known and `{contract.column(column.withheld_by).name}` is not `Y`"
    return "if known" if column.nullable else "**always**"


def _what_to_write(agreement: Agreement, column: Column) -> str:
    said = form(column, agreement.contract, agreement.suite)
    if column.codes:
        several = f"one of {len(column.codes)} codes, below"
        said = several if len(column.codes) > _CODES_IN_A_CELL else " or ".join(f"`{code}`" for code in column.codes)
    nothing = " or ".join(f"`{word}`" for word in column.nothing)
    return f"{said}; {nothing} counts as empty" if nothing else said


def _rules(agreement: Agreement) -> Iterator[str]:
    """The rules by what becomes of a row, the contract's own among them."""
    suite = agreement.suite
    contract = agreement.contract
    groups = {
        "The whole file is refused": [each for each in suite.table_rules if each.meta.severity is Severity.ERROR],
        _OUT: [each for each in suite.row_rules if each.meta.severity is Severity.ERROR],
        _EMPTIED: [each for each in suite.expectations if each.meta.action],
        "The row is taken; please look at it": [
            each for each in suite.expectations if each.meta.severity is Severity.WARNING and not each.meta.action
        ],
    }
    for title, rules in groups.items():
        lines = [_rule(each) for each in rules]
        if title == _OUT and _gated(contract):
            message = expectations.messages(contract.feed, contract.version)[AGE]
            lines.append((f"`{AGE}`", _headers(contract, ["date_of_birth"]), message))
        if title == _EMPTIED and (flag := contract.withholding):
            withheld = ", ".join(f"`{each.name}`" for each in contract.columns if each.withheld_by)
            lines.append((f"`{WITHHELD}`", withheld, f"{KEEP_EMPTY} (`{flag.name}` is `Y`.)"))
        if lines:
            yield f"**{title}**"
            yield table(("rule", "column", "what to do"), lines)


def _between(contract: Contract) -> Iterator[str]:
    """The rules that need more than one table, and the age gate."""
    rules = [(f"`{rule}`", words) for rule, words in MESSAGES.items()]
    if _gated(contract):
        rules.append((f"`{AGE}`", expectations.messages(contract.feed, contract.version)[AGE]))
    yield table(("rule", "what to do"), rules)


def _gated(contract: Contract) -> bool:
    return contract.age_gate.min is not None or contract.age_gate.max is not None


def _rule(rule: Expectation) -> tuple[str, str, str]:
    column = f"`{rule.meta.column}`" if rule.meta.column else ""
    return f"`{rule.meta.rule}`", column, rule.meta.message
