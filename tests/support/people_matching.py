"""Synthetic councils as statements with their truth, and what a way of matching makes of them."""

import sys
from functools import cache

import pyarrow as pa

from family_exchange.adapters import profiles, statements
from family_exchange.demo import synthetic
from family_exchange.domain.matching import Thresholds
from family_exchange.domain.person import record_key
from family_exchange.stages import modelling
from family_exchange.stages.modelling import Meant

COUNCIL = "cheshire-west-and-chester"
THRESHOLDS = Thresholds(certain=0.99, possible=0.5)
CLASSES = {"twins": {"twin"}, "siblings": {"close_sibling"}, "junior_senior": {"junior", "senior"}}


@cache
def synthetic_council(people, seed, council=COUNCIL):
    """The raw statements of every good file, and whom each record key means."""
    profile = profiles.profile(council)
    made = synthetic.council(profile, people=people, seed=seed)
    columns = {name: [] for name in (*statements.RAW, "fresh")}
    for file in made.files:
        if file.misbehaviour is None:
            for row in modelling.rows_of(file.content, file.feed, file.partner, profile, version=file.contract):
                for name, value in row.items():
                    columns[name].append(value)
    truth = {
        record_key(each.feed, each.partner, each.record_ref): Meant(str(each.person), str(each.likeness))
        for each in made.truth
    }
    return pa.table(columns), truth


def standard(raw, model):
    """The statements as `model` wants them."""
    return statements.standard(raw, model.names, model.placeholders)


def keys_of(table):
    """Every record key, in order."""
    return sorted(set(table["key"].to_pylist()))


def of_class(pairs, truth, likenesses):
    """The pairs in which somebody is of that class."""
    return frozenset(pair for pair in pairs if any(truth[key].likeness in likenesses for key in pair))


def say(capsys, name, joined, truth, keys):
    """Print one line of the benchmark, with false joins by class; return the quality."""
    found = modelling.quality(frozenset(joined), truth, keys)
    false = frozenset(joined) - modelling.true_pairs(truth, keys)
    apart = " ".join(f"{each}={len(of_class(false, truth, kinds))}" for each, kinds in CLASSES.items())
    with capsys.disabled():
        sys.stdout.write(
            f"\nBENCH matching.{name} precision={found.precision:.4f} recall={found.recall:.4f} f1={found.f1:.4f} "
            f"false_joins={found.false_joins} pairs={found.pairs} {apart}\n"
        )
    return found
