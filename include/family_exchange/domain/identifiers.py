"""The reference numbers that other organisations give to people and places, in one normal form, or not at all.

Each function gives the normal form of what was typed, or None when it cannot be a number of that kind. Only ASCII
letters and digits count: a fullwidth digit or a letter that merely looks right is refused, never converted.

Source: NHS Data Dictionary (NHS number), HMRC NIM39110 (NINO), Department for Education UPN guide, LRS (ULN),
Police National Computer codes (PNC, CRO), GeoPlace (UPRN), Royal Mail programmers' guide (postcode).
"""

import re
from collections.abc import Callable, Mapping
from enum import StrEnum

from stdnum.gb import nhs
from stdnum.gb import upn as pupil_number

UPN_LETTERS = "ABCDEFGHJKLMNPQRTUVWXYZ"
"""Check letters by remainder: I, O and S are never used."""
UPN_WEIGHTS = tuple(range(2, 14))
PNC_LETTERS = "ZABCDEFGHJKLMNPQRTUVWXY"
NHS_WEIGHTS = tuple(range(10, 1, -1))

NHS_FORM = r"^[0-9]{10}$"
NINO_FORM = r"^[ABCEGHJ-PRSTW-Z][ABCEGHJ-NPRSTW-Z][0-9]{6}[A-D]?$"
NINO_NEVER = ("BG", "GB", "KN", "NK", "NT", "TN", "ZZ")
UPN_FORM = r"^[A-HJ-NP-RT-Z][0-9]{12}$"
TEMPORARY_UPN_FORM = r"^[A-HJ-NP-RT-Z][0-9]{11}[A-HJ-NP-RT-Z]$"
UPRN_FORM = r"^[0-9]{1,12}$"
POSTCODE_FORM = (
    r"^(?:GIR 0AA|[A-PR-UWYZ](?:[0-9]{1,2}|[A-HK-Y][0-9](?:[0-9]|[ABEHMNPRV-Y])?|[0-9][A-HJKPS-UW])"
    r" [0-9][ABD-HJLNP-UW-Z]{2})$"
)
PNC_FORM = r"^(?:([0-9]{2}|[0-9]{4})/([0-9]{1,7})|([0-9]{4})([0-9]{6,7})|([0-9]{2})([0-9]{1,7}))([A-HJ-NP-RT-Z])$"
CRO_FORM = r"^([0-9]{1,6})/([0-9]{2})([A-HJ-NP-RT-Z])$"
CRO_FILE_FORM = r"^SF([0-9]{2})/([0-9]{1,6})([A-HJ-NP-RT-Z])$"

_ULN_PLACEHOLDER = "9999999999"
_CENTURY = 100


class Kind(StrEnum):
    """A kind of identifier; the value is the canonical name of the column that holds it."""

    NHS_NUMBER = "nhs_number"
    NINO = "nino"
    UPN = "upn"
    ULN = "uln"
    PNC = "pnc_id"
    CRO = "cro"
    UPRN = "uprn"
    POSTCODE = "postcode"


def nhs_number(text: str) -> str | None:
    """Ten digits whose last one is the check digit of the others (modulus 11)."""
    digits = _bare(text)
    if not re.fullmatch(NHS_FORM, digits) or len(set(digits)) == 1:
        return None
    return digits if nhs.is_valid(digits) else None


def nino(text: str) -> str | None:
    """National Insurance number, upper case, without spaces; the last letter may be missing. It has no check digit."""
    number = _bare(text).upper()
    return number if re.fullmatch(NINO_FORM, number) and not number.startswith(NINO_NEVER) else None


def upn(text: str) -> str | None:
    """Unique pupil number, upper case, whose first letter is the check letter of the rest; temporary ones included.

    Local authorities come and go, so that their codes are not looked up in the library's list, which ends in 2011.
    """
    number = _bare(text).upper()
    if not re.fullmatch(UPN_FORM, number) and not re.fullmatch(TEMPORARY_UPN_FORM, number):
        return None
    return number if pupil_number.calc_check_digit(number) == number[0] else None


def temporary_upn(text: str) -> bool:
    """True for a UPN that a school issued for itself until the real one is known: it says nothing in another school."""
    number = upn(text)
    return number is not None and number[-1].isalpha()


def uln(text: str) -> str | None:
    """Unique learner number, ten digits with leading zeros; 9999999999 means that there is none."""
    digits = _bare(text)
    if not re.fullmatch(r"^[0-9]{1,10}$", digits):
        return None
    number = digits.zfill(10)
    remainder = sum(int(digit) * weight for digit, weight in zip(number, NHS_WEIGHTS, strict=False)) % 11
    valid = number != _ULN_PLACEHOLDER and remainder and 10 - remainder == int(number[9])
    return number if valid else None


def pnc(text: str, *, this_year: int | None) -> str | None:
    """Police National Computer number as `YYYY/NNNNNNNC`.

    A year of two digits belongs to the century that does not put it after `this_year`; where that is not known, the
    two digits stay. The slash and the serial's leading zeros may be missing.
    """
    found = re.fullmatch(PNC_FORM, _bare(text).upper())
    if not found:
        return None
    first, second, third, fourth, fifth, sixth, letter = found.groups()
    year, serial = first or third or fifth, (second or fourth or sixth).zfill(7)
    if PNC_LETTERS[int(year[-2:] + serial) % 23] != letter:
        return None
    return f"{_whole_year(year, this_year)}/{serial}{letter}"


def cro(text: str) -> str | None:
    """Criminal Records Office number, as `NNNNNN/YYC` or, for a file number, `SFYY/N…C`."""
    number = _bare(text).upper()
    if found := re.fullmatch(CRO_FORM, number):
        serial, year, letter = found[1].zfill(6), found[2], found[3]
        return f"{serial}/{year}{letter}" if PNC_LETTERS[int(year + serial) % 23] == letter else None
    if found := re.fullmatch(CRO_FILE_FORM, number):
        return number if PNC_LETTERS[int(found[1] + found[2]) % 23] == found[3] else None
    return None


def uprn(text: str) -> str | None:
    """Unique property reference number: up to twelve digits; leading zeros, which spreadsheets lose, do not count."""
    return (text.lstrip("0") or None) if re.fullmatch(UPRN_FORM, text) else None


def postcode(text: str) -> str | None:
    """Postcode, upper case, with one space before the last three characters."""
    if not text.isascii():
        return None
    joined = text.replace(" ", "").upper()
    spaced = f"{joined[:-3]} {joined[-3:]}"
    return spaced if re.fullmatch(POSTCODE_FORM, spaced) else None


NORMAL: Mapping[Kind, Callable[[str], str | None]] = {
    Kind.NHS_NUMBER: nhs_number,
    Kind.NINO: nino,
    Kind.UPN: upn,
    Kind.ULN: uln,
    Kind.CRO: cro,
    Kind.UPRN: uprn,
    Kind.POSTCODE: postcode,
}
"""The rule of each kind that needs nothing but the text; `pnc` also needs to know the year."""


def _bare(text: str) -> str:
    """Without the spaces and hyphens that people put in to read it; empty when it is not plain ASCII."""
    return text.replace(" ", "").replace("-", "") if text.isascii() else ""


def _whole_year(year: str, this_year: int | None) -> str:
    if this_year is None or len(year) == 4:  # noqa: PLR2004 - four digits are a whole year
        return year
    century = this_year // _CENTURY * _CENTURY
    return str(century + int(year) - (_CENTURY if int(year) > this_year % _CENTURY else 0))
