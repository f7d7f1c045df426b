"""Why a family is proposed: what people read, what professionals say, and what can be computed again in years."""

from dataclasses import replace
from datetime import date, timedelta
from html.parser import HTMLParser

import pytest

from family_exchange.adapters import database, evidence, explanation_page, letting_go
from family_exchange.adapters import register as registry
from family_exchange.adapters.worklist import Order
from family_exchange.domain.errors import NeedsDecision, TryLater
from family_exchange.domain.indicator import Route
from family_exchange.stages import nominate, propose
from support import meanwhile
from support.registry import TODAY, a_file, doors_to, person_of, query
from support.troubled import (
    CHILD,
    ELSEWHERE,
    FATHER,
    MOTHER,
    a_referral,
    a_term,
    an_offence,
    arrears,
    bring_up,
    someone,
    taking_every_feed,
    with_every_feed,
)


@pytest.fixture
def council(council_database):
    return with_every_feed(council_database)


def everything(url, council="cheshire-west-and-chester"):
    return doors_to(url, council, profile=taking_every_feed(council))


@pytest.fixture
def proposed(council):
    """A family with a charge and a pupil who was away; the father lives elsewhere and has problems of his own."""
    a_file(council, "childrens_social_care", [
        someone("C1", "Ada", CHILD, household_ref="F1", relationship="child"),
        someone("C2", "Grace", MOTHER, household_ref="F1", relationship="mother"),
        someone("C3", "Alan", FATHER, ELSEWHERE, household_ref="F1", relationship="father"),
    ])  # fmt: skip
    a_file(council, "police_incidents", [
        an_offence("P3", "Alan", FATHER, home=ELSEWHERE),
        an_offence("P3", "Alan", FATHER, "i2", home=ELSEWHERE, incident_type="domestic_abuse", role="suspect"),
    ])  # fmt: skip
    a_file(council, "school_attendance", [a_term()])
    bring_up(council)
    return council


def the_proposal(url):
    ((proposal,),) = query(url, "SELECT proposal_id FROM register.proposal")
    return proposal


def explained(url):
    return propose.explained(doors_to(url), the_proposal(url), by="A. Reader")


def text(url):
    return "\n".join(explanation_page.lines(explained(url)))


@pytest.mark.requirement("R-015")
def test_a_page_says_what_was_found_of_whom_by_which_rule_and_in_which_record(proposed):
    told = text(proposed)
    ((record, file, row),) = query(
        proposed,
        "SELECT source_record_id, file_id, row_no FROM register.source_record WHERE feed = 'school_attendance'",
    )
    child = person_of(proposed, "S1")
    rule = "at least 10 per cent of sessions missed without leave over the last three terms"
    assert f"{rule} [data]: a child, aged 11, lives in the home ({child})" in told
    where = f"school_attendance from schools, file {file}, row {row}, event of 2026-07-20, as of 2026-10-31"
    assert f"record {record}: {where}" in told
    assert "rule assumed: published variants differ in measure" in told
    assert f"{person_of(proposed, 'C3')}" in told
    assert "2 distinct problems propose a family; here 2 count" in told


@pytest.mark.requirement("R-014")
def test_a_page_says_when_the_council_has_published_no_criteria(proposed):
    assert explanation_page.UNPUBLISHED in text(proposed)


@pytest.mark.requirement("D-17")
def test_a_page_says_what_was_not_counted_and_why(proposed):
    one = explained(proposed)
    counted, capped = {each.code for each in one.problems}, {each.code for each in one.capped}
    assert (counted | capped, len(capped)) == ({"P1", "P2", "P5"}, 1)
    assert explanation_page.CAPPED in text(proposed)


@pytest.mark.requirement("R-114")
def test_a_page_says_what_is_unknown_and_why(proposed):
    told = text(proposed)
    assert "P4 Adults out of work or at risk of financial exclusion" in told
    assert (
        "rent arrears of 500 pounds or more: no file of housing_tenancies that covers the last months has come" in told
    )
    assert "a parent or child with a long illness or a disability: no feed tells of it" in told


@pytest.mark.requirement("R-022", "D-09")
def test_a_page_is_labelled_decision_support_and_says_who_decides(proposed):
    told = text(proposed)
    assert explanation_page.LABEL in told
    assert explanation_page.WHO_DECIDES in told
    assert told.endswith("Decision: not decided yet")


