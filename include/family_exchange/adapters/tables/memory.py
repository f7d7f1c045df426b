"""What the register ever held to be true, and when: rows are added and closed, never changed.

`recorded` is when we held it to be true; `valid`, or `from_on` and `to_on`, when it was so in the world. The room
`register` shows of each table what is known at `register.as_known()`. One room of the database is one file, however
long, so that it can be held to what the server has.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Numeric,
    Table,
    Text,
    TextClause,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, DATERANGE, JSONB, TSTZRANGE, ExcludeConstraint

from family_exchange.adapters.tables.base import instant, metadata, now

_STILL = text("upper_inf(recorded)")
_NUMBERS = ("nhs_number", "upn", "nino", "pnc", "cro", "crn", "noms")


def _recorded() -> Column[object]:
    return Column("recorded", TSTZRANGE, nullable=False, server_default=text("tstzrange(clock_timestamp(), NULL)"))


def _family() -> Column[str]:
    return Column("family_id", Text, ForeignKey("memory.family.family_id"), nullable=False)


def _person(name: str = "person_id") -> Column[str]:
    return Column(name, Text, ForeignKey("memory.person.person_id"), nullable=False)


def _never_overlap(table: str, *same: str | TextClause, valid: str = "valid") -> ExcludeConstraint:
    return ExcludeConstraint(
        *((name, "=") for name in same),
        (text(valid), "&&"),
        ("recorded", "&&"),
        name=f"ex_{table}_one_at_a_time",
        using="gist",
    )


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
    now("recorded_at"),
    instant("superseded_at", comment="since when a later row stands before it; null: it is current"),
    Index("source_record_key", "feed", "partner", "record_ref", "event_ref"),
    Index("source_record_file", "file_id"),
    Index(
        "source_record_event",
        "partner",
        "event_ref",
        postgresql_where=text("feed IN ('police_incidents', 'police_domestic_abuse', 'domestic_abuse_support')"),
    ),
    schema="memory",
)
Table(
    "source_sighting",
    metadata,
    Column("source_record_id", Text, primary_key=True),
    Column("as_of", Date, primary_key=True),
    Column("file_id", Text, primary_key=True),
    Column("row_no", Integer, primary_key=True, autoincrement=False),
    now("recorded_at"),
    Index("source_sighting_file", "file_id", postgresql_using="brin", postgresql_with={"autosummarize": "on"}),
    schema="memory",
    comment="rows of later files that say word for word what a source record says",
)
Table("person", metadata, Column("person_id", Text, primary_key=True), now("recorded_at"), schema="memory")
Table(
    "person_pointer",
    metadata,
    _person(),
    Column("points_to", Text, ForeignKey("memory.person.person_id"), nullable=False, index=True),
    _recorded(),
    Index("one_pointer", "person_id", unique=True, postgresql_where=_STILL),
    schema="memory",
    comment="ids that turned out to be another person's; an id never changes its meaning",
)
Table(
    "person_record",
    metadata,
    Column(
        "source_record_id",
        Text,
        ForeignKey("memory.source_record.source_record_id", ondelete="CASCADE"),
        nullable=False,
        index=True,
    ),
    Column("person_id", Text, ForeignKey("memory.person.person_id"), nullable=False, index=True),
    Column("how", Text, nullable=False, comment="reference | identifier | score | new | decision"),
    Column("weight", Numeric, comment="match weight in bits; null when no score was needed"),
    _recorded(),
    Index("one_person", "source_record_id", unique=True, postgresql_where=_STILL),
    schema="memory",
)
Table(
    "statement",
    metadata,
    Column("stated", Uuid, primary_key=True, comment="digest of the key and of what was stated, as sent"),
    Column("source_record_id", Text, nullable=False, index=True, comment="one of the records that state it"),
    Column("key", Text, nullable=False, comment="feed|partner|reference"),
    Column("forename", Text, nullable=False),
    Column("surname", Text, nullable=False),
    Column("stated_birth", Date),
    Column("birth", Text, nullable=False),
    Column("born", Date),
    *(Column(name, Text, nullable=False) for name in ("sex", "dwelling", "postcode", "uprn", *_NUMBERS)),
    Column(
        "blocks",
        ARRAY(BigInteger),
        nullable=False,
        comment="digests of what it has to share with others to be compared with them",
    ),
    Index("statement_key", "key"),
    Index("statement_blocks", "blocks", postgresql_using="gin", postgresql_with={"fastupdate": "on"}),
    *(Index(f"statement_{name}", name, postgresql_where=text(f"{name} <> ''")) for name in _NUMBERS),
    schema="memory",
    comment="each different statement of a record key once, standardised for matching",
)
Table(
    "nobodys_number",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("number", Text, primary_key=True),
    schema="memory",
    comment="numbers that too many record keys bear to be anybody's",
)
Table(
    "fact",
    metadata,
    Column("fact_no", BigInteger, Identity(always=True), primary_key=True),
    _person(),
    Column(
        "attribute",
        Text,
        nullable=False,
        comment="name | birth | sex | address | identifier | relationship | involvement",
    ),
    Column("slot", Text, nullable=False, server_default="", comment="what keeps several of one attribute apart"),
    Column("value", JSONB, nullable=False),
    Column("data_class", Text, nullable=False, comment="what it tells about somebody; purposes are allowed by class"),
    Column("valid", DATERANGE, nullable=False),
    Column("source_record_id", Text, ForeignKey("memory.source_record.source_record_id", ondelete="CASCADE")),
    Column("rectification_no", BigInteger, ForeignKey("register.rectification.rectification_no", ondelete="CASCADE")),
    _recorded(),
    _never_overlap("fact", "person_id", "attribute", "slot"),
    CheckConstraint("(source_record_id IS NULL) <> (rectification_no IS NULL)", name="one_source"),
    Index("fact_source", "source_record_id"),
    schema="memory",
)
Table(
    "family",
    metadata,
    Column("family_id", Text, primary_key=True),
    Column("basis", Text, nullable=False, comment="uprn | address | household"),
    now("recorded_at"),
    schema="memory",
)
Table(
    "family_member",
    metadata,
    _family(),
    _person(),
    Column("from_on", Date, nullable=False),
    Column("to_on", Date, comment="first day on which the person is no longer a member; null: still is"),
    Column("role", Text, nullable=False, comment="adult | child"),
    Column(
        "resident",
        Boolean,
        nullable=False,
        server_default=text("true"),
        comment="false: belongs to the family and lives elsewhere",
    ),
    _recorded(),
    _never_overlap("family_member", "family_id", text("(person_id || '')"), valid="daterange(from_on, to_on)"),
    Index("family_member_person", "person_id"),
    schema="memory",
)
Table(
    "evidence",
    metadata,
    Column("evidence_id", Text, nullable=False),
    _family(),
    Column("person_id", Text, ForeignKey("memory.person.person_id"), comment="null: a nomination of the family"),
    Column(
        "source_record_id",
        Text,
        ForeignKey("memory.source_record.source_record_id", ondelete="CASCADE"),
        index=True,
    ),
    Column("nomination_no", BigInteger, ForeignKey("register.nomination.nomination_no", ondelete="CASCADE")),
    Column("problem", Text, nullable=False),
    Column("indicator", Text, nullable=False),
    Column("framework", Text, nullable=False, comment="code and rule version, e.g. TFP2015/1"),
    Column("as_of", Date, nullable=False),
    _recorded(),
    CheckConstraint("(source_record_id IS NULL) <> (nomination_no IS NULL)", name="one_source"),
    Index("one_evidence", "evidence_id", unique=True, postgresql_where=_STILL),
    Index("evidence_family", "family_id"),
    Index("evidence_person", "person_id"),
    schema="memory",
)
Table(
    "proposal",
    metadata,
    Column("proposal_id", Text, primary_key=True),
    Column("family_id", Text, ForeignKey("memory.family.family_id"), nullable=False, index=True),
    Column("framework", Text, nullable=False),
    Column("problems", ARRAY(Text), nullable=False, comment="distinct, sorted"),
    Column("proposed_on", Date, nullable=False, comment="the first day of it"),
    now("recorded_at"),
    schema="memory",
)
Table(
    "proposal_standing",
    metadata,
    Column("proposal_id", Text, ForeignKey("memory.proposal.proposal_id"), nullable=False, index=True),
    Column(
        "unknown",
        ARRAY(Text),
        nullable=False,
        server_default=text("'{}'"),
        comment="problems that could not be told on that day, sorted",
    ),
    _recorded(),
    Column("ended", Text, comment="why it stands no more: lapsed | corrected | superseded"),
    Index("one_standing", "proposal_id", unique=True, postgresql_where=_STILL),
    schema="memory",
    comment="since when, and until when, a proposal stood",
)
Table(
    "decision",
    metadata,
    Column("decision_id", Text, primary_key=True),
    Column("proposal_id", Text, ForeignKey("memory.proposal.proposal_id"), nullable=False, index=True),
    Column("outcome", Text, nullable=False, comment="accepted | declined | not_invited"),
    Column("decided_by", Text, nullable=False),
    Column("decided_on", Date, nullable=False),
    Column("supported_since", Date, comment="when support began; null unless accepted"),
    Column("reason", Text, nullable=False),
    _recorded(),
    CheckConstraint("outcome in ('accepted','declined','not_invited')", name="outcome"),
    CheckConstraint("(outcome = 'accepted') = (supported_since IS NOT NULL)", name="supported"),
    Index("one_decision", "proposal_id", unique=True, postgresql_where=_STILL),
    schema="memory",
)
Table(
    "family_status",
    metadata,
    _family(),
    Column("status", Text, nullable=False, comment="a word of domain.programme"),
    Column("valid", DATERANGE, nullable=False),
    Column("route", Text, comment="how the family came: data | referral | nomination"),
    Column("referral_reason", Text, comment="the code by which it was referred"),
    Column("decided_by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("proposal_id", Text, ForeignKey("memory.proposal.proposal_id")),
    _recorded(),
    CheckConstraint(
        "status IN ('identified', 'invited', 'accepted', 'declined', 'not_invited', 'closed')", name="status"
    ),
    CheckConstraint(
        "btrim(decided_by) <> '' AND lower(btrim(decided_by)) NOT IN ('airflow', 'exchange', 'machine', 'system')",
        name="person",
    ),
    CheckConstraint("btrim(reason) <> ''", name="reason"),
    CheckConstraint("NOT lower_inf(valid) AND NOT isempty(valid)", name="dated"),
    _never_overlap("family_status", "family_id"),
    schema="memory",
)
Table(
    "family_worker",
    metadata,
    _family(),
    Column("duty", Text, nullable=False, comment="lead | team"),
    Column("slot", Text, nullable=False, server_default="", comment="empty for the lead, of whom there is one"),
    Column("name", Text, nullable=False),
    Column("organisation", Text, nullable=False),
    Column("valid", DATERANGE, nullable=False),
    Column("recorded_by", Text, nullable=False),
    _recorded(),
    _never_overlap("family_worker", "family_id", "duty", "slot"),
    schema="memory",
)
Table(
    "plan_scope",
    metadata,
    _family(),
    _person(),
    Column("in_plan", Boolean, nullable=False),
    Column("reason", Text, comment="why not, when outside the plan"),
    Column("valid", DATERANGE, nullable=False),
    Column("recorded_by", Text, nullable=False),
    _recorded(),
    _never_overlap("plan_scope", "family_id", "person_id"),
    schema="memory",
)
Table(
    "suggestion",
    metadata,
    _family(),
    Column("service", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("valid", DATERANGE, nullable=False),
    Column("recorded_by", Text, nullable=False),
    _recorded(),
    _never_overlap("suggestion", "family_id", "service"),
    schema="memory",
    comment="services that somebody suggests for the future; never a machine",
)
