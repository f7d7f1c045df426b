"""A file that is read piece by piece gives what it would give as a whole: findings, rows, references, counts."""

from array import array

import polars as pl
import pytest

from family_exchange.adapters import expectations, profiles, rules, shape
from family_exchange.adapters.accepted import WORKERS, Accepted, side_by_side
from family_exchange.domain.errors import DataRefused
from family_exchange.stages import validate

FEEDS = profiles.feeds()


def sample(feed, which="bad"):
    return (expectations.ROOT / feed / f"v1.{which}.csv").read_bytes()


def checked(feed, content):
    return validate.table(content, profiles.contract(feed), None)


@pytest.fixture
def in_small_pieces(monkeypatch):
    monkeypatch.setattr(shape, "BLOCK", 64)
    monkeypatch.setattr(shape, "PIECE", 64)


def everything(found):
    return found.findings, found.accepted.whole().rows(), dict(found.references), found.shape


@pytest.mark.parametrize("feed", FEEDS)
@pytest.mark.parametrize("which", ["good", "bad"])
def test_a_file_in_pieces_is_judged_as_a_whole_one(feed, which, request):
    whole = everything(checked(feed, sample(feed, which)))
    request.getfixturevalue("in_small_pieces")
    again = checked(feed, sample(feed, which))
    assert everything(again) == whole
    assert len(list(again.accepted)) > 1


def twice(feed="police_incidents", between=40):
    """A file whose first row stands again at its end, far from it."""
    first_line, header, *rows = sample(feed, "good").decode().splitlines()
    first_line = first_line[: first_line.index(" rows=")]
    made = [rows[1].replace("INC-002", f"INC-1{number:02d}") for number in range(between)]
    return "\n".join([first_line, header, rows[0], *made, rows[0], ""]).encode()


def test_a_key_that_stands_twice_is_found_however_far_apart(in_small_pieces):
    found = checked("police_incidents", twice()).findings
    assert [(each.rule, list(each.rows)) for each in found.broken] == [("PI-003", [1, 42])]


def test_rows_are_not_accused_because_their_keys_have_the_same_number(in_small_pieces, monkeypatch):
    monkeypatch.setattr(rules, "key", lambda rule: pl.lit(7, pl.UInt64).alias(rule.meta.rule))
    found = checked("police_incidents", twice()).findings
    assert [(each.rule, list(each.rows)) for each in found.broken] == [("PI-003", [1, 42])]
    good = sample("police_incidents", "good")
    assert checked("police_incidents", good).findings.broken == ()


def test_a_row_with_a_finding_is_known_by_its_key_and_the_others_are_not():
    lines = sample("police_incidents", "good").decode().splitlines()
    lines[3] = lines[3].replace("INC-002", '" INC,002 "').replace("suspect", "nobody")
    lines[5] = lines[5].replace("P004", "")
    found = checked("police_incidents", "\n".join(lines).encode())
    assert dict(found.references) == {2: ("INC,002", "P002"), 4: ("INC-004", "")}
    assert found.references[2] == ("INC,002", "P002")
    assert "INC,002" not in repr(found)


def test_a_file_without_findings_has_no_references():
    assert len(checked("police_incidents", sample("police_incidents", "good")).references) == 0


def test_a_file_s_shape_is_its_rows_its_filled_cells_and_its_codes():
    shaped = {
        (column, code): rows
        for column, code, rows in checked("police_incidents", sample("police_incidents", "good")).shape
    }
    rows = [line.split(",") for line in sample("police_incidents", "good").decode().splitlines()[2:]]
    assert shaped["", ""] == shaped["incident_ref", ""] == len(rows) == 12
    assert shaped["role", "victim"] == sum(row[2] == "victim" for row in rows)
    assert sum(rows for (column, code), rows in shaped.items() if column == "role" and code) == shaped["role", ""]


def test_rows_that_break_a_rule_are_plain_numbers_however_many():
    header, row = b"incident_ref,person_ref,role,incident_type,incident_date,outcome,da_flag,risk_grade,surname,", b""
    header += b"forename,date_of_birth,sex,address_line_1,address_line_2,town,postcode,pnc_id\n"
    row = b"I%d,P,nobody,crime,2026-04-01,none,N,,A,B,1990-01-01,M,1 X,,Y,M1 1AA,\n"
    found = checked("police_incidents", header + b"".join(row % number for number in range(50_000))).findings
    assert found.broken[0].rows == array("i", range(1, 50_001))
    assert found.rows_refused == 50_000


@pytest.mark.parametrize("count", [0, 1, WORKERS, 20])
def test_what_is_done_side_by_side_comes_in_order(count):
    assert list(side_by_side(lambda number: number * 2, range(count))) == [number * 2 for number in range(count)]


def test_work_side_by_side_ends_with_its_first_failure_and_runs_no_further():
    done = []

    def work(number):
        done.append(number)
        if number == 3:
            raise DataRefused("CONTENT", "the third")
        return number

    with pytest.raises(DataRefused, match="the third"):
        list(side_by_side(work, range(1_000)))
    assert len(done) < 20


def test_accepted_rows_can_be_read_again():
    accepted = Accepted.of(pl.DataFrame({"row_no": [1, 2]}))
    assert accepted.whole().equals(accepted.whole())
    assert list(accepted.each(len)) == [2]
