import json
import os
import subprocess
import sys

import pytest

from family_exchange.adapters import linkage_file, linkage_model, profiles
from family_exchange.domain.errors import NeedsDecision
from family_exchange.domain.register_rules import Matching


def matching(**changes):
    return Matching.model_validate({"certain": 0.99, "possible": 0.5, "status": "assumed", "note": "n"} | changes)


def test_the_newest_version_is_used_unless_the_profile_names_another():
    newest = linkage_model.versions()[-1]
    assert linkage_model.model().version == linkage_model.of(matching()).version == newest
    assert linkage_model.of(matching(model="v1")).version == "v1"
    assert linkage_model.of(profiles.profile("bolton").matching).version == newest


def test_a_version_that_does_not_exist_is_told_with_those_that_do():
    with pytest.raises(NeedsDecision, match=r"v1, v2, v3, v4"):
        linkage_model.of(matching(model="v99"))


def test_a_councils_own_default_postcodes_and_shared_homes_are_placeholders_too():
    own = linkage_model.of(matching(default_postcodes=["CH1 2HS"], shared_uprns=["100"]))
    plain = linkage_model.of(matching())
    assert own.placeholders.postcodes - plain.placeholders.postcodes == {"CH1 2HS"}
    assert own.placeholders.shared_uprns == {"100"}
    assert plain.placeholders.shared_uprns == frozenset()


@pytest.mark.parametrize("version", ["v1", "v2", "v3", "v4"])
def test_weights_of_each_comparison_sum_to_one(version):
    for comparison in linkage_model.model(version).splink["comparisons"]:
        levels = [level for level in comparison["comparison_levels"] if not level.get("is_null_level")]
        assert sum(level["m_probability"] for level in levels) == pytest.approx(1, abs=0.001)


def test_the_shipped_model_is_the_file_that_training_writes_and_says_where_its_weights_are_from():
    for version, times in (("v2", 1), ("v4", 2)):
        model = linkage_model.model(version)
        assert linkage_file.written(model) == (linkage_model.FOLDER / f"{version}.json").read_text(encoding="utf-8")
        assert [("synthetic" in each.on, each.statements > 10_000) for each in model.trained] == [(True, True)] * times
    assert linkage_model.model("v1").trained == ()


def test_a_number_outweighs_a_name_and_a_differing_birthday_speaks_against():
    bits = linkage_model.weights(linkage_model.model())
    assert bits["nhs_number", "equal"] > bits["name", "whole name equal"] > 0
    assert bits["birthday", "the same day"] > bits["birthday", "the same 1 January"] > 0
    assert bits["birthday", "differ"] < bits["birthday", "an estimate that fits"] == 0


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("MOHAMMED", "MUHAMMAD"),
        ("OLEKSANDR", "ALEXANDER"),
        ("YULIIA", "JULIA"),
        ("SERHII", "SERGEY"),
        ("KHADIJAH", "KHADIJA"),
        ("LUKASZ", "LUCAS"),
    ],
)
def test_a_name_and_its_transliteration_are_forms_of_one(a, b):
    assert b in linkage_model.model().names.alike[a]


def test_a_file_that_is_no_model_is_told_by_its_keys_alone(tmp_path):
    file = tmp_path / "v3.json"
    file.write_text(json.dumps({"version": "v3", "margin": "Gribblestone"}))
    with pytest.raises(NeedsDecision, match="margin") as caught:
        linkage_model.read(file)
    assert "Gribblestone" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_the_rule_by_which_a_register_was_matched_is_the_same_in_every_process():
    """Else every run would take the register for one that was matched by another rule, and weigh all of it again."""
    code = (
        "from family_exchange.adapters import linkage_model, stated;"
        "from family_exchange.domain.matching import Thresholds;"
        "print(stated.rule(linkage_model.model(), Thresholds(certain=0.99, possible=0.5)))"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", code], env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(told) == 1
    assert len(told.pop().strip()) == 64
