"""The rooms of a council: ledger, register, returns, rights and audit, with the moves and the chain kept by the database."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from family_exchange.domain import delivery, file

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SCHEMAS = ("exchange", "staging", "register", "returns", "rights", "audit")

AUDIT = """
CREATE FUNCTION audit.append(p_kind text, p_actor text, p_body jsonb) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
  v_seq bigint; v_prev bytea; v_at timestamptz := clock_timestamp(); v_event bytea; v_hash bytea;
BEGIN
  SELECT seq + 1, hash INTO STRICT v_seq, v_prev FROM audit.head FOR UPDATE;
  v_event := convert_to(jsonb_build_object(
    'v', 1, 'seq', v_seq, 'kind', p_kind, 'actor', p_actor, 'body', p_body, 'prev', encode(v_prev, 'hex'),
    'at', to_char(v_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))::text, 'UTF8');
  v_hash := sha256('\\x00'::bytea || v_event);
  INSERT INTO audit.event(seq, at, kind, actor, event, prev, hash)
    VALUES (v_seq, v_at, p_kind, p_actor, v_event, v_prev, v_hash);
  UPDATE audit.head SET seq = v_seq, hash = v_hash;
  RETURN v_seq;
END $$;

CREATE FUNCTION audit.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'audit events are never changed' USING ERRCODE = 'FX003';
END $$;

CREATE TRIGGER event_is_final BEFORE UPDATE OR DELETE ON audit.event
  FOR EACH ROW EXECUTE FUNCTION audit.refuse();
CREATE TRIGGER event_is_kept BEFORE TRUNCATE ON audit.event
  FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse();
INSERT INTO audit.head(seq, hash) VALUES (0, sha256('family-exchange'::bytea));
INSERT INTO rights.epoch(epoch) VALUES (0);
"""

LEDGER = """
CREATE FUNCTION exchange.claim(p_file text) RETURNS int LANGUAGE sql AS $$
  UPDATE exchange.file SET epoch = epoch + 1
   WHERE file_id = p_file AND state IN ('SEEN','CLAIMED','VAULTED','AUTHENTIC','VALID','APPLIED')
  RETURNING epoch
$$;

CREATE FUNCTION exchange.advance(p_file text, p_epoch int, p_to text, p_actor text, p_body jsonb) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE v_from text;
BEGIN
  SELECT state INTO v_from FROM exchange.file WHERE file_id = p_file AND epoch = p_epoch FOR UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'another worker holds this file' USING ERRCODE = 'FX001';
  END IF;
  IF NOT EXISTS (SELECT 1 FROM exchange.file_move m WHERE m.before = v_from AND m.after = p_to) THEN
    RAISE EXCEPTION 'no legal move from % to %', v_from, p_to USING ERRCODE = 'FX002';
  END IF;
  UPDATE exchange.file SET state = p_to WHERE file_id = p_file;
  PERFORM audit.append('file.' || lower(p_to), p_actor,
    jsonb_build_object('file', p_file, 'from', v_from, 'epoch', p_epoch) || p_body);
END $$;
"""

RETURNS = """
CREATE FUNCTION returns.claim(p_return text) RETURNS int LANGUAGE sql AS $$
  UPDATE returns.return SET epoch = epoch + 1
   WHERE return_id = p_return AND state NOT IN ('VOID','CONFLICT','ACKNOWLEDGED','REFUSED_BY_RECIPIENT')
  RETURNING epoch
$$;

CREATE FUNCTION returns.advance(p_return text, p_epoch int, p_to text, p_actor text, p_body jsonb) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE v_from text;
BEGIN
  SELECT state INTO v_from FROM returns.return WHERE return_id = p_return AND epoch = p_epoch FOR UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'another worker holds this return' USING ERRCODE = 'FX001';
  END IF;
  IF NOT EXISTS (SELECT 1 FROM returns.return_move m WHERE m.before = v_from AND m.after = p_to) THEN
    RAISE EXCEPTION 'no legal move from % to %', v_from, p_to USING ERRCODE = 'FX002';
  END IF;
  UPDATE returns.return SET state = p_to WHERE return_id = p_return;
  PERFORM audit.append('return.' || lower(p_to), p_actor,
    jsonb_build_object('return', p_return, 'from', v_from, 'epoch', p_epoch) || p_body);
