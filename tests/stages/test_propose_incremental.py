"""Assessing what changed comes to the same as assessing everything, whatever changed."""

import random
from dataclasses import replace
from datetime import date

import pytest

from family_exchange.adapters import database, memory, monthly
from family_exchange.adapters import register as registry
from family_exchange.domain.register_rules import Attribute, Precedence
from family_exchange.stages import match, nominate, propose
from support.registry import TODAY, a_file, doors_to, person_of, query, with_staging
from support.troubled import CHILD, ELSEWHERE, FATHER, MOTHER, a_term, an_offence, arrears, bring_up, someone

WHO = {"by": "Jo Reviewer", "reason": "looked at both files", "today": TODAY}
HOMES = tuple({"address_line_1": f"{n} Quarry Road", "postcode": f"CH{n} 2AB"} for n in (1, 2, 3, 4))
SURNAMES = ("Ashbarrow", "Thornfield", "Wexcombe", "Marlpit")


@pytest.fixture
def council(council_database):
    return with_staging(council_database)


def digest(url):
    with database.transaction(url) as connection:
        return registry.digest(connection)


def runs(url):
    """What each recorded run looked at."""
    return [
        body
        for (body,) in query(
            url,
            """SELECT convert_from(event, 'UTF8')::jsonb -> 'body' FROM audit.event
                WHERE kind = 'register.proposals' ORDER BY seq""",
        )
    ]


def everything_again(url):
    with database.transaction(url) as connection:
        memory.make_due(connection, propose.STAGE, [memory.EVERYTHING])
    return propose.families(doors_to(url), today=TODAY)


class Town:
    """Four families, to which things happen."""

    def __init__(self, url, seed):
        self.url = url
        self.chance = random.Random(seed)
        self.number = 0
        self.joined = []

    def begin(self):
        """Every feed has come once, and everybody is there."""
        for place in range(len(HOMES)):
            self.file("housing_tenancies", arrears(f"H{place}", "Grace", self.born(place), "0.00", **self.at(place),
                                                   household_ref=f"T{place}"))  # fmt: skip
            self.file("school_attendance", self.term(place, 0))
            self.file("childrens_social_care", someone(f"C{place}", "Ada", self.child(place), **self.at(place)))
        self.file("police_incidents", self.offence(0))

    def born(self, place):
        return MOTHER.replace(year=1980 + 3 * place)

    def child(self, place):
        return CHILD.replace(year=2010 + 2 * place)

    def at(self, place):
        return HOMES[place] | {"surname": SURNAMES[place]}

    def term(self, place, missed):
        return a_term(f"S{place}", "Ada", self.child(place), unauthorised=missed) | self.at(place)

    def offence(self, place, **changes):
        self.number += 1
        return an_offence(f"P{place}", "Grace", self.born(place), f"i{self.number}", **changes) | self.at(place)

    def file(self, feed, *rows):
        a_file(self.url, feed, rows)

    def something_happens(self):
        place = self.chance.randrange(len(HOMES))
        self.chance.choice((
            lambda: self.file("police_incidents", self.offence(place)),
            lambda: self.file("police_incidents", self.offence(place, incident_type="domestic_abuse", role="victim")),
            lambda: self.file("school_attendance", self.term(place, self.chance.choice((0, 50)))),
            lambda: self.file("housing_tenancies", arrears(
                f"H{place}", "Grace", self.born(place), self.chance.choice(("0.00", "900.00")), **self.at(place),
                household_ref=f"T{place}")),
            lambda: self.file("school_attendance", self.term(place, 50) | ELSEWHERE),
            lambda: self.file("childrens_social_care", someone(
                f"C{place}", "Ada", self.child(place), cppl_start_date=date(2026, 9, 1), **self.at(place))),
            lambda: nominate.nominate(
                doors_to(self.url), person_of(self.url, f"S{place}"), indicator="crime_nomination", by="T. Each",
                profession="teacher", reason="worried", on=TODAY, today=TODAY),
            lambda: self.decide_who_is_who(place),
        ))()  # fmt: skip

    def decide_who_is_who(self, place):
        other = (place + 1) % len(HOMES)
        if self.joined:
            match.undo(doors_to(self.url), self.joined.pop(), **WHO)
        elif person_of(self.url, f"S{place}") != person_of(self.url, f"S{other}"):
            one, two = person_of(self.url, f"S{place}"), person_of(self.url, f"S{other}")
            self.joined.append(match.join(doors_to(self.url), one, two, **WHO).decision)


@pytest.mark.requirement("R-015", "R-017")
@pytest.mark.parametrize("seed", range(4))
def test_assessing_what_changed_comes_to_what_assessing_everything_does(council, seed):
    town = Town(council, seed)
    town.begin()
    bring_up(council)
    for _ in range(7):
        town.something_happens()
        bring_up(council)
    before = digest(council)
    again = everything_again(council)
    assert digest(council) == before
    assert (again["evidence"], again["proposals"], again["ended"]) == (0, 0, 0)
    whole = [run["whole"] for run in runs(council)]
    assert whole[0]
    assert whole[-1]
    assert whole.count(True) == 2


