"""Returns: behind the research wall."""

from sqlalchemy import BigInteger, Column, DateTime, ForeignKey, Index, Integer, LargeBinary, Table, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from family_exchange.adapters.tables.base import instant, metadata, now

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
    instant("intent_at", comment="since when the final name may be visible"),
    now("recorded_at"),
    instant("sealed_at"),
    instant("sent_at"),
    instant("delivered_at"),
    instant("acknowledged_at"),
    instant("destroyed_at", comment="when our own copy was destroyed"),
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
    now("signed_at"),
    schema="returns",
)
