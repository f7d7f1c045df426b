import json
import logging
import subprocess
import sys
from datetime import date

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from family_exchange.adapters import cells, expectations, profiles, tabular
from family_exchange.adapters.documents import BadFile
from family_exchange.domain.findings import Severity
from support import plain_gx

FEEDS = profiles.feeds()


def sample(feed, which):
    return tabular.read((expectations.ROOT / feed / f"v1.{which}.csv").read_bytes(), profiles.contract(feed))


def prepared(feed, rows, as_of=date(2026, 10, 31)):
    suite = expectations.load_suite(feed)
    return cells.with_values(rows, profiles.contract(feed), suite, as_of=as_of)


def judged(feed, rows, **kwargs):
    return expectations.judge(prepared(feed, rows, **kwargs), expectations.load_suite(feed))


def as_plain_gx_sees_it(feed, frame):
    return plain_gx.judged(frame, plain_gx.suite_as_written(feed))


def as_we_see_it(feed, frame):
    found = expectations.judge(frame, expectations.load_suite(feed)).by_rule()
    return {
        each.meta.rule: (each.meta.rule not in found, None if each.type.of_the_table else found[each.meta.rule])
        for each in expectations.load_suite(feed).expectations
    }


@pytest.mark.parametrize("feed", FEEDS)
@pytest.mark.parametrize("which", ["good", "bad"])
def test_the_samples_are_judged_as_plain_great_expectations_judges_them(feed, which):
    frame = prepared(feed, sample(feed, which).rows)
    assert as_we_see_it(feed, frame) == as_plain_gx_sees_it(feed, frame)


ODD = st.sampled_from(
    ["", "x", "Y", "0", "-1", "3.14", "1e3", "2026-02-30", "2030-01-01", "1850-01-01", "\uff11", "Null", "NaN", "AB 1",
     "A950000178301", "W35020011400A", "9434765919", "x" * 201, "\u200b", "two\nlines", "=1+1", "\U0001f600"]
)  # fmt: skip


@st.composite
def messy(draw, feed):
    """Rows of the bad sample, some twice, with odd cells."""
    rows = sample(feed, "bad").rows
    chosen = draw(st.lists(st.integers(0, rows.height - 1), min_size=1, max_size=8))
    frame = rows[chosen].drop("row_no")
    for header in draw(st.lists(st.sampled_from(frame.columns), max_size=6, unique=True)):
        odd = draw(st.lists(st.one_of(st.none(), ODD), min_size=len(chosen), max_size=len(chosen)))
        frame = frame.with_columns(pl.Series(header, [each or None for each in odd], dtype=pl.String))
    return frame.with_row_index("row_no", offset=1)


@pytest.mark.parametrize("feed", FEEDS)
def test_any_file_is_judged_as_plain_great_expectations_judges_it(feed):
    @settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
    @given(messy(feed), st.sampled_from([date(2026, 10, 31), None]))
    def law(rows, as_of):
        frame = prepared(feed, rows, as_of=as_of)
        assert as_we_see_it(feed, frame) == as_plain_gx_sees_it(feed, frame)

    law()


@pytest.fixture
def asked(monkeypatch):
    """What Great Expectations is asked: rules and their numbers."""
    questions, ask = [], expectations._said_by_great_expectations
    monkeypatch.setattr(expectations, "_SAID", {})

    def noted(counts, name, rules):
        questions.append({each.meta.rule: counts[each.meta.rule] for each in rules})
        return ask(counts, name, rules)

    monkeypatch.setattr(expectations, "_said_by_great_expectations", noted)
    return questions


def test_great_expectations_judges_each_rule_and_number_once(asked):
    feed = "housing_tenancies"
    good, suite = sample(feed, "good").rows, expectations.load_suite(feed)
    first = judged(feed, good)
    assert asked == [{each.meta.rule: 0 if each.meta.rule != "HT-002" else good.height for each in suite.expectations}]
    assert judged(feed, good) == first
    assert len(asked) == 1
    judged(feed, good.with_columns(surname=pl.lit(None, pl.String)))
    assert asked[1:] == [{"HT-041": good.height}]
    judged(feed, good[:5])
    assert asked[2:] == [{"HT-002": 5}]