END $$;
"""

RIGHTS = """
CREATE FUNCTION rights.move_epoch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE rights.epoch SET epoch = epoch + 1;
  RETURN NULL;
END $$;

CREATE TRIGGER flag_moves_epoch AFTER INSERT OR UPDATE OR DELETE ON rights.flag
  FOR EACH STATEMENT EXECUTE FUNCTION rights.move_epoch();
"""


def upgrade() -> None:
    """Forward."""
    for schema in SCHEMAS:
        op.execute(f"CREATE SCHEMA {schema}")
    op.execute("CREATE SEQUENCE exchange.file_number")
    op.create_table(
        "event",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("event", sa.LargeBinary(), nullable=False, comment="the exact bytes that were hashed"),
        sa.Column("prev", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_event")),
        sa.UniqueConstraint("hash", name=op.f("uq_event_hash")),
        schema="audit",
    )
    op.create_table(
        "head",
        sa.Column("only_row", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("only_row", name=op.f("ck_head_only_row")),
        sa.PrimaryKeyConstraint("only_row", name=op.f("pk_head")),
        schema="audit",
    )
    op.create_table(
        "file",
        sa.Column(
            "file_id",
            sa.Text(),
            server_default=sa.text("'F' || lpad(nextval('exchange.file_number')::text, 8, '0')"),
            nullable=False,
        ),
        sa.Column("partner", sa.Text(), nullable=False),
        sa.Column("feed", sa.Text(), nullable=False),
        sa.Column("name_bytes", sa.LargeBinary(), nullable=False, comment="as the partner chose it; never logged"),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column(
            "modified_at",
            sa.BigInteger(),
            nullable=False,
            comment="the server's mtime, whole seconds; not trusted",
        ),
        sa.Column("state", sa.Text(), server_default="SEEN", nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("epoch", sa.Integer(), server_default="0", nullable=False),
        sa.Column("ct_sha256", sa.LargeBinary(), nullable=True),
        sa.Column("signer", sa.Text(), nullable=True),
        sa.Column("sig_id", sa.Text(), nullable=True),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("content_hmac", sa.LargeBinary(), nullable=True),
        sa.Column("contract", sa.Text(), nullable=True),
        sa.Column("as_of", sa.Date(), nullable=True),
        sa.Column("coverage_from", sa.Date(), nullable=True),
        sa.Column("coverage_to", sa.Date(), nullable=True),
        sa.Column("verdict", sa.Text(), nullable=True),
        sa.Column("rows_read", sa.Integer(), nullable=True),
        sa.Column("rows_loaded", sa.Integer(), nullable=True, comment="rows staged without a finding"),
        sa.Column("rows_with_finding", sa.Integer(), nullable=True, comment="rows staged with a finding"),
        sa.Column("rows_refused", sa.Integer(), nullable=True),
        sa.Column("columns_dropped", sa.Integer(), nullable=True, comment="columns that the profile does not allow"),
        sa.Column("duplicate_of", sa.Text(), nullable=True),
        sa.Column("seen_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("receipt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("landing_removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "registered_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when the register took the file's rows",
        ),
        sa.Column("vault_destroyed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "staging_cleared_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when the staged rows were destroyed; the register has taken them",
        ),
        sa.CheckConstraint("octet_length(name_bytes) <= 255", name=op.f("ck_file_name_length")),
        sa.ForeignKeyConstraint(["duplicate_of"], ["exchange.file.file_id"], name=op.f("fk_file_duplicate_of")),
        sa.PrimaryKeyConstraint("file_id", name=op.f("pk_file")),
        schema="exchange",
    )
    op.create_index("file_state", "file", ["feed", "state"], unique=False, schema="exchange")
    op.create_index(
        "one_applied_content",
        "file",
        ["partner", "feed", "content_hmac"],
        unique=True,
        schema="exchange",
        postgresql_where=sa.text("state in ('APPLIED','CLOSED')"),
    )
    op.create_index(
        "one_live_ciphertext",
        "file",
        ["partner", "feed", "ct_sha256"],
        unique=True,
        schema="exchange",
        postgresql_where=sa.text("state in ('AUTHENTIC','VALID','APPLIED','CLOSED')"),
    )
    op.create_table(
        "file_move",
        sa.Column("before", sa.Text(), nullable=False),
        sa.Column("after", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("before", "after", name=op.f("pk_file_move")),
        schema="exchange",
        comment="the legal moves of domain.file, copied by the migration",
    )
    op.create_table(
        "partner_key",
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("partner", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_to", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("added_by", sa.Text(), nullable=False),
        sa.Column("approved_by", sa.Text(), nullable=False),
        sa.CheckConstraint("added_by <> approved_by", name=op.f("ck_partner_key_two_people")),
        sa.PrimaryKeyConstraint("fingerprint", name=op.f("pk_partner_key")),
        schema="exchange",
    )
    op.create_table(
        "family",
        sa.Column("family_id", sa.Text(), nullable=False),
        sa.Column("basis", sa.Text(), nullable=False, comment="uprn | address | household"),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("family_id", name=op.f("pk_family")),
        schema="register",
    )
    op.create_table(
        "person",
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("merged_into", sa.Text(), nullable=True),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["merged_into"], ["register.person.person_id"], name=op.f("fk_person_merged_into")),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_person")),
        schema="register",
    )
    op.create_table(
        "return",
        sa.Column("return_id", sa.Text(), nullable=False, comment="<code>-<period>-v<version>"),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), server_default="DRAFT", nullable=False),
        sa.Column("epoch", sa.Integer(), server_default="0", nullable=False),
        sa.Column("fields", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("as_known_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rights_epoch", sa.BigInteger(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=True),
        sa.Column("content_sha256", sa.LargeBinary(), nullable=True, comment="of the plain CSV"),
        sa.Column("ct_sha256", sa.LargeBinary(), nullable=True, comment="of the sealed bytes; they are in the vault"),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("final_name", sa.Text(), nullable=True),
        sa.Column("receipt", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column(
            "intent_epoch", sa.Integer(), nullable=True, comment="the attempt whose rename may have taken effect"
        ),
        sa.Column(
            "intent_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="since when the final name may be visible",
        ),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("sealed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "destroyed_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when our own copy was destroyed",
        ),
        sa.PrimaryKeyConstraint("return_id", name=op.f("pk_return")),
        sa.UniqueConstraint("final_name", name=op.f("uq_return_final_name")),
        schema="returns",
    )
    op.create_index("one_version", "return", ["code", "period", "version"], unique=True, schema="returns")
    op.create_table(
        "return_move",
        sa.Column("before", sa.Text(), nullable=False),
        sa.Column("after", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("before", "after", name=op.f("pk_return_move")),
        schema="returns",
        comment="the legal moves of domain.delivery, copied by the migration",
    )
    op.create_table(
        "epoch",
        sa.Column("only_row", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("only_row", name=op.f("ck_epoch_only_row")),
        sa.PrimaryKeyConstraint("only_row", name=op.f("pk_epoch")),
        schema="rights",
    )
    op.create_table(
        "event_date",
        sa.Column("event", sa.Text(), nullable=False, comment="e.g. programme_end, research_project_concluded"),
        sa.Column("happened_on", sa.Date(), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("event", name=op.f("pk_event_date")),
        schema="rights",
    )
    op.create_table(
        "flag",
        sa.Column("flag_id", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False, comment="restriction | objection_research | objection_all"),
        sa.Column("status", sa.Text(), nullable=False, comment="received | upheld | refused | lifted"),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("flag_id", name=op.f("pk_flag")),
        schema="rights",
    )
    op.create_index(op.f("ix_flag_person_id"), "flag", ["person_id"], unique=False, schema="rights")
    op.create_table(
        "hold",
        sa.Column("hold_id", sa.BigInteger(), nullable=False),
        sa.Column("scope_kind", sa.Text(), nullable=False, comment="person | file | return | category | council"),
        sa.Column("scope_id", sa.Text(), nullable=False),
        sa.Column("placed_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column(
            "placed_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("hold_id", name=op.f("pk_hold")),
        schema="rights",
    )
    op.create_table(
        "purge_plan",
        sa.Column("plan_id", sa.Text(), nullable=False),
        sa.Column("planned_on", sa.Date(), nullable=False),
        sa.Column(
            "state",
            sa.Text(),
            server_default="PLANNED",
            nullable=False,
            comment="PLANNED | APPROVED | DESTROYED | REFUSED",
        ),
        sa.Column("items", sa.Integer(), nullable=False),
        sa.Column(
            "digest",
            sa.LargeBinary(),
            nullable=False,
            comment="of the sorted item list; what the approver approved",
        ),
        sa.Column("approved_by", sa.Text(), nullable=True),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("destroyed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("plan_id", name=op.f("pk_purge_plan")),
        schema="rights",
    )
    op.create_table(
        "finding",
        sa.Column("file_id", sa.Text(), nullable=False),
        sa.Column("finding_no", sa.Integer(), nullable=False),
        sa.Column(
            "row_no",
            sa.Integer(),
            nullable=True,
            comment="1 is the first row after the header; null: the whole file",
        ),
        sa.Column("column_name", sa.Text(), nullable=True),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["file_id"], ["exchange.file.file_id"], name=op.f("fk_finding_file_id")),
        sa.PrimaryKeyConstraint("file_id", "finding_no", name=op.f("pk_finding")),
        schema="exchange",
    )
    op.create_table(
        "family_member",
        sa.Column("family_id", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column(
            "to_on",
            sa.Date(),
            nullable=True,
            comment="first day on which the person is no longer a member; null: still is",
        ),
        sa.Column("role", sa.Text(), nullable=False, comment="adult | child"),
        sa.Column(
            "resident",
            sa.Boolean(),
            server_default=sa.text("true"),
            nullable=False,
            comment="false: belongs to the family and lives elsewhere",
        ),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["family_id"], ["register.family.family_id"], name=op.f("fk_family_member_family_id")),
        sa.ForeignKeyConstraint(["person_id"], ["register.person.person_id"], name=op.f("fk_family_member_person_id")),
        sa.PrimaryKeyConstraint("family_id", "person_id", "from_on", name=op.f("pk_family_member")),
        schema="register",
    )
    op.create_index("family_member_person", "family_member", ["person_id"], unique=False, schema="register")
    op.create_table(
        "possible_match",
        sa.Column("person_a", sa.Text(), nullable=False),
        sa.Column("person_b", sa.Text(), nullable=False),
        sa.Column("probability", sa.Numeric(), nullable=False),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint("person_a < person_b", name=op.f("ck_possible_match_ordered")),
        sa.ForeignKeyConstraint(["person_a"], ["register.person.person_id"], name=op.f("fk_possible_match_person_a")),
        sa.ForeignKeyConstraint(["person_b"], ["register.person.person_id"], name=op.f("fk_possible_match_person_b")),
        sa.PrimaryKeyConstraint("person_a", "person_b", name=op.f("pk_possible_match")),
        schema="register",
    )
    op.create_table(
        "proposal",
        sa.Column("proposal_id", sa.Text(), nullable=False),
        sa.Column("family_id", sa.Text(), nullable=False),
        sa.Column("framework", sa.Text(), nullable=False),
        sa.Column("problems", postgresql.ARRAY(sa.Text()), nullable=False, comment="distinct, sorted"),
        sa.Column(
            "unknown",
            postgresql.ARRAY(sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
            comment="problems that could not be told on that day, sorted",
        ),
        sa.Column("proposed_on", sa.Date(), nullable=False),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["family_id"], ["register.family.family_id"], name=op.f("fk_proposal_family_id")),
        sa.PrimaryKeyConstraint("proposal_id", name=op.f("pk_proposal")),
        schema="register",
    )
    op.create_index(op.f("ix_proposal_family_id"), "proposal", ["family_id"], unique=False, schema="register")
    op.create_table(
        "source_record",
        sa.Column("source_record_id", sa.Text(), nullable=False, comment="S<file number>.<row number>"),
        sa.Column("file_id", sa.Text(), nullable=False),
        sa.Column("row_no", sa.Integer(), nullable=False),
        sa.Column("partner", sa.Text(), nullable=False),
        sa.Column("feed", sa.Text(), nullable=False),
        sa.Column("record_ref", sa.Text(), nullable=False, comment="the partner's own reference of the person"),
        sa.Column(
            "event_ref",
            sa.Text(),
            server_default="",
            nullable=False,
            comment="the partner's reference of the event",
        ),
        sa.Column("household_ref", sa.Text(), nullable=True),
        sa.Column("relationship", sa.Text(), nullable=True),
        sa.Column("forename", sa.Text(), nullable=True),
        sa.Column("surname", sa.Text(), nullable=True),
        sa.Column("date_of_birth", sa.Date(), nullable=True),
        sa.Column("sex", sa.Text(), nullable=True),
        sa.Column("address_line_1", sa.Text(), nullable=True),
        sa.Column("address_line_2", sa.Text(), nullable=True),
        sa.Column("town", sa.Text(), nullable=True),
        sa.Column("postcode", sa.Text(), nullable=True),
        sa.Column("uprn", sa.Text(), nullable=True),
        sa.Column("nhs_number", sa.Text(), nullable=True),
        sa.Column("nino", sa.Text(), nullable=True),
        sa.Column("upn", sa.Text(), nullable=True),
        sa.Column(
            "facts",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column(
            "event_on",
            sa.Date(),
            nullable=True,
            comment="the date of the event that the row tells of; null: unknown",
        ),
        sa.Column("category", sa.Text(), nullable=False, comment="retention category"),
        sa.Column(
            "retain_from",
            sa.Date(),
            nullable=True,
            comment="the day its retention clock started; null: never due",
        ),
        sa.Column(
            "current",
            sa.Boolean(),
            server_default=sa.text("true"),
            nullable=False,
            comment="not superseded by a later row",
        ),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["file_id"], ["exchange.file.file_id"], name=op.f("fk_source_record_file_id")),
        sa.PrimaryKeyConstraint("source_record_id", name=op.f("pk_source_record")),
        schema="register",
    )
    op.create_index("source_record_file", "source_record", ["file_id"], unique=False, schema="register")
    op.create_index(
        "source_record_key",
        "source_record",
        ["feed", "partner", "record_ref", "event_ref"],
        unique=False,
        schema="register",
    )
    op.create_table(
        "return_finding",
        sa.Column("return_id", sa.Text(), nullable=False),
        sa.Column("finding_no", sa.Integer(), nullable=False),
        sa.Column("row_no", sa.Integer(), nullable=True),
        sa.Column("field", sa.Text(), nullable=True),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["return_id"], ["returns.return.return_id"], name=op.f("fk_return_finding_return_id")),
        sa.PrimaryKeyConstraint("return_id", "finding_no", name=op.f("pk_return_finding")),
        schema="returns",
    )
    op.create_table(
        "return_row",
        sa.Column("return_id", sa.Text(), nullable=False),
        sa.Column("row_no", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("family_id", sa.Text(), nullable=False),
        sa.Column(
            "content",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="field → text, exactly as sent",
        ),
        sa.ForeignKeyConstraint(["return_id"], ["returns.return.return_id"], name=op.f("fk_return_row_return_id")),
        sa.PrimaryKeyConstraint("return_id", "row_no", name=op.f("pk_return_row")),
        schema="returns",
    )
    op.create_table(
        "sign_off",
        sa.Column("return_id", sa.Text(), nullable=False),
        sa.Column("signed_by", sa.Text(), nullable=False),
        sa.Column(
            "content_sha256",
            sa.LargeBinary(),
            nullable=False,
            comment="of the CSV that this person signed off",
        ),
        sa.Column(
            "signed_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["return_id"], ["returns.return.return_id"], name=op.f("fk_sign_off_return_id")),
        sa.PrimaryKeyConstraint("return_id", "signed_by", name=op.f("pk_sign_off")),
        schema="returns",
    )
    op.create_table(
        "certificate",
        sa.Column("certificate_id", sa.Text(), nullable=False),
        sa.Column("plan_id", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False, comment="canonical JSON: counts only"),
        sa.Column("signature", sa.LargeBinary(), nullable=False, comment="Ed25519 over body"),
        sa.Column(
            "issued_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["plan_id"], ["rights.purge_plan.plan_id"], name=op.f("fk_certificate_plan_id")),
        sa.PrimaryKeyConstraint("certificate_id", name=op.f("pk_certificate")),
        sa.UniqueConstraint("plan_id", name=op.f("uq_certificate_plan_id")),
        schema="rights",
    )
    op.create_table(
        "purge_item",
        sa.Column("plan_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False, comment="source_record | file | staged_file | return"),
        sa.Column("item_id", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True, comment="destroyed | held | not_due | gone"),
        sa.ForeignKeyConstraint(["plan_id"], ["rights.purge_plan.plan_id"], name=op.f("fk_purge_item_plan_id")),
        sa.PrimaryKeyConstraint("plan_id", "kind", "item_id", name=op.f("pk_purge_item")),
        schema="rights",
    )
    op.create_table(
        "decision",
        sa.Column("decision_id", sa.Text(), nullable=False),
        sa.Column("proposal_id", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False, comment="accepted | declined | not_invited"),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("decided_on", sa.Date(), nullable=False),
        sa.Column("supported_since", sa.Date(), nullable=True, comment="when support began; null unless accepted"),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint("outcome in ('accepted','declined','not_invited')", name=op.f("ck_decision_outcome")),
        sa.CheckConstraint(
            "(outcome = 'accepted') = (supported_since IS NOT NULL)", name=op.f("ck_decision_supported")
        ),
        sa.ForeignKeyConstraint(
            ["proposal_id"], ["register.proposal.proposal_id"], name=op.f("fk_decision_proposal_id")
        ),
        sa.PrimaryKeyConstraint("decision_id", name=op.f("pk_decision")),
        sa.UniqueConstraint("proposal_id", name=op.f("uq_decision_proposal_id")),
        schema="register",
    )
    op.create_table(
        "evidence",
        sa.Column("evidence_id", sa.Text(), nullable=False),
        sa.Column("family_id", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("source_record_id", sa.Text(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.Column("indicator", sa.Text(), nullable=False),
        sa.Column("framework", sa.Text(), nullable=False, comment="code and rule version, e.g. TFP2015/1"),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["family_id"], ["register.family.family_id"], name=op.f("fk_evidence_family_id")),
        sa.ForeignKeyConstraint(["person_id"], ["register.person.person_id"], name=op.f("fk_evidence_person_id")),
        sa.ForeignKeyConstraint(
            ["source_record_id"],
            ["register.source_record.source_record_id"],
            name=op.f("fk_evidence_source_record_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("evidence_id", name=op.f("pk_evidence")),
        schema="register",
    )
    op.create_index(op.f("ix_evidence_family_id"), "evidence", ["family_id"], unique=False, schema="register")
    op.create_index(op.f("ix_evidence_person_id"), "evidence", ["person_id"], unique=False, schema="register")
    op.create_index(op.f("ix_person_merged_into"), "person", ["merged_into"], unique=False, schema="register")
    op.create_index(op.f("ix_possible_match_person_b"), "possible_match", ["person_b"], unique=False, schema="register")
    op.create_index(
        op.f("ix_evidence_source_record_id"),
        "evidence",
        ["source_record_id"],
        unique=False,
        schema="register",
    )
    op.create_table(
        "person_record",
        sa.Column("source_record_id", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("how", sa.Text(), nullable=False, comment="reference | identifier | score | new"),
        sa.Column(
            "weight",
            sa.Numeric(),
            nullable=True,
            comment="match weight in bits; null when no score was needed",
        ),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["person_id"], ["register.person.person_id"], name=op.f("fk_person_record_person_id")),
        sa.ForeignKeyConstraint(
            ["source_record_id"],
            ["register.source_record.source_record_id"],
            name=op.f("fk_person_record_source_record_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("source_record_id", name=op.f("pk_person_record")),
        schema="register",
    )
    op.create_index(op.f("ix_person_record_person_id"), "person_record", ["person_id"], unique=False, schema="register")
    moves = (
        ("exchange.file_move", file.MOVES),
        ("returns.return_move", delivery.MOVES),
    )
    for table, pairs in moves:
        values = ", ".join(f"('{before}', '{after}')" for before, after in sorted(pairs))
        op.execute(f"INSERT INTO {table} (before, after) VALUES {values}")  # noqa: S608 - our own words
    for script in (AUDIT, LEDGER, RETURNS, RIGHTS):
        op.execute(script)


def downgrade() -> None:
    """Back to an empty database."""
    for schema in reversed(SCHEMAS):
        op.execute(f"DROP SCHEMA {schema} CASCADE")
