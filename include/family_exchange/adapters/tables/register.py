"""What people said about the register, and what waits to be brought up to date; the rest of the room is views."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Date, ForeignKey, Identity, Index, Numeric, Table, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from family_exchange.adapters.tables.base import instant, metadata, now

Table(
    "possible_match",
    metadata,
    Column("person_a", Text, ForeignKey("memory.person.person_id"), primary_key=True),
    Column("person_b", Text, ForeignKey("memory.person.person_id"), primary_key=True, index=True),
    Column("probability", Numeric, nullable=False),
    now("recorded_at"),
    CheckConstraint("person_a < person_b", name="ordered"),
    schema="register",
)
Table(
    "identity_decision",
    metadata,
    Column("decision_no", BigInteger, Identity(always=True), primary_key=True),
    Column("kind", Text, nullable=False, comment="must_link | cannot_link"),
    Column("side_a", ARRAY(Text), nullable=False, comment="record keys"),
    Column("side_b", ARRAY(Text), nullable=False, comment="record keys"),
    Column("decided_by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    now("decided_at"),
    Column("withdrawn_by", Text),
    instant("withdrawn_at"),
    Column("withdrawal", Text, comment="why it was withdrawn"),
    CheckConstraint("kind IN ('must_link', 'cannot_link')", name="kind"),
    CheckConstraint("cardinality(side_a) > 0 AND cardinality(side_b) > 0", name="two_sides"),
    CheckConstraint(
        "(withdrawn_by IS NULL) = (withdrawn_at IS NULL) AND (withdrawn_by IS NULL) = (withdrawal IS NULL)",
        name="withdrawn",
    ),
    schema="register",
)
Table(
    "kept_person",
    metadata,
    Column("kept_no", BigInteger, Identity(always=True), primary_key=True),
    Column("keys", ARRAY(Text), nullable=False, comment="record keys"),
    now("recorded_at"),
    CheckConstraint("cardinality(keys) > 1", name="several"),
    Index("kept_person_key", "keys", postgresql_using="gin"),
    schema="register",
    comment="keys that stay one person for a machine: their reasons are destroyed, or are not to be weighed again",
)
Table(
    "nomination",
    metadata,
    Column("nomination_no", BigInteger, Identity(always=True), primary_key=True),
    Column("family_id", Text, ForeignKey("memory.family.family_id"), index=True),
    Column("person_id", Text, ForeignKey("memory.person.person_id"), index=True),
    Column("indicator", Text, nullable=False),
    Column("framework", Text, nullable=False, comment="code, without the rule version"),
    Column("nominated_by", Text, nullable=False),
    Column("role", Text, nullable=False, comment="the profession in which somebody nominates"),
    Column("reason", Text, nullable=False),
    Column("nominated_on", Date, nullable=False),
    now("recorded_at"),
    Column("withdrawn_by", Text),
    instant("withdrawn_at"),
    CheckConstraint("(family_id IS NULL) <> (person_id IS NULL)", name="one_subject"),
    schema="register",
)
Table(
    "rectification",
    metadata,
    Column("rectification_no", BigInteger, Identity(always=True), primary_key=True),
    Column("person_id", Text, ForeignKey("memory.person.person_id"), nullable=False, index=True),
    Column("attribute", Text, nullable=False),
    Column("slot", Text, nullable=False, server_default=""),
    Column("value", JSONB, nullable=False),
    Column("valid_from", Date, nullable=False),
    Column("decided_by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    now("decided_at"),
    Column("withdrawn_by", Text),
    instant("withdrawn_at"),
    schema="register",
)
Table(
    "due",
    metadata,
    Column("stage", Text, primary_key=True, comment="facts | families | propose"),
    Column("subject", Text, primary_key=True, comment="a person's or a family's id, or * for all"),
    schema="register",
    comment="what a stage has yet to bring up to date, written in the transaction that changed it",
)
Table(
    "run",
    metadata,
    Column("stage", Text, primary_key=True),
    Column("last_on", Date, nullable=False, comment="the day of which the stage last did everything"),
    Column("rule", Text, nullable=False, server_default="", comment="by which rules, as a digest"),
    now("recorded_at"),
    schema="register",
    comment="the last whole run of each stage; a later one of the same day does what is due only",
)
Table(
    "purpose_class",
    metadata,
    Column("purpose", Text, primary_key=True),
    Column("feed", Text, primary_key=True),
    Column("data_class", Text, primary_key=True),
    schema="register",
    comment="what a purpose may see: copied from the profile and the contracts",
)
