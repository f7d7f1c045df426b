from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import pytest

from family_exchange.adapters import audit, database, reading
from family_exchange.adapters.eligibility import Answer
from family_exchange.adapters.monthly import Counts
from family_exchange.domain.errors import NeedsDecision, TryLater
from family_exchange.domain.indicator import Route
from family_exchange.domain.programme import Gap, Status
from family_exchange.stages import enquire, programme
from support import meanwhile
from support.programme import doors, register
from support.register import TODAY

MAY, JUNE = date(2026, 5, 1), date(2026, 6, 1)
MOTHER, CHILD, GROWN = date(1990, 5, 5), date(2015, 3, 4), date(2005, 3, 4)
BY = "Lead Worker A"
__all__ = ["doors", "register"]
OFFENCE = {"role": "offender", "incident_type": "crime", "outcome": "charged", "da_flag": False}
ABSENT = {"sessions_possible": 120, "sessions_authorised": 0, "sessions_unauthorised": 40, "fixed_term_exclusions": 0}


def someone(register, born=MOTHER, *, feed="police_incidents", facts=None, **record):
    person = register.person()
    register.record(
        person, feed=feed, date_of_birth=born, facts=facts or {}, **({"event_on": date(2026, 7, 20)} | record)
    )
    return person


@pytest.fixture
def mother(register):
    return someone(register, facts=OFFENCE, forename="Grace")


@pytest.fixture
def child(register):
    return someone(register, CHILD, feed="school_attendance", facts=ABSENT, forename="Ada")


@pytest.fixture
def supported(register, mother, child):
    """A family on the programme, of a mother and a child."""
    return register.supported(mother, child)


def care(doors, family, *members, **changes):
    said = {"on": JUNE, "by": BY, "today": TODAY} | changes
    programme.lead(doors, family, name="Worker W", organisation="Early Help", **said)
    programme.plan(doors, family, inside=members, **said)


def gaps(doors, *, today=TODAY):
    return [(one.family, one.gap, one.person) for one in enquire.exceptions(doors, today=today)]


@pytest.mark.requirement("R-023")
@pytest.mark.requirement("R-024")
def test_a_supported_family_with_a_lead_worker_and_everybody_in_the_plan_is_no_exception(
    doors, supported, mother, child
):
    care(doors, supported, mother, child)
    assert gaps(doors) == []


@pytest.mark.requirement("R-023")
def test_a_supported_family_without_a_lead_worker_is_an_exception_and_history_is_kept(
    register, doors, supported, mother, child
):
    care(doors, supported, mother, child)
    programme.lead(doors, supported, name="Worker X", organisation="School", on=date(2026, 8, 1), by=BY, today=TODAY)
    assert gaps(doors) == []
    programme.lead_ends(doors, supported, on=date(2026, 10, 1), by=BY, today=TODAY)
    assert gaps(doors) == [(supported, Gap.NO_LEAD_WORKER, None)]
    assert (supported, Gap.NO_LEAD_WORKER, None) not in gaps(doors, today=date(2026, 9, 30))
    assert register.run("SELECT name, lower(valid), upper(valid) FROM register.family_worker ORDER BY valid") == [
        ("Worker W", JUNE, date(2026, 8, 1)),
        ("Worker X", date(2026, 8, 1), date(2026, 10, 1)),
    ]


@pytest.mark.requirement("R-023")
def test_the_team_around_the_family_is_recorded_and_who_leaves_it_stays_in_its_history(register, doors, supported):
    said = {"by": BY, "today": TODAY}
    programme.joins_team(doors, supported, name="Worker T", organisation="School", on=JUNE, **said)
    programme.joins_team(doors, supported, name="Worker U", organisation="Housing", on=JUNE, **said)
    programme.leaves_team(doors, supported, name="worker t", organisation="SCHOOL", on=date(2026, 9, 1), **said)
    rows = register.run("SELECT name, upper(valid) FROM register.family_worker WHERE duty = 'team' ORDER BY name")
    assert rows == [("Worker T", date(2026, 9, 1)), ("Worker U", None)]
    with pytest.raises(NeedsDecision, match="could end"):
        programme.leaves_team(doors, supported, name="Worker V", organisation="School", on=TODAY, **said)


@pytest.mark.requirement("R-024")
def test_each_member_is_in_the_plan_or_outside_it_for_a_reason(doors, supported, mother, child):
    care(doors, supported, child)
    assert gaps(doors) == [(supported, Gap.NOBODY_SAID, mother)]
    said = {"on": JUNE, "by": BY, "today": TODAY}
    programme.plan(doors, supported, outside=[mother], **said)
    assert gaps(doors) == [(supported, Gap.OUTSIDE_WITHOUT_REASON, mother)]
    programme.plan(doors, supported, outside=[mother], reason="supported by adult services", **said)
    assert gaps(doors) == []