@pytest.mark.requirement("R-028")
def test_a_page_names_nobody_and_gives_no_date_of_birth(proposed):
    page = explanation_page.page(explained(proposed))
    for typed in (
        "shbarrow",
        "Grace",
        "Ada ",
        "Alan",
        "High Street",
        "CH1",
        *(f"{d}" for d in (MOTHER, FATHER, CHILD)),
    ):
        assert typed not in page


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.words = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.words.append(data)


def test_the_page_stands_alone_runs_nothing_and_says_what_the_terminal_says(proposed):
    one = explained(proposed)
    page = Page(explanation_page.page(one))
    names = {tag for tag, _ in page.tags}
    assert not names & {"script", "link", "img", "iframe", "object", "form", "a"}
    assert not any(name.startswith("on") or name in {"src", "href"} for _, attrs in page.tags for name in attrs)
    assert ("html", {"lang": "en"}) in page.tags
    words = " ".join(" ".join(page.words).split())
    for found in (found for problem in (*one.problems, *one.capped) for found in problem.found):
        assert {found.rule in words, found.who in words, found.what in words, found.source in words} == {True}


def test_what_a_stranger_typed_cannot_become_markup(proposed):
    one = explained(proposed)
    page = explanation_page.page(replace(one, decided="<script>alert(1)</script>", members=("<b>x</b>",)))
    assert "<script" not in page
    assert "<b>" not in page


def test_a_page_shows_what_was_known_when_the_family_was_proposed(proposed):
    before = text(proposed)
    a_file(proposed, "police_incidents", [an_offence("P3", "Alan", FATHER, "i9", home=ELSEWHERE)])
    a_file(proposed, "housing_tenancies", [arrears(amount="0.00")], coverage=(None, None))
    bring_up(proposed)
    assert text(proposed) == before


READS = """SELECT actor, convert_from(event, 'UTF8')::jsonb -> 'body' FROM audit.event WHERE kind = 'register.read'
            ORDER BY seq"""


def test_who_reads_a_page_is_recorded_in_the_same_breath_for_everybody_on_it(proposed):
    found = explained(proposed)
    *people, (actor, body) = query(proposed, READS)
    assert (actor, body["proposal"]) == ("A. Reader", the_proposal(proposed))
    assert {actor for actor, _ in people} == {"A. Reader"}
    read = [each["person"] for _, each in people]
    assert len(read) == len({*read}) == 3
    assert all(any(person in member for person in read) for member in found.members)
    assert query(proposed, "SELECT person_id, purpose FROM audit.person_read ORDER BY seq") == [
        (person, "identify") for person in read
    ]
    with pytest.raises(NeedsDecision, match="--by"):
        propose.explained(doors_to(proposed), the_proposal(proposed), by=" ")
    with pytest.raises(NeedsDecision, match="no proposal of that id"):
        propose.explained(doors_to(proposed), "Q0", by="A. Reader")


def test_a_page_shows_no_record_that_the_purpose_may_not_see_and_says_so(proposed):
    assert explained(proposed).beyond == 0
    its = doors_to(proposed).profile
    without = its.model_copy(update={"partners": tuple(one for one in its.partners if one.slug != "police")})
    found = propose.explained(doors_to(proposed, profile=without), the_proposal(proposed), by="A. Reader")
    told = "\n".join(explanation_page.lines(found))
    assert "police_incidents from" not in told
    assert "school_attendance from" in told
    assert found.beyond > 0
    assert "not for this purpose" in told
    assert "not for this purpose" in explanation_page.page(found)


def test_nothing_is_told_to_a_purpose_that_may_not_tell_people_apart(proposed):
    its = doors_to(proposed).profile
    purposes = tuple(
        one.model_copy(update={"identifiable": False}) if one.purpose == "identify" else one for one in its.purposes
    )
    doors = doors_to(proposed, profile=its.model_copy(update={"purposes": purposes}))
    with pytest.raises(NeedsDecision, match="nobody may read"):
        propose.explained(doors, the_proposal(proposed), by="A. Reader")
    assert query(proposed, READS) == []
    assert query(proposed, "SELECT count(*) FROM audit.event WHERE kind = 'register.read_refused'") == [(1,)]


# --- nominations and referrals ---------------------------------------------------------------------------------


@pytest.fixture
def one_problem(council):
    a_file(council, "police_incidents", [an_offence()])
    a_file(council, "school_attendance", [a_term(unauthorised=0)])
    assert bring_up(council)["proposals"] == 0
    return council


