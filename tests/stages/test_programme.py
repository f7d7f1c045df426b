import ast
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from family_exchange.adapters import database
from family_exchange.adapters import programme as writing
from family_exchange.adapters import register as registry
from family_exchange.domain.errors import NeedsDecision, TryLater
from family_exchange.domain.key import NOT_A_PERSON
from family_exchange.stages import programme, propose
from support.programme import BY, WHY, doors, family, register, set_to
from support.purging import count, purged
from support.register import TODAY

MAY, JUNE, JULY = date(2026, 5, 1), date(2026, 6, 1), date(2026, 7, 1)
SOURCE = Path(__file__).parents[2] / "include" / "family_exchange"
__all__ = ["doors", "family", "register"]


@pytest.fixture
def proposal(register, family):
    return register.value("SELECT proposal_id FROM register.proposal WHERE family_id = %s", family)


def statuses(register, family):
    return register.run(
        "SELECT status, lower(valid), upper(valid) FROM register.family_status WHERE family_id = %s ORDER BY valid",
        family,
    )


def kept(register, table="family_status"):
    """Everything that was ever held, oldest first: whether it still is, and of which days it tells."""
    return register.run(
        f"SELECT upper_inf(recorded), lower(valid), upper(valid) FROM memory.{table} ORDER BY lower(recorded), valid"
    )


@pytest.mark.requirement("R-021")
@pytest.mark.requirement("R-037")
def test_a_family_is_asked_accepts_and_is_closed_by_named_people_with_dates_and_reasons(register, doors, family):
    set_to(doors, family, "invited", MAY)
    set_to(doors, family, "accepted", JUNE, reason="said yes")
    set_to(doors, family, "closed", JULY, by="Manager B", reason="progress was made")
    assert statuses(register, family) == [
        ("invited", MAY, JUNE),
        ("accepted", JUNE, JULY),
        ("closed", JULY, None),
    ]
    assert register.run("SELECT decided_by, reason FROM register.family_status ORDER BY valid") == [
        (BY, WHY),
        (BY, "said yes"),
        ("Manager B", "progress was made"),
    ]


def test_a_change_is_one_audit_event_with_ids_and_codes_and_nothing_that_was_typed(register, doors, family):
    set_to(doors, family, "invited", MAY)
    (body,) = register.audited("programme.status")
    assert body == {"family": family, "status": "invited", "before": None, "on": "2026-05-01", "instead_of": None}
    assert register.run("SELECT actor FROM audit.event WHERE kind = 'programme.status'") == [(BY,)]


@pytest.mark.requirement("R-021")
@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"by": " "}, "named person"),
        ({"by": "Airflow"}, "never by a machine"),
        ({"reason": " "}, "reason"),
        ({"on": TODAY + timedelta(1)}, "has not come"),
    ],
)
def test_without_a_person_a_reason_and_a_day_nothing_changes(register, doors, family, changes, told):
    with pytest.raises(NeedsDecision, match=told):
        set_to(doors, family, "accepted", **({"on": MAY} | changes))
    assert statuses(register, family) == []


def test_only_a_family_of_the_register_that_something_proposes_can_join(register, doors):
    with pytest.raises(NeedsDecision, match="no family of that id"):
        set_to(doors, "H0", "invited", MAY)
    unproposed = register.family(register.person())
    with pytest.raises(NeedsDecision, match="nothing proposes"):
        set_to(doors, unproposed, "accepted", MAY)


@pytest.mark.requirement("R-037")
def test_a_corrected_entry_stays_in_the_memory_and_the_register_shows_the_correction(register, doors, family):
    set_to(doors, family, "accepted", MAY)
    with register.open() as connection:
        (before,) = connection.execute("SELECT clock_timestamp()").fetchone()
    set_to(doors, family, "accepted", JUNE, instead_of=MAY, reason="the first visit was in June")
    assert statuses(register, family) == [("accepted", JUNE, None)]
    assert kept(register) == [(False, MAY, None), (True, JUNE, None)]
    with register.open() as connection:
        connection.execute("SELECT set_config('family_exchange.as_known', %s, true)", (before.isoformat(),))
        assert connection.execute("SELECT lower(valid) FROM register.family_status").fetchall() == [(MAY,)]


