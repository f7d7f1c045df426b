"""What identifies a person, written one way whoever sent it, and the ids that never change their meaning.

Standard text holds plain capitals, digits and single spaces; an empty text means that nothing is known, and a
placeholder that a clerk typed because a field must not be empty means just that. No repr shows a field.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import cache
from hashlib import sha256

from family_exchange.domain import identifiers
from family_exchange.domain.condition import Ages

ADULT_FROM = 18
"""A member of a family is a child until this birthday."""

ID_DIGITS = 16


class Birth(StrEnum):
    """How well a date of birth is known; kinds are never compared as if they were alike."""

    ACTUAL = "actual"
    ESTIMATED = "estimated"
    EXPECTED = "expected"
    """Of a child who was not born when the partner wrote it down."""
    CHILD = "child"
    """No day is known, but that the partner wrote down a child: the day is the first on which it can be born."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Placeholders:
    """What is written where nobody knows better, and where so many live that an address tells nothing of who it is."""

    births: frozenset[date] = frozenset()
    postcodes: frozenset[str] = frozenset()
    shared_places: frozenset[str] = frozenset()
    """Standard words of an address: a hostel, a refuge, a school."""
    shared_uprns: frozenset[str] = frozenset()


NO_PLACEHOLDERS = Placeholders()


@dataclass(frozen=True, slots=True)
class Identity:
    """One partner's standardised statement of who somebody is; an empty text or None is unknown."""

    key: str
    """The partner's own reference with its feed (`record_key`)."""
    forename: str = field(default="", repr=False)
    surname: str = field(default="", repr=False)
    born: date | None = field(default=None, repr=False)
    birth: Birth = field(default=Birth.UNKNOWN, repr=False)
    sex: str = field(default="", repr=False)
    dwelling: str = field(default="", repr=False)
    """`dwelling_key` of the address."""
    uprn: str = field(default="", repr=False)
    nhs_number: str = field(default="", repr=False)
    nino: str = field(default="", repr=False)
    upn: str = field(default="", repr=False)
    justice: frozenset[str] = field(default=frozenset(), repr=False)
    """Numbers of police, prison and probation, each with its kind."""

    @property
    def source(self) -> str:
        """The feed and partner whose references `key` belongs to."""
        return SEPARATOR.join(self.key.split(SEPARATOR)[:2])


SEPARATOR = "|"


def record_key(feed: str, partner: str, record_ref: str) -> str:
    """The key of a partner's own reference: one person, as that partner sees it."""
    return SEPARATOR.join((feed, partner, record_ref))


def is_record_key(text: str) -> bool:
    """True for a record key, False for a person's id."""
    return SEPARATOR in text


def person_id(record_keys: Iterable[str]) -> str:
    """The id of a new person, from the smallest of the record keys that were first decided to be that person.

    Raises:
        ValueError: there is no record key.
    """
    return derived_id("P", min(record_keys))


def derived_id(letter: str, *parts: str) -> str:
    """`letter` and 16 hexadecimal digits that depend on nothing but `parts`."""
    return letter + sha256("\x1f".join(parts).encode()).hexdigest()[:ID_DIGITS]


def age_on(born: date, day: date) -> int:
    """Whole years lived on `day`; a birthday on 29 February falls on 1 March in other years; 0 before birth."""
    had_birthday = (day.month, day.day) >= (born.month, born.day)
    return max(0, day.year - born.year - (not had_birthday))


def of_age(born: date | None, ages: Ages, day: date) -> bool:
    """True when the age on `day` lies in `ages`; an unknown age fits only where both ends are open."""
    if ages.min is None and ages.max is None:
        return True
    if born is None:
        return False
    age = age_on(born, day)
    return (ages.min is None or age >= ages.min) and (ages.max is None or age <= ages.max)


def earliest_birth(year: int) -> date:
    """The day before which nobody was born who is a child in that year."""
    return date(year - ADULT_FROM, 1, 1)


