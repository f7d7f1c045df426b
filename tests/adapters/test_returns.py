import psycopg
import pytest

from family_exchange.adapters import database, profiles, retention, return_rows, returns, said
from family_exchange.adapters.faultpoint import faultpoint
from family_exchange.adapters.return_rows import Cohort
from family_exchange.adapters.return_values import SOURCES
from family_exchange.domain.delivery import State
from family_exchange.domain.errors import NeedsDecision, TryLater
from family_exchange.domain.period import HALF_YEARS
from family_exchange.domain.return_rules import Finding, Severity
from support.council import COUNCIL
from support.register import AT, PERIOD, TODAY, Register

RULE = profiles.profile("cheshire-west-and-chester").retention_rule("crime_asb")


@pytest.fixture
def register(council_database):
    return Register(council_database)


def made(connection, code="nis", version=1):
    return returns.create(connection, code, PERIOD, version, fields=["la_code"], at=AT)


def test_a_return_is_read_as_it_was_made(register):
    with register.open() as connection:
        found = made(connection)
        assert found == returns.read(connection, "nis-2026-H1-v1")
        assert (found.state, found.epoch, found.fields, found.intent_age) == (State.DRAFT, 0, ("la_code",), None)


def test_the_newest_version_is_the_one_that_counts(register):
    with register.open() as connection:
        assert returns.newest(connection, "nis", PERIOD) is None
        made(connection)
        made(connection, version=2)
        made(connection, code="fpd")
        assert returns.newest(connection, "nis", PERIOD).return_id == "nis-2026-H1-v2"
        assert [one.return_id for one in returns.every(connection)] == [
            "fpd-2026-H1-v1", "nis-2026-H1-v1", "nis-2026-H1-v2",
        ]  # fmt: skip


def test_a_version_is_made_once(register):
    with register.open() as connection:
        made(connection)
    with pytest.raises(TryLater, match="23505"), register.open() as connection:
        made(connection)


def test_a_return_that_came_to_an_end_cannot_be_claimed(register):
    with register.open() as connection:
        made(connection)
        returns.advance(connection, "nis-2026-H1-v1", returns.claim(connection, "nis-2026-H1-v1"), State.VOID, {})
        with pytest.raises(NeedsDecision, match="come to an end"):
            returns.claim(connection, "nis-2026-H1-v1")


def test_an_illegal_move_is_refused_by_the_database(register):
    with register.open() as connection:
        made(connection)
    with pytest.raises(database.DatabaseRefused, match="FX002"), register.open() as connection:
        returns.advance(connection, "nis-2026-H1-v1", 0, State.SENT, {})


def test_findings_are_replaced_whole(register):
    found = (Finding(2, "postcode", "Q04", Severity.QUERY), Finding(None, "upn", "E11", Severity.ERROR))
    with register.open() as connection:
        made(connection)
        for kept in (found, found[:1], ()):
            returns.keep_findings(connection, "nis-2026-H1-v1", kept)
            assert returns.findings(connection, "nis-2026-H1-v1") == kept


def test_a_signature_of_other_content_does_not_count(register):
    with register.open() as connection:
        made(connection)
        returns.note_content(connection, "nis-2026-H1-v1", rows=0, sha256=b"now")
        assert returns.sign(connection, "nis-2026-H1-v1", by="a", content_sha256=b"before")
        assert returns.sign(connection, "nis-2026-H1-v1", by="b", content_sha256=b"now")
        assert not returns.sign(connection, "nis-2026-H1-v1", by="b", content_sha256=b"now")
        assert returns.signers(connection, "nis-2026-H1-v1") == ("b",)


@pytest.mark.parametrize("code", ["nis", "fpd"])
def test_every_source_of_a_return_is_known(code):
    assert {field.source for field in profiles.return_definition(code).fields} <= SOURCES


def test_a_source_that_nobody_knows_is_for_a_person(register):
    field = profiles.return_definition("nis").field("sex").model_copy(update={"source": "shoe_size"})
    cohort = Cohort("896", HALF_YEARS.period(PERIOD), comparison_group=True, excluding=())
    with pytest.raises(NeedsDecision, match="shoe_size"), register.open() as connection:
        return_rows.assemble(
            connection, made(connection).return_id, [field], cohort, said.rules(profiles.profile(COUNCIL))
        )


def test_any_change_of_a_flag_moves_the_rights_epoch(register):
    def epoch():
        return register.value("SELECT epoch FROM rights.epoch")

    assert epoch() == 0
    number = register.flag(register.person())
    assert epoch() == 1
    register.run("UPDATE rights.flag SET status = 'lifted' WHERE flag_id = %s", number)
    assert epoch() == 2
    register.run("DELETE FROM rights.flag WHERE flag_id = %s", number)
    assert epoch() == 3


@pytest.mark.requirement("D-16")
def test_a_hold_that_is_being_placed_is_waited_for(register):
    with psycopg.connect(register.url) as officer:
        officer.execute(
            "INSERT INTO rights.hold (scope_kind, scope_id, placed_by, reason) VALUES ('council', 'all', 'x', 'x')"
        )
        with psycopg.connect(register.url) as purger:
            purger.execute("SET lock_timeout = '100ms'")
            with pytest.raises(psycopg.errors.LockNotAvailable):
                retention.outcomes(purger, RULE, ["S1"], today=TODAY)
        officer.rollback()


def test_a_fault_point_that_nobody_named_does_nothing(monkeypatch):
    monkeypatch.setenv("FAMILY_EXCHANGE_FAULT", "another")
    faultpoint("this one")


def test_a_return_can_be_held_again_as_soon_as_it_is_let_go(register, monkeypatch):
    monkeypatch.setattr(database, "MOMENT_SECONDS", 0.001)
    for _ in range(50):
        with (
            returns.held(register.url, "nis-2026-H1-v1"),
            pytest.raises(TryLater),
            returns.held(register.url, "nis-2026-H1-v1"),
        ):
            pass
