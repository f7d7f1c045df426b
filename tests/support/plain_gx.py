"""Plain Great Expectations on all rows: what the platform's own judging is compared with."""

import json
from datetime import date, datetime, time

import polars as pl

from family_exchange.adapters import expectations
from family_exchange.domain.suite import ExpectationType


def suite_as_written(feed):
    return json.loads((expectations.ROOT / feed / "v1.json").read_text(encoding="utf-8"))


def judged(frame, written):
    """`rule → (kept, rows that break it)`; the number is None for rules of the table."""
    gx = expectations.great_expectations()
    batch = expectations.batch_of(comparable(frame))
    suite = gx.ExpectationSuite(
        name=written["name"], expectations=[with_days(each) for each in written["expectations"]]
    )
    found = batch.validate(suite, result_format={"result_format": "SUMMARY", "partial_unexpected_count": 0})
    assert "'raised_exception': True" not in str([each.exception_info for each in found.results])
    return {
        each.expectation_config.meta["rule"]: (each.success, each.result.get("unexpected_count"))
        for each in found.results
    }


def comparable(frame):
    """Dates as instants and decimals as numbers: pandas has no columns of them that GX could compare."""
    return frame.with_columns(pl.col(pl.Date).cast(pl.Datetime("us")), pl.col(pl.Decimal(12, 2)).cast(pl.Float64))


def with_days(expectation):
    """The expectation with ISO dates as instants, because GX compares an instant with nothing else."""
    if expectation["type"] != ExpectationType.BETWEEN:
        return expectation
    kwargs = {
        key: datetime.combine(date.fromisoformat(value), time())
        if key != "column" and isinstance(value, str)
        else value
        for key, value in expectation["kwargs"].items()
    }
    return {**expectation, "kwargs": kwargs}
