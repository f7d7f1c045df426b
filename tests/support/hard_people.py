"""People who are harder to tell apart than a synthetic council's, as several partners write them down, with mistakes.

Who they are depends on nothing but the seed. Names are in use, so that a slip seldom makes another's.
"""

from datetime import date, timedelta
from itertools import count, pairwise
from random import Random

import pyarrow as pa

from family_exchange.adapters import linkage_model, statements
from family_exchange.adapters.statements import SEPARATOR
from family_exchange.domain.person import record_key
from family_exchange.stages.modelling import Meant

SOURCES = (
    ("school_attendance", "schools"), ("childrens_social_care", "childrens-services"), ("police_incidents", "police"),
    ("housing_tenancies", "housing"),
)  # fmt: skip
KINDS = ("cousins", "twins_of_one_initial", "parent_of_one_birthday", "three_generations", "students")
"""Of what they are taken for another; students share an address, and now and then a name and a birthday by chance."""
YEAR = 2026
STREETS = ("High Street", "Mill Lane", "Church Road", "Station Road", "Green Lane", "Willow Close")
ROOMS = 5


class _Streets:
    """Homes in order: fifteen of one postcode."""

    def __init__(self):
        self._number = count()

    def next(self):
        place = next(self._number)
        street, door = divmod(place, 15)
        letters = "ABDEFGHJLNPQRSTUWXYZ"
        code = f"CH{1 + street // 4000} {street // 400 % 10}{letters[street // 20 % 20]}{letters[street % 20]}"
        return f"{door + 1} {STREETS[street % len(STREETS)]}", "", code


def families(rng, homes, names):
    """Kind and people, each a dictionary, without end: of each kind in turn."""
    surnames = [name.title() for name in linkage_model.model().surname_share]
    forms = linkage_model.model().names.alike
    of_one_initial = [(a, b) for a, b in pairwise(names) if a[0] == b[0] and a.upper() not in forms.get(b.upper(), ())]

    def somebody():
        born = date(2009, 1, 1) + timedelta(rng.randrange(5800))
        who = {"forename": rng.choice(names), "surname": rng.choice(surnames), "sex": rng.choice("FM")}
        return who | {"born": born, "home": homes.next()}

    def elder(one):
        born = one["born"]
        return one | {"born": date(born.year - rng.randrange(19, 41), born.month, min(born.day, 28))}

    while True:
        one = somebody()
        gap = timedelta(rng.choice((-1, 1)) * rng.randrange(40, 900))
        yield "cousins", [one, one | {"born": one["born"] + gap, "home": homes.next()}]
        one = somebody()
        yield "twins_of_one_initial", [one | {"forename": name} for name in rng.choice(of_one_initial)]
        one = somebody()
        yield "parent_of_one_birthday", [one, elder(one)]
        one = somebody()
        parent = elder(one)
        yield "three_generations", [one, parent, elder(parent)]
        one = somebody()
        yield "students", [
            one | {"forename": name, "surname": rng.choice(surnames[:8]), "born": date(2004, 1, 1) + timedelta(days)}
            for name, days in zip(rng.sample(names, ROOMS), rng.sample(range(1400), ROOMS), strict=True)
        ]  # fmt: skip


def written(rng, person, source):
    """A raw statement of the person, with what goes wrong."""
    born, estimated, child = person["born"], "false", ()
    kind = rng.choices(("as it is", "missing", "estimated", "day and month"), (84, 8, 5, 3))[0]
    if kind == "missing":
        child = (str(YEAR),) if source[0] == "housing_tenancies" and YEAR - born.year < 18 else ()
        born = None
    elif kind == "estimated":
        born, estimated = born.replace(day=15), "true"
    elif kind == "day and month" and born.day <= 12:
        born = born.replace(month=born.day, day=born.month)
    forename = person["forename"]
    slip = rng.choices(("", "doubled", "swapped", "initial"), (92, 3, 3, 2))[0]
    place = rng.randrange(1, max(2, len(forename) - 2))
    if slip == "doubled":
        forename = forename[:place] + forename[place] + forename[place:]
    elif slip == "swapped":
        forename = forename[:place] + forename[place + 1] + forename[place] + forename[place + 2 :]
    elif slip == "initial":
        forename = forename[0]
    line = dict.fromkeys(statements.RAW, "")
    return line | {
        "forename": forename, "surname": person["surname"], "sex": "U" if rng.random() < 0.03 else person["sex"],
        "birth": SEPARATOR.join((born.isoformat() if born else "", estimated, "f", *child)),
        "address": SEPARATOR.join(person["home"] if rng.random() < 0.95 else ("", "", "")), "fresh": True,
    }  # fmt: skip


def people(number, seed):
    """Raw statements of about `number` people, and whom each record key means, with the kind of their family."""
    rng, homes = Random(seed), _Streets()
    names = sorted(name.title() for name in linkage_model.model().forename_share if len(name) > 3)
    rows, truth, made = [], {}, 0
    for kind, members in families(rng, homes, names):
        if made >= number:
            break
        for person in members:
            made += 1
            for source in rng.sample(SOURCES, rng.randrange(1, len(SOURCES) + 1)):
                if source[0] == "school_attendance" and YEAR - person["born"].year > 18:
                    continue
                key = record_key(*source, f"R{made}")
                rows.append(written(rng, person, source) | {"key": key})
                truth[key] = Meant(str(made), kind)
    return pa.Table.from_pylist(rows), truth
