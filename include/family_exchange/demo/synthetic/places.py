"""Addresses of a town that is on no map: invented streets, an invented postcode area, property numbers out of use."""

from dataclasses import dataclass, field
from random import Random

from family_exchange.demo.synthetic import numbers
from family_exchange.demo.synthetic.names import words

AREAS = ("FX", "JR", "NX", "RX", "UW", "YX")
"""Postcode areas that Royal Mail has never used, though their letters are allowed."""
NO_FIXED_ABODE = "ZZ99 3VZ"
"""The health service's postcode for people without an address."""
_INWARD = "ABDEFGHJLNPQRSTUWXYZ"
_HOMES_IN_A_POSTCODE = 16
_STREETS_IN_A_TOWN = 14
_OPEN_STREETS = 24

_FIRST = words(
    """Alder Anvil Badger Barley Bellwether Bobbin Bramble Candle Chandler Cobble Cooper Curlew Damson Drover Fallow
    Ferret Fuller Gannet Gosling Hazel Heron Hopper Juniper Kestrel Lantern Larch Linnet Loom Mallard Medlar Miller
    Nettle Orchard Otter Pebble Plover Quarry Quince Rowan Saddler Sorrel Spindle Tanner Teasel Thatcher Walnut
    Weaver Wheelwright Willow Yarrow"""
)
_SECOND = words("Street Road Avenue Close Lane Drive Crescent Terrace Way Grove Rise Court")
_TOWNS = (
    "Nether Kelby", "Great Ambleford", "Marrowick", "Brindle Haven", "Saint Osric", "Low Tarnby", "Copperbeck",
    "Whistledown", "Harrowmere", "Eastwold", "Fallowgate", "Cinderford Cross",
)  # fmt: skip
_PLAIN_DOOR_SHARE = 0.86
_FLAT_SHARE = 0.11


@dataclass(frozen=True, slots=True)
class Address:
    """One home."""

    line_1: str = field(repr=False)
    line_2: str = field(repr=False)
    town: str = field(repr=False)
    postcode: str = field(repr=False)
    uprn: str = field(repr=False)


class Homes:
    """Hands out homes in several streets at a time: neighbours share a postcode, and movers seldom keep theirs."""

    def __init__(self, rng: Random, area: str, first_uprn: int) -> None:
        self._rng = rng
        self._area = area
        self._uprn = first_uprn
        self._opened = 0
        self._open: list[tuple[int, int]] = [(self._next_group(), 0) for _ in range(_OPEN_STREETS)]
        self._streets = [f"{first} {second}" for first in _FIRST for second in _SECOND]
        rng.shuffle(self._streets)

    def next(self) -> Address:
        """A home that nobody was given before."""
        at = self._rng.randrange(_OPEN_STREETS)
        group, place = self._open[at]
        full = place + 1 == _HOMES_IN_A_POSTCODE
        self._open[at] = (self._next_group(), 0) if full else (group, place + 1)
        self._uprn += self._rng.randrange(1, 9)
        town = _TOWNS[group // _STREETS_IN_A_TOWN % len(_TOWNS)]
        turn, street = divmod(group, len(self._streets))
        line_1, line_2 = self._door(turn * 40 + 1 + place, self._streets[street])
        return Address(line_1, line_2, town, self._postcode(group), numbers.uprn(self._uprn))

    def _next_group(self) -> int:
        self._opened += 1
        return self._opened - 1

    def _door(self, number: int, street: str) -> tuple[str, str]:
        kind = self._rng.random()
        if kind < _PLAIN_DOOR_SHARE:
            return f"{number} {street}", ""
        if kind < _PLAIN_DOOR_SHARE + _FLAT_SHARE:
            return f"Flat {self._rng.randrange(1, 13)}", f"{number} {street}"
        return f"{self._rng.choice(_FIRST)} Cottage", street

    def _postcode(self, group: int) -> str:
        rest, unit = divmod(group, len(_INWARD) ** 2)
        district, sector = divmod(rest, 10)
        first, second = divmod(unit, len(_INWARD))
        return f"{self._area}{district % 99 + 1} {sector}{_INWARD[first]}{_INWARD[second]}"


def room(home: Address, number: int) -> Address:
    """A room in a shared house: the same door, the same property number."""
    line_1 = f"Room {number}, {home.line_1}"
    return Address(line_1, home.line_2, home.town, home.postcode, home.uprn)
