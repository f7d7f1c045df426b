"""What a team with `recordlinkage` would do for the same pairs: our model's blocks, comparisons, levels and weights.

Nothing is left out that `recordlinkage` has a means for, and nothing is made slow: exact comparisons wherever they do,
numbers for parts of a date, one pass over the candidates in pieces that fit, levels and weights by numpy. Left out are
customary forms of forenames and doubled surnames, for which it has none: that is less work for it, not more.
"""

from dataclasses import dataclass, field
from time import perf_counter

import numpy as np

from family_exchange.adapters.blocks import NUMBERS

PIECE = 1_000_000
"""Candidates that are compared at once."""

BLOCKS = (
    *([number] for number in ("nhs_number", "upn", "nino")), ["surname", "born"], ["forename", "born"],
    ["postcode", "born"], ["forename", "postcode"], ["surname", "postcode"], ["forename", "surname", "year"],
)  # fmt: skip
"""The blocking rules of the model with equal columns on both sides; the turned one is apart."""

_EQUAL = (
    ("forename", "forename"), ("surname", "surname"), ("forename", "surname"), ("surname", "forename"),
    ("born", "born"), ("year", "year"), ("month", "month"), ("day", "day"), ("month", "day"), ("day", "month"),
    ("dwelling", "dwelling"), ("uprn", "uprn"), ("postcode", "postcode"), ("sex", "sex"), ("nhs_number", "nhs_number"),
    ("upn", "upn"), ("nino", "nino"),
)  # fmt: skip
_ALIKE = (
    ("forename", "jarowinkler"), ("surname", "jarowinkler"),
    ("forename", "damerau_levenshtein"), ("surname", "damerau_levenshtein"), ("digits", "damerau_levenshtein"),
)  # fmt: skip


@dataclass
class Spent:
    """Seconds for each part of the way."""

    parts: dict = field(default_factory=dict)
    began: float = field(default_factory=perf_counter)

    def on(self, part):
        now = perf_counter()
        self.parts[part] = self.parts.get(part, 0.0) + now - self.began
        self.began = now

    @property
    def seconds(self):
        return sum(self.parts.values())


def frame_of(table):
    """Standardised statements as `recordlinkage` wants them: one row each, what is not known missing."""
    wanted = ["key", "forename", "surname", "born", "dwelling", "postcode", "uprn", "sex", *NUMBERS[:3]]
    frame = table.select(wanted).to_pandas(date_as_object=False).set_index("key")
    born = frame["born"]
    frame["year"], frame["month"], frame["day"] = born.dt.year, born.dt.month, born.dt.day
    number = frame["year"] * 10_000 + frame["month"] * 100 + frame["day"]
    frame["digits"] = number.fillna(0).astype(int).astype(str).where(number.notna(), "")
    frame["born"] = number
    text = ["forename", "surname", "dwelling", "postcode", "uprn", "sex", *NUMBERS[:3], "digits"]
    frame[text] = frame[text].astype(object).where(frame[text] != "", None)
    return frame


def scored(model, known, fresh, spent):
    """Pairs that the model's weights take for one person, between the two frames and within what is fresh."""
    import recordlinkage  # noqa: PLC0415 - not everywhere

    def candidates(*frames):
        index = recordlinkage.Index()
        for block in BLOCKS:
            if all(frame[block].notna().all(axis=1).any() for frame in frames):
                index.block(block)
        index.block(["forename", "surname", "year"], ["surname", "forename", "year"])
        return index.index(*frames)

    compare = recordlinkage.Compare()
    for left, right in _EQUAL:
        compare.exact(left, right, label=f"{left}={right}")
    for column, method in _ALIKE:
        compare.string(column, column, method=method, label=f"{column} {method}")
    found = 0
    for frames in ((known, fresh), (fresh,)):
        pairs = candidates(*frames)
        spent.on("index")
        for start in range(0, len(pairs), PIECE):
            piece = pairs[start : start + PIECE]
            vectors = compare.compute(piece, *frames)
            spent.on("compare")
            found += int((weights(model, vectors, frames[0], frames[-1]) >= np.log2(0.99 / 0.01)).sum())
            spent.on("classify")
    return found