@pytest.mark.requirement("R-024")
def test_what_was_said_of_an_id_that_turned_out_to_be_another_persons_is_said_of_that_person(
    register, doors, supported, mother, child
):
    care(doors, supported, mother, child)
    survivor = someone(register)
    register.run("INSERT INTO memory.person_pointer (person_id, points_to) VALUES (%s, %s)", mother, survivor)
    register.run("UPDATE memory.family_member SET recorded = tstzrange(lower(recorded), clock_timestamp())"
                 " WHERE person_id = %s", mother)  # fmt: skip
    register.member(supported, survivor)
    assert gaps(doors) == []


@pytest.mark.requirement("R-024")
def test_nobody_but_a_member_of_the_family_is_put_into_its_plan(register, doors, supported):
    stranger = register.person()
    with pytest.raises(NeedsDecision, match=stranger):
        programme.plan(doors, supported, inside=[stranger], on=JUNE, by=BY, today=TODAY)


def test_a_family_whose_support_ends_meanwhile_is_told_whole_or_not_at_all(register, doors, mother, monkeypatch):
    grown = someone(register, GROWN)
    supported = register.supported(mother, grown)
    before = gaps(doors)
    assert {Gap.NO_LEAD_WORKER, Gap.NO_DEPENDENT_CHILD} <= {gap for _, gap, _ in before}
    ends = {"by": BY, "reason": "they moved away", "on": TODAY, "today": TODAY}
    meanwhile.happens(
        monkeypatch,
        lambda: programme.status(doors, supported, Status.CLOSED, **ends),
        before="AS gap",
    )
    assert gaps(doors) == before
    assert gaps(doors) == []


def test_a_family_whose_children_have_grown_up_is_an_exception(register, doors, mother, child):
    grown = someone(register, GROWN)
    supported = register.supported(mother, grown)
    care(doors, supported, mother, grown)
    assert gaps(doors) == [(supported, Gap.NO_DEPENDENT_CHILD, None)]
    register.member(supported, child)
    programme.plan(doors, supported, inside=[child], on=JUNE, by=BY, today=TODAY)
    assert gaps(doors) == []


def test_of_a_family_with_a_restricted_child_nobody_is_told_that_it_has_none(register, doors, supported, mother, child):
    care(doors, supported, mother, child)
    flag = register.flag(child)
    assert gaps(doors) == []
    register.run("UPDATE rights.flag SET status = 'lifted' WHERE flag_id = %s", flag)
    assert gaps(doors) == []
    register.run("UPDATE memory.family_member SET recorded = tstzrange(lower(recorded), clock_timestamp())"
                 " WHERE person_id = %s", child)  # fmt: skip
    assert [(family, gap) for family, gap, _ in gaps(doors)] == [(supported, Gap.NO_DEPENDENT_CHILD)]


def test_a_supported_family_to_which_nobody_belongs_any_more_is_an_exception(register, doors, mother, child):
    supported = register.supported(mother, child, to_on=date(2026, 10, 1))
    care(doors, supported, mother, child)
    assert gaps(doors) == [(supported, Gap.NO_MEMBER, None)]


def test_nothing_is_missing_in_a_family_that_nobody_supports(register, doors, mother, child):
    family = register.family(mother, child)
    register.proposal(family)
    assert gaps(doors) == []
    programme.status(doors, family, Status.DECLINED, by=BY, reason="said no", on=JUNE, today=TODAY)
    assert gaps(doors) == []


@pytest.mark.requirement("R-023")
def test_closing_ends_the_lead_worker_and_the_plan_and_a_suggestion_stays(register, doors, supported, mother, child):
    care(doors, supported, mother, child)
    programme.suggest(doors, supported, service="parenting course", reason="asked", on=JUNE, by=BY, today=TODAY)
    programme.status(doors, supported, Status.CLOSED, by=BY, reason="progress", on=date(2026, 9, 1), today=TODAY)
    assert gaps(doors) == []
    ends = register.run(
        """SELECT upper(valid) FROM register.family_worker UNION SELECT upper(valid) FROM register.plan_scope"""
    )
    assert ends == [(date(2026, 9, 1),)]
    assert register.run("SELECT service, upper(valid) FROM register.suggestion") == [("parenting course", None)]


