"""A partner file's life: its states, the reasons it may be refused for, and the legal moves.

Source: `docs/data-flow.md`, whose diagram a test compares with `MOVES`.
"""

import unicodedata
from enum import StrEnum


class State(StrEnum):
    """Where a file is; steering only. Why it is there is `Reason`."""

    SEEN = "SEEN"
    CLAIMED = "CLAIMED"
    VAULTED = "VAULTED"
    AUTHENTIC = "AUTHENTIC"
    VALID = "VALID"
    APPLIED = "APPLIED"
    CLOSED = "CLOSED"
    QUARANTINED = "QUARANTINED"
    DUPLICATE = "DUPLICATE"
    SUPERSEDED = "SUPERSEDED"
    GONE = "GONE"
    REJECTED = "REJECTED"


class Reason(StrEnum):
    """Why a file is in quarantine; a closed list that partners and operators rely on."""

    NOT_OPENPGP = "NOT_OPENPGP"
    WRONG_RECIPIENT = "WRONG_RECIPIENT"
    UNSIGNED = "UNSIGNED"
    BAD_SIGNATURE = "BAD_SIGNATURE"
    UNKNOWN_SIGNER = "UNKNOWN_SIGNER"
    SIGNER_NOT_PARTNER = "SIGNER_NOT_PARTNER"
    SIGNER_REVOKED = "SIGNER_REVOKED"
    SIGNER_EXPIRED = "SIGNER_EXPIRED"
    SIG_TIME = "SIG_TIME"
    NO_INTEGRITY = "NO_INTEGRITY"
    CORRUPT = "CORRUPT"
    MULTI_MESSAGE = "MULTI_MESSAGE"
    WEAK_ALGO = "WEAK_ALGO"
    TOO_LARGE = "TOO_LARGE"
    EXPANSION = "EXPANSION"
    NAME = "NAME"
    NOT_REGULAR = "NOT_REGULAR"
    ENCODING = "ENCODING"
    CSV_SYNTAX = "CSV_SYNTAX"
    HEADER = "HEADER"
    SCHEMA = "SCHEMA"
    CONTENT = "CONTENT"
    STALE = "STALE"
    CONFLICT = "CONFLICT"
    RESEARCH_WALL = "RESEARCH_WALL"


class Verdict(StrEnum):
    """What the platform says of a whole file."""

    ACCEPTED = "accepted"
    ACCEPTED_WITH_FINDINGS = "accepted_with_findings"
    PARTLY_ACCEPTED = "partly_accepted"
    REFUSED = "refused"


class Outcome(StrEnum):
    """What became of one row."""

    LOADED = "loaded"
    LOADED_WITH_FINDING = "loaded_with_finding"
    REFUSED = "refused"


ENDS = frozenset({State.CLOSED, State.QUARANTINED, State.DUPLICATE, State.SUPERSEDED, State.GONE, State.REJECTED})
"""States in which nothing more happens to the file's content unless a person decides."""

UNFINISHED = frozenset({State.SEEN, State.CLAIMED, State.VAULTED, State.AUTHENTIC, State.VALID})
"""States in which the file itself still has to be worked on."""

ACCEPTED = frozenset({State.APPLIED, State.CLOSED})
"""States in which the file's rows count."""

SHORTEST_MESSAGE = 64
"""Bytes; a message that is encrypted to a key has more in its first packet."""

TEMPORARY_ENDINGS = (b".part", b".filepart", b".tmp", b".partial", b".writing", b".swp")
"""Endings of names under which common clients upload before they rename."""

_QUARANTINE_FROM = (State.SEEN, State.CLAIMED, State.VAULTED, State.AUTHENTIC, State.VALID)

MOVES: frozenset[tuple[State, State]] = frozenset(
    {
        (State.SEEN, State.CLAIMED),
        (State.SEEN, State.GONE),
        (State.CLAIMED, State.VAULTED),
        (State.CLAIMED, State.GONE),
        (State.VAULTED, State.AUTHENTIC),
        (State.VAULTED, State.DUPLICATE),
        (State.VAULTED, State.GONE),
        (State.AUTHENTIC, State.VALID),
        (State.AUTHENTIC, State.DUPLICATE),
        (State.AUTHENTIC, State.SUPERSEDED),
        (State.VALID, State.APPLIED),
        (State.VALID, State.DUPLICATE),
        (State.VALID, State.SUPERSEDED),
        (State.APPLIED, State.CLOSED),
        (State.QUARANTINED, State.CLAIMED),
        (State.QUARANTINED, State.REJECTED),
        *((state, State.QUARANTINED) for state in _QUARANTINE_FROM),
    }
)
"""Every legal move; the database holds the same table and refuses any other."""


def may_move(before: State, after: State) -> bool:
    """True when a file may go from `before` straight to `after`."""
    return (before, after) in MOVES


def temporary_name(name: bytes) -> bool:
    """True for a name that an uploading client uses on its way: what lies under it is never taken as whole."""
    return name.startswith(b".") or name.endswith(b"~") or name.lower().endswith(TEMPORARY_ENDINGS)


def looks_unfinished(name: bytes, size: int) -> bool:
    """True for an upload that cannot be whole: under a client's temporary name, or shorter than any sealed message."""
    return size < SHORTEST_MESSAGE or temporary_name(name)


def plain_name(name: bytes) -> bool:
    """True for a name of printable characters in UTF-8 without direction marks, path parts or a leading dash."""
    try:
        text = name.decode()
    except UnicodeDecodeError:
        return False
    printable = all(unicodedata.category(character)[0] not in "CZ" or character == " " for character in text)
    return (
        printable and "/" not in text and "\\" not in text and not text.startswith(("-", "~")) and text == text.strip()
    )


def answer_names(file_id: str, number: int) -> tuple[str, str]:
    """Names, in `receipts/`, of the receipt and of the workbook of a file's answer: 1 is the first."""
    again = f"-{number}" if number > 1 else ""
    return f"{file_id}{again}.json.pgp", f"{file_id}{again}.xlsx.pgp"
