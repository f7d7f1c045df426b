"""What happened, in order, provably."""

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, LargeBinary, Table, Text, text

from family_exchange.adapters.tables.base import instant, metadata

Table(
    "event",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    instant("at", nullable=False),
    Column("kind", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("event", LargeBinary, nullable=False, comment="the exact bytes that were hashed"),
    Column("prev", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False, unique=True),
    schema="audit",
)
Table(
    "head",
    metadata,
    Column("only_row", Boolean, primary_key=True, server_default=text("true")),
    Column("seq", BigInteger, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    CheckConstraint("only_row", name="only_row"),
    schema="audit",
)
