from datetime import date

import pytest

from family_exchange.adapters import database, profiles
from family_exchange.adapters import register as registry
from family_exchange.domain.errors import NeedsDecision, TryLater
from family_exchange.domain.programme import Status
from family_exchange.stages import facts, match, programme, propose
from support.registry import TODAY, a_file, doors_to, person_of, query, with_staging
from support.troubled import CHILD, ELSEWHERE, FATHER, MOTHER, TEENAGER, a_term, an_offence, arrears, bring_up, someone


@pytest.fixture
def council(council_database):
    return with_staging(council_database)


def counts(url):
    """How many rows of evidence and how many proposals were new."""
    changed = bring_up(url)
    return changed["evidence"], changed["proposals"]


def proposals(url):
    return query(url, "SELECT problems, unknown FROM register.proposal ORDER BY 1")


def explained(url):
    (proposal,) = [row[0] for row in query(url, "SELECT proposal_id FROM register.proposal")]
    return propose.explained(doors_to(url), proposal, by="A. Reader")


def with_min_problems(council_name, least):
    profile = profiles.profile(council_name)
    choices = tuple(choice.model_copy(update={"min_problems": least}) for choice in profile.frameworks)
    return profile.model_copy(update={"frameworks": choices})


def a_family_with_two_problems(url):
    a_file(url, "police_incidents", [an_offence()])
    a_file(url, "school_attendance", [a_term()])


@pytest.mark.requirement("R-007")
def test_two_distinct_problems_of_different_members_propose_a_family(council):
    a_family_with_two_problems(council)
    assert bring_up(council)["proposals"] == 1
    ((problems, _),) = proposals(council)
    assert problems == ["P1", "P2"]


@pytest.mark.requirement("R-007")
def test_one_problem_with_many_indicators_proposes_nobody(council):
    a_file(council, "police_incidents", [an_offence(), an_offence(incident="i2", incident_type="asb")])
    a_file(council, "school_attendance", [a_term(unauthorised=0)])
    assert counts(council) == (2, 0)


@pytest.mark.requirement("R-007")
def test_a_profile_that_asks_for_three_problems_is_not_content_with_two(council):
    a_family_with_two_problems(council)
    doors = doors_to(council, profile=with_min_problems("cheshire-west-and-chester", 3))
    assert bring_up(council, doors=doors)["proposals"] == 0


@pytest.mark.requirement("D-17")
def test_a_family_without_a_dependent_child_is_not_proposed(council):
    a_file(council, "police_incidents", [an_offence(), an_offence("P2", "Alan", FATHER)])
    a_file(council, "housing_tenancies", [arrears()])
    assert bring_up(council)["proposals"] == 0


@pytest.mark.requirement("D-17")
def test_a_young_person_is_dependent_while_in_education(council):
    a_file(council, "police_incidents", [an_offence(), an_offence("P2", "Ada", TEENAGER)])
    a_file(council, "housing_tenancies", [arrears()])
    assert bring_up(council)["proposals"] == 0
    a_file(council, "school_attendance", [a_term("S1", "Ada", TEENAGER, unauthorised=0)])
    assert bring_up(council)["proposals"] == 1


@pytest.mark.requirement("D-17")
def test_a_parent_who_lives_elsewhere_counts_for_one_problem(council):
    family = [
        someone("C1", "Ada", CHILD, household_ref="F1", relationship="child"),
        someone("C2", "Grace", MOTHER, household_ref="F1", relationship="mother"),
        someone("C3", "Alan", FATHER, ELSEWHERE, household_ref="F1", relationship="father"),
    ]
    a_file(council, "childrens_social_care", family)
    a_file(council, "police_incidents", [
        an_offence("P3", "Alan", FATHER, home=ELSEWHERE),
        an_offence("P3", "Alan", FATHER, "i2", home=ELSEWHERE, incident_type="domestic_abuse"),
    ])  # fmt: skip
    assert bring_up(council)["proposals"] == 0
    a_file(council, "school_attendance", [a_term()])
    assert bring_up(council)["proposals"] == 1
    ((problems, _),) = proposals(council)
    assert problems in (["P1", "P2"], ["P2", "P5"])