def nominated(url, subject, indicator="school_nomination", *, doors=None, **changes):
    given = {"by": "T. Each", "profession": "teacher", "reason": "seen at the gate", "on": TODAY, "today": TODAY}
    return nominate.nominate(doors or doors_to(url), subject, indicator=indicator, **given | changes)


def family_of(url, ref):
    ((family,),) = query(
        url, "SELECT DISTINCT family_id FROM register.family_member WHERE person_id = %s", person_of(url, ref)
    )
    return family


@pytest.mark.requirement("R-018")
@pytest.mark.parametrize("of", ["person", "family"])
def test_a_nomination_counts_beside_the_data_and_is_labelled(one_problem, of):
    subject = person_of(one_problem, "S1") if of == "person" else family_of(one_problem, "S1")
    number = nominated(one_problem, subject)
    assert nominated(one_problem, subject) == number
    assert bring_up(one_problem)["proposals"] == 1
    (waiting,) = propose.work_list(doors_to(one_problem))
    assert (waiting.problems, waiting.routes) == (("P1", "P2"), (Route.DATA, Route.NOMINATION))
    assert query(
        one_problem,
        "SELECT source_record_id, nomination_no, person_id IS NULL FROM register.evidence WHERE problem = 'P2'",
    ) == [(None, number, of == "family")]
    told = text(one_problem)
    assert f"nomination {number} of {TODAY} by T. Each, teacher" in told
    assert "seen at the gate" not in told


def test_a_nomination_that_is_taken_back_counts_no_more(one_problem):
    number = nominated(one_problem, person_of(one_problem, "S1"))
    bring_up(one_problem)
    assert nominate.withdraw(doors_to(one_problem), number, by="T. Each")
    assert not nominate.withdraw(doors_to(one_problem), number, by="T. Each")
    assert bring_up(one_problem)["ended"] == 1
    assert [(one.number, one.withdrawn) for one in nominate.listed(doors_to(one_problem))] == [(number, True)]
    assert query(
        one_problem, "SELECT kind, actor FROM audit.event WHERE kind LIKE 'register.nominat%%' ORDER BY seq"
    ) == [
        ("register.nominated", "T. Each"),
        ("register.nomination_withdrawn", "T. Each"),
    ]


def test_a_nomination_counts_for_its_window(one_problem):
    nominated(one_problem, person_of(one_problem, "S1"), on=TODAY - timedelta(days=364))
    assert bring_up(one_problem)["proposals"] == 1
    assert bring_up(one_problem, today=TODAY + timedelta(days=1))["ended"] == 1


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"indicator": "absence"}, "--indicator is one of crime_nomination, school_nomination"),
        ({"by": "  "}, "--by"),
        ({"by": "Airflow"}, "never by a machine"),
        ({"reason": " "}, "needs a reason"),
        ({"profession": "Head Teacher"}, "lower-case"),
        ({"on": TODAY + timedelta(days=1)}, "lies ahead"),
        ({"subject": "H0"}, "no family of that id"),
        ({"subject": "P0"}, "no person of that id"),
    ],
)
def test_a_nomination_is_a_named_persons_of_somebody_who_is_there(one_problem, changes, told):
    given = {"subject": person_of(one_problem, "S1")} | changes
    with pytest.raises(NeedsDecision, match=told):
        nominated(one_problem, given.pop("subject"), **given)
    assert query(one_problem, "SELECT count(*) FROM register.nomination") == [(0,)]


def test_a_council_takes_no_nomination_for_what_its_notice_does_not_name(one_problem):
    with pytest.raises(NeedsDecision, match="--indicator is one of"):
        nominated(one_problem, person_of(one_problem, "S1"), "abuse_nomination", doors=doors_to(one_problem, "halton"))


def test_nobody_nominates_while_the_register_is_written(one_problem):
    subject = person_of(one_problem, "S1")
    with database.transaction(one_problem) as connection:
        assert database.lock(connection, registry.LOCK, "register")
        with pytest.raises(TryLater):
            nominated(one_problem, subject)
        with pytest.raises(TryLater):
            nominate.withdraw(doors_to(one_problem), 1, by="T. Each")