@pytest.mark.requirement("R-005")
def test_a_person_suggests_a_service_and_takes_it_back_and_no_machine_does(register, doors, supported):
    said = {"service": "debt advice", "on": JUNE, "today": TODAY}
    with pytest.raises(NeedsDecision, match="never by a machine"):
        programme.suggest(doors, supported, reason="asked", by="exchange", **said)
    with pytest.raises(NeedsDecision, match="reason"):
        programme.suggest(doors, supported, reason="", by=BY, **said)
    programme.suggest(doors, supported, reason="asked", by=BY, **said)
    programme.suggestion_ends(doors, supported, service="debt advice", on=date(2026, 9, 1), by=BY, today=TODAY)
    assert register.run("SELECT reason, recorded_by, upper(valid) FROM register.suggestion") == [
        ("asked", BY, date(2026, 9, 1))
    ]


@pytest.mark.parametrize("by", ["", "airflow"])
def test_nobody_and_no_machine_names_a_worker_or_a_plan(doors, supported, mother, by):
    said = {"on": JUNE, "by": by, "today": TODAY}
    with pytest.raises(NeedsDecision):
        programme.lead(doors, supported, name="Worker W", organisation="Early Help", **said)
    with pytest.raises(NeedsDecision):
        programme.plan(doors, supported, inside=[mother], **said)


def test_nothing_typed_about_a_worker_or_a_plan_is_in_the_audit(register, doors, supported, mother):
    programme.lead(doors, supported, name="Zebedee Crackling", organisation="Zed House", on=JUNE, by=BY, today=TODAY)
    programme.plan(doors, supported, outside=[mother], reason="Zed is away", on=JUNE, by=BY, today=TODAY)
    programme.suggest(doors, supported, service="Zed club", reason="Zed asked", on=JUNE, by=BY, today=TODAY)
    bodies = [*register.audited("programme.worker"), *register.audited("programme.plan"),
              *register.audited("programme.suggestion")]  # fmt: skip
    assert len(bodies) == 3
    assert "Zed" not in str(bodies)


NOVEMBER = datetime(2026, 11, 1, tzinfo=UTC)


def month(doors, *, at=datetime(2999, 1, 1, tzinfo=UTC)):
    return enquire.month(doors, NOVEMBER.date(), at=at)


@pytest.fixture
def of_every_kind(register):
    """Families as a council has them: one only assessed, one proposed, and one in each state."""
    register.family(register.person())
    register.proposal(register.family(register.person()))
    register.supported(register.person())
    for outcome in ("declined", "not_invited"):
        register.decision(register.proposal(register.family(register.person())), outcome=outcome)
    referred = register.person()
    register.record(referred, feed="direct_referrals", facts={"referral_reason": "crisis"})
    register.family(referred)


@pytest.mark.requirement("R-020")
def test_a_month_counts_families_assessed_eligible_enrolled_declined_and_for_comparison(doors, of_every_kind):
    counted = month(doors)
    assert counted.total == Counts(
        assessed=6, eligible=4, invited=0, enrolled=1, declined=1, not_invited=1, closed=0, comparison=3
    )
    assert counted.over


@pytest.mark.requirement("R-018")
@pytest.mark.requirement("R-020")
def test_a_family_that_was_referred_and_shows_too_little_is_counted_by_its_route_and_is_not_eligible(
    doors, of_every_kind
):
    counted = month(doors)
    assert counted.by_route[Route.REFERRAL] == Counts(assessed=1)
    assert counted.by_route[Route.DATA].assessed == 5
    assert counted.by_route[Route.NOMINATION] == Counts()


@pytest.mark.requirement("R-020")
def test_a_month_asked_again_later_counts_the_same_and_what_came_after_it_counts_in_the_next(
    register, doors, of_every_kind
):
    """The month's end is set between what is written before and after: nothing waits for a real one."""
    with register.open() as connection:
        (ended_at,) = connection.execute("SELECT clock_timestamp()").fetchone()
    before = enquire.counted(doors, last_day=TODAY, known_at=ended_at)
    register.supported(register.person())
    closed = register.value("SELECT min(family_id) FROM register.family_status WHERE status = 'accepted'")
    programme.status(doors, closed, Status.CLOSED, by=BY, reason="moved", on=JUNE, today=TODAY)
    assert enquire.counted(doors, last_day=TODAY, known_at=ended_at) == before
    after = enquire.counted(doors, last_day=TODAY, known_at=ended_at + timedelta(days=1))
    assert (before[Route.DATA].enrolled, after[Route.DATA].enrolled) == (1, 1)
    assert (before[Route.DATA].closed, after[Route.DATA].closed) == (0, 1)
    assert after[Route.DATA].assessed == before[Route.DATA].assessed + 1