@pytest.mark.requirement("R-011")
def test_rent_arrears_alone_evidence_problem_four_in_the_council_that_publishes_them(council):
    doors = doors_to(council, "wakefield")
    a_file(council, "housing_tenancies", [arrears(), arrears("H2", "Ada", CHILD)])
    bring_up(council, doors=doors)
    assert query(council, "SELECT DISTINCT problem, person_id FROM register.evidence") == [
        ("P4", person_of(council, "H1"))
    ]


@pytest.mark.requirement("D-11")
@pytest.mark.requirement("R-114")
def test_a_feed_that_did_not_come_leaves_a_problem_unknown_and_not_absent(council):
    a_family_with_two_problems(council)
    bring_up(council)
    ((_, unknown),) = proposals(council)
    assert {"P3", "P4", "P6"} <= set(unknown)
    (help_,) = [each for each in explained(council).unknown if each.code == "P3"]
    assert "a child protection plan is open: no file of childrens_social_care that covers the last months has come" in (
        help_.reasons
    )


def test_a_feed_whose_newest_file_is_old_did_not_come(council):
    a_file(council, "childrens_social_care", [someone("C9", "Ivo", CHILD)], as_of=date(2026, 3, 31))
    a_family_with_two_problems(council)
    bring_up(council)
    ((_, before),) = proposals(council)
    assert "P3" in before


def test_a_feed_that_does_not_say_what_it_covers_leaves_a_problem_unknown(council):
    silent = (None, None)
    a_file(council, "childrens_social_care", [someone("C9", "Ivo", CHILD, ELSEWHERE)], coverage=silent)
    a_family_with_two_problems(council)
    bring_up(council)
    ((_, unknown),) = proposals(council)
    assert "P3" in unknown


def test_an_empty_feed_that_came_makes_a_problem_absent(council):
    a_file(council, "childrens_social_care", [someone("C9", "Ivo", CHILD, ELSEWHERE)])
    a_family_with_two_problems(council)
    bring_up(council)
    ((_, unknown),) = proposals(council)
    assert "P3" not in unknown


@pytest.mark.requirement("R-015")
def test_evidence_carries_its_record_date_and_rule(council):
    a_family_with_two_problems(council)
    bring_up(council)
    rule = profiles.profile("cheshire-west-and-chester").framework_on(TODAY).code
    rows = query(
        council, "SELECT problem, indicator, source_record_id, framework, as_of FROM register.evidence ORDER BY 1"
    )
    assert [(problem, framework.split("/")[0]) for problem, _, _, framework, _ in rows] == [("P1", rule), ("P2", rule)]


@pytest.mark.requirement("R-093")
def test_somebody_whose_data_is_restricted_is_kept_and_not_used_to_identify(council):
    a_family_with_two_problems(council)
    doors = doors_to(council)
    match.people(doors)
    with database.transaction(council) as connection:
        connection.execute(
            "INSERT INTO rights.flag (flag_id, person_id, kind, status, recorded_by, reason) "
            "VALUES (1, %s, 'restriction', 'received', 'a. officer', 'asked')",
            (person_of(council, "P1"),),
        )
    assert counts(council) == (1, 0)


def test_a_rerun_changes_not_one_byte(council):
    a_family_with_two_problems(council)
    bring_up(council)
    with database.transaction(council) as connection:
        before = registry.digest(connection)
    events = query(council, "SELECT count(*) FROM audit.event")
    assert set(bring_up(council).values()) == {0}
    with database.transaction(council) as connection:
        assert registry.digest(connection) == before
    assert query(council, "SELECT count(*) FROM audit.event") == events


def history(url):
    return query(
        url, "SELECT problems, ended FROM register.proposal_history ORDER BY stood_from, cardinality(problems)"
    )


