"""Which measures hang on a feed: indicators of the framework in force, and fields of the council's returns."""

from datetime import date

from family_exchange.adapters import profiles
from family_exchange.domain.errors import NeedsDecision
from family_exchange.domain.message import Measures
from family_exchange.domain.profile import Profile


def of(profile: Profile, feed: str, on: date) -> Measures:
    """What cannot be told on `on` when `feed` has not come; without a framework for that day, no indicator."""
    try:
        framework = profiles.framework_in_force(profile, on)
    except NeedsDecision:
        indicators: tuple[str, ...] = ()
    else:
        indicators = tuple(f"{each.problem} {each.label}" for each in framework.indicators if each.feed == feed)
    fields = tuple(
        f"{code} {field.name}"
        for code, promise in sorted(profile.returns.items())
        if promise.enabled
        for field in profiles.return_definition(code).in_order(promise.fields)
        if feed in field.feeds
    )
    return Measures(indicators, fields)
