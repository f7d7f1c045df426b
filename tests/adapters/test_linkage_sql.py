"""Splink's own SQL, kept: it says what Splink says, and a model that asks for less work says what its elder says."""

from itertools import pairwise

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from splink import DuckDBAPI, Linker

from family_exchange.adapters import linkage, linkage_model
from family_exchange.adapters.linkage_rows import known_names
from support.people_matching import standard, synthetic_council

THRESHOLD = 0.01


@pytest.fixture(scope="module")
def statements():
    """Those of a small council, half of them known already."""
    raw, _ = synthetic_council(1500, 17)
    table = standard(raw, linkage_model.model())
    fresh = pa.array([number % 2 == 0 for number in range(len(table))])
    return table.set_column(table.schema.get_field_index("fresh"), "fresh", fresh)


def scored(table, version):
    with linkage.over(table, linkage_model.model(version)) as pool:
        return pool.scored(THRESHOLD).to_pylist()


@pytest.mark.parametrize("version", ["v1", "v3", "v4"])
def test_the_kept_sql_scores_pairs_as_splink_does(statements, version):
    model = linkage_model.model(version)
    with linkage.over(statements, model) as pool:
        kept = pool.scored(THRESHOLD).to_pylist()
        engine = DuckDBAPI(connection=pool.connection)
        pool.connection.execute(
            "CREATE TABLE plain AS SELECT * EXCLUDE (key, person, tf_forename, tf_surname, tf_full_name) FROM statement"
        ).fetchall()
        rows = engine.register("plain")
        linker = Linker([rows], dict(model.splink), log_level=None)
        for column in model.by_share:
            pool.connection.execute(
                f"CREATE TABLE share_of_{column} AS SELECT DISTINCT {column}, tf_{column} FROM statement"
            ).fetchall()
            lookup = engine.register(f"share_of_{column}")
            linker.table_management.register_term_frequency_lookup(lookup, column)
        found = linker.inference.predict_within(rows, threshold_match_probability=THRESHOLD, warning_mode="never")
        theirs = pool.connection.sql(
            f"""SELECT p.id_l AS a, p.id_r AS b, round(match_probability, 6)::DOUBLE AS probability,
                       round(match_weight, 3)::DOUBLE AS weight
                  FROM {found.physical_name} p JOIN statement l ON l.id = p.id_l JOIN statement r ON r.id = p.id_r
                 WHERE (l.fresh OR r.fresh) AND l.key <> r.key ORDER BY 1, 2"""
        ).to_arrow_table()
        both_known = pool.connection.execute(
            f"""SELECT count(*) FROM {found.physical_name} p JOIN statement l ON l.id = p.id_l
                  JOIN statement r ON r.id = p.id_r WHERE NOT l.fresh AND NOT r.fresh"""
        ).fetchall()
    assert len(kept) > 200
    assert both_known[0][0] > 50
    assert kept == theirs.to_pylist()


def test_the_third_model_weighs_every_pair_as_the_second(statements):
    assert scored(statements, "v3") == scored(statements, "v2")


def test_another_threshold_asks_for_other_pairs(statements):
    with linkage.over(statements, linkage_model.model()) as pool:
        many, few = (pool.scored(threshold).to_pylist() for threshold in (0.01, 0.99))
    assert [row for row in many if row["probability"] >= 0.99] == few
    assert len(few) < len(many)


NAMES = st.text(alphabet="ABCJNOPZ ", min_size=1, max_size=9)


@given(NAMES, st.data())
def test_names_a_slip_apart_differ_in_two_letters_at_most(name, data):
    odd = slipped(name, data)
    known = known_names("forename", [name, odd], lambda _: 0.1)
    one, other = known["forename_letters"].to_pylist()
    query = "SELECT damerau_levenshtein(?, ?), bit_count(xor(?::BIGINT, ?::BIGINT)), bit_count(xor(0, 7))"
    ((slips, differing, three),) = duckdb.execute(query, [name, odd, one, other]).fetchall()
    assert slips <= 1
    assert differing <= 2
    assert three == 3


def slipped(name, data):
    """`name` with one sign replaced, left out, added, or in its neighbour's place."""
    at = data.draw(st.integers(0, len(name) - 1))
    sign = data.draw(st.sampled_from("ABQZ0"))
    ways = [name[:at] + sign + name[at + 1 :], name[:at] + name[at + 1 :], name[:at] + sign + name[at:]]
    if at + 1 < len(name):
        ways.append(name[:at] + name[at + 1] + name[at] + name[at + 2 :])
    return data.draw(st.sampled_from(ways))


@given(NAMES, NAMES)
def test_names_that_sound_alike_differ_in_a_third_of_their_letters_at_most(name, other):
    known = known_names("forename", [name, other], lambda _: 0.1)
    bits = known["forename_letters"].to_pylist()
    query = "SELECT jaro_winkler_similarity(?, ?), 3 * bit_count(xor(?::BIGINT, ?::BIGINT))"
    ((similarity, differing),) = duckdb.execute(query, [name, other, *bits]).fetchall()
    assert differing <= len(name) + len(other) or similarity < 0.9


@given(st.lists(st.dates(), min_size=2, max_size=20))
def test_days_that_resemble_each_other_differ_in_four_digits_at_most_and_a_slip_in_two(days):
    for one, other in pairwise(days):
        ((slips, differing),) = duckdb.execute(
            "SELECT damerau_levenshtein(?, ?), hamming(?, ?)", [digits(one), digits(other)] * 2
        ).fetchall()
        equal = (one.year == other.year) + (one.month == other.month) + (one.day == other.day)
        apart = equal == 2 and abs(one.year - other.year) <= 1
        turned = (one.year, one.month, one.day) == (other.year, other.day, other.month)
        assert differing <= 2 or slips != 1
        assert differing <= 4 or not (apart or turned)


def digits(day):
    """The eight digits of a day."""
    return f"{day.year:04}{day.month:02}{day.day:02}"