def test_a_fuller_proposal_takes_the_place_of_the_one_before(council):
    a_family_with_two_problems(council)
    bring_up(council)
    a_file(council, "housing_tenancies", [arrears()])
    assert bring_up(council)["proposals"] == 1
    assert [problems for problems, _ in proposals(council)] == [["P1", "P2", "P4"]]
    assert history(council) == [(["P1", "P2"], "superseded"), (["P1", "P2", "P4"], None)]


def test_a_proposal_that_is_no_longer_met_lapses_and_comes_back_as_itself(council):
    a_family_with_two_problems(council)
    bring_up(council)
    before = query(council, "SELECT * FROM register.proposal")
    a_file(council, "school_attendance", [a_term(unauthorised=0)], as_of=date(2026, 11, 10))
    assert bring_up(council)["ended"] == 1
    assert query(council, "SELECT * FROM register.proposal") == []
    assert query(council, "SELECT problem FROM register.evidence") == [("P1",)]
    a_file(council, "school_attendance", [a_term()], as_of=date(2026, 11, 11))
    assert bring_up(council, today=TODAY)["proposals"] == 1
    assert query(council, "SELECT * FROM register.proposal") == before
    assert history(council) == [(["P1", "P2"], "lapsed"), (["P1", "P2"], None)]


def test_a_proposal_lapses_when_its_time_is_over(council):
    a_family_with_two_problems(council)
    bring_up(council)
    assert bring_up(council, today=date(2027, 9, 2))["ended"] == 1
    assert history(council) == [(["P1", "P2"], "lapsed")]
    (kept,) = query(council, "SELECT count(*) FROM memory.evidence WHERE problem = 'P1' AND NOT upper_inf(recorded)")
    assert kept == (1,)


def test_what_was_decided_stays_and_is_not_proposed_again(council):
    a_family_with_two_problems(council)
    a_file(council, "housing_tenancies", [arrears()])
    bring_up(council)
    decide(doors_to(council), outcome="declined")
    a_file(council, "housing_tenancies", [arrears(amount="0.00")], as_of=date(2026, 11, 10))
    assert bring_up(council)["proposals"] == 0
    assert history(council) == [(["P1", "P2", "P4"], None)]
    assert propose.open_proposals(doors_to(council)) == []


def test_a_family_that_was_declined_comes_back_with_a_problem_that_nobody_decided_about(council):
    a_family_with_two_problems(council)
    bring_up(council)
    decide(doors_to(council), outcome="declined")
    a_file(council, "housing_tenancies", [arrears()])
    assert bring_up(council)["proposals"] == 1
    (waiting,) = propose.work_list(doors_to(council))
    assert waiting.problems == ("P1", "P2", "P4")


@pytest.mark.parametrize("status", ["invited", "accepted"])
def test_a_family_that_was_asked_is_not_on_the_work_list(council, status):
    a_family_with_two_problems(council)
    bring_up(council)
    ((family,),) = query(council, "SELECT family_id FROM register.proposal")
    programme.status(
        doors_to(council),
        family,
        Status(status),
        by="Lead Worker A",
        reason="at the school gate",
        on=TODAY,
        today=TODAY,
    )
    assert propose.work_list(doors_to(council)) == []


def test_a_family_on_the_programme_is_not_proposed_until_its_support_has_ended(council):
    a_family_with_two_problems(council)
    bring_up(council)
    ((family,),) = query(council, "SELECT family_id FROM register.proposal")
    decide(doors_to(council), supported_since=date(2026, 11, 1))
    a_file(council, "housing_tenancies", [arrears()])
    assert bring_up(council)["proposals"] == 0
    assert propose.work_list(doors_to(council)) == []
    programme.status(
        doors_to(council), family, Status.CLOSED, by="Lead Worker A", reason="goals met", on=TODAY, today=TODAY
    )
    assert bring_up(council)["proposals"] == 1
    (waiting,) = propose.work_list(doors_to(council))
    assert waiting.problems == ("P1", "P2", "P4")


