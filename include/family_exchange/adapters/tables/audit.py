"""What happened, in order, provably."""

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, ForeignKey, LargeBinary, Table, Text, text

from family_exchange.adapters.tables.base import instant, metadata, now

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
Table(
    "person_read",
    metadata,
    Column("seq", BigInteger, ForeignKey("audit.event.seq"), primary_key=True, autoincrement=False),
    Column("xact", BigInteger, nullable=False, index=True),
    Column("person_id", Text, nullable=False, index=True),
    Column("purpose", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("subject", Text, comment="for whose eyes, when the reader shows it to somebody in the register"),
    now("at"),
    schema="audit",
    comment="what a transaction may read: the audit event that says so",
)
