"""What a law of its own protects, and which fields of which returns would tell it to somebody else.

A source record bears its feed, and with it the law that protects it. A return to a recipient for a purpose may tell
what such a feed says only where the council's profile names exactly that recipient and that purpose.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from family_exchange.domain.contract import Contract
from family_exchange.domain.framework import Framework
from family_exchange.domain.profile import Profile
from family_exchange.domain.return_definition import ReturnDefinition, ReturnField


@dataclass(frozen=True, slots=True)
class Told:
    """A field that would tell what a protected feed says."""

    index: int
    """Its place among the fields that the profile names."""
    field: str
    feed: str
    law: str


def kept_back(profile: Profile, definition: ReturnDefinition, contract: Callable[[str], Contract]) -> dict[str, str]:
    """By agreed feed the law under which nothing of it goes into this return."""
    recipient = profile.returns[definition.code].recipient
    return {
        feed: law
        for feed in profile.feeds
        if (law := contract(feed).protected_by) and not profile.goes_on(feed, recipient, definition.purpose)
    }


def told(
    profile: Profile, definition: ReturnDefinition, contract: Callable[[str], Contract], frameworks: Iterable[Framework]
) -> Iterator[Told]:
    """The fields of the council's return that a connected feed which is kept back has a part in: measures, problems.

    Who somebody is comes from many feeds; there the records that are kept back are passed over, field or not.
    """
    kept, known = kept_back(profile, definition, contract), tuple(frameworks)
    laws = {feed: law for feed, law in kept.items() if feed in profile.active_feeds}
    for index, name in enumerate(profile.returns[definition.code].fields):
        if name in definition.names:
            for feed in sorted(_feeds(definition.field(name), known) & set(laws)):
                yield Told(index, name, feed, laws[feed])


def _feeds(field: ReturnField, frameworks: tuple[Framework, ...]) -> set[str]:
    problem = field.source.upper()
    asked = (each for framework in frameworks for each in framework.indicators if each.problem == problem)
    return {*field.feeds, *(each.feed for each in asked if each.feed)}
