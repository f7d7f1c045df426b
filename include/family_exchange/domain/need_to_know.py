"""Need to know: which purpose may see which data, and who may look at all."""

from collections.abc import Iterable, Iterator

from family_exchange.domain.column import DataClass, Purpose
from family_exchange.domain.contract import Contract
from family_exchange.domain.errors import NeedsDecision
from family_exchange.domain.key import require_person
from family_exchange.domain.profile import Profile
from family_exchange.domain.programme import line

Allowed = tuple[Purpose, str, DataClass]
"""A purpose, a feed, and a class of data that this purpose may see of its rows."""


def allowed(profile: Profile, contracts: Iterable[Contract]) -> Iterator[Allowed]:
    """What each purpose of the council may see, feed by feed: each once, in no order.

    The contract must give the purpose for a column of that class, and the notice must say that the class is taken in.
    A purpose for which the notice allows only anonymised data sees nothing.
    """
    identifiable = {promise.purpose for promise in profile.purposes if promise.identifiable}
    yield from {
        (purpose, contract.feed, column.data_class)
        for contract in contracts
        for column in contract.columns
        if profile.collects(column.data_class)
        for purpose in identifiable.intersection(column.purposes)
    }


def purpose(profile: Profile, stated: str) -> Purpose:
    """The purpose that somebody stated.

    Raises:
        NeedsDecision: the council's notice does not give it.
    """
    if not profile.allows(stated):
        known = ", ".join(each.purpose for each in profile.purposes)
        raise NeedsDecision(f"{profile.council} uses data for no such purpose; its purposes are: {known}")
    return Purpose(stated)


def is_identifiable(profile: Profile, stated: Purpose) -> bool:
    """False when the notice allows only anonymised data for that purpose."""
    return any(promise.purpose == stated and promise.identifiable for promise in profile.purposes)


def named(by: str) -> str:
    """The person who reads.

    Raises:
        NeedsDecision: nobody is named, or a machine is.
    """
    require_person(by)
    return line(by, "a name")
