from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from family_exchange.adapters import linkage_model
from family_exchange.domain import likeness as likenesses
from family_exchange.domain import matching
from family_exchange.domain.likeness import Likeness
from family_exchange.domain.matching import Conflict, Grade, Thresholds
from family_exchange.domain.person import Birth, Identity

NAMES = linkage_model.model().names
THRESHOLDS = Thresholds(certain=0.99, possible=0.5)
NHS, OTHER_NHS = "9434765919", "9876543210"


def a_person(key="police_incidents|police|P1", forename="EMMA", surname="ASHBARROW", **changes):
    base = Identity(key, forename, surname, date(2015, 3, 4), Birth.ACTUAL, "F", "CH1 1AA|12|H", "100", "", "", "")
    return replace(base, **changes)


def another(**changes):
    return a_person(key="school_attendance|schools|S1", **changes)


def graded(a, b, probability=0.9999):
    return matching.grade(a, b, probability, THRESHOLDS, NAMES)


@pytest.mark.parametrize(
    ("a", "b", "likeness"),
    [
        ("EMMA", "EMMA", Likeness.SAME),
        ("ANNE MARIE", "ANNEMARIE", Likeness.SAME),
        ("ELIZABETH", "LIZ", Likeness.VARIANT),
        ("MOHAMMED", "MUHAMMAD", Likeness.VARIANT),
        ("MARY ANN", "MARY", Likeness.VARIANT),
        ("MARY A", "MARY ANN", Likeness.VARIANT),
        ("CHARLOTTE", "CHARLOTET", Likeness.SLIP),
        ("KRZYSZTOF", "KRZYSZTOOF", Likeness.SLIP),
        ("E", "EMMA", Likeness.UNKNOWN),
        ("E", "E", Likeness.UNKNOWN),
        ("E J", "E J", Likeness.UNKNOWN),
        ("", "EMMA", Likeness.UNKNOWN),
        ("ELLA", "EMMA", Likeness.DIFFERENT),
        ("MATT", "MATTHWE", Likeness.SLIP),
        ("LIZ", "ELIZAETH", Likeness.SLIP),
        ("WEI", "WIE", Likeness.SLIP),
        ("ZYVAN", "ZYLAN", Likeness.NEAR),
        ("ELMA", "EMMA", Likeness.NEAR),
        ("MEMA", "EMMA", Likeness.NEAR),
        ("AYLEN", "AYLENE", Likeness.NEAR),
        ("ELLA", "BELLA", Likeness.DIFFERENT),
        ("KAYDEN", "JAYDEN", Likeness.DIFFERENT),
        ("ANNA", "ANNE", Likeness.DIFFERENT),
        ("JON", "RON", Likeness.DIFFERENT),
        ("MARY ANN", "MARY JANE", Likeness.DIFFERENT),
        ("J", "EMMA", Likeness.DIFFERENT),
    ],
)
def test_forenames_are_alike_or_two_names(a, b, likeness):
    assert likenesses.forenames(a_person(forename=a), another(forename=b), NAMES) is likeness
    assert likenesses.forenames(a_person(forename=b), another(forename=a), NAMES) is likeness


def test_forename_and_surname_in_each_others_place_are_the_same():
    assert likenesses.forenames(a_person(), another(forename="ASHBARROW", surname="EMMA"), NAMES) is Likeness.SAME


SHARING = replace(NAMES, shared=frozenset({"MOHAMMED", "MUHAMMAD", "MD"}))


@pytest.mark.parametrize(
    ("a", "b", "likeness"),
    [
        ("MOHAMMED ALI", "MOHAMMED USMAN", Likeness.DIFFERENT),
        ("MOHAMMED", "MOHAMMED USMAN", Likeness.UNKNOWN),
        ("MD USMAN", "USMAN", Likeness.VARIANT),
        ("MOHAMMED", "MOHAMMED", Likeness.SAME),
        ("MOHAMMED", "MUHAMMAD", Likeness.VARIANT),
        ("MOHAMMED", "USMAN", Likeness.DIFFERENT),
    ],
)
def test_a_name_that_brothers_share_says_nothing_of_which_brother(a, b, likeness):
    one, other = a_person(forename=a, sex="M"), another(forename=b, sex="M")
    assert likenesses.forenames(one, other, SHARING) is likeness
    assert likenesses.forenames(other, one, SHARING) is likeness


