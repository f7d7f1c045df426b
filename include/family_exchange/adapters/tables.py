"""Every table of a council's database, by room; migrations are compared with this page.

Queries are written as SQL beside the door that asks them; this module is read by Alembic and by its tests only.
Staging tables are not here: they are made from the contracts (`adapters.staging`).
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    Sequence,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

SCHEMAS = ("exchange", "staging", "register", "returns", "rights", "audit")

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
    }
)


def _instant(name: str, **kwargs: Any) -> Column[Any]:  # noqa: ANN401 - Column's own keywords
    return Column(name, DateTime(timezone=True), **kwargs)


def _now(name: str, **kwargs: Any) -> Column[Any]:  # noqa: ANN401 - as above
    return _instant(name, nullable=False, server_default=text("clock_timestamp()"), **kwargs)


_FILE_NUMBER = Sequence("file_number", schema="exchange", metadata=metadata)

# --- audit: what happened, in order, provably ------------------------------------------------------------------

Table(
    "event",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    _instant("at", nullable=False),
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

# --- exchange: the ledger of partner files ---------------------------------------------------------------------

Table(
    "file_move",
    metadata,
    Column("before", Text, primary_key=True),
    Column("after", Text, primary_key=True),
    schema="exchange",
    comment="the legal moves of domain.file, copied by the migration",
)
Table(
    "partner_key",
    metadata,
    Column("fingerprint", Text, primary_key=True),
    Column("partner", Text, nullable=False),
    _instant("valid_from", nullable=False),
    _instant("valid_to", nullable=False),
    _instant("revoked_at"),
    Column("added_by", Text, nullable=False),
    Column("approved_by", Text),
    Column("kind", Text, nullable=False, server_default="openpgp", comment="openpgp | ssh"),
    Column("material", Text, comment="the public key: an armoured block, or an SSH key's line"),
    Column("overlap_days", Integer, comment="how long earlier keys stay valid beside it"),
    _instant("approved_at"),
    Column("revoked_by", Text),
    Column("revoke_reason", Text),
    Column("revoke_confirmed_by", Text),
    CheckConstraint("added_by <> approved_by", name="two_people"),
    schema="exchange",
)
Table(
    "own_key",
    metadata,
    Column("fingerprint", Text, primary_key=True),
    _instant("valid_from", nullable=False),
    _instant("valid_to"),
    Column("overlap_days", Integer, comment="how long earlier keys stay valid beside it"),
    Column("added_by", Text, nullable=False),
    Column("approved_by", Text),
    _now("recorded_at"),
    CheckConstraint("added_by <> approved_by", name="two_people"),
    schema="exchange",
    comment="the council's own OpenPGP keys beside the one in its settings",
)
Table(
    "file",
    metadata,
    Column(
        "file_id",
        Text,
        primary_key=True,
        server_default=text("'F' || lpad(nextval('exchange.file_number')::text, 8, '0')"),
    ),
    Column("partner", Text, nullable=False),
    Column("feed", Text, nullable=False),
    Column("name_bytes", LargeBinary, nullable=False, comment="as the partner chose it; never logged"),
    Column("size", BigInteger, nullable=False),
    Column("modified_at", BigInteger, nullable=False, comment="the server's mtime, whole seconds; not trusted"),
    Column("state", Text, nullable=False, server_default="SEEN"),
    Column("reason", Text),
    Column("epoch", Integer, nullable=False, server_default="0"),
    Column("ct_sha256", LargeBinary),
    Column("signer", Text),
    Column("sig_id", Text),
    _instant("signed_at"),
    Column("content_hmac", LargeBinary),
    Column("contract", Text),
    Column("as_of", Date),
    Column("coverage_from", Date),
    Column("coverage_to", Date),
    Column("verdict", Text),
    Column("rows_read", Integer),
    Column("rows_loaded", Integer, comment="rows staged without a finding"),
    Column("rows_with_finding", Integer, comment="rows staged with a finding"),
    Column("rows_refused", Integer),
    Column("columns_dropped", Integer, comment="columns that the profile does not allow"),
    Column("duplicate_of", Text, ForeignKey("exchange.file.file_id")),
    _now("seen_at"),
    _instant("applied_at"),
    _instant("receipt_at"),
    _instant("landing_removed_at"),
    _instant("registered_at", comment="when the register took the file's rows"),
    _instant("vault_destroyed_at"),
    _instant("staging_cleared_at", comment="when the staged rows were destroyed; the register has taken them"),
    Column("sequence", BigInteger, comment="the partner's own number of the file, signed"),
    Column("area", Text, comment="the area that the file says it covers"),
    _now("changed_at", comment="when we last saw its size or time change"),
    Column("attempt", Integer, nullable=False, server_default="0", comment="claims since it last moved or was excused"),
    Column("failure", Text, comment="type and place of the last unforeseen error"),
    Column("failures", Integer, nullable=False, server_default="0", comment="how often that one, in a row"),
    Column(
        "history",
        Boolean,
        nullable=False,
        server_default=text("false"),
        comment="newer news had been accepted before it",
    ),
    Column("conflicts_with", Text, ForeignKey("exchange.file.file_id")),
    Column("superseded_by", Text, ForeignKey("exchange.file.file_id")),
    Column("waived", Text, comment="the reason that two people set aside when they released it"),
    Column("workbook_sha256", LargeBinary, comment="of the sealed workbook; it is in the vault"),
    Column("detail", Text, comment="of the reason: rows, columns and rules, never a value"),
    Column("landed_sha256", LargeBinary, comment="of the bytes as they landed"),
    Column("answers", Integer, nullable=False, server_default="0", comment="receipts written so far"),
    CheckConstraint("octet_length(name_bytes) <= 255", name="name_length"),
    Index(
        "one_live_ciphertext",
        "partner",
        "feed",
        "ct_sha256",
        unique=True,
        postgresql_where=text("state in ('AUTHENTIC','VALID','APPLIED','CLOSED')"),
    ),
    Index(
        "one_applied_content",
        "partner",
        "feed",
        "content_hmac",
        unique=True,
        postgresql_where=text("state in ('APPLIED','CLOSED')"),
    ),
    Index(
        "one_applied_signature",
        "partner",
        "feed",
        "sig_id",
        unique=True,
        postgresql_where=text("state in ('APPLIED','CLOSED')"),
    ),
    Index(
        "one_applied_sequence",
        "partner",
        "feed",
        "sequence",
        unique=True,
        postgresql_where=text("state in ('APPLIED','CLOSED')"),
    ),
    Index("file_landing", "partner", "feed", postgresql_where=text("landing_removed_at is null")),
    Index("file_signed", "partner", "feed", "signed_at"),
    Index("file_day", "partner", "feed", "as_of", "signed_at"),
    Index(
        "file_waiting",
        "feed",
        "file_id",
        postgresql_where=text(
            "state in ('SEEN','CLAIMED','VAULTED','AUTHENTIC','VALID','APPLIED')"
            " or receipt_at is null and state <> 'GONE' or landing_removed_at is null and ct_sha256 is not null"
        ),
    ),
    Index("file_to_mend", "partner", "feed", "seen_at", postgresql_where=text("verdict <> 'accepted'")),
    Index("file_state", "feed", "state"),
    schema="exchange",
)
Table(
    "finding",
    metadata,
    Column("file_id", Text, ForeignKey("exchange.file.file_id"), primary_key=True),
    Column("finding_no", Integer, primary_key=True),
    Column("row_no", Integer, comment="1 is the first row after the header; null: the whole file"),
    Column("column_name", Text),
    Column("rule", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("table_name", Text, comment="of a file with several tables"),
    Column("ref_hmac", LargeBinary, comment="keyed digest of the row's own reference"),
    schema="exchange",
)
Table(
    "file_shape",
    metadata,
    Column("file_id", Text, ForeignKey("exchange.file.file_id"), primary_key=True),
    Column("column_name", Text, primary_key=True, comment="empty: the file as a whole"),
    Column("code", Text, primary_key=True, comment="a code of the contract; empty: any value at all"),
    Column("rows", Integer, nullable=False),
    schema="exchange",
    comment="how many rows, values and codes each accepted file had; no value of anybody",
)
Table(
    "file_decision",
    metadata,
    Column("decision_no", BigInteger, Identity(always=True), primary_key=True),
    Column("file_id", Text, ForeignKey("exchange.file.file_id"), nullable=False),
    Column("epoch", Integer, nullable=False, comment="of the quarantine that it decides about"),
    Column("action", Text, nullable=False, comment="release | reject"),
    Column("decided_by", Text, nullable=False),
    Column("reason", Text, nullable=False, comment="a word of a closed list"),
    Column("note", Text, comment="the person's own words; they stay in this table"),
    _now("decided_at"),
    CheckConstraint("action IN ('release', 'reject')", name="action"),
    Index("one_voice", "file_id", "epoch", "decided_by", unique=True),
    schema="exchange",
)
Table(
    "outbox",
    metadata,
    Column("message_no", BigInteger, Identity(always=True), primary_key=True),
    Column("key", Text, nullable=False, unique=True, comment="what it is about; each is said once"),
    Column("topic", Text, nullable=False),
    Column("recipient", Text, nullable=False),
    Column("body", JSONB, nullable=False),
    _now("written_at"),
    _instant("sent_at"),
    schema="exchange",
)

# --- register: who, with whom, and why -------------------------------------------------------------------------

Table(
    "source_record",
    metadata,
    Column("source_record_id", Text, primary_key=True, comment="S<file number>.<row number>"),
    Column("file_id", Text, ForeignKey("exchange.file.file_id"), nullable=False),
    Column("row_no", Integer, nullable=False),
    Column("partner", Text, nullable=False),
    Column("feed", Text, nullable=False),
    Column("record_ref", Text, nullable=False, comment="the partner's own reference of the person"),
    Column("event_ref", Text, nullable=False, server_default="", comment="the partner's reference of the event"),
    Column("household_ref", Text),
    Column("relationship", Text),
    Column("forename", Text),
    Column("surname", Text),
    Column("date_of_birth", Date),
    Column("sex", Text),
    Column("address_line_1", Text),
    Column("address_line_2", Text),
    Column("town", Text),
    Column("postcode", Text),
    Column("uprn", Text),
    Column("nhs_number", Text),
    Column("nino", Text),
    Column("upn", Text),
    Column("facts", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    Column("as_of", Date, nullable=False),
    Column("event_on", Date, comment="the date of the event that the row tells of; null: unknown"),
    Column("category", Text, nullable=False, comment="retention category"),
    Column("retain_from", Date, comment="the day its retention clock started; null: never due"),
    Column(
        "current",
        Boolean,
        nullable=False,
        server_default=text("true"),
        comment="not superseded by a later row",
    ),
    _now("recorded_at"),
    Index("source_record_key", "feed", "partner", "record_ref", "event_ref"),
    Index("source_record_file", "file_id"),
    schema="register",
)
Table(
    "person",
    metadata,
    Column("person_id", Text, primary_key=True),
    Column("merged_into", Text, ForeignKey("register.person.person_id"), index=True),
    _now("recorded_at"),
    schema="register",
)
Table(
    "person_record",
    metadata,
    Column(
        "source_record_id",
        Text,
        ForeignKey("register.source_record.source_record_id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("person_id", Text, ForeignKey("register.person.person_id"), nullable=False, index=True),
    Column("how", Text, nullable=False, comment="reference | identifier | score | new"),
    Column("weight", Numeric, comment="match weight in bits; null when no score was needed"),
    _now("recorded_at"),
    schema="register",
)
Table(
    "possible_match",
    metadata,
    Column("person_a", Text, ForeignKey("register.person.person_id"), primary_key=True),
    Column("person_b", Text, ForeignKey("register.person.person_id"), primary_key=True, index=True),
    Column("probability", Numeric, nullable=False),
    _now("recorded_at"),
    CheckConstraint("person_a < person_b", name="ordered"),
    schema="register",
)
Table(
    "family",
    metadata,
    Column("family_id", Text, primary_key=True),
    Column("basis", Text, nullable=False, comment="uprn | address | household"),
    _now("recorded_at"),
    schema="register",
)
Table(
    "family_member",
    metadata,
    Column("family_id", Text, ForeignKey("register.family.family_id"), primary_key=True),
    Column("person_id", Text, ForeignKey("register.person.person_id"), primary_key=True),
    Column("from_on", Date, primary_key=True),
    Column("to_on", Date, comment="first day on which the person is no longer a member; null: still is"),
    Column("role", Text, nullable=False, comment="adult | child"),
    Column(
        "resident",
        Boolean,
        nullable=False,
        server_default=text("true"),
        comment="false: belongs to the family and lives elsewhere",
    ),
    _now("recorded_at"),
    Index("family_member_person", "person_id"),
    schema="register",
)
Table(
    "evidence",
    metadata,
    Column("evidence_id", Text, primary_key=True),
    Column("family_id", Text, ForeignKey("register.family.family_id"), nullable=False, index=True),
    Column("person_id", Text, ForeignKey("register.person.person_id"), nullable=False, index=True),
    Column(
        "source_record_id",
        Text,
        ForeignKey("register.source_record.source_record_id", ondelete="CASCADE"),
        nullable=False,
        index=True,
    ),
    Column("problem", Text, nullable=False),
    Column("indicator", Text, nullable=False),
    Column("framework", Text, nullable=False, comment="code and rule version, e.g. TFP2015/1"),
    Column("as_of", Date, nullable=False),
    _now("recorded_at"),
    schema="register",
)
Table(
    "proposal",
    metadata,
    Column("proposal_id", Text, primary_key=True),
    Column("family_id", Text, ForeignKey("register.family.family_id"), nullable=False, index=True),
    Column("framework", Text, nullable=False),
    Column("problems", ARRAY(Text), nullable=False, comment="distinct, sorted"),
    Column(
        "unknown",
        ARRAY(Text),
        nullable=False,
        server_default=text("'{}'"),
        comment="problems that could not be told on that day, sorted",
    ),
    Column("proposed_on", Date, nullable=False),
    _now("recorded_at"),
    schema="register",
)
Table(
    "decision",
    metadata,
    Column("decision_id", Text, primary_key=True),
    Column("proposal_id", Text, ForeignKey("register.proposal.proposal_id"), nullable=False, unique=True),
    Column("outcome", Text, nullable=False, comment="accepted | declined | not_invited"),
    Column("decided_by", Text, nullable=False),
    Column("decided_on", Date, nullable=False),
    Column("supported_since", Date, comment="when support began; null unless accepted"),
    Column("reason", Text, nullable=False),
    _now("recorded_at"),
    CheckConstraint("outcome in ('accepted','declined','not_invited')", name="outcome"),
    CheckConstraint("(outcome = 'accepted') = (supported_since IS NOT NULL)", name="supported"),
    schema="register",
)

# --- returns: behind the research wall -------------------------------------------------------------------------

Table(
    "return_move",
    metadata,
    Column("before", Text, primary_key=True),
    Column("after", Text, primary_key=True),
    schema="returns",
    comment="the legal moves of domain.delivery, copied by the migration",
)
Table(
    "return",
    metadata,
    Column("return_id", Text, primary_key=True, comment="<code>-<period>-v<version>"),
    Column("code", Text, nullable=False),
    Column("period", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("state", Text, nullable=False, server_default="DRAFT"),
    Column("epoch", Integer, nullable=False, server_default="0"),
    Column("fields", ARRAY(Text), nullable=False),
    Column("as_known_at", DateTime(timezone=True), nullable=False),
    Column("rights_epoch", BigInteger, nullable=False),
    Column("rows", Integer),
    Column("content_sha256", LargeBinary, comment="of the plain CSV"),
    Column("ct_sha256", LargeBinary, comment="of the sealed bytes; they are in the vault"),
    Column("size", BigInteger),
    Column("final_name", Text, unique=True),
    Column("receipt", JSONB),
    Column("intent_epoch", Integer, comment="the attempt whose rename may have taken effect"),
    _instant("intent_at", comment="since when the final name may be visible"),
    _now("recorded_at"),
    _instant("sealed_at"),
    _instant("sent_at"),
    _instant("delivered_at"),
    _instant("acknowledged_at"),
    _instant("destroyed_at", comment="when our own copy was destroyed"),
    Index("one_version", "code", "period", "version", unique=True),
    schema="returns",
)
Table(
    "return_row",
    metadata,
    Column("return_id", Text, ForeignKey("returns.return.return_id"), primary_key=True),
    Column("row_no", Integer, primary_key=True),
    Column("person_id", Text, nullable=False),
    Column("family_id", Text, nullable=False),
    Column("content", JSONB, nullable=False, comment="field → text, exactly as sent"),
    schema="returns",
)
Table(
    "return_finding",
    metadata,
    Column("return_id", Text, ForeignKey("returns.return.return_id"), primary_key=True),
    Column("finding_no", Integer, primary_key=True),
    Column("row_no", Integer),
    Column("field", Text),
    Column("rule", Text, nullable=False),
    Column("severity", Text, nullable=False),
    schema="returns",
)
Table(
    "sign_off",
    metadata,
    Column("return_id", Text, ForeignKey("returns.return.return_id"), primary_key=True),
    Column("signed_by", Text, primary_key=True),
    Column("content_sha256", LargeBinary, nullable=False, comment="of the CSV that this person signed off"),
    _now("signed_at"),
    schema="returns",
)

# --- rights: objections, restrictions, holds, destruction ------------------------------------------------------

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
    _now("recorded_at"),
    schema="rights",
)
Table(
    "hold",
    metadata,
    Column("hold_id", BigInteger, primary_key=True),
    Column("scope_kind", Text, nullable=False, comment="person | file | return | category | council"),
    Column("scope_id", Text, nullable=False),
    Column("placed_by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    _now("placed_at"),
    _instant("released_at"),
    schema="rights",
)
Table(
    "event_date",
    metadata,
    Column("event", Text, primary_key=True, comment="e.g. programme_end, research_project_concluded"),
    Column("happened_on", Date, nullable=False),
    Column("recorded_by", Text, nullable=False),
    _now("recorded_at"),
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
    _instant("approved_at"),
    _instant("destroyed_at"),
    _now("recorded_at"),
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
    _now("issued_at"),
    schema="rights",
)
