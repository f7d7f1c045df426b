"""Matching what is new against what it meets gives what matching everything at once gives, and reads no more."""

import random
from datetime import date

import polars as pl
import psycopg
import pytest

from family_exchange.adapters import (
    blocks,
    database,
    letting_go,
    linkage,
    linkage_model,
    met,
    profiles,
    register,
    stated,
)
from family_exchange.adapters.blocks import Block, NoBlock
from family_exchange.domain.matching import Thresholds
from family_exchange.stages import match
from support import bench_people
from support.comparing import who_is_who
from support.registry import a_file, doors_to, query, same_person, with_staging

PEOPLE = 400
NHS = "9434765919"
PROFILE = profiles.profile("cheshire-west-and-chester")
MODEL = linkage_model.of(PROFILE.matching)
THRESHOLDS = Thresholds(certain=PROFILE.matching.certain, possible=PROFILE.matching.possible)


@pytest.fixture
def council(council_database):
    return with_staging(council_database)


def sendings(seed):
    """What three partners write of the same people, some of whom all bear the same number that is nobody's."""
    everyone = bench_people.people(PEOPLE, seed)
    crowd = pl.when(pl.col("person") % 9 == 0).then(pl.lit(NHS)).otherwise("nhs_number")
    first = bench_people.first_seen(everyone).with_columns(nhs_number=crowd)
    second = bench_people.seen(everyone, PEOPLE // 2, seed + 1).with_columns(nhs_number=crowd)
    third = bench_people.seen(everyone, PEOPLE // 2, seed + 2).drop("nhs_number")
    later = first.sample(PEOPLE // 8, seed=seed).with_columns(surname=pl.lit("Married"), address_line_1=None)
    return [
        ("childrens_social_care", "council", first),
        ("childrens_social_care", "neighbour", second),
        ("police_incidents", "police", third),
        ("childrens_social_care", "council", later),
    ]


def in_batches(sent, seed, number):
    """The same rows in `number` batches, each of some rows of some files, by the luck of `seed`."""
    luck = random.Random(seed)
    batches = [[] for _ in range(number)]
    for feed, partner, rows in sent:
        of_row = pl.Series([luck.randrange(number) for _ in range(len(rows))])
        for place, batch in enumerate(batches):
            if len(mine := rows.filter(of_row == place)):
                batch.append((feed, partner, mine))
    return batches


def brought(url, batches):
    for batch in batches:
        for feed, partner, rows in batch:
            bench_people.stage(url, feed, rows, partner=partner)
        match.people(doors_to(url))
    return url


@pytest.mark.requirement("R-038")
@pytest.mark.parametrize("seed", [5, 17])
def test_rows_in_whatever_batches_end_in_the_persons_of_one_whole_run(fresh, seed):
    sent = sendings(seed)
    once = who_is_who(brought(fresh(), [sent]))
    some = who_is_who(brought(fresh(), in_batches(sent, seed, 6)))
    assert len(once[0]) < sum(len(rows) for *_, rows in sent) - PEOPLE // 8, "some are one person"
    assert once[1], "of some somebody must judge"
    assert some == once


def test_another_rule_weighs_everything_again_once_and_by_itself(council):
    brought(council, in_batches(sendings(3), 3, 2))
    before = who_is_who(council)
    made = query(council, "SELECT stated, blocks FROM memory.statement ORDER BY 1")
    with database.transaction(council) as connection:
        connection.execute("UPDATE register.run SET rule = 'an older one' WHERE stage = 'match'")
        connection.execute("UPDATE memory.statement SET blocks = '{}'")
        connection.execute("DELETE FROM register.possible_match")
        assert stated.outdated(connection, MODEL, THRESHOLDS)
    match.people(doors_to(council))
    assert who_is_who(council) == before
    assert query(council, "SELECT stated, blocks FROM memory.statement ORDER BY 1") == made
    with database.transaction(council) as connection:
        assert not stated.outdated(connection, MODEL, THRESHOLDS)


def test_other_thresholds_weigh_everything_again_once_and_by_themselves(council):
    home = {"sex": "F", "address_line_1": "12 High St", "postcode": "CH1 1AA"}
    a_file(council, "school_attendance", [a_child("S1", event_ref="2026-summer", **home)])
    a_file(council, "police_incidents", [a_child("P1", event_ref="E1", **home | {"date_of_birth": None})])
    stricter = PROFILE.matching.model_copy(update={"certain": 1.0, "possible": 0.99999})
    other = PROFILE.model_copy(update={"matching": stricter})
    for profile, shown in ((PROFILE, 1), (other, 0), (PROFILE, 1)):
        match.people(doors_to(council, profile=profile))
        assert query(council, "SELECT count(*) FROM register.possible_match") == [(shown,)]
        events = query(council, "SELECT count(*) FROM audit.event")
        assert set(match.people(doors_to(council, profile=profile)).values()) == {0}
        assert query(council, "SELECT count(*) FROM register.possible_match") == [(shown,)]
        assert query(council, "SELECT count(*) FROM audit.event") == events


def test_nothing_but_what_meets_the_fresh_statements_is_fetched(council):
    brought(council, [[("childrens_social_care", "council", bench_people.first_seen(bench_people.people(PEOPLE)))]])
    known = query(council, "SELECT forename, surname, date_of_birth FROM register.source_record LIMIT 1")[0]
    someone = dict(zip(("forename", "surname", "date_of_birth"), known, strict=True))
    a_file(council, "police_incidents", [{"record_ref": "N1", "event_ref": "E1", **someone}])
    with database.transaction(council) as connection:
        register.take(connection, profiles.contract)
        with linkage.pool(connection, MODEL, THRESHOLDS) as pool:
            ((fetched,),) = pool.connection.execute("SELECT count(*) FROM stated").fetchall()
            assert len(pool.pairs(0.5)) == 1
    assert fetched < PEOPLE / 10, "the one, and those who share a block with it"


def test_two_processes_of_the_server_find_whom_one_finds(council, monkeypatch):
    everyone = bench_people.people(PEOPLE * 4)
    brought(council, [[("childrens_social_care", "council", bench_people.first_seen(everyone))]])
    bench_people.stage(council, "police_incidents", bench_people.seen(everyone, PEOPLE // 8).drop("nhs_number"))
    found = []
    for worth_two in (PEOPLE, 1):
        monkeypatch.setattr(met, "WORTH_TWO", worth_two)
        with psycopg.connect(council) as connection:
            register.take(connection, profiles.contract)
            with linkage.pool(connection, MODEL, THRESHOLDS) as pool:
                found.append(pool.pairs(0.5))
            connection.rollback()
    assert len(found[0]) > PEOPLE / 16
    assert found[0] == found[1]


def test_what_this_run_has_stored_already_is_met_too(council, monkeypatch):
    monkeypatch.setattr(met, "WORTH_TWO", 1)
    brought(council, [[("childrens_social_care", "council", bench_people.first_seen(bench_people.people(PEOPLE)))]])
    rows = [a_child("N1"), a_child("N2")]
    with database.transaction(council) as connection:
        for row in rows:
            a_file(council, "police_incidents", [row | {"event_ref": "E1"}])
            register.take(connection, profiles.contract)
            with linkage.pool(connection, MODEL, THRESHOLDS) as pool:
                last = pool.pairs(0.5)
    assert [one.key[-2:] for pair in last for one in (pair.a, pair.b)] == ["N1", "N2"]


def test_no_block_waits_in_a_list_when_a_run_is_over(council):
    waiting = "SELECT gin_clean_pending_list('memory.statement_blocks')"
    brought(council, in_batches(sendings(4), 4, 2))
    assert query(council, waiting) == [(0,)]
    with database.transaction(council) as connection:  # as if a run had died before its last step
        connection.execute("UPDATE memory.statement SET blocks = blocks || 1::bigint")
    a_file(council, "police_incidents", [a_child("N1", event_ref="E1")])
    match.people(doors_to(council))
    assert query(council, waiting) == [(0,)]


def a_child(ref, **changes):
    return {"record_ref": ref, "forename": "Ada", "surname": "Ashbarrow", "date_of_birth": date(2015, 3, 4)} | changes


def test_a_statement_stays_while_any_record_makes_it_and_goes_with_the_last(council):
    for town in ("Chester", "Crewe"):  # two records, and one statement of who she is
        a_file(council, "childrens_social_care", [a_child("C1", town=town)])
        match.people(doors_to(council))
    a_file(council, "childrens_social_care", [a_child("C1", surname="Brindlecote")])
    match.people(doors_to(council))
    (first, second, third) = (
        record for (record,) in query(council, "SELECT source_record_id FROM memory.source_record ORDER BY 1")
    )

    def surnames_without(record):
        with database.transaction(council) as connection:
            letting_go.source_records(connection, [record])
        return {name for (name,) in query(council, "SELECT surname FROM memory.statement")}

    assert surnames_without(first) == {"ASHBARROW", "BRINDLECOTE"}
    assert surnames_without(second) == {"BRINDLECOTE"}
    a_file(council, "police_incidents", [a_child("N1", event_ref="E1", surname="Brindlecote")])
    match.people(doors_to(council))
    assert query(council, "SELECT count(*) FROM memory.statement") == [(2,)]
    assert same_person(council, "C1")
    assert surnames_without(third) == {"BRINDLECOTE"}


def test_a_number_of_nobody_goes_with_the_last_who_bore_it(council):
    crowd = [a_child(f"C{number}", surname=f"Family{number:02}", nhs_number=NHS) for number in range(25)]
    a_file(council, "childrens_social_care", crowd)
    match.people(doors_to(council))
    assert query(council, "SELECT kind, number FROM memory.nobodys_number") == [("nhs_number", NHS)]
    records = [record for (record,) in query(council, "SELECT source_record_id FROM memory.source_record ORDER BY 1")]
    for gone, left in ((records[1:], 1), (records[:1], 0)):
        with database.transaction(council) as connection:
            letting_go.source_records(connection, gone)
        assert query(council, "SELECT count(*) FROM memory.nobodys_number") == [(left,)]


@pytest.mark.parametrize(
    ("rule", "ways"),
    [
        ("l.surname = r.surname AND l.surname <> ''", [Block(("surname",), ("surname",))]),
        (
            "l.forename = r.surname AND r.forename = l.surname",
            [Block(("forename", "surname"), ("surname", "forename"))],
        ),
        (
            "l.forename = r.surname AND l.born = r.born",
            [Block(("born", "forename"), ("born", "surname")), Block(("born", "surname"), ("born", "forename"))],
        ),
    ],
)
def test_a_rule_is_one_way_to_meet_or_two_when_its_sides_differ(rule, ways):
    assert list(blocks.of(with_rules(rule)))[len(blocks.NUMBERS) :] == ways


@pytest.mark.parametrize("rule", ["l.surname <> r.surname", "l.born = r.born OR l.upn = r.upn", "l.a = 'x'"])
def test_a_rule_that_no_index_can_look_up_is_refused(rule):
    with pytest.raises(NoBlock, match="blocking rule 1 of the linkage model"):
        blocks.of(with_rules(rule))


def with_rules(*rules):
    written = [{"blocking_rule": rule, "sql_dialect": "duckdb"} for rule in rules]
    splink = MODEL.splink | {"blocking_rules_to_generate_predictions": written}
    return MODEL.model_copy(update={"splink": splink})
