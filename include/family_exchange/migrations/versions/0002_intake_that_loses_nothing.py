"""Intake that loses nothing: what a file says of itself, second tries, two people, keys with windows, an outbox, shapes."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from family_exchange.domain import file

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

LEDGER = """
CREATE OR REPLACE FUNCTION exchange.claim(p_file text) RETURNS int LANGUAGE sql AS $$
  UPDATE exchange.file SET epoch = epoch + 1, attempt = attempt + 1 WHERE file_id = p_file RETURNING epoch
$$;

CREATE FUNCTION exchange.fence(p_file text, p_epoch int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM 1 FROM exchange.file WHERE file_id = p_file AND epoch = p_epoch FOR UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'another worker holds this file' USING ERRCODE = 'FX001';
  END IF;
END $$;

CREATE OR REPLACE FUNCTION exchange.advance(p_file text, p_epoch int, p_to text, p_actor text, p_body jsonb) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE v_from text;
BEGIN
  PERFORM exchange.fence(p_file, p_epoch);
  SELECT state INTO STRICT v_from FROM exchange.file WHERE file_id = p_file;
  IF NOT EXISTS (SELECT 1 FROM exchange.file_move m WHERE m.before = v_from AND m.after = p_to) THEN
    RAISE EXCEPTION 'no legal move from % to %', v_from, p_to USING ERRCODE = 'FX002';
  END IF;
  UPDATE exchange.file SET state = p_to, attempt = 0, failure = NULL, failures = 0 WHERE file_id = p_file;
  PERFORM audit.append('file.' || lower(p_to), p_actor,
    jsonb_build_object('file', p_file, 'from', v_from, 'epoch', p_epoch) || p_body);
END $$;
"""

EARLIER_LEDGER = """
CREATE OR REPLACE FUNCTION exchange.claim(p_file text) RETURNS int LANGUAGE sql AS $$
  UPDATE exchange.file SET epoch = epoch + 1
   WHERE file_id = p_file AND state IN ('SEEN','CLAIMED','VAULTED','AUTHENTIC','VALID','APPLIED')
  RETURNING epoch
$$;

CREATE OR REPLACE FUNCTION exchange.advance(p_file text, p_epoch int, p_to text, p_actor text, p_body jsonb) RETURNS void
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
DROP FUNCTION exchange.fence(text, int);
"""

_KINDS = "source_record | file | staged_file | return"


def _file_columns() -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("sequence", sa.BigInteger(), nullable=True, comment="the partner's own number of the file, signed"),
        sa.Column("area", sa.Text(), nullable=True, comment="the area that the file says it covers"),
        sa.Column(
            "changed_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
            comment="when we last saw its size or time change",
        ),
        sa.Column(
            "attempt",
            sa.Integer(),
            server_default="0",
            nullable=False,
            comment="claims since it last moved or was excused",
        ),
        sa.Column("failure", sa.Text(), nullable=True, comment="type and place of the last unforeseen error"),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False, comment="how often that one, in a row"),
        sa.Column(
            "history",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="newer news had been accepted before it",
        ),
        sa.Column("conflicts_with", sa.Text(), nullable=True),
        sa.Column("superseded_by", sa.Text(), nullable=True),
        sa.Column(
            "waived", sa.Text(), nullable=True, comment="the reason that two people set aside when they released it"
        ),
        sa.Column(
            "workbook_sha256", sa.LargeBinary(), nullable=True, comment="of the sealed workbook; it is in the vault"
        ),
        sa.Column("detail", sa.Text(), nullable=True, comment="of the reason: rows, columns and rules, never a value"),
        sa.Column("landed_sha256", sa.LargeBinary(), nullable=True, comment="of the bytes as they landed"),
        sa.Column("answers", sa.Integer(), server_default="0", nullable=False, comment="receipts written so far"),
    )


def upgrade() -> None:
    """Forward."""
    for each in _file_columns():
        op.add_column("file", each, schema="exchange")
    op.create_foreign_key(
        op.f("fk_file_conflicts_with"), "file", "file", ["conflicts_with"], ["file_id"],
        source_schema="exchange", referent_schema="exchange",
    )  # fmt: skip
    op.create_foreign_key(
        op.f("fk_file_superseded_by"), "file", "file", ["superseded_by"], ["file_id"],
        source_schema="exchange", referent_schema="exchange",
    )  # fmt: skip
    for index, column in (("one_applied_signature", "sig_id"), ("one_applied_sequence", "sequence")):
        op.create_index(
            index,
            "file",
            ["partner", "feed", column],
            unique=True,
            schema="exchange",
            postgresql_where=sa.text("state in ('APPLIED','CLOSED')"),
        )
    op.create_index(
        "file_landing",
        "file",
        ["partner", "feed"],
        schema="exchange",
        postgresql_where=sa.text("landing_removed_at is null"),
    )
    op.create_index("file_signed", "file", ["partner", "feed", "signed_at"], schema="exchange")
    op.create_index("file_day", "file", ["partner", "feed", "as_of", "signed_at"], schema="exchange")
    op.create_index(
        "file_waiting",
        "file",
        ["feed", "file_id"],
        schema="exchange",
        postgresql_where=sa.text(
            "state in ('SEEN','CLAIMED','VAULTED','AUTHENTIC','VALID','APPLIED')"
            " or receipt_at is null and state <> 'GONE' or landing_removed_at is null and ct_sha256 is not null"
        ),
    )
    op.create_index(
        "file_to_mend",
        "file",
        ["partner", "feed", "seen_at"],
        schema="exchange",
        postgresql_where=sa.text("verdict <> 'accepted'"),
    )
    op.add_column(
        "finding",
        sa.Column("table_name", sa.Text(), nullable=True, comment="of a file with several tables"),
        schema="exchange",
    )
    op.add_column(
        "finding",
        sa.Column("ref_hmac", sa.LargeBinary(), nullable=True, comment="keyed digest of the row's own reference"),
        schema="exchange",
    )
    op.create_table(
        "file_shape",
        sa.Column("file_id", sa.Text(), nullable=False),
        sa.Column("column_name", sa.Text(), nullable=False, comment="empty: the file as a whole"),
        sa.Column("code", sa.Text(), nullable=False, comment="a code of the contract; empty: any value at all"),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["file_id"], ["exchange.file.file_id"], name=op.f("fk_file_shape_file_id")),
        sa.PrimaryKeyConstraint("file_id", "column_name", "code", name=op.f("pk_file_shape")),
        schema="exchange",
        comment="how many rows, values and codes each accepted file had; no value of anybody",
    )
    op.create_table(
        "file_decision",
        sa.Column("decision_no", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("file_id", sa.Text(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False, comment="of the quarantine that it decides about"),
        sa.Column("action", sa.Text(), nullable=False, comment="release | reject"),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False, comment="a word of a closed list"),
        sa.Column("note", sa.Text(), nullable=True, comment="the person's own words; they stay in this table"),
        sa.Column(
            "decided_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.CheckConstraint("action IN ('release', 'reject')", name=op.f("ck_file_decision_action")),
        sa.ForeignKeyConstraint(["file_id"], ["exchange.file.file_id"], name=op.f("fk_file_decision_file_id")),
        sa.PrimaryKeyConstraint("decision_no", name=op.f("pk_file_decision")),
        schema="exchange",
    )
    op.create_index("one_voice", "file_decision", ["file_id", "epoch", "decided_by"], unique=True, schema="exchange")
    op.create_table(
        "outbox",
        sa.Column("message_no", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("key", sa.Text(), nullable=False, comment="what it is about; each is said once"),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "written_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("message_no", name=op.f("pk_outbox")),
        sa.UniqueConstraint("key", name=op.f("uq_outbox_key")),
        schema="exchange",
    )
    op.alter_column("partner_key", "approved_by", nullable=True, schema="exchange")
    added: tuple[sa.Column[Any], ...] = (
        sa.Column("kind", sa.Text(), server_default="openpgp", nullable=False, comment="openpgp | ssh"),
        sa.Column(
            "material", sa.Text(), nullable=True, comment="the public key: an armoured block, or an SSH key's line"
        ),
        sa.Column("overlap_days", sa.Integer(), nullable=True, comment="how long earlier keys stay valid beside it"),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_by", sa.Text(), nullable=True),
        sa.Column("revoke_reason", sa.Text(), nullable=True),
        sa.Column("revoke_confirmed_by", sa.Text(), nullable=True),
    )
    for each in added:
        op.add_column("partner_key", each, schema="exchange")
    op.create_table(
        "own_key",
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("overlap_days", sa.Integer(), nullable=True, comment="how long earlier keys stay valid beside it"),
        sa.Column("added_by", sa.Text(), nullable=False),
        sa.Column("approved_by", sa.Text(), nullable=True),
        sa.Column(
            "recorded_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.CheckConstraint("added_by <> approved_by", name=op.f("ck_own_key_two_people")),
        sa.PrimaryKeyConstraint("fingerprint", name=op.f("pk_own_key")),
        schema="exchange",
        comment="the council's own OpenPGP keys beside the one in its settings",
    )
    values = ", ".join(f"('{before}', '{after}')" for before, after in sorted(file.MOVES))
    op.execute(f"INSERT INTO exchange.file_move (before, after) VALUES {values} ON CONFLICT DO NOTHING")  # noqa: S608 - our own words
    op.alter_column("purge_item", "kind", schema="rights", comment=f"{_KINDS} | object", existing_comment=_KINDS)
    op.execute(LEDGER)


def downgrade() -> None:
    """Back to the first rooms."""
    op.execute(EARLIER_LEDGER)
    op.alter_column("purge_item", "kind", schema="rights", comment=_KINDS, existing_comment=f"{_KINDS} | object")
    op.drop_table("own_key", schema="exchange")
    for name in (
        "revoke_confirmed_by",
        "revoke_reason",
        "revoked_by",
        "approved_at",
        "overlap_days",
        "material",
        "kind",
    ):
        op.drop_column("partner_key", name, schema="exchange")
    op.alter_column("partner_key", "approved_by", nullable=False, schema="exchange")
    op.drop_table("outbox", schema="exchange")
    op.drop_table("file_decision", schema="exchange")
    op.drop_table("file_shape", schema="exchange")
    for name in ("ref_hmac", "table_name"):
        op.drop_column("finding", name, schema="exchange")
    for name in (
        "file_to_mend",
        "file_waiting",
        "file_day",
        "file_signed",
        "file_landing",
        "one_applied_sequence",
        "one_applied_signature",
    ):
        op.drop_index(name, "file", schema="exchange")
    for name in ("fk_file_superseded_by", "fk_file_conflicts_with"):
        op.drop_constraint(op.f(name), "file", schema="exchange")
    for column in reversed(_file_columns()):
        op.drop_column("file", column.name, schema="exchange")
