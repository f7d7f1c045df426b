"""What was agreed for a feed, as the synthetic partners read it."""

from collections.abc import Iterator

from family_exchange.adapters import expectations, profiles
from family_exchange.adapters.places import DATA
from family_exchange.demo.synthetic.meaning import Agreed
from family_exchange.domain.contract import Contract


def agreed(feed: str, version: str = "v1") -> Agreed:
    """The contract and the rules of one version of a feed.

    Raises:
        BadFile: there is no such version, or one of its files has a mistake.
    """
    return with_rules(profiles.contract(feed, version))


def with_rules(contract: Contract) -> Agreed:
    """The contract, or that of one table of a bundle, with its rules."""
    return Agreed(contract, expectations.load_suite(contract.feed, contract.suite))


def versions(feed: str) -> Iterator[str]:
    """Every version of the feed's contract, oldest first."""
    stems = (path.stem for path in (DATA / "contracts" / feed).glob("v*.yaml"))
    yield from sorted(stems, key=lambda stem: int(stem.removeprefix("v")))
