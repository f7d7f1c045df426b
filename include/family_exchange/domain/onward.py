"""Where what a law of its own protects may go."""

from family_exchange.domain.column import Purpose
from family_exchange.domain.provenance import Key, Provenance, Words


class Onward(Provenance):
    """What a protected feed tells may leave the council for this recipient and this purpose, and for no other."""

    feed: Key
    recipient: Words
    purpose: Purpose