def birth_kind(born: date | None, *, estimated: bool, unborn: bool, placeholders: frozenset[date]) -> Birth:
    """How well `born` is known; `unborn` when it lay ahead of the day on which the partner stated it."""
    if born is None or born in placeholders:
        return Birth.UNKNOWN
    if unborn:
        return Birth.EXPECTED
    return Birth.ESTIMATED if estimated else Birth.ACTUAL


# --- names -----------------------------------------------------------------------------------------------------

_TITLES = frozenset({"MR", "MRS", "MISS", "MS", "DR", "REV", "MASTER"})
_NO_NAMES = frozenset(
    {"UNKNOWN", "NOT KNOWN", "UNNAMED", "NO NAME", "NONE", "NULL", "NA", "TBC", "TBA", "X", "XX", "XXX"}
    | {"BABY", "BABY BOY", "BABY GIRL", "UNBORN", "UNBORN BABY", "CHILD", "BOY", "GIRL", "TWIN", "TWIN 1", "TWIN 2"}
)
_JOINED = frozenset({"O", "MC", "MAC", "FITZ", "AL", "EL", "ABU", "D"})
"""First parts that some write apart and some do not."""
_SILENT_MARKS = re.compile("['`.\N{RIGHT SINGLE QUOTATION MARK}\N{MODIFIER LETTER APOSTROPHE}]")
_OTHER_MARKS = re.compile("[^0-9A-Z]+")
_UNDECOMPOSED = str.maketrans({"Ł": "L", "Đ": "D", "Ø": "O", "Æ": "AE", "Œ": "OE", "ß": "SS", "ẞ": "SS", "Þ": "TH"})


def plain(text: str) -> str:
    """`text` in unaccented capitals, digits and single spaces; apostrophes vanish, other marks part words."""
    letters = text.upper()
    if not letters.isascii():
        upper = unicodedata.normalize("NFKD", letters.translate(_UNDECOMPOSED))
        letters = "".join(sign for sign in upper if not unicodedata.combining(sign))
    return " ".join(_OTHER_MARKS.sub(" ", _SILENT_MARKS.sub("", letters)).split())


def standard_name(text: str | None) -> str:
    """A forename or surname: without titles, first parts joined (`O NEILL` is `ONEILL`), placeholders empty."""
    words = plain(text or "").split()
    while words and words[0] in _TITLES:
        words = words[1:]
    if " ".join(words) in _NO_NAMES:
        return ""
    joined: list[str] = []
    for word in words:
        if joined and joined[-1] in _JOINED:
            joined[-1] += word
        else:
            joined.append(word)
    return " ".join(joined)


# --- addresses -------------------------------------------------------------------------------------------------

_PLACEHOLDER_POSTCODES = ("NF1 ", "ZZ")
"""No fixed abode, and the codes that the NHS keeps for places that it does not know."""
_WORDS = {
    "RD": "ROAD", "AVE": "AVENUE", "AV": "AVENUE", "CL": "CLOSE", "CLS": "CLOSE", "DR": "DRIVE", "DRV": "DRIVE",
    "LN": "LANE", "CRES": "CRESCENT", "CR": "CRESCENT", "PL": "PLACE", "CT": "COURT", "CRT": "COURT",
    "GDNS": "GARDENS", "GDN": "GARDENS", "TER": "TERRACE", "TERR": "TERRACE", "GRV": "GROVE", "GR": "GROVE",
    "SQ": "SQUARE", "PK": "PARK", "HSE": "HOUSE", "BLDG": "BUILDING", "FLT": "FLAT", "APT": "FLAT",
    "APARTMENT": "FLAT", "UNIT": "FLAT", "STR": "STREET", "STRT": "STREET",
}  # fmt: skip
_SILENT = frozenset({"NO", "NUMBER", "THE"})
_STREETS = frozenset(_WORDS.values()) - {"HOUSE", "BUILDING", "FLAT", "COURT"} | frozenset(
    {"WAY", "HILL", "GATE", "WALK", "RISE", "GREEN", "MEWS", "ROW", "VIEW", "YARD", "CROFT", "BRIDGE"}
)