def test_a_family_that_said_no_after_its_support_had_ended_comes_back_with_a_new_problem(council):
    a_family_with_two_problems(council)
    bring_up(council)
    family = decided_since(council, date(2026, 11, 1))
    for day, status in ((5, Status.CLOSED), (8, Status.INVITED), (9, Status.DECLINED)):
        to(council, family, status, date(2026, 11, day))
    assert bring_up(council)["proposals"] == 0
    a_file(council, "housing_tenancies", [arrears()])
    assert bring_up(council)["proposals"] == 1
    (waiting,) = propose.work_list(doors_to(council))
    assert waiting.problems == ("P1", "P2", "P4")


def test_a_family_that_was_taken_on_by_mistake_comes_back_with_a_new_problem_the_same_day(council):
    a_family_with_two_problems(council)
    bring_up(council)
    taken_on = date(2026, 11, 1)
    family = decided_since(council, taken_on)
    a_file(council, "housing_tenancies", [arrears()])
    assert bring_up(council)["proposals"] == 0, "it is on the programme"
    to(council, family, Status.IDENTIFIED, taken_on, instead_of=taken_on)
    assert bring_up(council)["proposals"] == 1
    (waiting,) = propose.work_list(doors_to(council))
    assert waiting.problems == ("P1", "P2", "P4")


def test_a_family_that_joined_after_its_proposal_had_lapsed_is_on_the_programme_too(council):
    a_family_with_two_problems(council)
    bring_up(council)
    ((family,),) = query(council, "SELECT family_id FROM register.proposal")
    a_file(council, "school_attendance", [a_term(unauthorised=0)], as_of=date(2026, 11, 10))
    assert bring_up(council)["ended"] == 1
    to(council, family, Status.ACCEPTED, TODAY)
    a_file(council, "housing_tenancies", [arrears()])
    assert bring_up(council)["proposals"] == 0
    to(council, family, Status.DECLINED, TODAY, instead_of=TODAY)
    assert bring_up(council)["proposals"] == 1


def decided_since(url, since):
    """The id of the family whose open proposal is accepted."""
    ((family,),) = query(url, "SELECT family_id FROM register.proposal")
    decide(doors_to(url), supported_since=since)
    return family


def to(url, family, status, on, **changes):
    said = {"by": "Lead Worker A", "reason": "as agreed", "on": on, "today": TODAY} | changes
    programme.status(doors_to(url), family, status, **said)


def test_a_proposal_of_a_family_to_which_somebody_came_or_who_grew_up_since_was_no_mistake(council):
    grown_up = date(2009, 12, 1)
    a_family_with_two_problems(council)
    a_file(council, "childrens_social_care", [someone("C8", "Ben", grown_up)])
    bring_up(council)
    a_file(council, "childrens_social_care", [someone("C9", "Ivo", date(2018, 1, 1))], as_of=date(2026, 11, 9))
    bring_up(council)
    before = query(council, "SELECT count(*) FROM memory.family_member")
    assert bring_up(council, today=date(2027, 12, 2))["ended"] == 1
    assert query(council, "SELECT count(*) FROM memory.family_member") > before
    assert history(council) == [(["P1", "P2"], "lapsed")]


def test_a_proposal_for_what_somebody_did_who_did_not_live_there_then_was_a_mistake(council):
    a_family_with_two_problems(council)
    bring_up(council)
    typed = '{"address_line_1": "3 Mill Lane", "postcode": "CH4 4AB"}'
    facts.rectify(
        doors_to(council), person_of(council, "P1"), attribute="address", slot="", value=typed,
        valid_from=date(2026, 1, 1), by="rights.officer", reason="the tenancy says so", today=TODAY,
    )  # fmt: skip
    assert bring_up(council)["ended"] == 1
    assert history(council) == [(["P1", "P2"], "corrected")]


