import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from family_exchange.domain import identifiers
from family_exchange.domain.identifiers import Kind

digits = st.text("0123456789", min_size=1, max_size=14)
almost = st.text("0123456789ABDIOSZabz -/\u00e9\uff11\u0660\u200b", max_size=16)


@pytest.mark.requirement("R-030")
@pytest.mark.parametrize(
    ("typed", "normal"),
    [
        ("9434765919", "9434765919"),
        ("943 476 5919", "9434765919"),
        ("943-476-5919", "9434765919"),
        ("9876543210", "9876543210"),
        *((f"943476591{wrong}", None) for wrong in "012345678"),
        *((f"999000000{never}", None) for never in "0123456789"),
        *((f"999123456{never}", None) for never in "0123456789"),
        ("0000000000", None),
        ("9999999999", None),
        ("943476591", None),
        ("9.43477E+09", None),
        ("\uff19434765919", None),
        ("943476591\u0669", None),
        ("\u200b9434765919", None),
        ("", None),
    ],
)
def test_an_nhs_number_has_ten_digits_and_the_last_one_checks_the_others(typed, normal):
    assert identifiers.nhs_number(typed) == normal


@pytest.mark.requirement("R-030")
@pytest.mark.parametrize(
    ("typed", "normal"),
    [
        ("AB123456C", "AB123456C"),
        ("ab 12 34 56 c", "AB123456C"),
        ("AB123456", "AB123456"),
        ("CR123456A", "CR123456A"),
        ("QQ123456A", None),
        ("AO123456A", None),
        ("OO123456A", None),
        ("DA123456A", None),
        ("AB123456E", None),
        ("11a11111", None),
        *((f"{never}123456A", None) for never in ("BG", "GB", "KN", "NK", "NT", "TN", "ZZ")),
        ("\u017fB123456C", None),
        ("", None),
    ],
)
def test_a_nino_has_letters_that_are_in_use(typed, normal):
    assert identifiers.nino(typed) == normal


@pytest.mark.requirement("R-030")
@pytest.mark.parametrize(
    ("typed", "normal"),
    [
        ("A950000178301", "A950000178301"),
        ("h243278544154", "H243278544154"),
        ("X845212818005", "X845212818005"),
        ("W35020011400A", "W35020011400A"),
        ("K35020011400B", "K35020011400B"),
        ("R247962919251", None),
        ("X428558133462", None),
        ("K35020011400A", None),
        ("W35020011400I", None),
        ("A95000017830", None),
        ("A9500001783010", None),
        ("S950000178301", None),
        ("", None),
    ],
)
def test_a_upn_begins_with_the_check_letter_of_the_rest(typed, normal):
    assert identifiers.upn(typed) == normal


@pytest.mark.requirement("R-030")
@pytest.mark.parametrize(
    ("typed", "temporary"),
    [("W35020011400A", True), ("k35020011400b", True), ("A950000178301", False), ("K35020011400A", False)],
)
def test_a_temporary_upn_ends_with_a_letter(typed, temporary):
    assert identifiers.temporary_upn(typed) is temporary


@pytest.mark.requirement("R-030")
@pytest.mark.parametrize(
    ("typed", "normal"),
    [
        ("0000000042", "0000000042"),
        ("42", "0000000042"),
        ("1000000000", "1000000000"),
        ("1000000019", "1000000019"),
        ("1234567899", "1234567899"),
        ("9999999999", None),
        ("1234567890", None),
        ("", None),
    ],
)
def test_a_uln_keeps_its_leading_zeros_and_the_placeholder_is_none(typed, normal):
    assert identifiers.uln(typed) == normal


@pytest.mark.requirement("R-030")
@pytest.mark.parametrize(
    ("typed", "normal"),
    [
        ("1979/0163001B", "1979/0163001B"),
        ("2001/0171310W", "2001/0171310W"),
        ("2003/0062845E", "2003/0062845E"),
        ("79/163001B", "1979/0163001B"),
        ("79163001b", "1979/0163001B"),
        ("19790163001B", "1979/0163001B"),
        ("01/171310W", "2001/0171310W"),
        ("1979/0163001C", None),
        ("1979/01630011B", None),
        ("979/0163001B", None),
        ("", None),
    ],
)
def test_a_pnc_number_gets_its_century_and_its_zeros_back(typed, normal):
    assert identifiers.pnc(typed, this_year=2026) == normal


