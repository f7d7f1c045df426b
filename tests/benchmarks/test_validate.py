"""A million rows, some of them wrong in every column: every failing row named, beside plain Great Expectations.

The reference is GX `COMPLETE` with the row number of each failing row, on the frame that our own reader makes of the
file: both go from the file's bytes to the verdict. The two verdicts are equal, rule by rule and row by row.
"""

from time import perf_counter

import pytest

from family_exchange.adapters import cells, expectations, profiles, tabular
from family_exchange.stages import validate
from support import benches, plain_gx

ROWS = 1_000_000
WRONG = {"role": "victm", "surname": "", "incident_date": "2026-02-30", "postcode": "XXX", "pnc_id": "1/2", "sex": "?"}


def mixed(content):
    """The file with a wrong cell in every eleventh row, column by column in turn, and some rows twice."""
    first, header, *rows = content.decode().removesuffix("\n").split("\n")
    names = header.split(",")
    wrong = [(names.index(name), text) for name, text in WRONG.items()]
    for number in range(0, len(rows), 11):
        place, text = wrong[number // 11 % len(wrong)]
        row = rows[number].split(",")
        rows[number] = ",".join([*row[:place], text, *row[place + 1 :]])
    for number in range(999, len(rows), 1000):
        rows[number] = rows[number - 1]
    return "\n".join([first, header, *rows, ""]).encode()


def by_plain_gx(content, contract):
    """Seconds, and `rule → its failing rows`."""
    gx, written = expectations.great_expectations(), plain_gx.suite_as_written(benches.FEED)
    suite = gx.ExpectationSuite(
        name=written["name"], expectations=[plain_gx.with_days(each) for each in written["expectations"]]
    )
    complete = {"result_format": "COMPLETE", "unexpected_index_column_names": ["row_no"]}
    began = perf_counter()
    table = tabular.read(content, contract)
    rules = expectations.load_suite(benches.FEED)
    frame = cells.with_values(table.rows, contract, rules, as_of=table.manifest.as_of)
    judged = expectations.batch_of(plain_gx.comparable(frame)).validate(suite, result_format=complete)
    seconds = perf_counter() - began
    return seconds, {
        each.expectation_config.meta["rule"]: sorted(
            at["row_no"] for at in each.result.get("unexpected_index_list") or ()
        )
        for each in judged.results
        if not each.success
    }


@pytest.mark.timeout(1800)
def test_a_million_rows_with_every_failing_row(benchmark, capsys):
    content, contract = mixed(benches.bulk(ROWS, seed=3)), profiles.contract(benches.FEED)
    subject, found = [], []

    def measure():
        began = perf_counter()
        found.append(validate.table(content, contract, None).findings)
        subject.append(perf_counter() - began)

    measure()
    subject.clear()
    benchmark.pedantic(measure, rounds=3, iterations=1)
    seconds, expected = by_plain_gx(content, contract)
    assert {each.rule: list(each.rows) for each in found[-1].broken} == expected
    assert len(expected) >= len(WRONG)
    benches.faster(capsys, "validate", subject, seconds, rows=ROWS, goal=20, never=10)