@pytest.mark.requirement("R-016")
def test_open_proposals_come_with_the_most_problems_first(council):
    a_family_with_two_problems(council)
    a_file(council, "police_incidents", [
        an_offence("P5", "Vera", MOTHER, "i5", ELSEWHERE),
        an_offence("P5", "Vera", MOTHER, "i6", ELSEWHERE, incident_type="domestic_abuse", role="victim"),
    ])  # fmt: skip
    more = a_term("S5", "Ivo") | ELSEWHERE
    a_file(council, "school_attendance", [more])
    bring_up(council)
    waiting = propose.open_proposals(doors_to(council))
    sizes = dict(query(council, "SELECT proposal_id, cardinality(problems) FROM register.proposal"))
    assert [sizes[one] for one in waiting] == [3, 2]


@pytest.fixture
def proposed(council):
    a_family_with_two_problems(council)
    bring_up(council)
    return doors_to(council)


def decide(doors, ids=None, **changes):
    given = {"outcome": "accepted", "decided_by": "Lead Worker A", "reason": "agreed with the family", "on": TODAY}
    return propose.decide(doors, propose.open_proposals(doors) if ids is None else ids, **given | changes)


@pytest.mark.requirement("R-022")
@pytest.mark.requirement("D-09")
@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"decided_by": ""}, "named person"),
        ({"decided_by": "  "}, "named person"),
        ({"decided_by": "Airflow"}, "named person"),
        ({"decided_by": "exchange"}, "named person"),
        ({"reason": " "}, "reason"),
        ({"outcome": "enrolled"}, "outcome"),
        ({"ids": ["Q0"]}, "no proposal of that id"),
    ],
)
def test_nobody_and_no_machine_decides(council, proposed, changes, told):
    with pytest.raises(NeedsDecision, match=told):
        decide(proposed, **changes)
    assert query(council, "SELECT count(*) FROM register.decision") == [(0,)]


@pytest.mark.requirement("R-021")
@pytest.mark.requirement("D-09")
def test_a_decision_is_a_named_persons_and_is_made_once(council, proposed):
    ids = propose.open_proposals(proposed)
    assert decide(proposed, ids) == 1
    assert decide(proposed, ids, outcome="declined", decided_by="Somebody Else") == 0
    assert query(council, "SELECT outcome, decided_by, decided_on, reason FROM register.decision") == [
        ("accepted", "Lead Worker A", TODAY, "agreed with the family")
    ]
    assert propose.open_proposals(proposed) == []
    (proposal,) = ids
    assert propose.explained(proposed, proposal, by="A. Reader").decided == f"accepted on {TODAY} by Lead Worker A"
    ((actor, event),) = query(
        council, "SELECT actor, convert_from(event, 'UTF8') FROM audit.event WHERE kind = 'register.decisions'"
    )
    assert actor == "Lead Worker A"
    assert '"decided": 1' in event
    assert "agreed with" not in event


@pytest.mark.requirement("R-022")
def test_a_proposal_by_itself_enrols_nobody(council, proposed):
    assert query(council, "SELECT count(*) FROM register.decision") == [(0,)]


@pytest.mark.requirement("R-028")
def test_a_council_draws_no_conclusion_from_what_its_notice_does_not_name(council):
    profile = profiles.profile("cheshire-west-and-chester")
    classes = tuple(each for each in profile.data_classes if each.data_class != "crime_asb")
    doors = doors_to(council, profile=profile.model_copy(update={"data_classes": classes}))
    a_family_with_two_problems(council)
    a_file(council, "housing_tenancies", [arrears()])
    assert bring_up(council, doors=doors)["proposals"] == 1
    ((problems, unknown),) = proposals(council)
    assert problems == ["P2", "P4"]
    assert "P1" in unknown


def test_one_writer_at_a_time(council):
    with database.transaction(council) as connection:
        assert database.lock(connection, registry.LOCK, "register")
        with pytest.raises(TryLater):
            propose.families(doors_to(council), today=TODAY)
