"""How well people are matched, beside `recordlinkage` and the two-of-three rule, on the same records in the same run.

`make bench-matching` prints a line for each way and set. The synthetic council's people are not those of any training.
"""

import sys

import pandas as pd
import pytest

from family_exchange.adapters import linkage, linkage_model, training
from family_exchange.stages import modelling
from support import febrl, hard_people, people_matching
from support.people_matching import CLASSES, THRESHOLDS, keys_of, standard, synthetic_council

recordlinkage = pytest.importorskip("recordlinkage", reason="make bench-matching installs it")

PEOPLE = 20_000
HELD_OUT, LABELLED = 99, 3
"""Seeds: the people who are matched, and those whose truth `recordlinkage` may learn from; ours learnt from neither."""
OTHERS_HELD_OUT = ((PEOPLE, 101), (PEOPLE, 102), (PEOPLE, 103), (PEOPLE, 104), (60_000, 105))
HARD_HELD_OUT = (201, 202, 203, 204, 205)
HARD = 12_000

pytestmark = [
    pytest.mark.timeout(1800),
    pytest.mark.filterwarnings("ignore"),  # recordlinkage was made for an older pandas
]

_BLOCKS = (
    ["surname", "born"], ["forename", "born"], ["postcode", "born"], ["forename", "postcode"],
    ["surname", "postcode"], ["nhs_number"], ["upn"], ["nino"],
)  # fmt: skip
_FEBRL_BLOCKS = (["given_name"], ["surname"], ["date_of_birth"], ["postcode"], ["address_1"], ["soc_sec_id"])
_EQUAL = ("born", "postcode", "dwelling", "sex", "nhs_number", "upn", "nino")
_FEBRL_EQUAL = ("date_of_birth", "postcode", "soc_sec_id", "state", "street_number")
_ALIKE = ("forename", "surname")
_FEBRL_ALIKE = ("given_name", "surname", "address_1", "address_2", "suburb")


_ALIKE_FROM = 0.85


def frame_of(table):
    """One row for each record key; what is missing is missing."""
    columns = ["key", *dict.fromkeys((*_ALIKE, *_EQUAL))]
    frame = pd.DataFrame(table.select(columns).to_pydict()).replace("", None)
    return frame.drop_duplicates("key").set_index("key").sort_index()


def vectors(frame, blocks, equal, alike):
    """The candidate pairs of `recordlinkage`, compared."""
    index = recordlinkage.Index()
    for block in blocks:
        index.block(block)
    pairs = index.index(frame)
    compare = recordlinkage.Compare()
    for column in equal:
        compare.exact(column, column, label=f"{column} equal")
    for column in alike:
        compare.string(column, column, method="jarowinkler", label=f"{column} alike")
    return compare.compute(pairs, frame).fillna(0)


def pairs_of(index):
    """Pairs of keys, the smaller first."""
    return frozenset(tuple(sorted(pair)) for pair in index)


def by_ecm(found):
    """Matches without any label."""
    binary = (found >= _ALIKE_FROM).astype(int)
    varied = binary.loc[:, binary.nunique() > 1]
    return pairs_of(recordlinkage.ECMClassifier(binarize=None).fit_predict(varied))


def by_logistic(found, labelled, true):
    """Matches by what labelled pairs teach."""
    links = labelled.index[[tuple(sorted(pair)) in true for pair in labelled.index]]
    classifier = recordlinkage.LogisticRegressionClassifier()
    classifier.fit(labelled, links)
    return pairs_of(classifier.predict(found))


def two_of_three(frame):
    """Whole name, birthday, postcode: two of them equal."""
    found = set()
    for columns in (["forename", "surname", "born"], ["forename", "surname", "postcode"], ["born", "postcode"]):
        known = frame.dropna(subset=columns)
        found |= modelling.within(list(group) for group in known.groupby(columns).groups.values())
    return frozenset(found)


