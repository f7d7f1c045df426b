"""The councils that Dags are made for: every one whose files are sound; a broken one never hides another."""

from collections.abc import Iterator

from airflow.sdk import conf

from family_exchange.adapters import expectations, profiles
from family_exchange.adapters.profiles import BadFile
from family_exchange.domain.errors import NeedsDecision
from family_exchange.domain.profile import Profile
from family_exchange.orchestration.defaults import SECTION


def sound() -> Iterator[Profile]:
    """The profiles that can be read whole, with the suites of their feeds; `dags/profiles.py` shows what is wrong.

    An installation that serves only some of the councils names them, by commas, as `councils` in our section of
    Airflow's configuration.
    """
    for council in served():
        try:
            profile = profiles.profile(council)
            for feed in profile.active_feeds:
                expectations.load_suite(feed)
        except BadFile:
            continue
        yield profile


def served() -> list[str]:
    """The councils that this installation is for and that have a profile, sound or not; sorted."""
    return sorted((_named() or set(profiles.councils())) & set(profiles.councils()))


def returns(profile: Profile) -> tuple[str, ...]:
    """The codes of the returns that the council makes, sorted."""
    return tuple(sorted(code for code, promise in profile.returns.items() if promise.enabled))


def refuse_broken() -> None:
    """All profiles, contracts, suites, frameworks and returns are sound; every council that is served has a profile.

    Raises:
        BadFile: some are not; file, line, key and what was expected of each mistake stand below the message.
        NeedsDecision: the configuration names a council that has no profile.
    """
    if unknown := sorted(_named() - set(profiles.councils())):
        raise NeedsDecision(f"[{SECTION}] councils names {len(unknown)} without a profile: {', '.join(unknown)}")
    if problems := sorted({*profiles.check(), *expectations.check()}):
        error = BadFile(problems)
        for problem in problems:
            error.add_note(str(problem))
        raise error


def _named() -> set[str]:
    """The councils that the configuration names; empty: all."""
    return set(conf.getlist(SECTION, "councils", fallback=[]))
