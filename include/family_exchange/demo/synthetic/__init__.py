"""Synthetic councils: people who never lived, and the files that partners would send of them, from a seed.

Pure: the same arguments give the same bytes. Only `write` touches the file system.
"""

from family_exchange.demo.synthetic.bulk import bulk_police
from family_exchange.demo.synthetic.generator import (
    FEWEST,
    TODAY,
    Council,
    PartnerFile,
    TrueFamily,
    council,
    population,
    write,
)
from family_exchange.demo.synthetic.mishaps import Misbehaviour
from family_exchange.demo.synthetic.people import Likeness, Problem
from family_exchange.demo.synthetic.sheet import Truth

__all__ = [
    "FEWEST",
    "TODAY",
    "Council",
    "Likeness",
    "Misbehaviour",
    "PartnerFile",
    "Problem",
    "TrueFamily",
    "Truth",
    "bulk_police",
    "council",
    "population",
    "write",
]
