"""How a return follows a family's status: who is supported, since when, until when, and what the study is told."""

from dataclasses import replace
from datetime import date

import pytest

from family_exchange.domain.errors import NeedsDecision
from family_exchange.domain.programme import Status
from family_exchange.domain.promises import FieldPromise
from support.programme import set_to
from support.returns import rows, someone

MAY, JUNE, AUGUST, OCTOBER = (date(2026, month, 1) for month in (5, 6, 8, 10))


def telling(council, *names):
    """The council under a profile whose study is told these fields too."""
    profile = council.doors.profile
    promise = profile.returns["nis"]
    more = [FieldPromise(name=name, status="assumed", note="for a test") for name in names]
    fields = {"field_leaves": (*promise.field_leaves, *more)}
    returns = {**profile.returns, "nis": promise.model_copy(update=fields)}
    return replace(council, doors=replace(council.doors, profile=profile.model_copy(update={"returns": returns})))


@pytest.mark.requirement("R-024")
@pytest.mark.requirement("R-050")
@pytest.mark.parametrize(
    ("closed_on", "inside"), [(date(2026, 4, 1), False), (date(2026, 4, 2), True), (AUGUST, True), (OCTOBER, True)]
)
def test_progress_data_ends_with_support_and_still_tells_of_the_period_in_which_it_ended(council, closed_on, inside):
    person = someone(council)
    family = council.register.supported(person, decided_on=date(2026, 1, 1))
    set_to(council.doors, family, "closed", closed_on)
    assert (person in rows(council, "fpd")) is inside


@pytest.mark.requirement("R-021")
def test_a_family_that_declines_or_is_only_invited_stays_out_of_progress_data(council):
    said_no, invited, joined = (someone(council) for _ in range(3))
    families = [council.register.family(person) for person in (said_no, invited, joined)]
    for family, to in zip(families, ("declined", "invited", "accepted"), strict=True):
        council.register.proposal(family)
        set_to(council.doors, family, to, MAY)
    assert set(rows(council, "fpd")) == {joined}


def test_a_family_that_said_no_and_joined_later_is_supported_from_then(council):
    person = someone(council)
    family = council.register.family(person)
    council.register.proposal(family)
    set_to(council.doors, family, "declined", MAY)
    set_to(council.doors, family, "accepted", JUNE)
    telling_more = telling(council, "support_start", "support_end")
    told = rows(telling_more)[person]
    assert (told["group"], told["support_start"], told["support_end"]) == ("I", "2026-06-01", None)


def test_an_acceptance_that_was_a_mistake_leaves_the_family_for_comparison(council):
    person = someone(council)
    family = council.register.supported(person, decided_on=MAY)
    set_to(council.doors, family, "identified", MAY, instead_of=MAY)
    assert rows(council)[person]["group"] == "C"


def test_a_family_that_was_proposed_by_mistake_is_in_no_comparison(council):
    """Also when what was unknown of it had changed meanwhile, and when a fuller mistake had taken its place."""
    right, wrong, replaced = (someone(council) for _ in range(3))
    families = {person: council.register.family(person) for person in (right, wrong, replaced)}
    for person in (right, wrong):
        proposal = council.register.proposal(families[person])
        ends(council, proposal, None)
        council.register.run(
            "INSERT INTO memory.proposal_standing (proposal_id, unknown) VALUES (%s, '{P3}')", proposal
        )
    ends(council, proposal, "corrected")
    ends(council, council.register.proposal(families[replaced]), "superseded")
    ends(council, council.register.proposal(families[replaced], problems=("P1", "P2", "P5")), "corrected")
    assert {*rows(council)} == {right}
    for person in (wrong, replaced):
        with pytest.raises(NeedsDecision, match="nothing proposes"):
            set_to(council.doors, families[person], "invited", MAY)


