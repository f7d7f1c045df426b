"""A return's delivery: its states and the legal moves.

Sealed once: the same bytes are re-sent for ever. Source: `docs/data-flow.md`, whose diagram a test compares with
`MOVES`.
"""

from enum import StrEnum


class State(StrEnum):
    """Where a return is on its way to the recipient."""

    DRAFT = "DRAFT"
    ASSEMBLED = "ASSEMBLED"
    SIGNED_OFF = "SIGNED_OFF"
    SEALED = "SEALED"
    CLAIMED = "CLAIMED"
    UPLOADING = "UPLOADING"
    RENAME_INTENT = "RENAME_INTENT"
    SENT = "SENT"
    DELIVERED = "DELIVERED"
    ACKNOWLEDGED = "ACKNOWLEDGED"
    REFUSED_BY_RECIPIENT = "REFUSED_BY_RECIPIENT"
    VOID = "VOID"
    CONFLICT = "CONFLICT"


_UNDER_WAY = (State.CLAIMED, State.UPLOADING, State.RENAME_INTENT, State.SENT)

MOVES: frozenset[tuple[State, State]] = frozenset(
    {
        (State.DRAFT, State.ASSEMBLED),
        (State.ASSEMBLED, State.SIGNED_OFF),
        (State.SIGNED_OFF, State.SEALED),
        (State.SEALED, State.CLAIMED),
        (State.CLAIMED, State.UPLOADING),
        (State.UPLOADING, State.RENAME_INTENT),
        (State.RENAME_INTENT, State.SENT),
        (State.SENT, State.DELIVERED),
        (State.DELIVERED, State.ACKNOWLEDGED),
        (State.DELIVERED, State.REFUSED_BY_RECIPIENT),
        (State.CLAIMED, State.DELIVERED),  # a crash after the rename: found there, read back, the same bytes
        (State.RENAME_INTENT, State.DELIVERED),
        (State.UPLOADING, State.CLAIMED),  # a later attempt takes over with a higher epoch
        (State.RENAME_INTENT, State.CLAIMED),
        (State.SENT, State.CLAIMED),
        (State.CONFLICT, State.VOID),  # a named person looked at what the recipient holds, and gave this version up
        *((state, State.CONFLICT) for state in (*_UNDER_WAY, State.DELIVERED)),
        *(
            (state, State.VOID)
            for state in (
                State.DRAFT,
                State.ASSEMBLED,
                State.SIGNED_OFF,
                State.SEALED,
                State.CLAIMED,
                State.UPLOADING,
            )
        ),
    }
)
"""Every legal move; the database holds the same table and refuses any other."""


def may_move(before: State, after: State) -> bool:
    """True when a delivery may go from `before` straight to `after`."""
    return (before, after) in MOVES