@pytest.mark.requirement("R-018")
def test_a_referral_with_fewer_problems_than_the_threshold_is_stored_and_proposes_nobody(council):
    a_file(council, "school_attendance", [a_term(unauthorised=0)])
    a_file(council, "direct_referrals", [a_referral("R1", "Grace", MOTHER, "money")], partner="childrens-services")
    assert bring_up(council, doors=everything(council))["proposals"] == 0
    assert query(
        council,
        """SELECT r.partner, r.facts ->> 'referrer_role', r.facts ->> 'referral_reason', r.event_on, e.indicator
             FROM register.source_record r JOIN register.evidence e USING (source_record_id)""",
    ) == [("childrens-services", "health_visitor", "first_concern", date(2026, 10, 1), "money_referral")]


@pytest.mark.requirement("R-018")
def test_a_direct_referral_is_taken_beside_the_data_and_labelled_by_its_route(council):
    doors = everything(council)
    a_file(council, "school_attendance", [a_term()])
    a_file(council, "direct_referrals", [a_referral("R1", "Grace", MOTHER, "money")], partner="childrens-services")
    assert bring_up(council, doors=doors)["proposals"] == 1
    (waiting,) = propose.work_list(doors)
    assert (waiting.problems, waiting.routes) == (("P2", "P4"), (Route.DATA, Route.REFERRAL))
    assert propose.work_list(doors, routes=[Route.REFERRAL]) == [waiting]
    assert propose.work_list(doors, routes=[Route.NOMINATION]) == []


# --- the work list ---------------------------------------------------------------------------------------------


@pytest.mark.requirement("R-016")
def test_the_work_list_is_sorted_and_filtered_by_number_and_recency_of_problems(council):
    abuse = {"incident_type": "domestic_abuse", "role": "victim", "event_on": date(2026, 3, 1)}
    elm, oak = ({"address_line_1": f"{n} Road", "postcode": f"CH{n} 1AB"} for n in (1, 2))
    a_file(council, "police_incidents", [
        an_offence("P1", "Grace", MOTHER, "i1", elm, event_on=date(2026, 2, 1)),
        an_offence("P1", "Grace", MOTHER, "i2", elm, **abuse),
        an_offence("P2", "Vera", date(1981, 8, 1), "i3", oak, event_on=date(2026, 10, 1), surname="Thornfield"),
    ])  # fmt: skip
    ivo = {"surname": "Thornfield", "home": oak}
    a_file(council, "school_attendance", [a_term("S1", home=elm), a_term("S2", "Ivo", date(2013, 9, 9), **ivo)])
    bring_up(council)
    by_problems = propose.work_list(doors_to(council))
    by_recency = propose.work_list(doors_to(council), Order.RECENCY)
    assert [len(one.problems) for one in by_problems] == [3, 2]
    assert [one.newest for one in by_recency] == [date(2026, 10, 1), date(2026, 7, 20)]
    assert propose.work_list(doors_to(council), at_least=3) == by_problems[:1]
    assert propose.work_list(doors_to(council), problems=["P5"]) == by_problems[:1]
    assert propose.work_list(doors_to(council), problems=["P1", "P2"]) == by_problems
    assert by_problems[0].as_plain()["problems"] == ["P1", "P2", "P5"]


# --- any day, computed again -----------------------------------------------------------------------------------


def of(url, on, known_at=None, today=TODAY):
    return propose.as_of(doors_to(url), on=on, known_at=known_at, today=today)


def clock(url):
    return query(url, "SELECT clock_timestamp()")[0][0]


@pytest.mark.requirement("R-015")
def test_a_past_day_is_computed_the_same_again_and_later_and_nothing_is_written(proposed):
    with database.transaction(proposed) as connection:
        before = registry.digest(connection)
    events = query(proposed, "SELECT count(*) FROM audit.event")
    day, then = date(2026, 11, 1), clock(proposed)
    first = of(proposed, day, then)
    assert of(proposed, day, then) == first
    assert [each["problems"] for each in first.proposals] != []
    with database.transaction(proposed) as connection:
        assert registry.digest(connection) == before
    assert query(proposed, "SELECT count(*) FROM audit.event") == events
    a_file(proposed, "school_attendance", [a_term(unauthorised=0)], as_of=date(2026, 10, 31))
    bring_up(proposed)
    assert of(proposed, day, then) == first
    now = of(proposed, day)
    assert now.sha256 != first.sha256
    assert now.proposals == ()


