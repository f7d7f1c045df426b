"""The good files of feeds that no storyteller of their own tells of: written by contract and suite alone."""

from collections.abc import Callable, Iterator
from random import Random

from family_exchange.demo.synthetic.agreements import agreed
from family_exchange.demo.synthetic.by_contract import Writer
from family_exchange.demo.synthetic.people import Population
from family_exchange.demo.synthetic.sheet import Sheet
from family_exchange.demo.synthetic.span import Span
from family_exchange.domain.profile import Profile

Streams = Callable[[str], Random]
"""A stream of chance for the part of that name."""


def sheets(
    profile: Profile, feeds: list[str], population: Population, streams: Streams, during: Span
) -> Iterator[tuple[str, Sheet]]:
    """`partner, sheet` for each of `feeds` and each partner that sends it; two partners of a feed know other people."""
    for feed in feeds:
        partners = [partner.slug for partner in profile.partners_for(feed)]
        writer = Writer(streams(f"by contract/{feed}"), agreed(feed), population, during)
        for place, partner in enumerate(partners):
            yield partner, writer.sheet(place=place, of=len(partners))
