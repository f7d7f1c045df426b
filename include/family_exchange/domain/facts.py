"""Facts about people: what a named person may rectify and how it is written, and where somebody lived after that."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from family_exchange.domain import identifiers
from family_exchange.domain.column import DataClass
from family_exchange.domain.errors import NeedsDecision
from family_exchange.domain.home import Stay
from family_exchange.domain.person import Birth, age_on
from family_exchange.domain.register_rules import Attribute

Value = Mapping[str, str]
"""The parts of one fact, e.g. `{"forename": …, "surname": …}`."""

UNPLACED = "unplaced"
"""The slot of an address that names no home: a postcode alone, or a placeholder."""

KINDS_OF_BIRTH = (Birth.ACTUAL, Birth.ESTIMATED, Birth.EXPECTED)
"""The slots of a day of birth, the best known first; they are never mixed."""

IDENTIFIERS: Mapping[str, DataClass] = {
    "nhs_number": DataClass.NHS_NUMBER,
    "nino": DataClass.NINO,
    "upn": DataClass.UPN,
    "former_upn": DataClass.UPN,
    "uln": DataClass.UPN,
    "pnc_id": DataClass.POLICE_REFERENCE,
    "cro": DataClass.POLICE_REFERENCE,
    "crn": DataClass.JUSTICE_REFERENCE,
    "noms_number": DataClass.JUSTICE_REFERENCE,
}
"""The slots of an identifier: its canonical column."""

CLASSES: Mapping[Attribute, DataClass] = {
    Attribute.NAME: DataClass.NAME,
    Attribute.BIRTH: DataClass.DATE_OF_BIRTH,
    Attribute.SEX: DataClass.SEX,
    Attribute.ADDRESS: DataClass.ADDRESS,
    Attribute.RELATIONSHIP: DataClass.FAMILY,
}
"""What an attribute tells about somebody; identifiers and involvements have classes of their own."""

RECTIFIABLE = (*CLASSES, Attribute.IDENTIFIER)
"""A service's involvement is for the service to put right: it is what the partner did."""

ADDRESS_PARTS = ("address_line_1", "address_line_2", "town", "postcode", "uprn")
OLDEST = 130

_NORMAL: Mapping[str, Callable[[str], str | None]] = {
    "nhs_number": identifiers.nhs_number,
    "nino": identifiers.nino,
    "upn": identifiers.upn,
    "former_upn": identifiers.upn,
    "uln": identifiers.uln,
    "cro": identifiers.cro,
}


def rectified(attribute: str, slot: str, typed: str, *, today: date) -> tuple[Attribute, str, Value]:
    """The attribute, its slot and the value that somebody typed, as a fact has it.

    A name is `{"forename": …, "surname": …}`, an address `{"address_line_1": …, "postcode": …}` in JSON; a birth is a
    day, its slot `actual` when none is given; a sex `F` or `M`; an identifier's slot says its kind.

    Raises:
        NeedsDecision: it is none of these; the message holds nothing that was typed.
    """
    reader = next((read for known, read in _READERS.items() if known == attribute), None)
    if reader is None:
        raise NeedsDecision(f"an attribute that can be rectified is one of {', '.join(RECTIFIABLE)}")
    return (Attribute(attribute), *reader(slot, typed, today))


def _name(slot: str, typed: str, _: date) -> tuple[str, Value]:
    return _no_slot(Attribute.NAME, slot), _parts(typed, ("forename", "surname"), required="surname")


def _address(slot: str, typed: str, _: date) -> tuple[str, Value]:
    return slot, _parts(typed, ADDRESS_PARTS, required="postcode")


def _birth(slot: str, typed: str, today: date) -> tuple[str, Value]:
    kind = slot or Birth.ACTUAL
    if kind not in KINDS_OF_BIRTH:
        raise NeedsDecision(f"the slot of a birth is one of {', '.join(KINDS_OF_BIRTH)}")
    try:
        born = date.fromisoformat(typed)
    except ValueError:
        raise NeedsDecision("a day of birth is given as YYYY-MM-DD") from None
    if (born > today) != (kind == Birth.EXPECTED) or age_on(born, today) > OLDEST:
        raise NeedsDecision("an expected day of birth lies ahead; any other is past, and nobody is that old")
    return kind, {"day": born.isoformat()}