@pytest.mark.parametrize(("this_year", "century"), [(2026, "2026"), (2025, "1926"), (None, "26")])
def test_a_year_of_two_digits_never_lies_ahead(this_year, century):
    letter = identifiers.PNC_LETTERS[int("260000001") % 23]
    assert identifiers.pnc(f"26/1{letter}", this_year=this_year) == f"{century}/0000001{letter}"


@pytest.mark.requirement("R-030")
@pytest.mark.parametrize(
    ("typed", "normal"),
    [
        ("265416/21G", "265416/21G"),
        ("085227/65L", "085227/65L"),
        ("85227/65L", "085227/65L"),
        ("265416/21H", None),
        ("SF05/482703J", "SF05/482703J"),
        ("SF05/482703K", None),
        ("", None),
    ],
)
def test_a_cro_number_ends_with_its_check_letter(typed, normal):
    assert identifiers.cro(typed) == normal


@pytest.mark.requirement("R-030")
@pytest.mark.parametrize(
    ("typed", "normal"),
    [
        ("100023336956", "100023336956"),
        ("000012345", "12345"),
        ("0", None),
        ("1234567890123", None),
        ("12 34", None),
        ("1.0E+11", None),
        ("", None),
    ],
)
def test_a_uprn_is_a_number_of_up_to_twelve_digits(typed, normal):
    assert identifiers.uprn(typed) == normal


@pytest.mark.requirement("R-029")
@pytest.mark.parametrize(
    ("typed", "normal"),
    [
        *((good, good) for good in ("M1 1AA", "M60 1NW", "CR2 6XH", "DN55 1PT", "W1A 1HQ", "EC1A 1BB", "GIR 0AA")),
        ("ec1a1bb", "EC1A 1BB"),
        (" m1  1aa ", "M1 1AA"),
        ("M1 1CA", None),
        ("QX1 1AA", None),
        ("XXX XXX", None),
        ("nopostcode", None),
        ("M1", None),
        ("", None),
    ],
)
def test_a_postcode_has_one_space_before_its_last_three(typed, normal):
    assert identifiers.postcode(typed) == normal


@pytest.mark.parametrize("kind", sorted(identifiers.NORMAL))
@given(data=st.data())
def test_a_normal_form_stays_as_it_is(kind, data):
    normal = identifiers.NORMAL[kind](data.draw(st.one_of(almost, digits)))
    assert normal is None or identifiers.NORMAL[kind](normal) == normal


@given(st.text(max_size=20))
def test_nothing_but_plain_letters_and_digits_comes_out(text):
    for kind, rule in identifiers.NORMAL.items():
        assert (normal := rule(text)) is None or re.fullmatch(r"[A-Z0-9 /]+", normal), kind
    assert (normal := identifiers.pnc(text, this_year=2026)) is None or normal.isascii()


@given(st.from_regex(r"[0-9]{9}", fullmatch=True))
def test_at_most_one_last_digit_makes_an_nhs_number(first_nine):
    assert sum(identifiers.nhs_number(f"{first_nine}{last}") is not None for last in range(10)) <= 1


@given(st.from_regex(r"[0-9]{12}", fullmatch=True))
def test_exactly_one_first_letter_makes_a_upn(rest):
    assert sum(identifiers.upn(letter + rest) is not None for letter in identifiers.UPN_LETTERS) == 1


@given(st.from_regex(r"[0-9]{9}", fullmatch=True), st.integers(0, 8))
def test_two_neighbours_that_changed_places_are_noticed(first_nine, at):
    number = next((n for last in range(10) if (n := identifiers.nhs_number(f"{first_nine}{last}"))), None)
    if number is None or number[at] == number[at + 1]:
        return
    swapped = number[:at] + number[at + 1] + number[at] + number[at + 2 :]
    assert identifiers.nhs_number(swapped) is None


def test_every_kind_is_named_like_the_column_that_holds_it():
    assert {Kind.NHS_NUMBER, Kind.NINO, Kind.UPN, Kind.UPRN, Kind.POSTCODE} >= {"nhs_number", "nino", "upn", "uprn"}
