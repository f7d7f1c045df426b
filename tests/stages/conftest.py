"""A council with real doors, for every stage."""

from support.council import council, recipient_server, rings

__all__ = ["council", "recipient_server", "rings"]
