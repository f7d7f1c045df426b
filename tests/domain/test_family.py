from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from family_exchange.domain import family
from family_exchange.domain.family import Claim, Family, Member, Role, Tie
from family_exchange.domain.home import Homes, Stay

ON = date(2026, 11, 22)
SINCE = date(2025, 1, 1)
ADULT_BORN, CHILD_BORN = date(1990, 5, 5), date(2016, 5, 5)


def a_member(person, *, role=Role.ADULT, to_on=None, from_on=SINCE, resident=True):
    return Member(person, from_on, to_on, role, resident)


def a_home(key, *members):
    return Family((f"uprn:{key}",), members)


def a_claim(person, *, role=Role.ADULT, away=False, from_on=SINCE):
    return Claim(person, from_on, role, away)


def living(families):
    return {
        one.keys[0]: {member.person: member.resident for member in one.members if member.to_on is None}
        for one in families
    }


@pytest.mark.parametrize(
    ("born", "relationship", "role"),
    [
        (date(2008, 11, 22), None, Role.ADULT),
        (date(2008, 11, 23), None, Role.CHILD),
        (date(2008, 11, 22), "child", Role.ADULT),
        (date(2027, 3, 1), None, Role.CHILD),
        (None, "child", Role.CHILD),
        (None, "mother", Role.ADULT),
        (None, None, Role.ADULT),
    ],
)
def test_a_role_follows_the_birthday_and_then_the_partners_word(born, relationship, role):
    assert family.role_of(born, relationship, on=ON) is role


def test_a_parent_who_lives_elsewhere_belongs_to_the_childrens_family():
    hers = a_home("1", a_member("mother"), a_member("child", role=Role.CHILD))
    his = a_home("2", a_member("father"))
    claims = {"csc|1": [a_claim("mother"), a_claim("father"), a_claim("child", role=Role.CHILD)]}
    assert living(family.whole([hers, his], claims)) == {"uprn:1": {"mother": True, "child": True, "father": False}}


@pytest.mark.requirement("R-032")
def test_a_looked_after_child_belongs_to_both_families():
    birth = a_home("1", a_member("mother"))
    foster = a_home("2", a_member("carer"), a_member("child", role=Role.CHILD))
    claims = {"csc|1": [a_claim("mother"), a_claim("child", role=Role.CHILD, away=True)]}
    assert living(family.whole([birth, foster], claims)) == {
        "uprn:1": {"mother": True, "child": False},
        "uprn:2": {"carer": True, "child": True},
    }


def test_a_household_without_any_known_home_is_a_family_by_its_reference():
    claims = {"csc|1": [a_claim("mother"), a_claim("child", role=Role.CHILD)], "csc|2": [a_claim("alone")]}
    assert living(family.whole([], claims)) == {"household:csc|1": {"mother": True, "child": True}}


def test_an_adult_alone_is_no_family_and_a_child_alone_is_one():
    homes = [a_home("1", a_member("alone")), a_home("2", a_member("child", role=Role.CHILD))]
    assert list(living(family.whole(homes, {}))) == ["uprn:2"]


@pytest.mark.requirement("R-032")
def test_a_parent_who_moved_out_belongs_from_then_on_from_elsewhere():
    moved_out = date(2026, 3, 1)
    home = a_home("1", a_member("mother"), a_member("child", role=Role.CHILD), a_member("father", to_on=moved_out))
    claims = {"csc|1": [a_claim("father"), a_claim("child", role=Role.CHILD)]}
    (found,) = family.whole([home], claims)
    assert [(one.from_on, one.to_on, one.resident) for one in found.members if one.person == "father"] == [
        (SINCE, moved_out, True),
        (moved_out, None, False),
    ]


def test_the_people_of_a_home_become_its_family():
    homes = Homes([("1", "CH1 1AA|12|H")])
    stays = [Stay(person, "uprn:1", SINCE, ON, None) for person in ("adult", "child")]
    ties = {
        "adult": Tie(ADULT_BORN, None, frozenset({"ASHBARROW"}), frozenset()),
        "child": Tie(CHILD_BORN, None, frozenset({"BRINDLECOTE"}), frozenset()),
    }
    (found,) = family.at_home(stays, ties, homes, on=ON)
    assert found.keys == ("uprn:1", "address:CH1 1AA|12|H")
    assert [(one.person, one.role, one.resident) for one in found.members] == [
        ("adult", Role.ADULT, True),
        ("child", Role.CHILD, True),
    ]


def only_id(one, existing=(), former=None):
    (found,) = family.named([one], dict.fromkeys(existing, ()), former or {})
    return found


def test_a_family_keeps_its_id_when_a_member_comes_or_goes():
    before = a_home("1", a_member("b"), a_member("c", role=Role.CHILD))
    known = only_id(before)
    after = a_home("1", a_member("a", from_on=date(2024, 1, 1)), a_member("c", role=Role.CHILD))
    assert only_id(after, [family.derived_id("H", "uprn:1", "c")]) == family.derived_id("H", "uprn:1", "c")
    assert only_id(a_home("1", a_member("a"), a_member("b")), [known]) == known


def test_a_family_keeps_its_id_when_its_address_gets_a_number():
    before = Family(("address:CH1 1AA|12|H",), (a_member("b"),))
    after = Family(("uprn:1", "address:CH1 1AA|12|H"), (a_member("b"),))
    assert only_id(after, [only_id(before)]) == only_id(before)


def test_a_family_keeps_its_id_when_two_of_its_members_turn_out_to_be_one():
    known = only_id(a_home("1", a_member("merged")))
    assert only_id(a_home("1", a_member("survivor")), [known], {"survivor": ["merged"]}) == known


@pytest.mark.parametrize(("held", "kept"), [("pbc", True), ("pb", True), ("pqb", False), ("p", False)])
def test_a_family_keeps_its_id_when_its_first_member_was_another_after_all(held, kept):
    known = only_id(a_home("1", a_member("p")))
    after = a_home("1", a_member("a"), a_member("b"), a_member("c", role=Role.CHILD))
    (found,) = family.named([after], {known: held}, {})
    assert (found == known) is kept


def test_an_id_is_inherited_once_and_never_taken_from_its_own_family():
    known = only_id(a_home("1", a_member("p")))
    heirs = [a_home("2", a_member("a"), a_member("b")), a_home("3", a_member("a"), a_member("c"))]
    assert len(family.named(heirs, {known: "pa"}, {})) == 2
    found = family.named([*heirs, a_home("1", a_member("p"))], {known: "pa"}, {})
    assert (found[known].founders, len(found)) == (("p",), 3)


def test_two_families_after_each_other_in_one_home_have_two_ids():
    first, second = a_home("1", a_member("a")), a_home("1", a_member("b"))
    assert len(family.named([first, second], {}, {})) == 2


@given(st.permutations([a_home(str(number), a_member(f"P{number}")) for number in range(4)]))
def test_ids_do_not_depend_on_the_order_of_families(families):
    expected = family.named(sorted(families, key=lambda one: one.keys), {}, {})
    assert family.named(families, {}, {}) == expected