def test_a_short_form_of_several_names_says_who_is_meant_only_beside_the_sex():
    alex, alexandra = a_person(forename="ALEX", sex="U"), another(forename="ALEXANDRA")
    assert likenesses.forenames(alex, alexandra, NAMES) is Likeness.UNKNOWN
    assert likenesses.forenames(replace(alex, sex="F"), alexandra, NAMES) is Likeness.VARIANT
    assert likenesses.forenames(replace(alex, sex="M"), alexandra, NAMES) is Likeness.DIFFERENT


def test_twins_in_a_file_with_its_columns_turned_have_not_one_forename():
    ella, emma = a_person(forename="ASHBARROW", surname="ELLA"), another(forename="ASHBARROW", surname="EMMA")
    assert likenesses.forenames(ella, emma, NAMES) is Likeness.UNKNOWN
    ali, usman = replace(ella, surname="MOHAMMED ALI"), replace(emma, surname="MOHAMMED USMAN")
    assert likenesses.forenames(ali, usman, SHARING) is Likeness.UNKNOWN
    thomas = replace(ella, forename="THOMAS"), replace(emma, forename="THOMAS")
    assert likenesses.forenames(*thomas, NAMES) is Likeness.UNKNOWN


def test_another_surname_leaves_a_known_forename_what_it_is():
    assert likenesses.forenames(a_person(), another(surname="BRINDLECOTE"), NAMES) is Likeness.SAME
    assert likenesses.forenames(a_person(surname="HART RAE"), another(surname="RAE HART"), NAMES) is Likeness.SAME
    assert likenesses.forenames(a_person(forename="ZYVAN"), another(forename="ZYVAN"), NAMES) is Likeness.SAME


def test_a_slip_that_changes_the_sex_makes_another_name():
    paul, paula = a_person(forename="PAULX", sex="M"), another(forename="PAUL", sex="F")
    assert likenesses.forenames(paul, paula, NAMES) is Likeness.DIFFERENT


@pytest.mark.parametrize(
    ("a", "b", "likeness"),
    [
        (date(2015, 3, 4), date(2015, 3, 4), Likeness.SAME),
        (date(2015, 3, 4), date(2015, 4, 3), Likeness.SLIP),
        (date(2015, 3, 4), date(2015, 3, 14), Likeness.SLIP),
        (date(2015, 3, 20), date(2015, 3, 19), Likeness.SLIP),
        (date(2019, 3, 4), date(2020, 3, 4), Likeness.SLIP),
        (date(1997, 3, 4), date(2008, 3, 4), Likeness.DIFFERENT),
        (date(2015, 3, 4), date(2051, 3, 4), Likeness.DIFFERENT),
        (date(1985, 3, 4), date(1995, 3, 4), Likeness.SLIP),
        (date(1965, 3, 4), date(1985, 3, 4), Likeness.DIFFERENT),
        (date(2015, 3, 4), date(2016, 1, 20), Likeness.DIFFERENT),
    ],
)
def test_days_of_birth_are_one_slip_apart_or_two_peoples(a, b, likeness):
    assert likenesses.births(a_person(born=a), another(born=b)) is likeness
    assert likenesses.births(a_person(born=b), another(born=a)) is likeness


@pytest.mark.requirement("D-20")
@pytest.mark.parametrize("kind", [Birth.ESTIMATED, Birth.EXPECTED])
def test_an_estimated_or_expected_day_is_never_the_same_as_an_actual_one(kind):
    actual, other = a_person(), another(birth=kind)
    assert likenesses.births(actual, other) is Likeness.UNKNOWN
    assert graded(actual, replace(other, dwelling="CH4 4AA|3|M", uprn="")) is Grade.POSSIBLE
    assert likenesses.births(actual, another(birth=kind, born=date(2011, 3, 4))) is Likeness.DIFFERENT


