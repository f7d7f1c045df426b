"""Rows of invented people with problems, one feed each, and the stages that take them in."""

from datetime import date

from family_exchange.adapters import database, staging
from family_exchange.adapters.profiles import contract, feeds, profile
from family_exchange.stages import match, propose, register
from support.registry import COUNCIL, TODAY, doors_to

MOTHER, FATHER, CHILD, TEENAGER = date(1990, 5, 5), date(1988, 6, 6), date(2015, 3, 4), date(2009, 1, 9)
HOME = {"address_line_1": "12 High Street", "postcode": "CH1 1AA"}
ELSEWHERE = {"address_line_1": "3 Mill Lane", "postcode": "CH4 4AB"}


def someone(ref, forename, born, home=None, **changes):
    """Who somebody is, as every feed says it."""
    base = {"record_ref": ref, "forename": forename, "surname": "Ashbarrow", "date_of_birth": born}
    return base | (HOME if home is None else home) | changes


def an_offence(ref="P1", forename="Grace", born=MOTHER, incident="i1", home=None, **changes):
    """A charge; of police_incidents."""
    crime = {"role": "offender", "incident_type": "crime", "outcome": "charged", "da_flag": False}
    return someone(ref, forename, born, home, event_ref=incident, event_on=date(2026, 9, 1)) | crime | changes


def a_term(ref="S1", forename="Ada", born=CHILD, *, unauthorised=40, term="2026-summer", home=None, **changes):
    """A term of a pupil; of school_attendance."""
    sessions = {"sessions_possible": 120, "sessions_authorised": 0, "sessions_unauthorised": unauthorised}
    when = {"event_ref": term, "event_on": date(2026, 7, 20), "fixed_term_exclusions": 0}
    return someone(ref, forename, born, home) | when | sessions | changes


def arrears(ref="H1", forename="Grace", born=MOTHER, amount="900.00", **changes):
    """A tenancy; of housing_tenancies."""
    base = someone(ref, forename, born, household_ref="T1", arrears_amount=amount, tenancy_start=date(2020, 1, 1))
    return base | changes


NEEDS = (
    "crime_asb", "school", "early_years", "child_help", "relationships", "work", "money", "housing", "domestic_abuse",
    "health", "substance_misuse",
)  # fmt: skip


def a_referral(ref="R1", forename="Grace", born=MOTHER, *needs, home=None, **changes):
    """A direct referral for these needs; of direct_referrals."""
    said = {
        "event_ref": "R-100", "event_on": date(2026, 10, 1), "referrer_role": "health_visitor",
        "referral_reason": "first_concern", "family_told": "agreed", "intervention_status": "not_started",
        "status_date": date(2026, 10, 1),
    }  # fmt: skip
    return someone(ref, forename, born, home) | said | {f"need_{each}": each in needs for each in NEEDS} | changes


def with_every_feed(url):
    """The staging tables of every feed."""
    with database.transaction(url) as connection:
        staging.create_tables(connection, [contract(feed) for feed in feeds()])
    return url


def taking_every_feed(council=COUNCIL):
    """The council's profile, with every feed that is agreed connected."""
    its = profile(council)
    partners = tuple(partner.model_copy(update={"calendars": {}}) for partner in its.partners)
    return its.model_copy(update={"partners": partners})


def bring_up(url, *, doors=None, today=TODAY):
    """What proposing counted, after everybody was matched and every family formed."""
    doors = doors or doors_to(url)
    match.people(doors)
    register.families(doors, today=today)
    return propose.families(doors, today=today)
