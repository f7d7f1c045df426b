"""Linkage models outside the nightly run: statements to learn from, and what two models make of the same ones.

Nothing here writes a register. Statements come from the council's register, or from a folder of partner files in the
clear as `family-exchange synth` writes it, which also says who is who in truth.
"""

import csv
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from family_exchange.adapters import database, linkage, profiles, stated, statements
from family_exchange.adapters.doors import Doors
from family_exchange.adapters.linkage_model import LinkageModel
from family_exchange.adapters.statements import SEPARATOR, Table
from family_exchange.domain import clustering
from family_exchange.domain.clustering import Pair
from family_exchange.domain.errors import NeedsDecision
from family_exchange.domain.links import Links
from family_exchange.domain.matching import Grade, Thresholds
from family_exchange.domain.person import record_key
from family_exchange.domain.profile import Profile
from family_exchange.stages import validate

KeyPair = tuple[str, str]
"""Two record keys, the smaller first."""


@dataclass(frozen=True, slots=True)
class Meant:
    """Whom a record key truly means."""

    person: str
    likeness: str
    """Why that person is easily taken for another: `twin`, `senior`, …; empty for most."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a model makes of statements."""

    pairs: tuple[Pair, ...]
    joined: frozenset[KeyPair]
    """Pairs of keys that end in one person."""
    possible: frozenset[KeyPair]
    """Pairs of keys that wait for a person."""

    def grade(self, pair: KeyPair) -> Grade:
        """What is made of two keys: the outcome, which may be less than the pair's own grade or more by a chain."""
        if pair in self.joined:
            return Grade.CERTAIN
        return Grade.POSSIBLE if pair in self.possible else Grade.CERTAINLY_NOT


@dataclass(frozen=True, slots=True)
class Quality:
    """Joined pairs beside the true ones."""

    precision: float
    recall: float
    f1: float
    false_joins: int
    pairs: int
    """True pairs."""
    by_likeness: Mapping[str, int]
    """False joins by the likeness of those who were taken for another."""


def register_statements(doors: Doors, model: LinkageModel) -> Table:
    """What the council's register knows, standardised as `model` wants it; nobody's is decided yet."""
    with database.transaction(doors.database) as connection:
        raw = stated.raw(connection)
    return statements.standard(raw, model.names, model.placeholders)


def folder_statements(folder: Path, profile: Profile) -> Table:
    """What the good files of a synthetic council state, before standardisation (`statements.standard`).

    Raises:
        NeedsDecision: the folder is none that `family-exchange synth` wrote.
        DataRefused: a file of it cannot be read.
    """
    columns: dict[str, list[Any]] = {name: [] for name in (*statements.RAW, "fresh")}
    for line in _lines(folder / "files.csv"):
        if line["misbehaviour"]:
            continue
        content = (folder / line["partner"] / line["feed"] / line["name"]).read_bytes()
        for row in rows_of(content, line["feed"], line["partner"], profile, version=line["contract"]):
            for name, value in row.items():
                columns[name].append(value)
    import pyarrow as pa  # noqa: PLC0415 - costs half a second

    return pa.table(columns)


def rows_of(content: bytes, feed: str, partner: str, profile: Profile, *, version: str) -> Iterator[dict[str, Any]]:
    """The accepted rows of one file, each as a raw statement."""
    read = validate.table(content, profiles.contract(feed, version), profile)
    for row in read.accepted.whole().iter_rows(named=True):
        born = row.get("date_of_birth")
        ahead = born is not None and read.as_of is not None and born > read.as_of
        estimated = bool(row.get(statements.BIRTH_ESTIMATED))
        child_in = [str(read.as_of.year)] if not born and row.get("relationship") == "child" and read.as_of else []
        yield {
            "key": record_key(feed, partner, row["record_ref"]),
            "person_id": "",
            "fresh": True,
            **{name: row.get(name) or "" for name in _AS_SENT},
            **{name: row.get(canonical) or "" for name, canonical in statements.JUSTICE.items()},
            "birth": SEPARATOR.join(
                (born.isoformat() if born else "", "true" if estimated else "false", "t" if ahead else "f", *child_in)
            ),
            "address": SEPARATOR.join(row.get(name) or "" for name in ("address_line_1", "address_line_2", "postcode")),
        }


_AS_SENT = ("forename", "surname", "sex", "uprn", "nhs_number", "nino", "upn")


def folder_truth(folder: Path) -> dict[str, Meant]:
    """Whom each record key of a synthetic council truly means."""
    return {
        record_key(line["feed"], line["partner"], line["record_ref"]): Meant(line["person"], line["likeness"])
        for line in _lines(folder / "truth.csv")
    }


def _lines(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        raise NeedsDecision(f"{path.name} is not there: name a folder that `family-exchange synth` wrote")
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def find(standard: Table, model: LinkageModel, thresholds: Thresholds) -> Found:
    """Whom the model joins and whom it shows to a person, as a first run over these statements does.

    Raises:
        LinkageFailed: the engine stopped.
    """
    keys, names = sorted(set(standard["key"].to_pylist())), model.names
    with linkage.over(standard, model) as pool:
        pairs = pool.pairs(thresholds.possible)
        decided = clustering.decide(
            pairs, pool.statements(keys), keys, links=Links(), kept=(), thresholds=thresholds, names=names,
            margin=model.margin,
        )  # fmt: skip
    groups: dict[str, list[str]] = defaultdict(list)
    for key in keys:
        groups[decided.cluster_of(key)].append(key)
    possible = frozenset((edge.a, edge.b) for edge in decided.possible)
    return Found(tuple(pairs), within(groups.values()), possible)


def changes(old: Found, new: Found) -> Mapping[tuple[str, str], int]:
    """Grade before and now → the number of pairs of record keys that change from the one to the other."""
    pairs = old.joined | old.possible | new.joined | new.possible
    both = ((old.grade(pair), new.grade(pair)) for pair in pairs)
    return Counter((str(was), str(now)) for was, now in both if was is not now)


def within(groups: Iterable[Collection[str]]) -> frozenset[KeyPair]:
    """Every two keys of one group."""
    return frozenset(pair for group in groups for pair in combinations(sorted(group), 2))


def true_pairs(truth: Mapping[str, Meant], keys: Iterable[str]) -> frozenset[KeyPair]:
    """Every two of the keys that are one person."""
    groups: dict[str, list[str]] = defaultdict(list)
    for key in keys:
        groups[truth[key].person].append(key)
    return within(groups.values())


def quality(joined: frozenset[KeyPair], truth: Mapping[str, Meant], keys: Sequence[str]) -> Quality:
    """How many of the joined pairs are true, and how many of the true ones are joined."""
    true = true_pairs(truth, keys)
    right = len(joined & true)
    precision = right / len(joined) if joined else 1.0
    recall = right / len(true) if true else 1.0
    f1 = 2 * precision * recall / (precision + recall) if right else 0.0
    mistaken = Counter(truth[key].likeness for pair in joined - true for key in pair)
    return Quality(precision, recall, f1, len(joined - true), len(true), mistaken)
