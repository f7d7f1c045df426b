"""How well people are matched: against the truth of a synthetic council, and where it is hardest to tell two apart."""

import sys
from collections import Counter, defaultdict
from datetime import date, timedelta
from itertools import combinations
from random import Random

import pytest

from family_exchange.adapters import linkage_model, profiles
from family_exchange.demo import synthetic
from family_exchange.domain.likeness import one_slip
from family_exchange.stages import match
from support.registry import COUNCIL, a_file, doors_to, load, query, with_staging

HARD = ("twin", "close_sibling", "senior", "junior")


@pytest.fixture
def council(council_database):
    return with_staging(council_database)


def persons(url):
    rows = query(
        url,
        """SELECT DISTINCT r.feed, r.partner, r.record_ref, p.person_id
             FROM register.source_record r JOIN register.person_record p USING (source_record_id)""",
    )
    return {(feed, partner, ref): person for feed, partner, ref, person in rows}


def pairs(groups):
    return {pair for group in groups.values() for pair in combinations(sorted(group), 2)}


def grouped(found):
    groups = defaultdict(list)
    for key, value in found.items():
        groups[value].append(key)
    return groups


def compared(found, truth):
    """Joined and true pairs of references."""
    return pairs(grouped(found)), pairs(grouped({key: truth[key] for key in found}))


def say(capsys, name, joined, true):
    right = len(joined & true)
    precision, recall = right / len(joined), right / len(true)
    f1 = 2 * precision * recall / (precision + recall)
    with capsys.disabled():
        sys.stdout.write(
            f"\nQUALITY {name} precision={precision:.4f} recall={recall:.4f} f1={f1:.4f} "
            f"false_joins={len(joined - true)} pairs={len(true)}\n"
        )
    return precision, recall


@pytest.mark.requirement("R-038")
def test_a_synthetic_council_is_matched_as_it_truly_is(council, capsys):
    profile = profiles.profile(COUNCIL)
    made = synthetic.council(profile, people=2000, seed=1)
    load(council, made, profile)
    match.people(doors_to(council))
    truth = {(row.feed, row.partner, row.record_ref): row for row in made.truth}
    found = persons(council)
    joined, true = compared(found, {key: row.person for key, row in truth.items()})
    precision, recall = say(capsys, "synthetic", joined, true)
    assert precision >= 0.995
    assert recall >= 0.9
    mistaken = Counter(str(truth[key].likeness) for pair in joined - true for key in pair)
    assert {kind: mistaken[kind] for kind in HARD} == dict.fromkeys(HARD, 0)


def slips(rng, name):
    """`name` with one slip that makes no other given name: nobody could tell that from the other's own."""
    given = linkage_model.model().names.given
    while True:
        place = rng.randrange(1, len(name) - 1)
        slip = rng.choice([name[:place] + name[place] + name[place:], name[:place] + name[place + 1 :]])
        if slip not in given:
            return slip


def hard_people(rng, families):
    """Pairs that agree by birth: twins with names a letter apart, siblings within the year, parent and child."""
    given = sorted(name for name in linkage_model.model().forename_share if len(name) > 4)
    alike = [(a, b) for a, b in combinations(given, 2) if a[:2] == b[:2] and one_slip(a, b)]
    for number in range(families):
        first, second = rng.choice(alike) if number % 3 == 0 else rng.sample(given, 2)
        born = date(1995, 1, 1) + timedelta(days=rng.randrange(9000))
        births = [(first, born), (second, born)]
        if number % 3 == 1:
            births = [(first, born), (second, born + timedelta(days=rng.randrange(290, 366)))]
        if number % 3 == 2:
            births = [
                (first, born),
                (first, date(born.year - rng.choice([16, 20, 30, 33]), born.month, min(born.day, 28))),
            ]
        home = {"address_line_1": f"{number + 1} High Street", "postcode": f"CH1 {number % 9 + 1}AA"}
        for place, (forename, day) in enumerate(births):
            yield (
                number,
                place,
                {"forename": forename, "surname": f"Hard{number // 40}by", "date_of_birth": day, **home},
            )


@pytest.mark.requirement("R-038")
def test_twins_siblings_and_namesakes_are_never_joined(council, capsys):
    rng = Random(7)
    feeds = {"school_attendance": [], "childrens_social_care": [], "police_incidents": []}
    truth = {}
    partners = {
        "school_attendance": "schools",
        "childrens_social_care": "childrens-services",
        "police_incidents": "police",
    }
    for number, place, person in hard_people(rng, 240):
        for feed, rows in feeds.items():
            ref = f"{feed[0]}{number}-{place}"
            row = {"record_ref": ref, **person}
            if feed != "childrens_social_care":
                row["event_ref"] = "e1"
            if feed == "police_incidents" and rng.random() < 0.15:
                row["forename"] = slips(rng, person["forename"])
            truth[feed, partners[feed], ref] = (number, place)
            rows.append(row)
    for feed, rows in feeds.items():
        a_file(council, feed, rows)
    match.people(doors_to(council))
    joined, true = compared(persons(council), truth)
    _, recall = say(capsys, "hard", joined, true)
    assert joined <= true
    assert recall >= 0.9
