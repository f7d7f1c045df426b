"""A return from its rows to its seal: one version, two people, one sealed form."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor, wait
from hashlib import sha256

import pytest

from family_exchange.adapters import database, returns
from family_exchange.adapters.faultpoint import VARIABLE
from family_exchange.domain.delivery import State
from family_exchange.domain.errors import NeedsDecision, TryLater
from family_exchange.stages import assemble
from support import meanwhile
from support.register import PERIOD

LEAD, OFFICER = "programme.lead", "protection.officer"


@pytest.fixture
def family(council):
    """A council with one supported family of two."""
    people = [council.register.person() for _ in range(2)]
    for person in people:
        council.register.record(person)
    council.register.supported(*people)
    return council


def drafted(council, code="nis"):
    return assemble.draft(council.doors, code, PERIOD)


def signed(council, code="nis"):
    return_id = drafted(council, code)
    for person in (LEAD, OFFICER):
        assemble.sign_off(council.doors, return_id, by=person)
    return return_id


def sealed(council, code="nis"):
    return assemble.seal(council.doors, signed(council, code))


def ledger(council, return_id):
    with council.register.open() as connection:
        return returns.read(connection, return_id)


def move(council, return_id, *states):
    with council.register.open() as connection:
        for state in states:
            returns.advance(connection, return_id, returns.claim(connection, return_id), state, {})


def opened(council, return_id):
    found = ledger(council, return_id)
    ciphertext = council.doors.vault.path(found.ct_sha256).read_bytes()
    return council.third_party.openpgp.open_signed(ciphertext, council.doors.settings.own_key)


def test_a_return_is_assembled_once(family):
    return_id = drafted(family)
    assert return_id == "nis-2026-H1-v1"
    late = family.register.person()
    family.register.record(late)
    family.register.supported(late)
    before = family.register.run("SELECT * FROM returns.return_row ORDER BY row_no")
    assert drafted(family) == return_id
    assert family.register.run("SELECT * FROM returns.return_row ORDER BY row_no") == before
    found = ledger(family, return_id)
    assert (found.state, found.rows) == (State.ASSEMBLED, 2)
    assert [body["version"] for body in family.register.audited("return.draft")] == [1]


@pytest.mark.requirement("R-052")
def test_a_voided_return_gets_a_new_version_and_keeps_the_old_one(family):
    first = drafted(family)
    digest = ledger(family, first).content_sha256
    move(family, first, State.VOID)
    assert drafted(family) == "nis-2026-H1-v2"
    assert drafted(family) == "nis-2026-H1-v2"
    assert ledger(family, first).content_sha256 == digest


@pytest.mark.parametrize("state", [State.ASSEMBLED, State.CONFLICT])
def test_a_named_person_gives_a_version_up(family, state):
    first = drafted(family)
    if state is State.CONFLICT:
        move(family, first, State.SIGNED_OFF, State.SEALED, State.CLAIMED, State.CONFLICT)
    with pytest.raises(NeedsDecision, match="named person"):
        assemble.void(family.doors, first, by=" ", reason=assemble.Why.ROWS_WRONG)
    for _ in range(2):
        assemble.void(family.doors, first, by="a.person", reason=assemble.Why.ROWS_WRONG)
    assert ledger(family, first).state is State.VOID
    (body,) = family.register.audited("return.void")
    assert (body["by"], body["reason"]) == ("a.person", "rows_wrong")
    assert drafted(family) == "nis-2026-H1-v2"


def test_what_the_recipient_holds_cannot_be_given_up(family):
    first = drafted(family)
    move(family, first, State.SIGNED_OFF, State.SEALED, State.CLAIMED, State.DELIVERED)
    with pytest.raises(NeedsDecision, match="no longer"):
        assemble.void(family.doors, first, by="a.person", reason=assemble.Why.ROWS_WRONG)


@pytest.mark.parametrize("state", sorted(assemble.ARRIVED))
def test_what_the_recipient_holds_is_corrected_by_a_later_version(family, state):
    first = assemble.draft(family.doors, "nis", PERIOD)
    family.register.run("UPDATE returns.return SET state = %s WHERE return_id = %s", state, first)
    second = assemble.correct(family.doors, first, by="programme.lead", reason=assemble.Why.ROWS_WRONG)
    assert second == "nis-2026-H1-v2"
    assert assemble.correct(family.doors, first, by="programme.lead", reason=assemble.Why.ROWS_WRONG) == second
    assert family.register.audited("return.correction") == [{"return": first, "reason": "rows_wrong"}]


def test_what_has_not_arrived_is_not_corrected_and_nothing_is_by_nobody(family):
    first = assemble.draft(family.doors, "nis", PERIOD)
    with pytest.raises(NeedsDecision, match="only what has arrived"):
        assemble.correct(family.doors, first, by="programme.lead", reason=assemble.Why.ROWS_WRONG)
    with pytest.raises(NeedsDecision, match="named person"):
        assemble.correct(family.doors, first, by=" ", reason=assemble.Why.ROWS_WRONG)


def test_two_workers_make_one_version(family):
    with family.register.open() as connection:
        assert database.lock(connection, assemble.FREEZING, f"nis {PERIOD}")
        with pytest.raises(TryLater):
            drafted(family)
    assert drafted(family) == "nis-2026-H1-v1"


def test_the_rows_have_one_order_and_one_digest(family):
    return_id = drafted(family)
    rows = family.register.run("SELECT row_no, family_id, person_id FROM returns.return_row ORDER BY row_no")
    assert [number for number, *_ in rows] == [1, 2]
    assert [tuple(rest) for _, *rest in rows] == sorted(tuple(rest) for _, *rest in rows)
    sealed(family)
    assert sha256(opened(family, return_id)).digest() == ledger(family, return_id).content_sha256


def test_a_check_counts_and_keeps_its_findings(family):
    return_id = drafted(family)
    counts = assemble.check(family.doors, return_id)
    assert counts == {"rows": 2, "errors": 0, "queries": 1, "Q03": 1}
    assert assemble.check(family.doors, return_id) == counts
    kept = family.register.run("SELECT row_no, field, rule, severity FROM returns.return_finding")
    assert kept == [(1, "family_ref", "Q03", "query")]


@pytest.mark.requirement("R-093")
def test_an_error_blocks_the_sign_off_and_names_row_field_and_rule(family):
    return_id = drafted(family)
    person = family.register.value("SELECT person_id FROM returns.return_row WHERE row_no = 2")
    family.register.flag(person, "restriction")
    assert assemble.check(family.doors, return_id)["E10"] == 1
    with pytest.raises(NeedsDecision, match=r"nis-2026-H1-v1 has 1 errors; the first: row 2, field none, rule E10"):
        assemble.sign_off(family.doors, return_id, by=LEAD)
    assert ledger(family, return_id).state is State.ASSEMBLED


def test_too_few_problems_block_the_sign_off_without_telling_a_value(council):
    person = council.register.person()
    council.register.record(person, surname="Secretname")
    council.register.supported(person, problems=("P1",))
    with pytest.raises(NeedsDecision, match="row 1, field group, rule E06") as caught:
        assemble.sign_off(council.doors, drafted(council), by=LEAD)
    assert "Secretname" not in str(caught.value)


def test_two_different_people_sign_off(family):
    return_id = drafted(family)
    assert assemble.sign_off(family.doors, return_id, by=LEAD) == 1
    assert ledger(family, return_id).state is State.ASSEMBLED
    assert assemble.sign_off(family.doors, return_id, by=OFFICER) == 2
    found = ledger(family, return_id)
    assert found.state is State.SIGNED_OFF
    signatures = family.register.run("SELECT signed_by, content_sha256 FROM returns.sign_off ORDER BY 1")
    assert signatures == [(LEAD, found.content_sha256), (OFFICER, found.content_sha256)]


def test_one_person_is_never_two(family):
    return_id = drafted(family)
    assert assemble.sign_off(family.doors, return_id, by=LEAD) == 1
    assert assemble.sign_off(family.doors, return_id, by=LEAD) == 1
    with pytest.raises(NeedsDecision, match="a different person"):
        assemble.sign_off(family.doors, return_id, by=LEAD, other_than=(LEAD,))
    with pytest.raises(NeedsDecision, match="1 of 2 different people"):
        assemble.seal(family.doors, return_id)
    assert len(family.register.audited("return.signed")) == 1


@pytest.mark.parametrize("again", ["Programme.Lead", "programme lead", " programme.lead ", "Lead, Programme"])
def test_one_person_who_writes_the_name_in_another_way_is_never_two(family, again):
    return_id = drafted(family)
    assert assemble.sign_off(family.doors, return_id, by=LEAD) == 1
    assert assemble.sign_off(family.doors, return_id, by=again) == 1
    with pytest.raises(NeedsDecision, match="a different person") as caught:
        assemble.sign_off(family.doors, return_id, by=again, other_than=(LEAD,))
    assert again not in str(caught.value), "no message repeats a name"
    with pytest.raises(NeedsDecision, match="1 of 2 different people"):
        assemble.seal(family.doors, return_id)
    assert assemble.sign_off(family.doors, return_id, by=OFFICER) == 2, "a second person is one"


def test_one_person_who_signs_in_two_sessions_at_once_is_never_two(family, monkeypatch):
    return_id, others = drafted(family), []
    with ThreadPoolExecutor() as pool:

        def again():
            others.append(pool.submit(assemble.sign_off, family.doors, return_id, by="Lead, Programme"))
            wait(others, timeout=0.2)

        meanwhile.happens(monkeypatch, again, before="returns.claim")
        assert assemble.sign_off(family.doors, return_id, by=LEAD) == 1
    assert others[0].result() == 1
    assert ledger(family, return_id).state is State.ASSEMBLED
    assert len(family.register.audited("return.signed")) == 1


@pytest.mark.parametrize("nobody", ["", "  ", "exchange", "Airflow", "..."])
def test_nobody_and_no_machine_signs_or_gives_up_a_return(family, nobody):
    return_id = drafted(family)
    with pytest.raises(NeedsDecision, match="person"):
        assemble.sign_off(family.doors, return_id, by=nobody)
    with pytest.raises(NeedsDecision, match="person"):
        assemble.void(family.doors, return_id, by=nobody, reason=assemble.Why.CHECKS_FAILED)
    assert ledger(family, return_id).state is State.ASSEMBLED
    assert family.register.audited("return.signed") == []


def test_signing_again_after_it_was_enough_changes_nothing(family):
    return_id = sealed(family)
    before = family.register.run("SELECT seq FROM audit.event")
    assert assemble.sign_off(family.doors, return_id, by=OFFICER) == 2
    assert family.register.run("SELECT seq FROM audit.event") == before
    with pytest.raises(NeedsDecision, match="nothing to sign off"):
        assemble.sign_off(family.doors, return_id, by="somebody.else")


@pytest.mark.requirement("R-059")
def test_a_seal_is_made_once(family):
    return_id = sealed(family)
    first = ledger(family, return_id)
    assert first.state is State.SEALED
    assert first.final_name == f"{family.doors.profile.council}_nis_2026-H1_v1_{first.ct_sha256.hex()[:12]}.csv.pgp"
    assert family.doors.vault.whole(first.ct_sha256)
    assert assemble.seal(family.doors, return_id) == return_id
    assert ledger(family, return_id) == first
    (body,) = family.register.audited("return.sealed")
    assert (body["sha256"], body["to"]) == (first.ct_sha256.hex(), family.doors.settings.recipient_key)


def test_the_recipient_opens_exactly_what_was_signed_off(family):
    return_id = sealed(family, "fpd")
    lines = opened(family, return_id).decode().splitlines()
    assert lines[0] == ",".join(family.doors.profile.returns["fpd"].fields)
    assert len(lines) == 3


def test_rows_that_changed_after_the_sign_off_are_not_sealed(family):
    return_id = signed(family)
    family.register.run("""UPDATE returns.return_row SET content = content || '{"sex": "U"}' WHERE row_no = 1""")
    with pytest.raises(NeedsDecision, match="not those that people signed off"):
        assemble.seal(family.doors, return_id)
    assert ledger(family, return_id).state is State.SIGNED_OFF
    assert list(family.doors.vault.held()) == []


KILLED = """
import sys
from pathlib import Path
from family_exchange.adapters import profiles
from family_exchange.adapters.doors import Doors
from family_exchange.adapters.settings import CouncilSettings, SftpEndpoint
from family_exchange.stages import assemble
council, database, state, own, theirs, return_id = sys.argv[1:]
nowhere = SftpEndpoint("localhost", 1, "nobody", Path("/dev/null"), "")
settings = CouncilSettings(council, database, Path(state), own, theirs, nowhere, nowhere)
assemble.seal(Doors(profiles.profile(council), settings), return_id)
"""


@pytest.mark.parametrize("point", ["seal.noted", "seal.stored"])
def test_a_seal_that_was_cut_off_is_finished_and_leaves_one_object(family, point):
    return_id, settings = signed(family), family.doors.settings
    arguments = [settings.council, settings.database, str(settings.state), settings.own_key, settings.recipient_key]
    run = subprocess.run(
        [sys.executable, "-c", KILLED, *arguments, return_id],
        env={VARIABLE: point, "PATH": "/usr/bin:/bin", "PYTHONPATH": "include"},
        check=False,
    )
    assert run.returncode == -9
    with family.register.open() as connection:
        meanwhile.until_nobody_holds(connection)
    kept = list(family.doors.vault.held())
    assert assemble.seal(family.doors, return_id) == return_id
    found = ledger(family, return_id)
    assert list(family.doors.vault.held()) == [found.ct_sha256]
    assert kept in ([], [found.ct_sha256])
    assert (found.state, family.doors.vault.whole(found.ct_sha256)) == (State.SEALED, True)


def test_an_unknown_return_is_for_a_person(council):
    for ask in (assemble.check, assemble.seal):
        with pytest.raises(NeedsDecision, match="no return nis-1999-H1-v1"):
            ask(council.doors, "nis-1999-H1-v1")