def test_the_study_is_told_what_is_left_of_a_proposal_that_was_partly_a_mistake(council):
    person = someone(council)
    family = council.register.family(person)
    ends(council, council.register.proposal(family, problems=("P1", "P5"), proposed_on=MAY), "superseded")
    ends(council, council.register.proposal(family, problems=("P1", "P2", "P5"), proposed_on=MAY), "corrected")
    council.register.proposal(family, problems=("P1", "P2"), proposed_on=JUNE)
    told = rows(council)[person]
    assert [told[problem] for problem in ("p1", "p2", "p5")] == ["Y", "Y", "N"]


def ends(council, proposal, why):
    """The proposal stands no more, or what is unknown of it has changed."""
    council.register.run(
        """UPDATE memory.proposal_standing SET recorded = tstzrange(lower(recorded), clock_timestamp()), ended = %s
            WHERE proposal_id = %s AND upper_inf(recorded)""",
        why,
        proposal,
    )


def test_the_study_is_told_when_support_ended(council):
    council = telling(council, "support_start", "support_end")
    goes_on, ended, ends_later = (someone(council) for _ in range(3))
    families = {person: council.register.supported(person, decided_on=MAY) for person in (goes_on, ended, ends_later)}
    set_to(council.doors, families[ended], "closed", AUGUST)
    set_to(council.doors, families[ends_later], "closed", date(2026, 11, 1))
    told = {person: (content["support_start"], content["support_end"]) for person, content in rows(council).items()}
    assert told == {
        goes_on: ("2026-05-01", None),
        ended: ("2026-05-01", "2026-08-01"),
        ends_later: ("2026-05-01", None),
    }


def test_a_family_that_is_taken_on_again_is_told_with_its_newest_support(council):
    council = telling(council, "support_start", "support_end")
    person = someone(council)
    family = council.register.supported(person, decided_on=date(2026, 1, 1))
    set_to(council.doors, family, "closed", MAY)
    set_to(council.doors, family, "accepted", AUGUST)
    told = rows(council)[person]
    assert (told["support_start"], told["support_end"]) == ("2026-08-01", None)


def test_a_correction_that_leaves_the_family_supported_does_not_break_its_support_in_two(council):
    council = telling(council, "support_start", "support_end")
    person = someone(council)
    family = council.register.supported(person, decided_on=MAY)
    set_to(council.doors, family, "closed", JUNE)
    set_to(council.doors, family, "accepted", JUNE, instead_of=JUNE, reason="it was another family that was closed")
    told = rows(council)[person]
    assert (told["support_start"], told["support_end"]) == ("2026-05-01", None)


def test_who_came_to_a_family_after_its_support_had_ended_is_not_in_its_progress_data(council):
    later = council.register.file(coverage=(date(2026, 10, 1), date(2026, 10, 31)))
    stays, comes = someone(council), someone(council, file_id=later)
    family = council.register.supported(stays, decided_on=MAY)
    set_to(council.doors, family, "closed", AUGUST)
    council.register.member(family, comes, from_on=date(2026, 9, 1))
    assert set(rows(council, "fpd")) == {stays}


@pytest.mark.requirement("R-037")
def test_the_study_is_told_the_status_of_the_periods_last_day_and_why_a_family_was_referred(council):
    council = telling(council, "referral_reason")
    register = council.register
    people = {status: someone(council) for status in Status}
    for status, person in people.items():
        family = register.family(person)
        register.proposal(family)
        if status in {Status.ACCEPTED, Status.CLOSED}:
            set_to(council.doors, family, "accepted", MAY)
        if status is Status.CLOSED:
            set_to(council.doors, family, "closed", AUGUST)
            continue
        if status not in {Status.IDENTIFIED, Status.ACCEPTED}:
            set_to(council.doors, family, status, JUNE)
    referred = someone(council, feed="direct_referrals", facts={"referral_reason": "step_down"}, as_of=MAY)
    family = register.family(referred)
    register.proposal(family)
    set_to(council.doors, family, "accepted", JUNE)
    found = rows(council)
    assert {status: found[person]["intervention_status"] for status, person in people.items()} == {
        status: str(status) for status in Status
    }
    assert {found[person]["referral_reason"] for person in people.values()} == {None}
    assert found[referred]["referral_reason"] == "step_down"
