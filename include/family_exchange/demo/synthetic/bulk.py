"""A large police file made by columns, for measuring: right by its contract, told of nobody's life."""

from datetime import timedelta
from random import Random

from family_exchange.demo.synthetic import names, numbers, places, police, span
from family_exchange.demo.synthetic.generator import TODAY
from family_exchange.demo.synthetic.places import Homes
from family_exchange.demo.synthetic.sheet import as_csv, preamble

_ROWS_PER_PERSON = 2
_OUTCOMES = ("charged", "cautioned", "no_further_action", "community_resolution", "none")


def bulk_police(rows: int, seed: int = 1) -> bytes:
    """A police file with exactly `rows` rows, each of which its contract takes; the same arguments give the same bytes.

    About two rows tell of the same person, who is written down alike in both.
    """
    rng = Random(f"{seed}/bulk")  # noqa: S311 - synthetic people, not secrets
    during = span.span(TODAY)
    people = _people(rng, max(1, rows // _ROWS_PER_PERSON))
    days = [(during.coverage_from + timedelta(days=day)).isoformat() for day in range(200)]
    columns = zip(
        range(rows),
        rng.choices(people, k=rows),
        rng.choices(("victim", "suspect", "offender", "witness"), k=rows),
        rng.choices(("crime", "asb"), k=rows),
        rng.choices(days, k=rows),
        rng.choices(_OUTCOMES, k=rows),
        strict=True,
    )
    lines = (
        (f"B{number:09d}", person[0], role, kind, day, outcome, "N", "", *person[1:])
        for number, person, role, kind, day, outcome in columns
    )
    return preamble(police.FEED, during, rows) + as_csv(police.HEADER, lines)


def _people(rng: Random, count: int) -> list[tuple[str, ...]]:
    """Reference, names, birthday, sex, address and PNC id of `count` grown-ups."""
    homes = Homes(rng, places.AREAS[0], 1)
    first = span.years_before(TODAY, 80)
    people: list[tuple[str, ...]] = []
    for number in range(count):
        sex, origin, home = rng.choice("FM"), names.origin(rng), homes.next()
        born = first + timedelta(days=rng.randrange(60 * 365))
        people.append(
            (
                f"N{number:07d}", names.surname(rng, origin).upper(), names.forename(rng, origin, sex),
                born.isoformat(), sex, home.line_1, home.line_2, home.town, home.postcode,
                numbers.pnc_id(2000 + number % 25, number % 9_999_999) if number % 3 == 0 else "",
            )
        )  # fmt: skip
    return people
