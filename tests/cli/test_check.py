"""The partner's check as a person types it: where it reads, what it writes, how it ends."""

import json
import subprocess
import sys

import pytest
from polars.exceptions import PanicException
from python_calamine import CalamineWorkbook
from typer.testing import CliRunner

from family_exchange import cli
from family_exchange.adapters import expectations, profiles
from family_exchange.commands import common
from family_exchange.domain.errors import NeedsDecision

FEED = "police_incidents"
GOOD, BAD = (expectations.ROOT / FEED / f"v1.{which}.csv" for which in ("good", "bad"))


def asked(*words, content=None):
    return CliRunner().invoke(cli.application("check"), ["check", *map(str, words)], input=content)


def told(*words, content=None):
    answer = asked(*words, "--feed", FEED, "--json", content=content)
    assert answer.exception is None or isinstance(answer.exception, SystemExit), answer.exception
    return answer.exit_code, json.loads(answer.stdout)


def test_a_good_file_ends_with_0_and_a_bad_one_with_1():
    assert told(GOOD)[0] == 0
    assert told(BAD)[0] == 1


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["nowhere.csv", "--feed", FEED], "no such file"),
        ([GOOD, "--feed", "no_such_feed"], FEED),
        ([GOOD, "--feed", FEED, "--contract", "v99"], "v1"),
        ([GOOD, "--feed", FEED, "--council", "atlantis"], profiles.demo_council()),
        ([GOOD, "--feed", FEED, "--workbook", GOOD], "another name"),
        ([BAD, "--feed", FEED, "--workbook", "/nowhere/book.xlsx"], "No such file"),
        ([GOOD, "--feed", FEED, "--partner", "police"], "--council"),
        ([GOOD, "--feed", FEED, "--partner", "schools", "--council", "halton"], "police"),
    ],
)
def test_what_cannot_run_says_what_there_is(words, names):
    answer = asked(*words)
    assert isinstance(answer.exception, NeedsDecision)
    assert names in str(answer.exception)


def test_the_standard_input_is_a_file_too():
    assert told("-", content=BAD.read_bytes())[1]["findings"] == told(BAD)[1]["findings"]


def test_a_workbook_is_written_for_a_bad_file(tmp_path):
    book = tmp_path / "what to mend.xlsx"
    _, report = told(BAD, "--workbook", book)
    assert report["workbook"] == str(book)
    assert CalamineWorkbook.from_path(str(book)).sheet_names == ["Summary", "Rows"]


def test_no_workbook_is_written_for_a_good_file(tmp_path):
    book = tmp_path / "what to mend.xlsx"
    _, report = told(GOOD, "--workbook", book)
    assert report["workbook"] is None
    assert not book.exists()


def test_a_council_s_profile_says_which_columns_are_not_taken():
    assert told(GOOD)[1]["columns_not_taken"] == 0
    assert told(GOOD, "--council", "halton")[1]["columns_not_taken"] > 0


def test_the_only_partner_of_a_feed_need_not_be_named():
    (police,) = profiles.profile("halton").partners_for(FEED)
    named, unnamed = (told(GOOD, "--council", "halton", *who) for who in (("--partner", police.slug), ()))
    assert named == unnamed


def test_a_person_reads_the_verdict_the_next_step_and_what_only_the_platform_can_tell():
    answer = asked(BAD, "--feed", FEED)
    assert "partly accepted" in answer.stdout
    assert "Next:" in answer.stdout
    assert "PI-011" in answer.stdout
    assert "whose key signed it" in answer.stdout
    assert "add --council" in answer.stdout


def test_a_file_that_cannot_be_read_is_explained_without_its_values(tmp_path):
    file = tmp_path / "Testperson.csv"
    file.write_text("Testperson,x\n1,2\n")
    answer = asked(file, "--feed", FEED)
    assert answer.exit_code == 1
    assert "SCHEMA: columns of police_incidents v1 missing: incident_ref" in answer.stdout
    assert "Testperson" not in answer.stdout


def test_every_command_is_found_where_the_table_says_it_is():
    for module, commands in cli.COMMANDS.items():
        groups = {each.name for each in cli.application(commands[0]).registered_groups}
        single = {each.name for each in cli.application(commands[0]).registered_commands}
        assert groups | single == set(commands), module


def test_the_check_loads_neither_airflow_nor_the_doors():
    loaded = "import sys; from family_exchange import cli; cli.application('check'); print(*sorted(sys.modules))"
    modules = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True).stdout.split()
    assert not {"airflow", "psycopg", "paramiko", "great_expectations", "polars"} & set(modules)


def test_a_command_whose_library_is_missing_says_what_to_install(monkeypatch, capsys):
    def missing(_):
        raise ModuleNotFoundError(name="duckdb")

    monkeypatch.setattr(cli, "application", missing)
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 2
    assert "family-exchange[platform]" in capsys.readouterr().err


@pytest.mark.parametrize("bug", [ValueError, PanicException])
def test_a_bug_ends_with_2_and_repeats_nothing_that_somebody_typed(bug, monkeypatch, capsys):
    def fails(_):
        raise bug("cannot read Kezia Canary")

    monkeypatch.setattr(cli, "application", fails)
    with pytest.raises(SystemExit) as end:
        cli.main()
    said = capsys.readouterr().err
    assert end.value.code == 2
    assert bug.__name__ in said
    assert "fails" in said, "the way through the code is told"
    assert "Canary" not in said


def test_a_day_that_is_none_is_told_without_repeating_it():
    assert common.day("2026-11-22").isoformat() == common.today("2026-11-22").isoformat() == "2026-11-22"
    for given in ("22/11/2026", "Kezia"):
        with pytest.raises(NeedsDecision, match="YYYY-MM-DD") as told:
            common.day(given)
        assert given not in str(told.value)
