"""Linkage models outside the nightly run: how good they are, that they are steady, and what two of them differ in."""

from random import Random

import pytest

from family_exchange.adapters import linkage, linkage_model, profiles, statements
from family_exchange.demo import synthetic
from family_exchange.domain.errors import NeedsDecision
from family_exchange.stages import modelling
from support import people_matching
from support.people_matching import CLASSES, COUNCIL, THRESHOLDS, keys_of, standard, synthetic_council

HELD_OUT = 41
"""No model was trained on the people of this seed."""


def found_by(version, raw):
    model = linkage_model.model(version)
    return modelling.find(standard(raw, model), model, THRESHOLDS)


@pytest.mark.requirement("R-038")
def test_the_newest_model_joins_hardly_anybody_wrongly_and_leaves_little_to_people(capsys):
    raw, truth = synthetic_council(4000, HELD_OUT)
    keys, found = keys_of(raw), found_by(None, raw)
    quality = people_matching.say(capsys, "gate", found.joined, truth, keys)
    assert quality.precision >= 0.998
    assert quality.recall >= 0.94
    true = modelling.true_pairs(truth, keys)
    assert len((found.joined | found.possible) & true) >= 0.985 * len(true)
    assert len(found.possible) < 0.06 * len(true)
    for name, kinds in CLASSES.items():
        assert not people_matching.of_class(found.joined - true, truth, kinds), name


def test_a_newer_model_finds_more_than_the_one_before_and_is_no_less_right():
    raw, truth = synthetic_council(4000, HELD_OUT)
    keys = keys_of(raw)
    old, new = (modelling.quality(found_by(version, raw).joined, truth, keys) for version in ("v1", "v2"))
    assert new.recall > old.recall
    assert new.precision >= old.precision - 0.0005


def weights(pairs):
    return {
        frozenset((pair.a, pair.b)): (round(pair.probability, 6), round(pair.weight, 3))
        for pair in pairs
        if pair.probability is not None
    }


def test_the_same_pair_weighs_the_same_in_any_order_and_any_batch():
    raw, _ = synthetic_council(400, HELD_OUT)
    model = linkage_model.model()
    order = list(range(raw.num_rows))
    Random(5).shuffle(order)
    shuffled = raw.take(order)
    late = [number % 3 == 0 for number in range(raw.num_rows)]
    at = shuffled.schema.get_field_index("fresh")
    batches = shuffled.set_column(at, "fresh", [[*late]])
    once = {}
    for name, table in (("at once", raw), ("shuffled", shuffled), ("in batches", batches)):
        with linkage.over(standard(table, model), model) as pool:
            once[name] = weights(pool.pairs(0.01))
    assert once["shuffled"] == once["at once"]
    assert once["in batches"].items() <= once["at once"].items()
    assert 0 < len(once["in batches"]) < len(once["at once"])


def test_what_two_models_grade_differently_is_counted():
    raw, _ = synthetic_council(400, HELD_OUT)
    model = linkage_model.model()
    table = standard(raw, model)
    found = modelling.find(table, model, THRESHOLDS)
    careful = modelling.find(table, model, people_matching.Thresholds(certain=0.9999999, possible=0.5))
    assert modelling.changes(found, found) == {}
    changed = modelling.changes(found, careful)
    assert changed["certain", "possible"] > 0
    assert ("possible", "certain") not in changed


def test_a_synthetic_councils_folder_is_read_with_its_truth(tmp_path):
    profile = profiles.profile(COUNCIL)
    made = synthetic.council(profile, people=200, seed=HELD_OUT)
    synthetic.write(made, tmp_path)
    raw, truth = modelling.folder_statements(tmp_path, profile), modelling.folder_truth(tmp_path)
    again, same = synthetic_council(200, HELD_OUT)
    assert raw.select(statements.RAW).equals(again.select(statements.RAW))
    assert truth == same
    with pytest.raises(NeedsDecision, match="synth"):
        modelling.folder_truth(tmp_path / "police")