def test_a_month_that_goes_on_counts_so_far_and_one_that_has_not_begun_is_refused(doors):
    assert not month(doors, at=datetime(2026, 11, 22, 9, tzinfo=UTC)).over
    with pytest.raises(NeedsDecision, match="not begun"):
        month(doors, at=datetime(2026, 10, 31, 23, tzinfo=UTC))


def test_a_month_ends_at_midnight_in_london():
    assert enquire.last_moment(date(2026, 6, 1)) == datetime(2026, 6, 30, 23, tzinfo=UTC)
    assert enquire.last_moment(date(2026, 12, 1)) == datetime(2027, 1, 1, tzinfo=UTC)


def ask(doors, person, **changes):
    return enquire.eligible(doors, person, **({"by": BY, "today": TODAY} | changes))


@pytest.mark.requirement("R-019")
def test_who_asks_hears_whether_the_family_is_eligible_and_of_the_reasons_only_their_own(
    register, doors, mother, child
):
    family = register.family(mother, child)
    register.proposal(family, proposed_on=MAY)
    (told,) = ask(doors, mother).families
    assert (told.family, told.answer, told.since) == (family, Answer.YES, MAY)
    assert told.own_problems == ("P1",)
    assert told.status is Status.IDENTIFIED
    (childs,) = ask(doors, child).families
    assert childs.own_problems == ("P2",)


def test_who_asks_waits_for_the_audit_and_not_for_ever(register, doors, mother, monkeypatch):
    with monkeypatch.context() as soon, register.open() as busy:
        soon.setattr(reading, "PATIENCE_SECONDS", 0.1)
        busy.execute("SELECT FROM audit.head FOR UPDATE")
        with pytest.raises(TryLater, match="55P03"):
            ask(doors, mother)
    assert ask(doors, mother).person == mother


@pytest.mark.requirement("R-019")
def test_who_asks_hears_how_the_family_stands_to_the_programme(doors, supported, mother):
    (told,) = ask(doors, mother).families
    assert (told.status, told.status_since) == (Status.ACCEPTED, date(2026, 5, 15))


@pytest.mark.requirement("R-019")
@pytest.mark.requirement("R-012")
@pytest.mark.parametrize("role", ["suspect", "victim"])
@pytest.mark.parametrize("says_so", [{"incident_type": "domestic_abuse"}, {"incident_type": "crime", "da_flag": True}])
def test_nothing_of_abuse_is_told_to_either_side_though_it_counts(register, doors, child, role, says_so):
    facts = {"role": role, "outcome": "charged", "da_flag": False} | says_so
    asking = someone(register, facts=facts, event_ref="I1")
    other = someone(register, facts=OFFENCE | {"role": "suspect" if role == "victim" else "victim"}, event_ref="I1")
    family = register.family(asking, other, child)
    for one in (asking, other):
        (told,) = ask(doors, one).families
        assert (told.family, told.answer, told.own_problems) == (family, Answer.YES, ())


@pytest.mark.requirement("R-019")
def test_too_little_is_not_yet_told_while_feeds_have_not_come_and_no_when_nothing_could_change_it(
    register, doors, child
):
    grown = someone(register, GROWN, facts=OFFENCE)
    register.family(grown)
    register.family(child)
    assert [one.answer for one in ask(doors, child).families] == [Answer.NOT_YET_TOLD]
    assert [one.answer for one in ask(doors, grown).families] == [Answer.NO]


@pytest.mark.requirement("R-019")
def test_nobody_of_whom_no_family_is_known_is_told_anything(register, doors):
    assert ask(doors, register.person()).families == ()
    with pytest.raises(NeedsDecision, match="nobody of that id"):
        ask(doors, "P0")


@pytest.mark.requirement("R-019")
def test_asking_for_somebody_is_a_read_of_their_record_by_a_named_person(register, doors, supported, mother):
    with pytest.raises(NeedsDecision, match="named person"):
        ask(doors, mother, by=" ")
    assert register.audited("register.read") == []
    ask(doors, mother)
    (body,) = register.audited("register.read")
    assert body["person"] == mother
    assert body["purpose"] == "identify"


@pytest.mark.requirement("R-019")
def test_who_asks_while_another_worker_records_something_waits_and_is_answered(
    register, doors, supported, mother, monkeypatch
):
    monkeypatch.setattr(reading, "PATIENCE_SECONDS", 120)
    with ThreadPoolExecutor() as pool:
        with database.transaction(doors.database) as worker:
            audit.append(worker, "test.happened", "worker", {})
            asking = pool.submit(ask, doors, mother)
            with pytest.raises(TimeoutError):
                asking.result(timeout=0.2)
        (told,) = asking.result(timeout=120).families
    assert told.family == supported
    assert [body["person"] for body in register.audited("register.read")] == [mother]
