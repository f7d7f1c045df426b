from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from family_exchange.domain import home
from family_exchange.domain.home import Homes, Occupant, Sighting, Stay

DAYS = st.dates(date(2024, 1, 1), date(2026, 11, 22))


def seen(where, day, *, until=None, ended=False, who="P1"):
    return Sighting(who, where, day, until or day, ended)


def ends(*sightings):
    return {stay.home: stay.to_on for stay in home.stays(sightings)}


def test_somebody_seen_in_one_home_lives_there():
    (stay,) = home.stays([seen("A", date(2026, 5, 1)), seen("A", date(2026, 1, 1)), seen("A", date(2026, 3, 1))])
    assert (stay.from_on, stay.seen_on, stay.to_on) == (date(2026, 1, 1), date(2026, 5, 1), None)


def test_somebody_who_moved_left_the_day_they_were_first_seen_elsewhere():
    assert ends(seen("A", date(2026, 1, 1)), seen("B", date(2026, 5, 1)), seen("B", date(2026, 9, 1))) == {
        "A": date(2026, 5, 1),
        "B": None,
    }


def test_a_visit_elsewhere_does_not_move_anybody():
    assert ends(seen("A", date(2025, 1, 1), until=date(2026, 10, 1)), seen("B", date(2026, 3, 1))) == {
        "A": None,
        "B": date(2026, 10, 1),
    }


def test_a_child_of_two_homes_lives_in_both():
    assert ends(
        seen("A", date(2025, 1, 1), until=date(2026, 10, 1)), seen("B", date(2025, 2, 1), until=date(2026, 8, 1))
    ) == {"A": None, "B": None}


def test_a_tenancy_that_ended_says_so_itself():
    assert ends(seen("A", date(2020, 1, 1), until=date(2026, 3, 31), ended=True)) == {"A": date(2026, 4, 1)}


def test_a_later_sign_of_life_outweighs_the_end_of_a_tenancy():
    tenancy = seen("A", date(2020, 1, 1), until=date(2026, 3, 31), ended=True)
    assert ends(tenancy, seen("A", date(2026, 7, 1))) == {"A": None}


@given(st.lists(st.tuples(st.sampled_from("AB"), DAYS, DAYS, st.booleans()), min_size=1, max_size=6))
def test_nobody_leaves_before_they_came_and_everybody_was_somewhere_last(stated):
    sightings = [seen(where, min(a, b), until=max(a, b), ended=ended) for where, a, b, ended in stated]
    found = home.stays(sightings)
    assert {stay.home for stay in found} == {sighting.home for sighting in sightings}
    for stay in found:
        assert stay.from_on <= stay.seen_on
        assert stay.to_on is None or stay.to_on > stay.seen_on
    last = max(stay.seen_on for stay in found)
    stayed = [stay for stay in found if stay.seen_on == last]
    assert all(stay.to_on in {None, last + timedelta(days=1)} for stay in stayed)


def an_occupant(person, *, surname="", refs=(), child=False, from_on=date(2024, 1, 1), seen_on=date(2026, 10, 1)):
    surnames = frozenset({surname} if surname else ())
    return Occupant(Stay(person, "A", from_on, seen_on, None), surnames, frozenset(refs), child)


def groups(*occupants):
    return sorted("".join(each.stay.person for each in group) for group in home.households(occupants))


def test_strangers_who_share_a_house_live_alone():
    assert groups(an_occupant("1", surname="A"), an_occupant("2", surname="B"), an_occupant("3", surname="C")) == [
        "1", "2", "3",
    ]  # fmt: skip


def test_a_name_a_reference_or_a_child_in_common_makes_a_household():
    assert groups(an_occupant("1", surname="A"), an_occupant("2", surname="A")) == ["12"]
    assert groups(an_occupant("1", refs=["h|1"]), an_occupant("2", refs=["h|1"])) == ["12"]
    assert groups(an_occupant("1", surname="A"), an_occupant("2", surname="B"), an_occupant("3", child=True)) == ["123"]


def test_those_who_moved_in_after_a_family_left_are_another_family():
    before = {"seen_on": date(2024, 6, 1)}
    after = {"from_on": date(2025, 6, 1)}
    assert groups(
        an_occupant("1", surname="A", **before),
        an_occupant("2", child=True, **before),
        an_occupant("3", surname="A", **after),
        an_occupant("4", child=True, **after),
    ) == ["12", "34"]


def test_a_building_full_of_people_is_not_one_family_for_the_children_in_it():
    crowd = [an_occupant(f"{number:02}", surname=f"S{number // 2}", child=number % 2 == 1) for number in range(14)]
    assert groups(*crowd) == ["0001", "0203", "0405", "0607", "0809", "1011", "1213"]


def test_in_a_place_that_many_share_a_child_is_not_everybodys():
    mothers = [an_occupant("1", surname="A"), an_occupant("3", surname="B")]
    children = [an_occupant("2", surname="A", child=True), an_occupant("4", refs=["h|1"], child=True)]
    carer = an_occupant("5", refs=["h|1"])
    everybody = [*mothers, *children, carer]
    shared = sorted("".join(o.stay.person for o in group) for group in home.households(everybody, shared=True))
    assert shared == ["12", "3", "45"]
    assert groups(*everybody) == ["12345"]


def test_a_home_is_shared_by_whatever_name_somebody_called_it_so():
    homes = Homes([("100", "CH1 1AA|5|Q"), ("200", "CH1 1AB|1|Q")], [("", "CH1 1AA|5|Q"), ("", "")])
    assert homes.is_shared("uprn:100")
    assert not homes.is_shared("uprn:200")
    assert not homes.is_shared("")


def test_a_home_is_known_by_its_uprn_where_only_one_has_the_address():
    homes = Homes([("100", "CH1 1AA|12|H"), ("201", "CH1 1AB|1|Q"), ("202", "CH1 1AB|1|Q"), ("", "CH1 1AC|3|M")])
    assert homes.name("100", "") == homes.name("", "CH1 1AA|12|H") == "uprn:100"
    assert homes.name("", "CH1 1AB|1|Q") == "address:CH1 1AB|1|Q"
    assert homes.name("201", "CH1 1AB|1|Q") == "uprn:201"
    assert homes.name("", "") == ""
    assert homes.keys("uprn:100") == ("uprn:100", "address:CH1 1AA|12|H")
    assert homes.keys("address:CH1 1AC|3|M") == ("address:CH1 1AC|3|M",)


def test_whom_a_named_person_says_where_they_live_is_told_of_nowhere_else_from_then_on():
    since, today = date(2026, 3, 1), date(2026, 11, 22)
    partners = [
        seen("A", date(2026, 1, 1), until=date(2026, 6, 1)),
        seen("B", date(2026, 5, 1)),
        seen("B", date(2026, 5, 1), who="P2"),
    ]
    found = {(one.person, one.home): one for one in home.told(partners, {"P1": ("C", since)}, today=today)}
    assert set(found) == {("P1", "A"), ("P1", "C"), ("P2", "B")}
    assert ends(*(one for one in found.values() if one.person == "P1")) == {"A": since, "C": None}
    assert [one.home for one in home.told(partners, {"P1": ("", since)}, today=today)] == ["A", "B"]
