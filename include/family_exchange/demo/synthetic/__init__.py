"""Synthetic councils: people who never lived, and the files that partners would send of them, from a seed.

The same arguments, contracts and suites give the same bytes. Only `write` writes to the file system.
"""

from family_exchange.demo.synthetic.bulk import bulk_police
from family_exchange.demo.synthetic.everything import everything
from family_exchange.demo.synthetic.generator import (
    FEWEST,
    TODAY,
    Council,
    PartnerFile,
    TrueFamily,
    council,
    population,
)
from family_exchange.demo.synthetic.mishaps import IN_THE_DEMO, Misbehaviour
from family_exchange.demo.synthetic.people import Likeness, Problem
from family_exchange.demo.synthetic.sheet import Truth
from family_exchange.demo.synthetic.written import write

__all__ = [
    "FEWEST",
    "IN_THE_DEMO",
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
    "everything",
    "population",
    "write",
]