def test_a_synthetic_council_is_matched_better_than_by_others(benchmark, capsys):
    raw, truth = synthetic_council(PEOPLE, HELD_OUT)
    model = linkage_model.model()
    table, keys = standard(raw, model), keys_of(raw)
    found = benchmark.pedantic(modelling.find, args=(table, model, THRESHOLDS), rounds=1)
    true = modelling.true_pairs(truth, keys)
    ours = people_matching.say(capsys, "synthetic", found.joined, truth, keys)
    reviewed = people_matching.say(
        capsys, "synthetic.with_people_deciding", found.joined | (found.possible & true), truth, keys
    )
    scored = {tuple(sorted((pair.a.key, pair.b.key))) for pair in found.pairs if (pair.probability or 0) >= 0.99}
    people_matching.say(capsys, "synthetic.score_without_rules", scored, truth, keys)
    for name, kinds in CLASSES.items():
        of_these = {key for key in keys if truth[key].likeness in kinds}
        among = [key for key in keys if key in of_these]
        both = frozenset(pair for pair in found.joined if {*pair} <= of_these)
        people_matching.say(capsys, f"synthetic.{name}", both, truth, among)
    frame = frame_of(table)
    compared = vectors(frame, _BLOCKS, _EQUAL, _ALIKE)
    learnt_raw, learnt_truth = synthetic_council(PEOPLE, LABELLED)
    labelled = vectors(frame_of(standard(learnt_raw, model)), _BLOCKS, _EQUAL, _ALIKE)
    labels = modelling.true_pairs(learnt_truth, keys_of(learnt_raw))
    people_matching.say(capsys, "synthetic.recordlinkage_ecm", by_ecm(compared), truth, keys)
    logistic = by_logistic(compared, labelled, labels)
    people_matching.say(capsys, "synthetic.recordlinkage_logistic", logistic, truth, keys)
    people_matching.say(capsys, "synthetic.two_of_three", two_of_three(frame), truth, keys)
    assert ours.precision >= 0.998
    assert reviewed.f1 >= 0.985
    for kinds in CLASSES.values():
        assert not people_matching.of_class(found.joined - true, truth, kinds)


@pytest.mark.parametrize(("people", "seed"), OTHERS_HELD_OUT)
def test_other_councils_and_a_larger_one_are_matched_as_well(benchmark, capsys, people, seed):
    raw, truth = synthetic_council(people, seed)
    model = linkage_model.model()
    keys = keys_of(raw)
    found = benchmark.pedantic(modelling.find, args=(standard(raw, model), model, THRESHOLDS), rounds=1)
    true = modelling.true_pairs(truth, keys)
    name = f"synthetic.{people}.seed{seed}"
    ours = people_matching.say(capsys, name, found.joined, truth, keys)
    people_matching.say(capsys, f"{name}.with_people_deciding", found.joined | (found.possible & true), truth, keys)
    with capsys.disabled():
        sys.stdout.write(f"\nBENCH matching.{name}.for_people possible={len(found.possible)} people={people}\n")
    assert ours.precision >= 0.999
    assert ours.f1 >= 0.98
    for kinds in CLASSES.values():
        assert not people_matching.of_class(found.joined - true, truth, kinds)


@pytest.mark.parametrize("seed", HARD_HELD_OUT)
def test_who_is_hard_to_tell_apart_by_birth_is_never_joined_with_another(benchmark, capsys, seed):
    raw, truth = hard_people.people(HARD, seed)
    model = linkage_model.model()
    keys = keys_of(raw)
    found = benchmark.pedantic(modelling.find, args=(standard(raw, model), model, THRESHOLDS), rounds=1)
    ours = people_matching.say(capsys, f"hard.seed{seed}", found.joined, truth, keys)
    by_birth = {*hard_people.KINDS} - {"students"}  # of whom two may bear one name and be born on one day by chance
    assert not people_matching.of_class(found.joined - modelling.true_pairs(truth, keys), truth, by_birth)
    assert ours.precision >= 0.999


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_febrl_is_matched_as_well_as_anybody_does(benchmark, capsys, number):
    frame, true = febrl.loaded(number)
    side = frame["side"].to_dict()
    table = febrl.standard(frame)
    base = febrl.model(len(frame))

    def ours():
        model = training.train(table, base, version="v1", on=f"FEBRL {number}")
        with linkage.over(table, model) as pool:
            return [
                (tuple(sorted((pair.a.key, pair.b.key))), pair.probability)
                for pair in pool.pairs(0.001) if pair.probability is not None
            ]  # fmt: skip

    scored = benchmark.pedantic(ours, rounds=1)

    def across(pairs):
        return frozenset(pair for pair in pairs if number != 4 or side[pair[0]] != side[pair[1]])

    def said(name, pairs):
        joined = across(pairs)
        right = len(joined & true)
        precision, recall = right / len(joined), right / len(true)
        f1 = 2 * precision * recall / (precision + recall)
        with capsys.disabled():
            sys.stdout.write(
                f"\nBENCH matching.febrl{number}{name} precision={precision:.4f} recall={recall:.4f} f1={f1:.4f} "
                f"false_joins={len(joined - true)} pairs={len(true)}\n"
            )
        return f1

    best = max(
        said(f".at_{least}", {pair for pair, probability in scored if probability >= least})
        for least in (0.01, 0.1, 0.5, 0.9, 0.99)
    )
    compared = vectors(frame, _FEBRL_BLOCKS, _FEBRL_EQUAL, _FEBRL_ALIKE)
    said(".recordlinkage_ecm", by_ecm(compared))
    fifth = set(sorted(frame.index)[::5])
    known = compared[[one in fifth or other in fifth for one, other in compared.index]]
    said(".recordlinkage_logistic", by_logistic(compared, known, true))
    said(".two_of_three", two_of_three(frame_of(table)))
    assert best >= 0.99
