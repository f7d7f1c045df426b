import polars as pl
import pytest

from family_exchange.adapters import database, profiles, staging
from family_exchange.adapters.accepted import Accepted

FEED = "police_incidents"


@pytest.fixture
def connection(council_database):
    with database.transaction(council_database) as connection:
        staging.create_tables(connection, [profiles.contract(FEED)])
        yield connection


def frame(*rows):
    return pl.DataFrame(
        rows, schema={"row_no": pl.UInt32, "surname": pl.String, "event_on": pl.Date}, orient="row", strict=False
    )


def staged(connection, file_id="F1"):
    return connection.execute(
        f"SELECT row_no, surname, event_on, town FROM staging.{FEED} WHERE file_id = %s ORDER BY row_no", (file_id,)
    ).fetchall()


def test_frames_are_staged_one_after_the_other_and_what_they_lack_stays_empty(connection):
    parts = [frame((1, "A", None), (3, None, None)), frame((7, "C", None))]
    assert staging.put(connection, FEED, "F1", Accepted([lambda part=part: part for part in parts])) == 3
    assert staged(connection) == [(1, "A", None, None), (3, None, None, None), (7, "C", None, None)]


@pytest.mark.parametrize("text", ['=1+1,"x"', "two\nlines", "\\.", "\\N", 'he said "no"', "Null", "\u2028", "a\tb"])
def test_text_is_staged_as_it_is(connection, text):
    staging.put(connection, FEED, "F1", Accepted.of(frame((1, text, None))))
    assert staged(connection)[0][1] == text


def test_a_file_that_is_staged_again_has_its_rows_once(connection):
    staging.put(connection, FEED, "F1", Accepted.of(frame((1, "A", None), (2, "B", None))))
    staging.put(connection, FEED, "F2", Accepted.of(frame((1, "Z", None))))
    staging.put(connection, FEED, "F1", Accepted.of(frame((1, "C", None))), again=True)
    assert [row[1] for row in staged(connection)] == ["C"]
    assert [row[1] for row in staged(connection, "F2")] == ["Z"]


def test_a_frame_without_rows_stages_none(connection):
    assert staging.put(connection, FEED, "F1", Accepted.of(frame())) == 0
    assert staged(connection) == []
