"""The councils that Dags are made for: every one whose files are sound; a broken one never hides another."""

from collections.abc import Iterator

from family_exchange.adapters import profiles
from family_exchange.adapters.profiles import BadFile
from family_exchange.domain.profile import Profile


def sound() -> Iterator[Profile]:
    """The profiles that can be read whole, by slug; `dags/profiles.py` shows what is wrong with the others."""
    for council in profiles.councils():
        try:
            yield profiles.profile(council)
        except BadFile:
            continue


def returns(profile: Profile) -> tuple[str, ...]:
    """The codes of the returns that the council makes, sorted."""
    return tuple(sorted(code for code, promise in profile.returns.items() if promise.enabled))


def refuse_broken() -> None:
    """All profiles, contracts, frameworks and returns are sound.

    Raises:
        BadFile: some are not; file, line, key and what was expected stand in the message, one mistake a line.
    """
    if problems := profiles.check():
        raise BadFile(problems)