def test_what_great_expectations_said_is_forgotten_before_it_fills_the_memory(asked, monkeypatch):
    feed = "housing_tenancies"
    monkeypatch.setattr(expectations, "_MOST_SAID", 2)
    rows = sample(feed, "good").rows
    assert [judged(feed, rows[:count]).broken for count in (1, 2, 3, 1)] == [(), (), (), ()]
    assert len(asked) == 4
    assert len(expectations._SAID) <= 2 + len(expectations.load_suite(feed).expectations)


def test_every_failing_row_is_named_however_many_there_are():
    row = sample("housing_tenancies", "good").rows[:1].drop("row_no")
    many = pl.concat([row] * 30_000).with_columns(tenant_ref=pl.int_range(30_000).cast(pl.String), surname=pl.lit(None))
    found = judged("housing_tenancies", many.with_row_index("row_no", offset=1).cast({"surname": pl.String}))
    assert [(each.rule, len(each.rows), each.rows[-1]) for each in found.broken] == [("HT-041", 30_000, 30_000)]


def test_what_is_made_from_several_cells_is_a_sum_or_their_texts_in_a_row_and_nothing_without_one_of_them():
    exclusions = prepared("school_exclusions", sample("school_exclusions", "good").rows)
    assert exclusions["category_and_sessions"].to_list()[:3] == ["SUSP2", "SUSP10", None]
    referrals = prepared("direct_referrals", sample("direct_referrals", "good").rows)
    needs = referrals.select(pl.selectors.starts_with("need_") & pl.selectors.ends_with("__value"))
    assert referrals["needs_said"].to_list() == [sum(row) for row in needs.rows()]


def test_a_missing_column_is_a_finding_on_the_whole_file():
    feed = "housing_tenancies"
    frame = prepared(feed, sample(feed, "good").rows).rename({"town": "city"})
    suite = expectations.load_suite(feed)
    only_table = suite.model_copy(update={"expectations": suite.table_rules})
    found = expectations.judge(frame, only_table)
    assert [(each.rule, each.rows, each.severity) for each in found.broken] == [("HT-001", (), Severity.ERROR)]
    assert found.refuses_all


def test_nothing_that_was_typed_is_in_a_finding_or_a_log(caplog):
    caplog.set_level(logging.DEBUG)
    rows = sample("school_attendance", "bad").rows.with_columns(
        pl.lit("Canary-7f3a").alias(name) for name in profiles.contract("school_attendance").headers
    )
    found = judged("school_attendance", rows)
    assert len(found) > rows.height
    assert "Canary" not in repr(found)
    assert "Canary" not in caplog.text