FIRST_DAY = date(2008, 1, 1)
"""Nobody who was born before is a child in 2026."""
OF_ONE_AGE = [
    {"birth": Birth.ESTIMATED, "born": date(2013, 6, 15)},
    {"birth": Birth.CHILD, "born": FIRST_DAY},
]


@pytest.mark.requirement("D-20")
@pytest.mark.parametrize("age", OF_ONE_AGE)
def test_an_age_that_fits_is_enough_beside_the_whole_name_at_one_home(age):
    assert graded(a_person(), another(**age)) is Grade.CERTAIN
    assert graded(a_person(dwelling=""), another(**age, dwelling="")) is Grade.CERTAIN  # the property's number is equal


@pytest.mark.requirement("D-20")
@pytest.mark.parametrize("age", OF_ONE_AGE)
@pytest.mark.parametrize(
    "changes",
    [
        {"forename": "EMMMA"},
        {"forename": "E"},
        {"surname": "BRINDLECOTE"},
        {"surname": ""},
        {"sex": "U"},
        {"dwelling": "CH4 4AA|3|M", "uprn": ""},
        {"dwelling": "", "uprn": ""},
        {"key": "police_incidents|police|P2"},
        {"birth": Birth.UNKNOWN, "born": None},
        {"birth": Birth.EXPECTED, "born": date(2015, 3, 4)},
    ],
)
def test_an_age_beside_anything_less_is_for_a_person_to_look_at(age, changes):
    assert graded(a_person(), replace(another(**age), **changes), probability=1.0) is Grade.POSSIBLE


@pytest.mark.parametrize("born", [date(2007, 12, 31), date(1985, 3, 4)])
def test_who_was_written_down_as_a_child_is_not_the_grown_up_of_that_name(born):
    parent, child = a_person(born=born), another(birth=Birth.CHILD, born=FIRST_DAY)
    assert likenesses.births(parent, child) is Likeness.UNKNOWN
    assert graded(parent, child, probability=1.0) is Grade.POSSIBLE


def test_a_name_that_brothers_share_and_an_age_say_nothing_of_which_brother():
    one, other = a_person(forename="MOHAMMED", sex="M"), another(forename="MOHAMMED", sex="M", **OF_ONE_AGE[1])
    assert matching.doubtful(one, other, SHARING)
    assert not matching.doubtful(
        replace(one, forename="MOHAMMED ALI"), replace(other, forename="MOHAMMED ALI"), SHARING
    )


def test_two_ages_are_no_day():
    one, other = a_person(birth=Birth.ESTIMATED), another(birth=Birth.CHILD, born=FIRST_DAY)
    assert graded(one, other, probability=1.0) is Grade.POSSIBLE


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"forename": "ELLA"}, Conflict.FORENAME),  # a twin
        ({"forename": "ELLA", "born": date(2016, 5, 20)}, Conflict.BORN),  # a sibling
        ({"born": date(1985, 3, 4)}, Conflict.BORN),  # a parent of the same name
        ({"born": date(2014, 12, 25)}, Conflict.BORN),
        ({"nhs_number": OTHER_NHS}, Conflict.IDENTIFIER),
        ({"upn": "A950000178301"}, Conflict.IDENTIFIER),
        ({"nino": "CE654321"}, Conflict.IDENTIFIER),
    ],
)
def test_twins_siblings_namesakes_and_other_numbers_are_certainly_not_one_person(changes, why):
    one = a_person(nhs_number=NHS, upn="H243278544154", nino="AB123456")
    other = another(**changes)
    assert matching.conflict(one, other, NAMES) is why
    assert graded(one, other, probability=1.0) is Grade.CERTAINLY_NOT


@pytest.mark.parametrize("born", [date(2015, 4, 3), date(2015, 7, 4)])
def test_a_birthday_that_slipped_at_two_homes_may_be_a_cousins(born):
    one, elsewhere = a_person(), another(born=born, dwelling="CH1 1AA|13|H", uprn="101")
    assert graded(one, elsewhere, probability=1.0) is Grade.POSSIBLE
    assert graded(one, another(born=born)) is Grade.CERTAIN
    assert graded(one, replace(elsewhere, uprn="100")) is Grade.CERTAIN  # the same property, written otherwise
    assert graded(one, replace(elsewhere, born=one.born)) is Grade.CERTAIN