def _sex(slot: str, typed: str, _: date) -> tuple[str, Value]:
    if typed not in {"F", "M"}:
        raise NeedsDecision("a sex is F or M")
    return _no_slot(Attribute.SEX, slot), {"sex": typed}


def _relationship(slot: str, typed: str, _: date) -> tuple[str, Value]:
    if not slot or not typed.strip():
        raise NeedsDecision("a relationship needs its slot, as `person show` names it, and a word")
    return slot, {"relationship": typed.strip()}


def _identifier(slot: str, typed: str, today: date) -> tuple[str, Value]:
    if slot not in IDENTIFIERS:
        raise NeedsDecision(f"the slot of an identifier is one of {', '.join(IDENTIFIERS)}")
    if slot == "pnc_id":
        normal = identifiers.pnc(typed, this_year=today.year)
    else:
        normal = _NORMAL[slot](typed) if slot in _NORMAL else typed.strip().upper()
    if not normal:
        raise NeedsDecision(f"the value is no valid {slot}")
    return slot, {"number": normal}


_READERS: Mapping[Attribute, Callable[[str, str, date], tuple[str, Value]]] = {
    Attribute.NAME: _name,
    Attribute.BIRTH: _birth,
    Attribute.SEX: _sex,
    Attribute.ADDRESS: _address,
    Attribute.RELATIONSHIP: _relationship,
    Attribute.IDENTIFIER: _identifier,
}


def _no_slot(attribute: Attribute, slot: str) -> str:
    if slot:
        raise NeedsDecision(f"a {attribute} has no slot: a person has one at a time")
    return ""


def _parts(typed: str, names: Sequence[str], *, required: str) -> Value:
    shape = "{" + ", ".join(f'"{name}": "…"' for name in names) + "}"
    try:
        read = json.loads(typed)
    except ValueError:
        read = None
    if not isinstance(read, dict) or not all(isinstance(part, str) for part in read.values()):
        raise NeedsDecision(f"the value is JSON of the form {shape}")
    if unknown := len(set(read) - set(names)):
        raise NeedsDecision(f"{unknown} parts of the value are none of {', '.join(names)}")
    said = {name: read[name].strip() for name in names if read.get(name, "").strip()}
    if required not in said:
        raise NeedsDecision(f"the value needs a {required}")
    return said


@dataclass(frozen=True, slots=True)
class Rectified:
    """Where a named person says that somebody lives since a day."""

    number: int
    home: str
    from_on: date
    only: bool
    """True when it is about this home alone; else it is the only home from that day."""


@dataclass(frozen=True, slots=True)
class Lived:
    """One home over a time, and whose word it is."""

    home: str
    from_on: date
    to_on: date | None
    """First day on which the person no longer lived there; None: still does, as far as is known."""
    rectification: int | None = None
    """None: what partners tell."""


def lived(stays: Iterable[Stay], rectifications: Iterable[Rectified]) -> list[Lived]:
    """Where somebody lived, by home and day: partners' word until a named person's, which outranks it from its day on.

    A later rectification stands over an earlier one. Nobody has two entries of one home at a time.
    """
    found = [Lived(stay.home, stay.from_on, stay.to_on) for stay in stays]
    for one in sorted(rectifications, key=lambda each: (each.from_on, each.number)):
        here = [each for each in found if each.home == one.home and (each.to_on is None or each.to_on > one.from_on)]
        end = max((each.to_on for each in here), key=lambda day: day or date.max, default=None) if one.only else None
        found = [
            cut
            for each in found
            if (cut := _until(each, one.from_on) if each.home == one.home or not one.only else each) is not None
        ]
        found.append(Lived(one.home, one.from_on, end, one.number))
    return sorted(found, key=lambda each: (each.home, each.from_on))


def _until(one: Lived, day: date) -> Lived | None:
    """The part of it before `day`."""
    if one.from_on >= day:
        return None
    return Lived(one.home, one.from_on, min(one.to_on or day, day), one.rectification)
