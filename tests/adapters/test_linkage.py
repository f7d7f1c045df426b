from datetime import date

import pytest

from family_exchange.adapters import database, linkage, linkage_model, profiles, register
from family_exchange.adapters.linkage import LinkageFailed
from family_exchange.domain.matching import Thresholds
from family_exchange.domain.person import Birth
from support.registry import a_file, with_staging

MODEL = linkage_model.model()
THRESHOLDS = Thresholds(certain=0.99, possible=0.5)


@pytest.fixture
def council(council_database):
    return with_staging(council_database)


def a_pupil(ref, forename="Ada", **changes):
    base = {
        "record_ref": ref,
        "event_ref": "2026-summer",
        "forename": forename,
        "surname": "Ashbarrow",
        "date_of_birth": date(2015, 3, 4),
        "sex": "F",
        "address_line_1": "12 High St",
        "postcode": "CH1 1AA",
    }
    return base | changes


def a_child(ref, **changes):
    return {name: value for name, value in a_pupil(ref, **changes).items() if name != "event_ref"}


def pairs(url, threshold=0.5, model=MODEL):
    with database.transaction(url) as connection:
        register.take(connection, profiles.contract)
        with linkage.pool(connection, model, THRESHOLDS) as pool:
            return pool.pairs(threshold)


def keys(found):
    return {frozenset(one.key.rsplit("|", 1)[1] for one in (pair.a, pair.b)) for pair in found}


def test_statements_that_agree_score_high_and_others_do_not_meet(council):
    a_file(council, "school_attendance", [a_pupil("S1"), a_pupil("S2", surname="Brindlecote", postcode="CH4 4AA")])
    a_file(council, "childrens_social_care", [a_child("C1", forename="ADA", address_line_1="12, High Street")])
    (pair,) = pairs(council)
    assert keys([pair]) == {frozenset({"S1", "C1"})}
    assert pair.probability > 0.999
    assert pair.weight > 20


def test_terms_of_one_pupil_are_one_statement(council):
    a_file(council, "school_attendance", [a_pupil("S1", event_ref=term) for term in ("a", "b", "c")])
    assert pairs(council) == []


def test_an_equal_number_makes_a_pair_without_a_score(council):
    upn = "A950000178301"
    a_file(council, "school_attendance", [a_pupil("S1", upn=upn)])
    a_file(council, "childrens_social_care", [{"record_ref": "C1", "surname": "Other", "upn": upn}])
    (pair,) = pairs(council, 0.999999)
    assert (pair.probability, pair.weight) == (None, None)
    assert keys([pair]) == {frozenset({"S1", "C1"})}


def test_a_number_that_everybody_bears_is_nobodys(council):
    upn = "A950000178301"
    crowd = [
        a_pupil(f"S{number}", upn=upn, surname=f"Family{number:02}", date_of_birth=date(2010, 1, 1 + number),
                postcode=None, forename=None)
        for number in range(linkage.MOST_SHARERS + 1)
    ]  # fmt: skip
    a_file(council, "school_attendance", crowd)
    assert [pair for pair in pairs(council, 0.999999) if pair.probability is None] == []


def test_the_order_of_rows_does_not_matter(server, council):
    rows = [a_pupil("S1"), a_pupil("S2", forename="Adda"), a_pupil("S3", date_of_birth=date(2015, 4, 3))]
    a_file(council, "school_attendance", rows)
    other = server.create_database("reversed", "reversed")
    try:
        database.migrate(other)
        a_file(with_staging(other), "school_attendance", rows[::-1])
        once = pairs(council)
        assert once
        assert pairs(other) == once
    finally:
        server.drop_database("reversed", "reversed")


@pytest.mark.requirement("D-20")
def test_an_estimated_day_of_birth_is_not_compared_as_a_date(council):
    a_file(council, "school_attendance", [a_pupil("S1"), a_pupil("S2")])
    a_file(council, "childrens_social_care", [a_child("C1", pers_dob_estimated=True)])
    found = {key: pair for pair in pairs(council, 0.001) for key in keys([pair])}
    estimated, actual = found[frozenset({"S1", "C1"})], found[frozenset({"S1", "S2"})]
    assert estimated.weight < actual.weight - 10
    assert {estimated.a.birth, estimated.b.birth} == {Birth.ACTUAL, Birth.ESTIMATED}


def test_an_engine_that_stops_tells_nobodys_name(council):
    a_file(council, "school_attendance", [a_pupil("S1"), a_pupil("S2")])
    broken = MODEL.model_copy(update={"splink": {**MODEL.splink, "blocking_rules_to_generate_predictions": [
        {"blocking_rule": "cast(l.surname as integer) = cast(r.surname as integer)", "sql_dialect": "duckdb"}
    ]}})  # fmt: skip
    with pytest.raises(LinkageFailed) as caught:
        pairs(council, model=broken)
    assert "ASHBARROW" not in repr(caught.value).upper()
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_common_names_agree_by_chance_more_often():
    assert MODEL.share("JOHN", "SMITH") > 100 * MODEL.share("JASPER", "GRIBBLESTONE")


def test_what_scores_as_likely_by_chance_is_written_down_once():
    for comparison in MODEL.splink["comparisons"]:
        levels = [level for level in comparison["comparison_levels"] if not level.get("is_null_level")]
        assert sum(level["m_probability"] for level in levels) == pytest.approx(1, abs=0.001)


@pytest.mark.requirement("R-080")
def test_nothing_of_a_person_spills_to_a_disk(council):
    with database.transaction(council) as connection, linkage.pool(connection, MODEL, THRESHOLDS) as pool:
        row = pool.connection.execute("SELECT current_setting('temp_directory')").fetchone()
    assert row == ("",)