def weights(model, vectors, left, right):
    """Bits for each pair, by the model's levels."""
    of = {(name, level["label_for_charts"]): level for name, level in model.levels()}
    one, other = (vectors.index.get_level_values(place) for place in (0, 1))
    here, there = left.index.get_indexer(one), right.index.get_indexer(other)

    def known(column):
        return left[column].notna().to_numpy()[here] & right[column].notna().to_numpy()[there]

    def bits(name, label, tf=None):
        level = of[name, label]
        u = level["u_probability"] if tf is None else np.maximum(tf, level["tf_minimum_u_value"])
        return np.log2(level["m_probability"] / u)

    def longest(column):
        return np.fmax(left[column].str.len().to_numpy(float)[here], right[column].str.len().to_numpy(float)[there])

    def slips(column):
        return (1 - vectors[f"{column} damerau_levenshtein"].to_numpy()) * longest(column)

    eq = {label: vectors[label].to_numpy() == 1 for label in vectors.columns if "=" in label}
    forename_share = left["forename"].map(model.share_of_forename, na_action="ignore").to_numpy(float)[here]
    surname_share = left["surname"].map(model.share_of_surname, na_action="ignore").to_numpy(float)[here]
    forename, surname = eq["forename=forename"], eq["surname=surname"]
    near = 0.01
    like_forename = (slips("forename") <= 1 + near) | (vectors["forename jarowinkler"].to_numpy() >= 0.9)
    like_surname = (slips("surname") <= 2 + near) | (vectors["surname jarowinkler"].to_numpy() >= 0.92)
    name = np.select(
        [~(known("forename") & known("surname")), forename & surname, eq["forename=surname"] & eq["surname=forename"],
         surname & like_forename, forename & like_surname, forename, surname],
        [0.0, bits("name", "whole name equal", forename_share * surname_share),
         bits("name", "written in each other's place"),
         bits("name", "surname equal, forename alike", surname_share),
         bits("name", "forename equal, surname alike, doubled or halved", forename_share),
         bits("name", "forename equal only", forename_share), bits("name", "surname equal only", surname_share)],
        bits("name", "neither"),
    )  # fmt: skip
    parts = eq["year=year"].astype(int) + eq["month=month"] + eq["day=day"]
    years = np.abs(left["year"].to_numpy(float)[here] - right["year"].to_numpy(float)[there])
    slip = (slips("digits") <= 1 + near) | (eq["year=year"] & eq["month=day"] & eq["day=month"])
    first = (left["month"].to_numpy(float)[here] == 1) & (left["day"].to_numpy(float)[here] == 1)
    birthday = np.select(
        [~known("born"), eq["born=born"] & first, eq["born=born"], slip | ((parts == 2) & (years <= 1))],
        [0.0, bits("birthday", "the same 1 January"), bits("birthday", "the same day"),
         bits("birthday", "one slip, or one of day, month and year apart")],
        bits("birthday", "differ"),
    )  # fmt: skip
    homes = known("dwelling") | known("uprn")
    address = np.select(
        [~homes, eq["dwelling=dwelling"] | eq["uprn=uprn"], eq["postcode=postcode"]],
        [0.0, bits("address", "the same home"), bits("address", "the same postcode")],
        bits("address", "differ"),
    )
    total = name + birthday + address
    for column in ("sex", "nhs_number", "upn", "nino"):
        differ = np.where(eq[f"{column}={column}"], bits(column, "equal"), bits(column, "differ"))
        total += np.where(known(column), differ, 0.0)
    chance = model.splink["probability_two_random_records_match"]
    return total + np.log2(chance / (1 - chance))
