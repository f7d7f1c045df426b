"""The door to the suites: what each rule says, which rows break it, and what Great Expectations makes of that.

Every failing row must be named, and GX lists only some of them, slowly. So polars evaluates all row rules (`checks`),
and GX judges one row that holds how often each rule was broken. A property test shows verdict and counts equal to plain
GX running the whole suite on all rows. What GX has said of a rule and a number is kept: it would say it again.
"""

import os
import warnings
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from family_exchange.adapters import checks, places, profiles
from family_exchange.adapters.documents import BadFile, Document, Problem, parsed, read
from family_exchange.adapters.tabular import ROW_NO
from family_exchange.domain import across, drift
from family_exchange.domain.contract import Contract
from family_exchange.domain.findings import AGE, KEEP_EMPTY, MESSAGES, WITHHELD, Broken, Findings
from family_exchange.domain.suite import Arguments, Expectation, ExpectationType, Suite, known_columns

if TYPE_CHECKING:
    import polars as pl
    from great_expectations.core.batch_definition import BatchDefinition
    from great_expectations.datasource.fluent.interfaces import Batch

ROOT = places.EXPECTATIONS
"""The suites are data that partners read: they lie beside the code, not in it."""


def load_suite(feed: str, name: str = "v1", *, root: Path = ROOT) -> Suite:
    """The rules of one contract, by its feed and by the name of its suite; all about columns that the contract has.

    Raises:
        BadFile: there is no such suite, or it has a mistake; file, line, key and what was expected.
    """
    path = root / feed / f"{name}.json"
    return _kept(path, feed, name, path.stat().st_mtime_ns if path.exists() else 0)


def messages(feed: str, version: str = "v1") -> dict[str, str]:
    """`rule → what the partner should do`: rules of the contract's suites, its own, and rules beyond one file."""
    contract = profiles.contract(feed, version)
    parts = [contract.of_table(table.name) for table in contract.tables] if contract.tables else [contract]
    said = {rule: text for part in parts for rule, text in load_suite(feed, part.suite).messages.items()}
    said |= MESSAGES if contract.tables else {}
    said |= {WITHHELD: KEEP_EMPTY} if any(part.withholding for part in parts) else {}
    return {**said, **drift.MESSAGES, **across.MESSAGES, AGE: _ages(contract)}


def check(*, root: Path = ROOT) -> list[Problem]:
    """Every mistake in every suite of every feed; empty: all is well."""
    found: set[Problem] = set()
    for feed in profiles.feeds():
        for path in sorted((root / feed).glob("v*.json")) or [root / feed / "v1.json"]:
            try:
                load_suite(feed, path.stem, root=root)
            except BadFile as error:
                found.update(error.problems)
    return sorted(found)


def judge(frame: "pl.DataFrame", suite: Suite) -> Findings:
    """Every rule of the suite that the rows of `frame` break, with every row that breaks it.

    `frame` has `row_no` and the columns that the rules read (`cells.with_values`).
    """
    import polars as pl  # noqa: PLC0415 - costs a third of a second

    broken = checks.broken(
        [checks.piece(frame, suite, {})], suite, lambda _, rows: frame.filter(pl.col(ROW_NO).is_in(pl.Series(rows)))
    )
    return judged(broken, suite)


def judged(broken: checks.Broken, suite: Suite) -> Findings:
    """What Great Expectations makes of the rules that were broken, each with all its rows."""
    counts = {rule.meta.rule: len(broken.rows.get(rule.meta.rule, ())) for rule in suite.row_rules}
    counts.update(broken.of_the_table)
    accepted = _judged_by_great_expectations(counts, suite)
    if odd := [rule.meta.rule for rule in suite.row_rules if accepted[rule.meta.rule] == bool(counts[rule.meta.rule])]:
        raise AssertionError(f"Great Expectations does not judge by the count: {', '.join(odd)}")
    return Findings(
        broken.rows_read,
        tuple(
            Broken(
                rule=each.meta.rule,
                column=each.meta.column,
                severity=each.meta.severity,
                rows=broken.rows.get(each.meta.rule, ()),
            )
            for each in suite.expectations
            if not accepted[each.meta.rule]
        ),
    )


def _ages(contract: Contract) -> str:
    gate = contract.age_gate
    ends = [f"from {gate.min}"] if gate.min is not None else []
    ends += [f"up to {gate.max}"] if gate.max is not None else []
    return f"Leave this person out: the feed takes people aged {' '.join(ends) or 'any'} on the file's as_of date."


@cache
def _kept(path: Path, feed: str, stem: str, _changed: int) -> Suite:
    document = read(path, f"expectations/{feed}/{stem}.json")
    suite = parsed(document, Suite)
    if problems := _disagreements(document, suite, feed, stem):
        raise BadFile(problems)
    return suite