def test_one_slip_in_a_national_insurance_number_contradicts_nothing():
    assert matching.conflict(a_person(nino="AB123456"), another(nino="AB123465"), NAMES) is None


def test_one_partner_may_keep_apart_people_whose_names_are_a_slip_apart():
    one, other = a_person(), a_person(key="police_incidents|police|P2", forename="EMMMA")
    assert matching.conflict(one, other, NAMES) is Conflict.OWN_REFERENCES
    assert graded(one, other) is Grade.POSSIBLE
    assert graded(one, other, probability=0.4) is Grade.CERTAINLY_NOT
    assert matching.conflict(one, another(forename="EMMMA"), NAMES) is None


def test_one_partner_may_keep_twins_apart_whose_names_are_variants():
    one, other = a_person(forename="KATE"), a_person(key="police_incidents|police|P2", forename="KATHERINE")
    assert matching.conflict(one, other, NAMES) is Conflict.OWN_REFERENCES
    assert matching.conflict(one, another(forename="KATHERINE"), NAMES) is None


def test_one_partner_may_have_a_reference_for_each_home_of_somebody_who_moved():
    one = a_person(forename="KATE")
    other = a_person(key="police_incidents|police|P2", forename="KATHERINE", dwelling="CH4 4AA|3|M")
    assert matching.conflict(one, other, NAMES) is None
    mistyped = replace(other, forename="KATTE")
    assert matching.conflict(one, mistyped, NAMES) is None
    assert matching.conflict(one, replace(mistyped, born=date(2015, 4, 3)), NAMES) is Conflict.OWN_REFERENCES
    assert matching.conflict(one, replace(mistyped, dwelling=one.dwelling), NAMES) is Conflict.OWN_REFERENCES
    assert matching.conflict(one, replace(mistyped, dwelling=""), NAMES) is Conflict.OWN_REFERENCES


def test_an_equal_number_against_a_conflict_is_for_a_person_to_look_at():
    one, twin = a_person(nhs_number=NHS), another(forename="ELLA", nhs_number=NHS)
    assert not matching.certain_by_identifier(one, twin, NAMES)
    assert graded(one, twin) is Grade.POSSIBLE


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"forename": "EMMMA"},
        {"born": date(2015, 4, 3)},
        {"forename": "EMMMA", "born": date(2015, 4, 3)},
        {"born": date(2014, 3, 4), "birth": Birth.ESTIMATED},
        {"born": FIRST_DAY, "birth": Birth.CHILD},
        {"surname": "BRINDLECOTE"},
        {"dwelling": ""},
    ],
)
def test_an_equal_number_without_a_contradiction_is_certain(changes):
    assert matching.certain_by_identifier(a_person(nhs_number=NHS), another(nhs_number=NHS, **changes), NAMES)


@pytest.mark.parametrize("changes", [{}, {"forename": "EMMMA"}])
def test_an_equal_justice_number_is_a_number_too_and_another_one_contradicts_nothing(changes):
    one, number = a_person(justice=frozenset({"pnc 2001/0171310W"})), "pnc 2001/0171310W"
    assert matching.certain_by_identifier(one, another(justice=frozenset({number, "crn X123456"}), **changes), NAMES)
    assert not matching.certain_by_identifier(one, another(justice=frozenset({"pnc 2003/0062845E"}), **changes), NAMES)
    assert matching.conflict(one, another(justice=frozenset({"pnc 2003/0062845E"})), NAMES) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"born": None, "birth": Birth.UNKNOWN},  # a parent of the same name whose number was borrowed
        {"birth": Birth.EXPECTED},
        {"born": date(2016, 1, 1), "birth": Birth.CHILD},  # who was a child when the other was none
        {"forename": ""},  # a twin whose number was borrowed
        {"forename": "E"},
    ],
)
def test_a_borrowed_number_joins_neither_twins_nor_a_parent_and_a_child_of_one_name(changes):
    one, other = a_person(nhs_number=NHS), another(nhs_number=NHS, **changes)
    assert not matching.certain_by_identifier(one, other, NAMES)
    assert graded(one, other) is Grade.POSSIBLE


