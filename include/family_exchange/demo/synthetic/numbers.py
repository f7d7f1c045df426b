"""Identifiers that are right by their own rules and that nobody holds.

NHS numbers come from the 999 test range; National Insurance numbers begin with an X, which is not given out; UPRNs
begin with 99, beyond those in use. Unique pupil numbers carry the council's own code.
"""

from collections import defaultdict
from itertools import islice
from random import Random

from family_exchange.domain.identifiers import NHS_WEIGHTS, PNC_LETTERS, UPN_LETTERS, UPN_WEIGHTS

_NINO_PREFIXES = tuple("X" + second for second in "ABCEGHJKLMNPRSTW")
_FIRST_SCHOOL = 2001
_FIRST_URN = 900001
_SERIALS = 1000
_DIGITS_OF_TEST_RANGE = 1_000_000
_NO_CHECK_DIGIT = 10


class NotEnoughNumbers(ValueError):
    """More people were asked for than the test ranges have numbers for."""


def nhs_numbers(rng: Random, count: int) -> list[str]:
    """`count` different NHS numbers of the test range.

    Raises:
        NotEnoughNumbers: the test range has about 909,000.
    """
    serials = rng.sample(range(_DIGITS_OF_TEST_RANGE), min(_DIGITS_OF_TEST_RANGE, count + count // 5 + 100))
    valid = (f"999{serial:06d}{check}" for serial in serials if (check := nhs_check(f"999{serial:06d}")) is not None)
    numbers = list(islice(valid, count))
    if len(numbers) < count:
        raise NotEnoughNumbers(f"the test range of NHS numbers is too small for {count} people")
    return numbers


def nhs_check(nine: str) -> int | None:
    """The check digit of the first nine; None where no number is issued."""
    rest = 11 - sum(int(digit) * weight for digit, weight in zip(nine, NHS_WEIGHTS, strict=True)) % 11
    return None if rest == _NO_CHECK_DIGIT else rest % 11


def ninos(rng: Random, count: int) -> list[str]:
    """`count` different National Insurance numbers."""
    serials = rng.sample(range(len(_NINO_PREFIXES) * _DIGITS_OF_TEST_RANGE), count)
    return [
        f"{_NINO_PREFIXES[serial // _DIGITS_OF_TEST_RANGE]}{serial % _DIGITS_OF_TEST_RANGE:06d}{'ABCD'[serial % 4]}"
        for serial in serials
    ]


def upn_letter(digits: str) -> str:
    """The check letter that stands before the twelve digits."""
    return _letter([int(digit) for digit in digits])


def temporary_upn(eleven: str, last: str) -> str:
    """A temporary pupil number: the check letter, eleven digits, and the letter that replaces the thirteenth."""
    return f"{_letter([*(int(digit) for digit in eleven), UPN_LETTERS.index(last)])}{eleven}{last}"


class PupilNumbers:
    """Gives each new pupil the next number of their first school and year."""

    def __init__(self, la_code: str) -> None:
        self._la_code = la_code
        self._given: defaultdict[tuple[int, int], int] = defaultdict(int)

    def next(self, school: int, year: int) -> str:
        """A pupil number that was not given before.

        Raises:
            NotEnoughNumbers: the school took a thousand pupils in that year.
        """
        serial = self._given[school, year]
        if serial >= _SERIALS:
            raise NotEnoughNumbers(f"school {school} took more than {_SERIALS} pupils in {year}")
        self._given[school, year] += 1
        digits = f"{self._la_code}{_FIRST_SCHOOL + school:04d}{year % 100:02d}{serial:03d}"
        return upn_letter(digits) + digits


def school_urn(school: int) -> str:
    """The school's unique reference number, above those in use."""
    return str(_FIRST_URN + school)


def pnc_id(year: int, serial: int) -> str:
    """A Police National Computer id with its check letter."""
    letter = PNC_LETTERS[int(f"{year % 100:02d}{serial:07d}") % 23]
    return f"{year}/{serial:07d}{letter}"


def cro(year: int, serial: int) -> str:
    """A Criminal Records Office number with its check letter."""
    letter = PNC_LETTERS[int(f"{year % 100:02d}{serial:06d}") % 23]
    return f"{serial:06d}/{year % 100:02d}{letter}"


def uln(serial: int) -> str:
    """A unique learner number beginning with 9, with its check digit; where none is issued, that of a later serial."""
    while True:
        nine = f"9{serial % 100_000_000:08d}"
        remainder = sum(int(digit) * weight for digit, weight in zip(nine, NHS_WEIGHTS, strict=True)) % 11
        if remainder and nine != "999999999":
            return f"{nine}{10 - remainder}"
        serial += 1


def uprn(serial: int) -> str:
    """A unique property reference number beyond those in use."""
    return f"99{serial:010d}"


def misread(number: str) -> str:
    """`number` with its last digit read wrongly, so that its check does not hold."""
    place = max(place for place, sign in enumerate(number) if sign.isdigit())
    return f"{number[:place]}{(int(number[place]) + 1) % 10}{number[place + 1 :]}"


def _letter(values: list[int]) -> str:
    return UPN_LETTERS[sum(value * weight for value, weight in zip(values, UPN_WEIGHTS, strict=True)) % 23]
