from random import Random

import pytest

from family_exchange.adapters import linkage_file, linkage_model, training
from family_exchange.domain.errors import NeedsDecision
from support.people_matching import standard, synthetic_council

BASE = linkage_model.model()
PEOPLE, SEED = 3000, 11


def statements(order=None):
    raw, _ = synthetic_council(PEOPLE, SEED)
    return standard(raw.take(order) if order else raw, BASE)


@pytest.fixture(scope="module")
def trained():
    return training.train(statements(), BASE, version="v9", on="a test")


def test_the_same_records_in_any_order_teach_the_same_weights(trained):
    order = list(range(statements().num_rows))
    Random(3).shuffle(order)
    again = training.train(statements(order), BASE, version="v9", on="a test")
    assert linkage_file.written(again) == linkage_file.written(trained)


def test_another_seed_teaches_almost_the_same(trained):
    other = linkage_model.weights(training.train(statements(), BASE, version="v9", on="a test", seed=2))
    for level, bits in linkage_model.weights(trained).items():
        assert other[level] == pytest.approx(bits, abs=3), level


def test_only_weights_are_learnt_and_what_is_fixed_by_hand_stays(trained):
    learnt, before = trained.model_dump(exclude={"version", "splink", "trained"}), BASE.model_dump()
    assert learnt == {name: before[name] for name in learnt}
    moved = 0
    for (name, level), (_, was) in zip(trained.levels(), BASE.levels(), strict=True):
        weights = ("m_probability", "u_probability")
        assert {key: value for key, value in level.items() if key not in weights} == {
            key: value for key, value in was.items() if key not in weights
        }
        if was.get("fix_m_probability"):
            assert [level[key] for key in weights] == [was[key] for key in weights], name
        moved += any(level.get(key) != was.get(key) for key in weights)
    assert moved > 10
    assert [each.on for each in trained.trained] == [*(each.on for each in BASE.trained), "a test"]


def test_weights_of_each_comparison_still_sum_to_one(trained):
    for comparison in trained.splink["comparisons"]:
        levels = [level for level in comparison["comparison_levels"] if not level.get("is_null_level")]
        assert sum(level["m_probability"] for level in levels) == pytest.approx(1, abs=0.001)


@pytest.mark.requirement("R-038")
def test_nobody_of_the_records_is_in_the_file(trained):
    raw, _ = synthetic_council(PEOPLE, SEED)
    text = linkage_file.written(trained).upper()
    surnames = {name.upper() for name in raw["surname"].to_pylist() if len(name) > 6}
    known = linkage_file.written(BASE).upper()
    assert surnames
    assert [name for name in surnames if name in text and name not in known] == []


def test_what_was_learnt_finds_one_persons_records_likelier_to_agree_than_two_peoples(trained):
    bits = linkage_model.weights(trained)
    assert bits["name", "whole name equal"] > 8
    assert bits["birthday", "the same day"] > 8
    assert bits["name", "neither"] < -3


def test_too_few_records_teach_nothing():
    with pytest.raises(NeedsDecision, match="500 statements"):
        training.train(statements(list(range(400))), BASE, version="v9", on="a test")