@pytest.mark.requirement("R-021")
@pytest.mark.parametrize(
    ("outcome", "status", "since"), [("accepted", "accepted", MAY), ("declined", "declined", TODAY),
                                     ("not_invited", "not_invited", TODAY)],
)  # fmt: skip
def test_a_decided_proposal_sets_the_status_of_its_family(register, doors, family, proposal, outcome, status, since):
    said = {"outcome": outcome, "decided_by": BY, "reason": WHY, "on": TODAY, "supported_since": MAY}
    assert propose.decide(doors, [proposal], **said) == 1
    assert statuses(register, family) == [(status, since, None)]
    assert register.run("SELECT decided_by, reason, proposal_id FROM register.family_status") == [(BY, WHY, proposal)]


def test_a_family_on_the_programme_stays_there_whatever_becomes_of_a_further_proposal(register, doors, family):
    set_to(doors, family, "accepted", MAY)
    further = register.proposal(family, problems=("P1", "P2", "P4"))
    said = {"outcome": "declined", "decided_by": BY, "reason": WHY, "on": TODAY}
    assert propose.decide(doors, [further], **said) == 1
    assert statuses(register, family) == [("accepted", MAY, None)]


def test_a_status_that_answers_decides_the_open_proposals_too(register, doors, family):
    set_to(doors, family, "invited", MAY)
    assert register.run("SELECT outcome FROM register.decision") == []
    set_to(doors, family, "declined", JUNE)
    assert register.run("SELECT outcome, decided_by, decided_on FROM register.decision") == [("declined", BY, JUNE)]


def test_many_families_are_decided_at_once_and_each_has_its_status(register, doors):
    families = [register.family(register.person()) for _ in range(3)]
    proposals = [register.proposal(one) for one in families]
    said = {"outcome": "accepted", "decided_by": BY, "reason": WHY, "on": TODAY, "supported_since": MAY}
    assert propose.decide(doors, proposals, **said) == 3
    assert {one: statuses(register, one) for one in families} == {one: [("accepted", MAY, None)] for one in families}
    assert register.audited("programme.status") == [
        {"status": "accepted", "families": sorted(families), "on": "2026-05-01"}
    ]


def test_who_writes_while_the_register_is_brought_up_to_date_is_asked_to_try_later(
    doors, register, family, monkeypatch
):
    monkeypatch.setattr(writing, "TURN_SECONDS", 0.05)
    with database.transaction(register.url) as update:
        assert database.lock(update, registry.LOCK, "register")
        with pytest.raises(TryLater):
            set_to(doors, family, "invited", MAY)
    set_to(doors, family, "invited", MAY)
    assert statuses(register, family) == [("invited", MAY, None)]


@pytest.mark.requirement("R-018")
@pytest.mark.requirement("R-037")
def test_the_route_and_the_reason_for_the_referral_are_kept_with_the_status(register, doors):
    person = register.person()
    referred, found = register.family(person), register.family(register.person())
    register.record(
        person, feed="direct_referrals", facts={"referral_reason": "crisis", "referrer_role": "school"}, category="x"
    )
    for one in (referred, found):
        register.proposal(one)
        set_to(doors, one, "invited", TODAY)
    assert register.run("SELECT family_id, route, referral_reason FROM register.family_status ORDER BY route") == [
        (found, "data", None),
        (referred, "referral", "crisis"),
    ]


@pytest.mark.requirement("R-018")
def test_a_family_that_a_professional_nominated_is_labelled_so(register, doors, family):
    number = register.value(
        """INSERT INTO register.nomination (family_id, indicator, framework, nominated_by, role, reason, nominated_on)
           VALUES (%s, 'crime_nomination', 'TFP2015', 'a. teacher', 'school', 'seen', %s) RETURNING nomination_no""",
        family, MAY,
    )  # fmt: skip
    register.run(
        """INSERT INTO memory.evidence (evidence_id, family_id, nomination_no, problem, indicator, framework, as_of)
           VALUES ('E1', %s, %s, 'P1', 'crime_nomination', 'TFP2015/3', %s)""",
        family, number, MAY,
    )  # fmt: skip
    set_to(doors, family, "invited", TODAY)
    assert register.value("SELECT route FROM register.family_status") == "nomination"


@pytest.mark.requirement("R-021")
@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("status", "enrolled"),
        *(("decided_by", machine) for machine in sorted(NOT_A_PERSON)),
        ("decided_by", " "),
        ("reason", " "),
        ("valid", "(,)"),
    ],
)
def test_the_database_itself_takes_no_status_that_no_person_gave(register, family, column, value):
    row = {"status": "accepted", "valid": "[2026-05-01,)", "decided_by": BY, "reason": WHY}
    insert = (
        "INSERT INTO memory.family_status (family_id, status, valid, decided_by, reason) VALUES (%s, %s, %s, %s, %s)"
    )
    with pytest.raises(database.DatabaseRefused, match="23514"):
        register.run(insert, family, *(row | {column: value}).values())
    register.run(insert, family, *row.values())


