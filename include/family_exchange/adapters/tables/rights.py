"""Objections, restrictions, holds, destruction."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Integer,
    LargeBinary,
    Table,
    Text,
    text,
)

from family_exchange.adapters.tables.base import instant, metadata, now

Table(
    "epoch",
    metadata,
    Column("only_row", Boolean, primary_key=True, server_default=text("true")),
    Column("epoch", BigInteger, nullable=False),
    CheckConstraint("only_row", name="only_row"),
    schema="rights",
)
Table(
    "flag",
    metadata,
    Column("flag_id", BigInteger, primary_key=True),
    Column("person_id", Text, nullable=False, index=True),
    Column("kind", Text, nullable=False, comment="restriction | objection_research | objection_all"),
    Column("status", Text, nullable=False, comment="received | upheld | refused | lifted"),
    Column("recorded_by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    now("recorded_at"),
    schema="rights",
)
Table(
    "flag_status",
    metadata,
    Column("flag_id", BigInteger, ForeignKey("rights.flag.flag_id", ondelete="CASCADE"), nullable=False, index=True),
    Column("status", Text, nullable=False),
    now("recorded_at"),
    schema="rights",
    comment="every status that a flag has had; a return is rebuilt by those of its day",
)
Table(
    "hold",
    metadata,
    Column("hold_id", BigInteger, primary_key=True),
    Column("scope_kind", Text, nullable=False, comment="person | file | return | category | council"),
    Column("scope_id", Text, nullable=False),
    Column("placed_by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    now("placed_at"),
    instant("released_at"),
    schema="rights",
)
Table(
    "event_date",
    metadata,
    Column("event", Text, primary_key=True, comment="e.g. programme_end, research_project_concluded"),
    Column("happened_on", Date, nullable=False),
    Column("recorded_by", Text, nullable=False),
    now("recorded_at"),
    schema="rights",
)
Table(
    "purge_plan",
    metadata,
    Column("plan_id", Text, primary_key=True),
    Column("planned_on", Date, nullable=False),
    Column(
        "state",
        Text,
        nullable=False,
        server_default="PLANNED",
        comment="PLANNED | APPROVED | DESTROYED | REFUSED",
    ),
    Column("items", Integer, nullable=False),
    Column("digest", LargeBinary, nullable=False, comment="of the sorted item list; what the approver approved"),
    Column("approved_by", Text),
    instant("approved_at"),
    instant("destroyed_at"),
    now("recorded_at"),
    schema="rights",
)
Table(
    "purge_item",
    metadata,
    Column("plan_id", Text, ForeignKey("rights.purge_plan.plan_id"), primary_key=True),
    Column("kind", Text, primary_key=True, comment="source_record | file | staged_file | return | object"),
    Column("item_id", Text, primary_key=True),
    Column("category", Text, nullable=False),
    Column("due_on", Date, nullable=False),
    Column("outcome", Text, comment="destroyed | held | not_due | gone"),
    schema="rights",
)
Table(
    "certificate",
    metadata,
    Column("certificate_id", Text, primary_key=True),
    Column("plan_id", Text, ForeignKey("rights.purge_plan.plan_id"), nullable=False, unique=True),
    Column("body", LargeBinary, nullable=False, comment="canonical JSON: counts only"),
    Column("signature", LargeBinary, nullable=False, comment="Ed25519 over body"),
    now("issued_at"),
    schema="rights",
)
