"""What progress data tells of a period: counted, none recorded, not applicable, or not collected."""

from datetime import date

import pytest

from support.register import IN_PERIOD
from support.returns import rows, someone

FIRST, LAST = date(2026, 4, 1), date(2026, 9, 30)
FEEDS = ("childrens_social_care", "housing_tenancies", "police_incidents", "school_attendance")


@pytest.mark.requirement("R-051")
def test_measures_tell_none_recorded_not_applicable_and_not_collected_apart(council):
    register = council.register
    adult, child = someone(council), someone(council, date_of_birth=date(2015, 1, 1))
    register.supported(adult, child)
    for feed in ("police_incidents", "school_attendance", "childrens_social_care"):
        register.file(feed)
    found = rows(council, "fpd")
    assert found[adult]["incidents"] == "0"
    assert found[adult]["sessions_possible"] == "not_applicable"
    assert found[child]["sessions_possible"] == "none_recorded"
    assert (found[adult]["cin_open"], found[child]["cin_open"]) == ("not_applicable", "none_recorded")
    assert found[child]["early_help_open"] == "none_recorded"
    assert found[adult]["rent_arrears"] == "not_collected"


@pytest.mark.requirement("R-051")
@pytest.mark.requirement("D-11")
@pytest.mark.parametrize(
    ("coverages", "state", "expected"),
    [
        ([(FIRST, LAST)], "CLOSED", "0"),
        ([(FIRST, LAST)], "APPLIED", "0"),
        ([(FIRST, date(2026, 6, 30)), (date(2026, 7, 1), LAST)], "CLOSED", "0"),
        ([(FIRST, date(2026, 6, 29)), (date(2026, 7, 1), LAST)], "CLOSED", "not_collected"),
        ([(FIRST, date(2026, 9, 29))], "CLOSED", "not_collected"),
        ([None], "CLOSED", "not_collected"),
        ([(FIRST, LAST)], "QUARANTINED", "not_collected"),
        ([], "CLOSED", "not_collected"),
    ],
)
def test_a_missing_file_is_never_a_zero(council, coverages, state, expected):
    person = council.register.person()
    council.register.record(person, council.register.file("housing_tenancies"), feed="housing_tenancies")
    council.register.supported(person)
    for coverage in coverages:
        council.register.file("police_incidents", coverage=coverage, state=state)
    assert rows(council, "fpd")[person]["incidents"] == expected


def test_a_file_that_the_register_has_not_taken_covers_nothing(council):
    person = council.register.person()
    council.register.record(person, council.register.file("housing_tenancies"), feed="housing_tenancies")
    council.register.supported(person)
    council.register.file("police_incidents", registered_at=None)
    assert rows(council, "fpd")[person]["incidents"] == "not_collected"


@pytest.mark.requirement("R-051")
def test_measures_count_what_happened_in_the_period(council):
    register, before, after = council.register, date(2026, 3, 31), date(2026, 10, 1)
    files = {feed: register.file(feed) for feed in FEEDS}
    child = register.person()

    def record(feed, event_on, event_ref="E", **facts):
        extra = {"event_ref": event_ref, "date_of_birth": date(2015, 1, 1)}
        register.record(child, files[feed], feed=feed, event_on=event_on, facts=facts, **extra)

    record("police_incidents", IN_PERIOD, "1", role="suspect", incident_type="crime", da_flag=False)
    record("police_incidents", IN_PERIOD, "1", role="offender", incident_type="crime", da_flag=False)
    record("police_incidents", LAST, "2", role="victim", incident_type="crime", da_flag=True)
    record("police_incidents", FIRST, "3", role="witness", incident_type="domestic_abuse")
    record("police_incidents", before, "4", role="offender", incident_type="domestic_abuse", da_flag=True)
    record("police_incidents", after, "5", role="offender", incident_type="domestic_abuse", da_flag=True)
    record("school_attendance", date(2026, 7, 20), sessions_possible=120, sessions_authorised=4,
           sessions_unauthorised=9, fixed_term_exclusions=1)  # fmt: skip
    record("school_attendance", date(2026, 4, 3), sessions_possible=100, sessions_unauthorised=2)
    record("school_attendance", before, sessions_possible=999)
    record("childrens_social_care", before, earl_start_date="2025-01-01", earl_end_date="2026-09-30",
           cine_start_date="2025-01-01", cppl_start_date="2026-10-01")  # fmt: skip
    record("housing_tenancies", None, arrears_amount=812.5)
    register.supported(child)
    content = rows(council, "fpd")[child]
    assert {name: content[name] for name in content if name not in {"la_code", "period", "la_person_ref"}} == {
        "family_ref": content["family_ref"],
        "forenames": "Ashley",
        "surname": "Testperson",
        "date_of_birth": "2015-01-01",
        "sessions_possible": "220",
        "sessions_authorised": "4",
        "sessions_unauthorised": "11",
        "exclusions": "1",
        "incidents": "1",
        "da_incidents": "2",
        "early_help_open": "N",
        "cin_open": "Y",
        "cpp_open": "N",
        "rent_arrears": "812.50",
    }