@pytest.mark.requirement("R-016")
@pytest.mark.requirement("R-022")
def test_however_high_a_family_ranks_nothing_happens_to_it_until_a_person_decides(register, doors):
    offence = {"role": "offender", "incident_type": "crime", "outcome": "charged", "da_flag": False}
    term = {"sessions_possible": 120, "sessions_unauthorised": 60, "sessions_authorised": 0}
    for arrears in ("0.00", "9000.00"):
        adult, child = register.person(), register.person()
        register.record(adult, date_of_birth=date(1990, 5, 5), facts=offence, event_on=JULY)
        register.record(adult, feed="housing_tenancies", facts={"arrears_amount": arrears}, event_on=None)
        register.record(child, date_of_birth=date(2015, 5, 5), feed="school_attendance", facts=term, event_on=JULY)
        register.family(adult, child)
    for days in range(3):
        propose.families(doors, today=TODAY + timedelta(days))
    ranked = propose.work_list(doors)
    assert [len(one.problems) for one in ranked] == [3, 2]
    assert register.run("SELECT family_id FROM register.family_status") == []
    assert register.run("SELECT decision_id FROM register.decision") == []
    set_to(doors, ranked[-1].family, "accepted", TODAY)
    assert register.run("SELECT family_id FROM register.family_status") == [(ranked[-1].family,)]
    assert [one.family for one in propose.work_list(doors)] == [ranked[0].family]


@pytest.mark.requirement("R-017")
def test_that_families_were_identified_after_each_accepted_file_is_in_the_audit(register, doors):
    first = register.file()
    propose.families(doors, today=TODAY)
    second = register.file("school_attendance", registered_at=datetime.now(UTC))
    propose.families(doors, today=TODAY)
    propose.families(doors, today=TODAY)
    assert [ran["files"] for ran in register.audited("register.proposals")] == [[first], [second]]


def test_nothing_of_the_programme_is_left_of_a_family_that_was_destroyed(old):
    family = old.register.value("SELECT family_id FROM register.family_status")
    (person,) = old.register.run("SELECT person_id FROM register.family_member WHERE family_id = %s", family)[0]
    said = {"on": JUNE, "by": BY, "today": TODAY}
    programme.lead(old.doors, family, name="Worker W", organisation="Early Help", **said)
    programme.lead(old.doors, family, name="Worker X", organisation="Early Help", **said)
    programme.plan(old.doors, family, inside=[person], **said)
    programme.suggest(old.doors, family, service="debt advice", reason="asked", **said)
    set_to(old.doors, family, "accepted", JUNE, instead_of=date(2026, 5, 15))
    kept_in = ("family_status", "family_worker", "plan_scope", "suggestion")
    assert [count(old, f"memory.{table}") for table in kept_in] == [2, 2, 1, 1]
    purged(old)
    assert [count(old, f"memory.{table}") for table in kept_in] == [0, 0, 0, 0]


@pytest.mark.requirement("R-021")
def test_one_page_alone_writes_a_status_and_what_it_writes_is_a_named_persons_decision():
    pages = {path: path.read_text() for path in SOURCE.rglob("*.py") if "migrations" not in path.parts}
    assert [path.name for path, text in pages.items() if re.search(r"INTO\s+memory\.family_status", text)] == []
    (page,) = [path for path, text in pages.items() if re.search(r"Kept\(\s*.family_status", text)]
    assert page == SOURCE / "adapters" / "programme.py"
    assert [path.name for path, text in pages.items() if "FAMILY_STATUS" in text] == ["programme.py"]
    tree = ast.parse(pages[page])
    made = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) == "Standing"]
    new = [[ast.unparse(word) for word in node.args[1:3]] for node in made if len(node.args) > 2]
    assert new == [["decision.by", "decision.reason"]] * 2
    taken = [
        ast.unparse(node.annotation) for node in ast.walk(tree) if isinstance(node, ast.arg) and node.arg == "decision"
    ]
    assert taken == ["Decision"]
    assert (
        len(re.findall(r"\bdecision = Decision\(", pages[page])) == len(re.findall(r"\bdecision = ", pages[page])) == 1
    )
