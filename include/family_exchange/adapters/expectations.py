"""The door to the suites: what each rule says, which rows break it, and what Great Expectations makes of that.

Every failing row must be named, and GX lists only some of them, slowly. So polars evaluates all row rules in one pass,
and GX judges one row that holds how often each rule was broken. A property test shows verdict and counts equal to plain
GX running the whole suite on all rows.
"""

import os
import warnings
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from family_exchange.adapters import places, profiles, rules
from family_exchange.adapters.documents import BadFile, Document, Problem, parsed, read
from family_exchange.adapters.tabular import ROW_NO
from family_exchange.domain.contract import Contract
from family_exchange.domain.findings import AGE, Broken, Findings
from family_exchange.domain.suite import Arguments, Expectation, ExpectationType, Suite, known_columns

if TYPE_CHECKING:
    import polars as pl
    from great_expectations.core.batch_definition import BatchDefinition
    from great_expectations.datasource.fluent.interfaces import Batch

ROOT = places.EXPECTATIONS
"""The suites are data that partners read: they lie beside the code, not in it."""


def load_suite(feed: str, version: str = "v1", *, root: Path = ROOT) -> Suite:
    """The rules of one version of a feed, all of them about columns that its contract has.

    Raises:
        BadFile: there is no such suite, or it has a mistake; file, line, key and what was expected.
    """
    path = root / feed / f"{version}.json"
    return _kept(path, feed, version, path.stat().st_mtime_ns if path.exists() else 0)


def messages(feed: str, version: str = "v1") -> dict[str, str]:
    """`rule → what the partner should do`, for every rule of the suite and for the contract's age gate."""
    return {**load_suite(feed, version).messages, AGE: _ages(profiles.contract(feed, version))}


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
    flags = frame.lazy().select(ROW_NO, *(rules.broken(rule) for rule in suite.row_rules)).collect()
    counts = _counts(flags, frame, suite)
    accepted = _judged_by_great_expectations(counts, suite)
    if odd := [rule.meta.rule for rule in suite.row_rules if accepted[rule.meta.rule] == bool(counts[rule.meta.rule])]:
        raise AssertionError(f"Great Expectations does not judge by the count: {', '.join(odd)}")
    return Findings(
        frame.height,
        tuple(
            Broken(
                rule=each.meta.rule,
                column=each.meta.column,
                severity=each.meta.severity,
                rows=() if each.type.of_the_table else tuple(flags[ROW_NO].filter(flags[each.meta.rule]).to_list()),
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
def _kept(path: Path, feed: str, version: str, _changed: int) -> Suite:
    document = read(path, f"expectations/{feed}/{version}.json")
    suite = parsed(document, Suite)
    if problems := _disagreements(document, suite, feed, version):
        raise BadFile(problems)
    return suite


def _disagreements(document: Document, suite: Suite, feed: str, version: str) -> list[Problem]:
    """Where the suite does not fit its path or its contract."""
    if (suite.meta.feed, suite.meta.version) != (feed, version):
        return [document.problem("meta.feed", f"expected feed {feed} and version {version}, as the path says")]
    contract = profiles.contract(feed, version)
    known = known_columns(contract, suite)
    named = [
        (f"expectations[{number}].kwargs", name)
        for number, each in enumerate(suite.expectations)
        for name in each.kwargs.columns
    ]
    named += [(f"meta.derived.{made}", part) for made, parts in suite.meta.derived.items() for part in parts]
    problems = [
        document.problem(key, f"expected columns of contract {feed} {version}, or made from them; not {name}")
        for key, name in named
        if name not in known
    ]
    return problems + [
        document.problem(f"expectations[{number}].meta.column", f"expected a header of contract {feed} {version}")
        for number, each in enumerate(suite.expectations)
        if each.meta.column not in {None, *contract.headers}
    ]


def _counts(flags: "pl.DataFrame", frame: "pl.DataFrame", suite: Suite) -> dict[str, int]:
    """How often each rule was broken, as one row; for the number of rows, that number itself."""
    broken = flags.drop(ROW_NO).sum().row(0, named=True)
    for rule in suite.table_rules:
        if rule.type is ExpectationType.ROW_COUNT:
            broken[rule.meta.rule] = frame.height
        else:
            broken[rule.meta.rule] = len({*(rule.kwargs.column_set or ())} - {*frame.columns})
    return {rule: int(count) for rule, count in broken.items()}


def _judged_by_great_expectations(counts: Mapping[str, int], suite: Suite) -> dict[str, bool]:
    """`rule → GX finds it kept`, from one row of counts; nothing else ever reaches GX."""
    import polars as pl  # noqa: PLC0415 - costs a third of a second

    gx = great_expectations()
    batch = batch_of(pl.DataFrame([counts]))
    gate = gx.ExpectationSuite(name=suite.name, expectations=[_gate(each) for each in suite.expectations])
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


def _gate(expectation: Expectation) -> dict[str, object]:
    """What GX expects of the count that stands for this rule: nothing broken, or a number of rows within bounds."""
    rows = expectation.type is ExpectationType.ROW_COUNT
    bounds = expectation.kwargs if rows else Arguments(max_value=0)
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
