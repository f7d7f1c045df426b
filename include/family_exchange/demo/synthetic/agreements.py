"""What was agreed for a feed, as the synthetic partners read it."""

from family_exchange.adapters import expectations, profiles
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