def test_neither_polars_nor_great_expectations_is_loaded_before_a_file_is_judged():
    code = (
        "import sys; from family_exchange.stages import validate; from family_exchange.adapters import expectations;"
        "expectations.load_suite('police_incidents');"
        "sys.exit(bool({'great_expectations', 'pandas', 'polars', 'numpy'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def written(tmp_path, change, feed="police_incidents"):
    suite = plain_gx.suite_as_written(feed)
    change(suite)
    folder = tmp_path / feed
    folder.mkdir()
    (folder / "v1.json").write_text(json.dumps(suite, indent=1), encoding="utf-8")
    return feed


A_PAIR = {
    "column_A": "role__value",
    "column_B": "role__given",
    "value_pairs_set": [["victim", True]],
    "ignore_row_if": "any_value_is_missing",
}


def change_at(number, **changes):
    def change(suite):
        for key, value in changes.items():
            (suite["expectations"][number] if key in {"type", "kwargs"} else suite["expectations"][number]["meta"])[
                key
            ] = value

    return change


@pytest.mark.parametrize(
    ("change", "key", "expected"),
    [
        (
            change_at(4, type="expect_column_mean_to_be_between"),
            "expectations[4].type",
            "expect_column_values_to_not_be_null",
        ),
        (change_at(4, kwargs={"column": "incident_ref"}), "expectations[4]", "kwargs regex for expect_column_values"),
        (change_at(3, kwargs={"column": "incident_ref", "mostly": 0.9}), "expectations[3].kwargs.mostly", "one of"),
        (change_at(3, kwargs={"column": "incident_ref", "regex": "x"}), "expectations[3]", "no kwargs regex"),
        (
            change_at(
                4, type="expect_column_pair_values_to_be_in_set", kwargs={"column_A": "role", "column_B": "role"}
            ),
            "expectations[4]",
            "kwargs ignore_row_if, value_pairs_set for expect_column_pair",
        ),
        (change_at(4, type="expect_column_pair_values_to_be_in_set", kwargs=A_PAIR), "expectations[4]", "either_value"),
        (change_at(3, kwargs={"column": "colour"}), "expectations[3].kwargs", "of contract police_incidents v1"),
        (change_at(3, column="colour"), "expectations[3].meta.column", "a header of contract"),
        (change_at(4, kwargs={"column": "incident_ref", "regex": "(?=x)"}), "expectations[4].kwargs", "(?:…)"),
        (change_at(4, kwargs={"column": "incident_ref", "regex": "(x)"}), "expectations[4].kwargs", "it has ("),
        (change_at(4, kwargs={"column": "incident_ref", "regex": r"\d"}), "expectations[4].kwargs", "without"),
        (change_at(4, kwargs={"column": "incident_ref", "regex": "["}), "expectations[4].kwargs", "regular expression"),
        (change_at(4, rule="PI-003"), "", "PI-003 repeats"),
        (change_at(4, rule="one"), "expectations[4].meta.rule", "of the form"),
        (change_at(4, severity="warning"), "expectations[4]", "severity critical with meta.severity error"),
        (change_at(4, action="drop_identifier"), "expectations[4]", "only with meta.severity warning"),
        (lambda suite: suite["meta"].update(feed="other"), "meta.feed", "as the path says"),
        (lambda suite: suite["meta"].update(derived={"sum_of": ["nothing"]}), "meta.derived.sum_of", "not nothing"),
        (lambda suite: suite.pop("expectations"), "expectations", "missing"),
    ],
)
def test_a_suite_with_a_mistake_is_refused_by_file_line_key_and_what_was_expected(tmp_path, change, key, expected):
    feed = written(tmp_path, change)
    with pytest.raises(BadFile, match=r"^expectations/police_incidents/v1\.json:[0-9]+ ") as refusal:
        expectations.load_suite(feed, root=tmp_path)
    assert refusal.value.key == key
    assert expected in refusal.value.expected


def test_the_line_of_a_mistake_is_the_line_in_the_file(tmp_path):
    feed = written(tmp_path, change_at(4, type="expect_the_best"))
    with pytest.raises(BadFile) as refusal:
        expectations.load_suite(feed, root=tmp_path)
    lines = (tmp_path / feed / "v1.json").read_text(encoding="utf-8").splitlines()
    assert "expect_the_best" in lines[refusal.value.line - 1]


def test_a_suite_that_is_not_there_or_not_json_is_refused(tmp_path):
    with pytest.raises(BadFile, match=r"police_incidents/v1\.json:1 the file: expected this file"):
        expectations.load_suite("police_incidents", root=tmp_path)
    (tmp_path / "police_incidents").mkdir()
    (tmp_path / "police_incidents" / "v1.json").write_text('{\n"name": "x",\n"expectations": [\n')
    with pytest.raises(BadFile, match=r"v1\.json:[34] the file: expected YAML"):
        expectations.load_suite("police_incidents", root=tmp_path)


def test_all_mistakes_of_all_suites_are_found_together(tmp_path):
    assert expectations.check() == []
    written(tmp_path, change_at(4, type="expect_the_best"))
    found = expectations.check(root=tmp_path)
    assert {problem.file for problem in found} == {f"expectations/{feed}/v1.json" for feed in FEEDS}


def test_every_rule_has_its_message_and_the_age_gate_too():
    said = expectations.messages("school_attendance")
    assert {each.meta.rule for each in expectations.load_suite("school_attendance").expectations} < set(said)
    assert "from 4 up to 20" in said["AGE"]