@pytest.mark.requirement("R-015")
def test_what_is_computed_for_today_is_what_was_proposed(proposed):
    computed = of(proposed, TODAY)
    ((family, problems, unknown),) = query(proposed, "SELECT family_id, problems, unknown FROM register.proposal")
    assert [(one["family"], one["problems"], one["unknown"]) for one in computed.proposals] == [
        (family, problems, unknown)
    ]
    kept = query(proposed, "SELECT indicator, person_id, source_record_id FROM register.evidence ORDER BY 1, 2, 3")
    rows = [(row["indicator"], row["person"], row["source_record"]) for row in computed.proposals[0]["evidence"]]
    assert sorted(rows) == kept


def test_a_record_that_is_destroyed_while_a_page_is_made_is_not_told_to_be_for_others(proposed, monkeypatch):
    before = explained(proposed)
    ((record,),) = query(
        proposed, "SELECT source_record_id FROM register.source_record WHERE feed = 'school_attendance'"
    )

    def destroyed():
        with database.transaction(proposed) as connection:
            letting_go.source_records(connection, [record])

    meanwhile.happens(monkeypatch, destroyed, before="register.readable_classes(%s)")
    assert explained(proposed) == before
    assert record not in text(proposed)


def test_a_day_is_computed_from_one_moment_whatever_is_committed_meanwhile(proposed, monkeypatch):
    then = of(proposed, TODAY)
    came = evidence.feeds_that_came

    def and_something_happens(connection, *, today):
        found = came(connection, today=today)
        a_file(proposed, "school_attendance", [a_term(unauthorised=0)], as_of=TODAY)
        bring_up(proposed)
        return found

    with monkeypatch.context() as patched:
        patched.setattr(evidence, "feeds_that_came", and_something_happens_once(came, and_something_happens))
        assert of(proposed, TODAY) == then
    assert of(proposed, TODAY).proposals == ()


def and_something_happens_once(came, happening):
    """The first call is `happening`, and those within it and after it are `came`."""
    calls = iter((happening,))
    return lambda connection, *, today: next(calls, came)(connection, today=today)


def test_a_past_day_is_judged_by_what_a_partner_had_said_by_then(council):
    a_file(council, "police_incidents", [an_offence()])
    a_file(council, "school_attendance", [a_term()], as_of=date(2026, 8, 31))
    a_file(council, "school_attendance", [a_term(unauthorised=0)], as_of=date(2026, 10, 31))
    bring_up(council)
    assert of(council, TODAY).proposals == ()
    assert of(council, date(2026, 10, 30)).proposals == ()  # the charge was not known before the file of the 31st
    a_file(council, "police_incidents", [an_offence(incident="i0", event_on=date(2026, 8, 1))], as_of=date(2026, 8, 31))
    bring_up(council)
    assert [one["problems"] for one in of(council, date(2026, 9, 30)).proposals] == [["P1", "P2"]]
    assert of(council, TODAY).proposals == ()


def test_a_day_ahead_of_today_is_refused_and_today_is_not(proposed):
    with pytest.raises(NeedsDecision, match=r"2026-11-23 is ahead of today.*a day up to 2026-11-22"):
        of(proposed, TODAY + timedelta(days=1))
    assert of(proposed, TODAY).as_of == TODAY


def test_ages_and_windows_are_those_of_the_day(proposed):
    assert [one["problems"] for one in of(proposed, date(2027, 8, 31), today=date(2027, 9, 1)).proposals] == [
        ["P1", "P2"]
    ]
    assert (
        of(proposed, date(2027, 9, 1), today=date(2027, 9, 1)).proposals == ()
    )  # what happened on that day in 2026 is too old now
    assert of(proposed, date(2026, 10, 30)).proposals == ()  # and no file had told of it then


def test_a_restriction_that_ended_later_still_kept_somebody_out_at_the_time(proposed):
    child = person_of(proposed, "S1")
    with database.transaction(proposed) as connection:
        connection.execute(
            "INSERT INTO rights.flag (person_id, kind, status, recorded_by, reason)"
            " VALUES (%s, 'restriction', 'upheld', 'rights.officer', 'asked')",
            (child,),
        )
    then, day = clock(proposed), date(2026, 11, 1)
    restricted = of(proposed, day, then)
    assert restricted.proposals == ()
    with database.transaction(proposed) as connection:
        connection.execute("UPDATE rights.flag SET status = 'rejected'")
    assert of(proposed, day, then) == restricted
    assert [one["problems"] for one in of(proposed, day).proposals] != []