def standard_postcode(text: str | None, placeholders: Placeholders = NO_PLACEHOLDERS) -> str:
    """The postcode; empty when it is none, or a placeholder."""
    code = identifiers.postcode((text or "").strip()) or ""
    return "" if code.startswith(_PLACEHOLDER_POSTCODES) or code in placeholders.postcodes else code


def standard_address(line_1: str | None, line_2: str | None) -> str:
    """The lines as one text with whole words; `ST` ends a street's name and otherwise begins a saint's."""
    return " ".join(word for part in f"{line_1 or ''},{line_2 or ''}".split(",") for word in _whole_words(part))


def is_shared_place(line_1: str | None, line_2: str | None, placeholders: Placeholders) -> bool:
    """True when many live there who are no family; a street that is called after such a place is none."""
    lines = f"{line_1 or ''},{line_2 or ''}"
    if not _hints(placeholders.shared_places).search(lines.upper()):
        return False
    for part in lines.split(","):
        words = _whole_words(part)
        if words and words[-1] not in _STREETS:
            line = f" {' '.join(words)} "
            if any(f" {place} " in line for place in placeholders.shared_places):
                return True
    return False


@cache
def _hints(places: frozenset[str]) -> re.Pattern[str]:
    """What an address must contain to be worth a closer look: nearly none does."""
    beginnings = sorted({max(place.split(), key=len)[:_BEGINNING] for place in places})
    return re.compile("|".join(map(re.escape, beginnings)) or r"(?!)")


_BEGINNING = 4


def _whole_words(part: str) -> list[str]:
    words = [_WORDS.get(word, word) for word in plain(part).split() if word not in _SILENT]
    last = len(words) - 1
    return [("STREET" if place == last else "SAINT") if word == "ST" else word for place, word in enumerate(words)]


def dwelling_key(
    line_1: str | None, line_2: str | None, postcode: str | None, placeholders: Placeholders = NO_PLACEHOLDERS
) -> str:
    """The home that an address tells of: postcode, the numbers in the lines, and the street's first letter.

    A mistyped street is the same home while its postcode and numbers agree; a home without a number is known by its
    whole first line. Without a postcode, or without a line, the home is unknown and the key empty.
    """
    code, home = standard_postcode(postcode, placeholders), home_within(line_1, line_2)
    return f"{code}{SEPARATOR}{home}" if code and home is not None else ""


def home_within(line_1: str | None, line_2: str | None) -> str | None:
    """What tells a home from the others of its postcode, as in `dwelling_key`; None without a line."""
    words = standard_address(line_1, line_2).split()
    if not words:
        return None
    numbers = [_number(word) for word in words if _is_number(word)]
    street = next((word for word in words if not _is_number(word) and word != "FLAT"), "")
    return f"{'.'.join(numbers)}{SEPARATOR}{street[:1]}" if numbers else standard_address(line_1, None)


def _is_number(word: str) -> bool:
    """`word` is plain: letters and digits, and no other sign."""
    return len(word) == 1 or not word.isalpha()


def _number(word: str) -> str:
    return word.lstrip("0") or "0"


# --- identifiers -----------------------------------------------------------------------------------------------

_NINO_BODY = 8


def nhs_number(text: str | None) -> str:
    """The NHS number; empty when it is not a valid one."""
    return identifiers.nhs_number(text or "") or ""


def nino(text: str | None) -> str:
    """The two letters and six digits that are somebody's own: some systems leave out the last letter."""
    return (identifiers.nino(text or "") or "")[:_NINO_BODY]


def upn(text: str | None) -> str:
    """The unique pupil number; empty for a temporary one, which another school gives to somebody else."""
    number = identifiers.upn(text or "") or ""
    return "" if identifiers.temporary_upn(number) else number


def justice_number(text: str | None) -> str:
    """A number of police, prison or probation, in capitals without spaces; intake has checked its form."""
    return (text or "").replace(" ", "").upper()


def uprn(text: str | None) -> str:
    """The unique property reference number; empty when it is none."""
    return identifiers.uprn((text or "").strip()) or ""
