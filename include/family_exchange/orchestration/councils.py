"""The councils that Dags are made for: every one whose files are sound; a broken one never hides another."""

from collections.abc import Iterator

from airflow.sdk import conf

from family_exchange.adapters import profiles
from family_exchange.adapters.profiles import BadFile
from family_exchange.domain.profile import Profile
from family_exchange.orchestration.defaults import SECTION


def sound() -> Iterator[Profile]:
    """The profiles that can be read whole, by slug; `dags/profiles.py` shows what is wrong with the others.

    An installation that serves only some of the councils names them, by commas, as `councils` in our section of
    Airflow's configuration.
    """
    served = set(conf.getlist(SECTION, "councils", fallback=[])) or set(profiles.councils())
    for council in sorted(served & set(profiles.councils())):
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
        BadFile: some are not; file, line, key and what was expected of each mistake stand below the message.
    """
    if problems := profiles.check():
        error = BadFile(problems)
        for problem in problems:
            error.add_note(str(problem))
        raise error