def _disagreements(document: Document, suite: Suite, feed: str, stem: str) -> list[Problem]:
    """Where the suite does not fit its path or its contract."""
    version, _, table = stem.partition(".")
    if (suite.meta.feed, suite.meta.version, suite.meta.table or "") != (feed, version, table):
        said = f"feed {feed}, version {version}" + (f" and table {table}" if table else "")
        return [document.problem("meta.feed", f"expected {said}, as the path says")]
    contract = profiles.contract(feed, version)
    try:
        contract = contract.of_table(table) if table else contract
    except KeyError:
        return [document.problem("meta.table", f"expected a table of contract {feed} {version}")]
    known = known_columns(contract, suite)
    named = [
        (f"expectations[{number}].kwargs", name)
        for number, each in enumerate(suite.expectations)
        for name in each.kwargs.columns
    ]
    named += [(f"meta.derived.{made}", part) for made, parts in suite.meta.derived.items() for part in parts]
    problems = [
        document.problem(key, f"expected columns of contract {feed} {stem}, or made from them; not {name}")
        for key, name in named
        if name not in known
    ]
    return problems + [
        document.problem(f"expectations[{number}].meta.column", f"expected a header of contract {feed} {stem}")
        for number, each in enumerate(suite.expectations)
        if each.meta.column not in {None, *contract.headers}
    ]


def _judged_by_great_expectations(counts: Mapping[str, int], suite: Suite) -> dict[str, bool]:
    """`rule → GX finds it kept`, from one row of counts; nothing else ever reaches GX."""
    asked = {each.meta.rule: (each.meta.rule, _bounds(each), counts[each.meta.rule]) for each in suite.expectations}
    known = {rule: kept for rule, question in asked.items() if (kept := _SAID.get(question)) is not None}
    if unknown := [each for each in suite.expectations if each.meta.rule not in known]:
        if len(_SAID) > _MOST_SAID:
            _SAID.clear()
        said = _said_by_great_expectations(counts, suite.name, unknown)
        _SAID.update({asked[rule]: kept for rule, kept in said.items()})
        known.update(said)
    return known


def _said_by_great_expectations(counts: Mapping[str, int], name: str, rules: Sequence[Expectation]) -> dict[str, bool]:
    import polars as pl  # noqa: PLC0415 - costs a third of a second

    gx = great_expectations()
    batch = batch_of(pl.DataFrame([{each.meta.rule: counts[each.meta.rule] for each in rules}]))
    gate = gx.ExpectationSuite(name=name, expectations=[_gate(each) for each in rules])
    judged = batch.validate(gate, result_format={"result_format": "BOOLEAN_ONLY"})
    return {
        str(config.meta["rule"]): bool(each.success)
        for each in judged.results
        if (config := each.expectation_config) and config.meta
    }


def great_expectations() -> ModuleType:
    """Great Expectations, loaded on first use, without its reports to its makers and without its own warnings."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"  # GX reads it once, when it is loaded
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        import great_expectations as gx  # noqa: PLC0415 - costs several seconds

    return gx


def batch_of(frame: "pl.DataFrame") -> "Batch":
    """The frame as GX wants it, in a context that is made once and writes nothing anywhere."""
    batch: Batch = _whole_frames().get_batch({"dataframe": frame.to_pandas()})
    return batch


@cache
def _whole_frames() -> "BatchDefinition[None]":
    gx = great_expectations()
    base = gx.data_context.types.base
    in_memory = base.DataContextConfig(
        store_backend_defaults=base.InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
        progress_bars=base.ProgressBarsConfig(globally=False),
    )
    source = gx.get_context(mode="ephemeral", project_config=in_memory).data_sources.add_pandas("rows")
    whole: BatchDefinition[None] = source.add_dataframe_asset("file").add_batch_definition_whole_dataframe("whole")
    return whole


def _bounds(expectation: Expectation) -> Arguments:
    """Between what the number that stands for this rule must be: rows as many as it says, or nothing broken."""
    rows = expectation.type is ExpectationType.ROW_COUNT
    return expectation.kwargs if rows else Arguments(max_value=0)


def _gate(expectation: Expectation) -> dict[str, object]:
    """What GX expects of that number."""
    bounds = _bounds(expectation)
    return {
        "type": "expect_column_max_to_be_between",
        "kwargs": {
            "column": expectation.meta.rule,
            "min_value": bounds.min_value,
            "max_value": bounds.max_value,
        },
        "severity": expectation.severity,
        "meta": {"rule": expectation.meta.rule},
    }


_SAID: dict[tuple[str, Arguments, int], bool] = {}
"""`rule, its bounds, a number → GX finds it kept`, for as long as the process lives."""

_MOST_SAID = 100_000