@pytest.mark.requirement("R-017")
def test_a_run_is_recorded_for_each_feed_that_is_accepted_and_looks_at_whom_it_tells_of(council):
    town = Town(council, 1)
    town.begin()
    bring_up(council)
    town.file("police_incidents", town.offence(2))
    bring_up(council)
    assert bring_up(council) == {"assessed": 0, "evidence": 0, "proposals": 0, "ended": 0}
    first, second = runs(council)
    assert (first["whole"], first["assessed"], len(first["files"])) == (True, 4, 13)
    assert (second["whole"], second["assessed"], len(second["files"]), second["evidence"]) == (False, 1, 1, 1)


@pytest.mark.parametrize(
    "change",
    [
        """INSERT INTO rights.flag (flag_id, person_id, kind, status, recorded_by, reason)
           SELECT 1, person_id, 'restriction', 'received', 'an officer', 'asked' FROM register.person LIMIT 1""",
        "UPDATE register.run SET rule = 'another' WHERE stage = 'propose'",
        "UPDATE register.run SET last_on = last_on - 1 WHERE stage = 'propose'",
        "UPDATE exchange.file SET coverage_to = '2026-01-01' WHERE feed = 'police_incidents'",
    ],
)
def test_another_day_rule_restriction_or_feed_has_everybody_assessed(council, change):
    Town(council, 1).begin()
    bring_up(council)
    with database.transaction(council) as connection:
        connection.execute(change.encode())
    bring_up(council)
    assert [run["whole"] for run in runs(council)] == [True, True]


def test_who_is_a_child_by_the_feed_that_the_council_trusts_is_one_in_the_family_and_in_the_assessment(council):
    """Two feeds say that the pupil is a child and a grown man; the profile comes to trust the one, then the other."""
    a_file(council, "police_incidents", [an_offence()])
    a_file(council, "school_attendance", [a_term()])
    a_file(council, "childrens_social_care", [someone("C1", "Ada", FATHER)])
    bring_up(council)
    match.join(doors_to(council), person_of(council, "S1"), person_of(council, "C1"), **WHO)
    roles = "SELECT role FROM register.family_member WHERE person_id = %s"
    for feed, role, problems in (
        ("school_attendance", "child", ["P1", "P2"]),
        ("childrens_social_care", "adult", None),
        ("school_attendance", "child", ["P1", "P2"]),
    ):
        before = len(runs(council))
        bring_up(council, doors=trusting(council, feed))
        assert query(council, roles, person_of(council, "S1")) == [(role,)]
        assert query(council, "SELECT problems FROM register.proposal") == ([(problems,)] if problems else [])
        assert [run["whole"] for run in runs(council)[before:]] == [True], "another choice assesses everybody"
        assert bring_up(council, doors=trusting(council, feed))["assessed"] == 0


def trusting(url, feed):
    """Doors of a council that trusts this feed most about births."""
    its = doors_to(url)
    rule = Precedence(sources=(feed,), status="assumed", note="for a test")
    choosing = its.profile.choosing.model_copy(update={"precedence": {Attribute.BIRTH: rule}})
    return replace(its, profile=its.profile.model_copy(update={"choosing": choosing}))


@pytest.mark.requirement("R-015")
def test_a_join_that_was_undone_the_same_day_leaves_the_proposals_as_they_were(council):
    abuse = {"incident_type": "domestic_abuse", "role": "suspect"}
    a_file(council, "police_incidents", [an_offence(), an_offence("P2", "Alan", FATHER, "i2", ELSEWHERE, **abuse)])
    a_file(council, "school_attendance", [a_term(unauthorised=0)])
    bring_up(council)
    before = digest(council)
    outcome = match.join(doors_to(council), person_of(council, "P1"), person_of(council, "P2"), **WHO)
    assert query(council, "SELECT problems FROM register.proposal") == [(["P1", "P5"],)]
    match.undo(doors_to(council), outcome.decision, **WHO)
    assert query(council, "SELECT problems, ended FROM register.proposal_history") == [(["P1", "P5"], "corrected")]
    assert digest(council) == before


@pytest.mark.requirement("R-020")
def test_what_took_the_place_of_a_mistake_was_a_mistake_too_and_neither_is_counted(council):
    """A stranger's offences are held to be the mother's; a further problem comes; then the join is undone."""
    his = {"home": ELSEWHERE}
    abuse = {"incident_type": "domestic_abuse", "role": "suspect"}
    a_file(council, "police_incidents", [
        an_offence(role="victim"), an_offence("P2", "Alan", FATHER, "i2", **his),
        an_offence("P2", "Alan", FATHER, "i3", **his, **abuse),
    ])  # fmt: skip
    a_file(council, "school_attendance", [a_term(unauthorised=0)])
    bring_up(council)
    wrong = match.join(doors_to(council), person_of(council, "P1"), person_of(council, "P2"), **WHO)
    a_file(council, "school_attendance", [a_term()], as_of=date(2026, 11, 10))
    bring_up(council)
    assert eligible(council) == (1, 1)
    match.undo(doors_to(council), wrong.decision, **WHO)
    assert query(council, "SELECT problems, ended FROM register.proposal_history ORDER BY cardinality(problems)") == [
        (["P1", "P5"], "superseded"),
        (["P1", "P2", "P5"], "corrected"),
    ]
    assert eligible(council) == (0, 0)


def eligible(url):
    """How many families are counted as eligible, and for comparison."""
    with database.transaction(url) as connection:
        found = monthly.counts(connection, on=TODAY).values()
    return sum(one.eligible for one in found), sum(one.comparison for one in found)