def test_names_a_letter_apart_are_possible_at_best_even_beside_an_equal_number():
    one, other = a_person(forename="ZYVAN", nhs_number=NHS), another(forename="ZYLAN", nhs_number=NHS)
    assert not matching.certain_by_identifier(one, other, NAMES)
    assert graded(one, other, probability=1.0) is Grade.POSSIBLE


@pytest.mark.parametrize(
    ("known", "odd", "slip"),
    [
        ("MARTHA", "MATRHA", True),
        ("MARTHA", "MARRTHA", True),
        ("MARTHA", "MATHA", True),
        ("MARTHA", "MARTH", False),
        ("MARTHA", "MARTHAA", True),
        ("MARTHA", "MARTHAS", False),
        ("LILA", "LIA", False),
        ("MARTHA", "MARTNA", False),
        ("MARTHA", "AMRTHA", False),
    ],
)
def test_fingers_swap_double_or_lose_letters_where_names_differ_otherwise(known, odd, slip):
    assert likenesses.typing_slip(known, odd) is slip


@pytest.mark.parametrize(
    "changes",
    [
        {"born": None, "birth": Birth.UNKNOWN},
        {"forename": ""},
        {"forename": "E"},
        {"forename": "EMMMA", "born": date(2015, 4, 3)},
    ],
)
def test_what_is_missing_or_twice_inexact_is_possible_at_best(changes):
    assert graded(a_person(), another(**changes), probability=1.0) is Grade.POSSIBLE


@pytest.mark.parametrize(
    ("probability", "grade"),
    [(0.99, Grade.CERTAIN), (0.98999, Grade.POSSIBLE), (0.5, Grade.POSSIBLE), (0.4999, Grade.CERTAINLY_NOT)],
)
def test_the_grade_follows_the_profiles_thresholds(probability, grade):
    assert graded(a_person(), another(), probability) is grade


identities = st.builds(
    a_person,
    key=st.sampled_from(["police_incidents|police|P1", "police_incidents|police|P2", "school_attendance|schools|S1"]),
    forename=st.sampled_from(["", "E", "EMMA", "ELLA", "EMMMA", "KATE", "KATHERINE", "ASHBARROW"]),
    surname=st.sampled_from(["", "ASHBARROW", "EMMA"]),
    born=st.sampled_from([None, date(2015, 3, 4), date(2015, 4, 3), date(1985, 3, 4), FIRST_DAY]),
    birth=st.sampled_from(list(Birth)),
    sex=st.sampled_from(["", "F", "M"]),
    nhs_number=st.sampled_from(["", NHS, OTHER_NHS]),
    nino=st.sampled_from(["", "AB123456", "AB123465", "CE654321"]),
)


@given(a=identities, b=identities, probability=st.floats(0, 1))
def test_matching_is_symmetric(a, b, probability):
    assert matching.conflict(a, b, NAMES) is matching.conflict(b, a, NAMES)
    assert graded(a, b, probability) is graded(b, a, probability)
    assert matching.certain_by_identifier(a, b, NAMES) is matching.certain_by_identifier(b, a, NAMES)


@given(a=identities, b=identities)
def test_what_a_score_rests_on_is_symmetric(a, b):
    assert matching.ground(a, b) is matching.ground(b, a)


@given(a=identities, b=identities, probability=st.floats(0, 1))
def test_no_score_outranks_a_conflict(a, b, probability):
    if matching.conflict(a, b, NAMES) is not None:
        assert graded(a, b, probability) is not Grade.CERTAIN


@given(st.text("ABC", max_size=6), st.text("ABC", max_size=6))
def test_one_slip_is_one_edit_or_one_swap(a, b):
    edits = {a}
    edits |= {a[:i] + a[i + 1 :] for i in range(len(a))}
    edits |= {a[:i] + sign + a[i:] for i in range(len(a) + 1) for sign in "ABC"}
    edits |= {a[:i] + sign + a[i + 1 :] for i in range(len(a)) for sign in "ABC"}
    edits |= {a[:i] + a[i + 1] + a[i] + a[i + 2 :] for i in range(len(a) - 1)}
    assert likenesses.one_slip(a, b) is (b in edits)
