"""Objects of the vault that no line of the ledger claims, and since when they have lain there.

A worker that dies between storing an object and committing its line leaves one; so does a file that two people let
in, whose next answer has a workbook of its own. Nobody will ever ask for them, so they go as a refused file does.
"""

from collections.abc import Iterator, Sequence
from datetime import date

from family_exchange.adapters.database import Connection
from family_exchange.adapters.vault import Vault
from family_exchange.domain.retention import Item, Kind, Standing, due_on, standing
from family_exchange.domain.retention_rule import RetentionRule

RULE = "quarantined_file"
"""The category whose rule they come under: at most, they are what a file was refused with."""

CLAIMED = """SELECT ct_sha256 FROM exchange.file WHERE vault_destroyed_at IS NULL
             UNION ALL SELECT workbook_sha256 FROM exchange.file WHERE vault_destroyed_at IS NULL
             UNION ALL SELECT ct_sha256 FROM returns.return WHERE destroyed_at IS NULL"""
"""The digest of every object that something in the ledger still needs, nulls among them."""

_HELD = """SELECT 1 FROM rights.hold
            WHERE released_at IS NULL AND (scope_kind <> 'category' OR scope_id = %s) AND scope_kind <> 'return'"""
"""Nobody can tell whom such an object is about, so every hold that might mean it keeps it."""


def claimed(connection: Connection) -> set[bytes]:
    """The digest of every object that a file or a return needs."""
    return {bytes(digest) for (digest,) in connection.execute(CLAIMED) if digest is not None}


def is_claimed(connection: Connection, digest: bytes) -> bool:
    """True when a file or a return still needs the object."""
    query = f"SELECT 1 FROM ({CLAIMED}) c(digest) WHERE digest = %s LIMIT 1"  # noqa: S608 - our own words
    return connection.execute(query.encode(), (digest,)).fetchone() is not None


def is_any_claimed(connection: Connection) -> bool:
    """True when a file or a return needs any object at all."""
    query = f"SELECT 1 FROM ({CLAIMED}) c(digest) WHERE digest IS NOT NULL LIMIT 1"  # noqa: S608 - our own words
    return connection.execute(query.encode()).fetchone() is not None


def due(connection: Connection, vault: Vault, rule: RetentionRule, *, today: date) -> list[Item]:
    """The objects that are due under the rule and not held, in order; they count from the day they were stored."""
    if _held(connection, rule):
        return []
    needed = claimed(connection)
    lying = ((digest, due_on(rule, vault.stored_on(digest))) for digest in vault.held() if digest not in needed)
    return [Item(Kind.OBJECT, digest.hex(), rule.category, day) for digest, day in lying if day and day <= today]


def outcomes(
    connection: Connection, vault: Vault, rule: RetentionRule, ids: Sequence[str], *, today: date
) -> dict[str, str]:
    """What may be done now with each object: `destroyed` (it may go), `held`, `not_due` (claimed meanwhile), `gone`."""
    connection.execute("LOCK TABLE rights.hold IN SHARE MODE")
    return dict(_outcomes(connection, vault, rule, ids, today))


def _outcomes(
    connection: Connection, vault: Vault, rule: RetentionRule, ids: Sequence[str], today: date
) -> Iterator[tuple[str, str]]:
    held = _held(connection, rule)
    for each in ids:
        digest = bytes.fromhex(each)
        if (since := vault.stored_on(digest)) is None:
            yield each, "gone"
        elif is_claimed(connection, digest):
            yield each, "not_due"
        else:
            yield (
                each,
                {Standing.DUE: "destroyed", Standing.HELD: "held"}.get(
                    standing(rule, since, today=today, held=held), "not_due"
                ),
            )


def _held(connection: Connection, rule: RetentionRule) -> bool:
    return connection.execute(_HELD, (rule.category,)).fetchone() is not None
