"""A register with a memory: what was held to be true is closed and never changed, and `register` shows what is known."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TABLES = """
CREATE EXTENSION IF NOT EXISTS btree_gist;
CREATE SCHEMA memory;

CREATE FUNCTION register.as_known() RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT coalesce(nullif(current_setting('family_exchange.as_known', true), '')::timestamptz, 'infinity'::timestamptz)
$$;
COMMENT ON FUNCTION register.as_known() IS 'the moment whose knowledge the views of this room show; unset: now';

-- what a partner sent: never edited
ALTER TABLE register.source_record SET SCHEMA memory;
ALTER TABLE memory.source_record ADD COLUMN superseded_at timestamptz;
UPDATE memory.source_record SET superseded_at = clock_timestamp() WHERE NOT current;
ALTER TABLE memory.source_record DROP COLUMN current;
COMMENT ON COLUMN memory.source_record.superseded_at IS 'since when a later row stands before it; null: it is current';

-- persons, and ids that turned out to be another's
ALTER TABLE register.person SET SCHEMA memory;
CREATE TABLE memory.person_pointer (
  person_id text NOT NULL CONSTRAINT fk_person_pointer_person_id REFERENCES memory.person,
  points_to text NOT NULL CONSTRAINT fk_person_pointer_points_to REFERENCES memory.person,
  recorded tstzrange NOT NULL DEFAULT tstzrange(clock_timestamp(), NULL));
COMMENT ON TABLE memory.person_pointer IS
  'ids that turned out to be another person''s; an id never changes its meaning';
INSERT INTO memory.person_pointer (person_id, points_to)
  SELECT person_id, merged_into FROM memory.person WHERE merged_into IS NOT NULL;
ALTER TABLE memory.person DROP COLUMN merged_into;
CREATE UNIQUE INDEX one_pointer ON memory.person_pointer (person_id) WHERE upper_inf(recorded);
CREATE INDEX ix_person_pointer_points_to ON memory.person_pointer (points_to);

ALTER TABLE register.person_record SET SCHEMA memory;
ALTER TABLE memory.person_record ADD COLUMN recorded tstzrange NOT NULL DEFAULT tstzrange(clock_timestamp(), NULL);
UPDATE memory.person_record SET recorded = tstzrange(recorded_at, NULL);
ALTER TABLE memory.person_record DROP CONSTRAINT pk_person_record, DROP COLUMN recorded_at;
CREATE UNIQUE INDEX one_person ON memory.person_record (source_record_id) WHERE upper_inf(recorded);
CREATE INDEX ix_person_record_source_record_id ON memory.person_record (source_record_id);
COMMENT ON COLUMN memory.person_record.how IS 'reference | identifier | score | new | decision';

-- what the records state of who people are, standardised: derived, and made again when its rules change
CREATE TABLE memory.statement (
  stated uuid NOT NULL CONSTRAINT pk_statement PRIMARY KEY,
  source_record_id text NOT NULL
    CONSTRAINT fk_statement_source_record_id REFERENCES memory.source_record ON DELETE CASCADE,
  key text NOT NULL, forename text NOT NULL, surname text NOT NULL, stated_birth date, birth text NOT NULL, born date,
  sex text NOT NULL, dwelling text NOT NULL, postcode text NOT NULL, uprn text NOT NULL,
  nhs_number text NOT NULL, upn text NOT NULL, nino text NOT NULL, pnc text NOT NULL, cro text NOT NULL,
  crn text NOT NULL, noms text NOT NULL, blocks bigint[] NOT NULL);
CREATE INDEX ix_statement_source_record_id ON memory.statement (source_record_id);
CREATE INDEX statement_key ON memory.statement (key);
CREATE INDEX statement_blocks ON memory.statement USING gin (blocks) WITH (fastupdate = off);
CREATE INDEX statement_nhs_number ON memory.statement (nhs_number) WHERE nhs_number <> '';
CREATE INDEX statement_upn ON memory.statement (upn) WHERE upn <> '';
CREATE INDEX statement_nino ON memory.statement (nino) WHERE nino <> '';
CREATE INDEX statement_pnc ON memory.statement (pnc) WHERE pnc <> '';
CREATE INDEX statement_cro ON memory.statement (cro) WHERE cro <> '';
CREATE INDEX statement_crn ON memory.statement (crn) WHERE crn <> '';
CREATE INDEX statement_noms ON memory.statement (noms) WHERE noms <> '';
COMMENT ON TABLE memory.statement IS 'each different statement of a record key once, standardised for matching';
COMMENT ON COLUMN memory.statement.stated IS 'digest of the key and of what was stated, as sent';
COMMENT ON COLUMN memory.statement.source_record_id IS 'one of the records that state it';
COMMENT ON COLUMN memory.statement.key IS 'feed|partner|reference';
COMMENT ON COLUMN memory.statement.blocks IS 'digests of what it has to share with others to be compared with them';
CREATE TABLE memory.nobodys_number (
  kind text NOT NULL, number text NOT NULL, CONSTRAINT pk_nobodys_number PRIMARY KEY (kind, number));
COMMENT ON TABLE memory.nobodys_number IS 'numbers that too many record keys bear to be anybody''s';

-- what people said
CREATE TABLE register.identity_decision (
  decision_no bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_identity_decision PRIMARY KEY,
  kind text NOT NULL CONSTRAINT ck_identity_decision_kind CHECK (kind IN ('must_link', 'cannot_link')),
  side_a text[] NOT NULL, side_b text[] NOT NULL,
  decided_by text NOT NULL, reason text NOT NULL, decided_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  withdrawn_by text, withdrawn_at timestamptz, withdrawal text,
  CONSTRAINT ck_identity_decision_two_sides CHECK (cardinality(side_a) > 0 AND cardinality(side_b) > 0),
  CONSTRAINT ck_identity_decision_withdrawn CHECK (
    (withdrawn_by IS NULL) = (withdrawn_at IS NULL) AND (withdrawn_by IS NULL) = (withdrawal IS NULL)));
COMMENT ON COLUMN register.identity_decision.kind IS 'must_link | cannot_link';
COMMENT ON COLUMN register.identity_decision.side_a IS 'record keys';
COMMENT ON COLUMN register.identity_decision.side_b IS 'record keys';
COMMENT ON COLUMN register.identity_decision.withdrawal IS 'why it was withdrawn';

CREATE TABLE register.kept_person (
  kept_no bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_kept_person PRIMARY KEY,
  keys text[] NOT NULL CONSTRAINT ck_kept_person_several CHECK (cardinality(keys) > 1),
  recorded_at timestamptz NOT NULL DEFAULT clock_timestamp());
COMMENT ON TABLE register.kept_person IS
  'keys that stay one person for a machine: their reasons are destroyed, or are not to be weighed again';
COMMENT ON COLUMN register.kept_person.keys IS 'record keys';
CREATE INDEX kept_person_key ON register.kept_person USING gin (keys);
CREATE TABLE register.rectification (
  rectification_no bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_rectification PRIMARY KEY,
  person_id text NOT NULL CONSTRAINT fk_rectification_person_id REFERENCES memory.person,
  attribute text NOT NULL, slot text NOT NULL DEFAULT '', value jsonb NOT NULL, valid_from date NOT NULL,
  decided_by text NOT NULL, reason text NOT NULL, decided_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  withdrawn_by text, withdrawn_at timestamptz);
CREATE INDEX ix_rectification_person_id ON register.rectification (person_id);

ALTER TABLE register.family SET SCHEMA memory;
CREATE TABLE register.nomination (
  nomination_no bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_nomination PRIMARY KEY,
  family_id text CONSTRAINT fk_nomination_family_id REFERENCES memory.family,
  person_id text CONSTRAINT fk_nomination_person_id REFERENCES memory.person,
  indicator text NOT NULL, framework text NOT NULL, nominated_by text NOT NULL, role text NOT NULL,
  reason text NOT NULL, nominated_on date NOT NULL, recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  withdrawn_by text, withdrawn_at timestamptz,
  CONSTRAINT ck_nomination_one_subject CHECK ((family_id IS NULL) <> (person_id IS NULL)));
CREATE INDEX ix_nomination_family_id ON register.nomination (family_id);
CREATE INDEX ix_nomination_person_id ON register.nomination (person_id);
COMMENT ON COLUMN register.nomination.framework IS 'code, without the rule version';
COMMENT ON COLUMN register.nomination.role IS 'the profession in which somebody nominates';

-- facts about people
CREATE TABLE memory.fact (
  fact_no bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_fact PRIMARY KEY,
  person_id text NOT NULL CONSTRAINT fk_fact_person_id REFERENCES memory.person,
  attribute text NOT NULL, slot text NOT NULL DEFAULT '', value jsonb NOT NULL, data_class text NOT NULL,
  valid daterange NOT NULL,
  source_record_id text CONSTRAINT fk_fact_source_record_id REFERENCES memory.source_record ON DELETE CASCADE,
  rectification_no bigint
    CONSTRAINT fk_fact_rectification_no REFERENCES register.rectification ON DELETE CASCADE,
  recorded tstzrange NOT NULL DEFAULT tstzrange(clock_timestamp(), NULL),
  CONSTRAINT ck_fact_one_source CHECK ((source_record_id IS NULL) <> (rectification_no IS NULL)),
  CONSTRAINT ex_fact_one_at_a_time EXCLUDE USING gist
    (person_id WITH =, attribute WITH =, slot WITH =, valid WITH &&, recorded WITH &&));
CREATE INDEX fact_source ON memory.fact (source_record_id);
COMMENT ON COLUMN memory.fact.attribute IS 'name | birth | sex | address | identifier | relationship | involvement';
COMMENT ON COLUMN memory.fact.slot IS 'what keeps several of one attribute apart';
COMMENT ON COLUMN memory.fact.data_class IS 'what it tells about somebody; purposes are allowed by class';

-- families
ALTER TABLE register.family_member SET SCHEMA memory;
ALTER TABLE memory.family_member ADD COLUMN recorded tstzrange NOT NULL DEFAULT tstzrange(clock_timestamp(), NULL);
UPDATE memory.family_member SET recorded = tstzrange(recorded_at, NULL);
ALTER TABLE memory.family_member DROP CONSTRAINT pk_family_member, DROP COLUMN recorded_at,
  ADD CONSTRAINT ex_family_member_one_at_a_time EXCLUDE USING gist
    (family_id WITH =, person_id WITH =, daterange(from_on, to_on) WITH &&, recorded WITH &&);

-- evidence and proposals
ALTER TABLE register.evidence SET SCHEMA memory;
ALTER TABLE memory.evidence ADD COLUMN recorded tstzrange NOT NULL DEFAULT tstzrange(clock_timestamp(), NULL),
  ADD COLUMN nomination_no bigint CONSTRAINT fk_evidence_nomination_no REFERENCES register.nomination ON DELETE CASCADE;
UPDATE memory.evidence SET recorded = tstzrange(recorded_at, NULL);
ALTER TABLE memory.evidence DROP CONSTRAINT pk_evidence, DROP COLUMN recorded_at,
  ALTER COLUMN source_record_id DROP NOT NULL, ALTER COLUMN person_id DROP NOT NULL,
  ADD CONSTRAINT ck_evidence_one_source CHECK ((source_record_id IS NULL) <> (nomination_no IS NULL));
ALTER INDEX memory.ix_evidence_family_id RENAME TO evidence_family;
ALTER INDEX memory.ix_evidence_person_id RENAME TO evidence_person;
CREATE UNIQUE INDEX one_evidence ON memory.evidence (evidence_id) WHERE upper_inf(recorded);
COMMENT ON COLUMN memory.evidence.person_id IS 'null: a nomination of the family';

ALTER TABLE register.proposal SET SCHEMA memory;
CREATE TABLE memory.proposal_standing (
  proposal_id text NOT NULL CONSTRAINT fk_proposal_standing_proposal_id REFERENCES memory.proposal,
  unknown text[] NOT NULL DEFAULT '{}', recorded tstzrange NOT NULL DEFAULT tstzrange(clock_timestamp(), NULL),
  ended text);
INSERT INTO memory.proposal_standing (proposal_id, unknown, recorded)
  SELECT proposal_id, unknown, tstzrange(recorded_at, NULL) FROM memory.proposal;
ALTER TABLE memory.proposal DROP COLUMN unknown;
CREATE UNIQUE INDEX one_standing ON memory.proposal_standing (proposal_id) WHERE upper_inf(recorded);
CREATE INDEX ix_proposal_standing_proposal_id ON memory.proposal_standing (proposal_id);
COMMENT ON TABLE memory.proposal_standing IS 'since when, and until when, a proposal stood';
COMMENT ON COLUMN memory.proposal_standing.unknown IS 'problems that could not be told on that day, sorted';
COMMENT ON COLUMN memory.proposal_standing.ended IS 'why it stands no more: lapsed | corrected | superseded';
COMMENT ON COLUMN memory.proposal.proposed_on IS 'the first day of it';
ALTER TABLE register.decision SET SCHEMA memory;

-- the programme
CREATE TABLE memory.family_status (
  family_id text NOT NULL CONSTRAINT fk_family_status_family_id REFERENCES memory.family,
  status text NOT NULL CONSTRAINT ck_family_status_status CHECK (
    status IN ('identified', 'invited', 'accepted', 'declined', 'not_invited', 'closed')),
  valid daterange NOT NULL, route text, referral_reason text,
  decided_by text NOT NULL CONSTRAINT ck_family_status_person CHECK (
    btrim(decided_by) <> '' AND lower(btrim(decided_by)) NOT IN ('airflow', 'exchange', 'machine', 'system')),
  reason text NOT NULL CONSTRAINT ck_family_status_reason CHECK (btrim(reason) <> ''),
  proposal_id text CONSTRAINT fk_family_status_proposal_id REFERENCES memory.proposal,
  recorded tstzrange NOT NULL DEFAULT tstzrange(clock_timestamp(), NULL),
  CONSTRAINT ck_family_status_dated CHECK (NOT lower_inf(valid) AND NOT isempty(valid)),
  CONSTRAINT ex_family_status_one_at_a_time EXCLUDE USING gist
    (family_id WITH =, valid WITH &&, recorded WITH &&));
COMMENT ON COLUMN memory.family_status.status IS 'a word of domain.programme';
COMMENT ON COLUMN memory.family_status.route IS 'how the family came: data | referral | nomination';
COMMENT ON COLUMN memory.family_status.referral_reason IS 'the code by which it was referred';
-- who was decided about before has the status that came of it: accepted since support began, whatever else was said
WITH decided AS (
  SELECT DISTINCT ON (family_id, since) family_id, outcome, since, decided_by, reason, proposal_id, recorded_at
    FROM (SELECT p.family_id, d.*, cardinality(p.problems) AS problems, coalesce(d.supported_since, d.decided_on) AS since,
                 min(d.supported_since) OVER (PARTITION BY p.family_id) AS accepted_on
            FROM memory.decision d JOIN memory.proposal p USING (proposal_id)) each
   WHERE accepted_on IS NULL OR since < accepted_on OR (outcome = 'accepted' AND since = accepted_on)
   ORDER BY family_id, since, outcome = 'accepted' DESC, decided_on DESC, problems DESC, proposal_id)
INSERT INTO memory.family_status (family_id, status, valid, route, decided_by, reason, proposal_id, recorded)
  SELECT family_id, outcome, daterange(since, lead(since) OVER (PARTITION BY family_id ORDER BY since)), 'data',
         decided_by, reason, proposal_id, tstzrange(recorded_at, NULL)
    FROM decided;
CREATE TABLE memory.family_worker (
  family_id text NOT NULL CONSTRAINT fk_family_worker_family_id REFERENCES memory.family,
  duty text NOT NULL, slot text NOT NULL DEFAULT '', name text NOT NULL, organisation text NOT NULL,
  valid daterange NOT NULL, recorded_by text NOT NULL,
  recorded tstzrange NOT NULL DEFAULT tstzrange(clock_timestamp(), NULL),
  CONSTRAINT ex_family_worker_one_at_a_time EXCLUDE USING gist
    (family_id WITH =, duty WITH =, slot WITH =, valid WITH &&, recorded WITH &&));
COMMENT ON COLUMN memory.family_worker.duty IS 'lead | team';
COMMENT ON COLUMN memory.family_worker.slot IS 'empty for the lead, of whom there is one';
CREATE TABLE memory.plan_scope (
  family_id text NOT NULL CONSTRAINT fk_plan_scope_family_id REFERENCES memory.family,
  person_id text NOT NULL CONSTRAINT fk_plan_scope_person_id REFERENCES memory.person,
  in_plan boolean NOT NULL, reason text, valid daterange NOT NULL, recorded_by text NOT NULL,
  recorded tstzrange NOT NULL DEFAULT tstzrange(clock_timestamp(), NULL),
  CONSTRAINT ex_plan_scope_one_at_a_time EXCLUDE USING gist
    (family_id WITH =, person_id WITH =, valid WITH &&, recorded WITH &&));
COMMENT ON COLUMN memory.plan_scope.reason IS 'why not, when outside the plan';
CREATE TABLE memory.suggestion (
  family_id text NOT NULL CONSTRAINT fk_suggestion_family_id REFERENCES memory.family,
  service text NOT NULL, reason text NOT NULL, valid daterange NOT NULL, recorded_by text NOT NULL,
  recorded tstzrange NOT NULL DEFAULT tstzrange(clock_timestamp(), NULL),
  CONSTRAINT ex_suggestion_one_at_a_time EXCLUDE USING gist
    (family_id WITH =, service WITH =, valid WITH &&, recorded WITH &&));
COMMENT ON TABLE memory.suggestion IS 'services that somebody suggests for the future; never a machine';

-- what is still to be done
CREATE TABLE register.due (
  stage text NOT NULL, subject text NOT NULL, CONSTRAINT pk_due PRIMARY KEY (stage, subject));
COMMENT ON TABLE register.due IS
  'what a stage has yet to bring up to date, written in the transaction that changed it';
COMMENT ON COLUMN register.due.stage IS 'facts | families | propose';
COMMENT ON COLUMN register.due.subject IS 'a person''s or a family''s id, or * for all';
CREATE TABLE register.run (
  stage text NOT NULL CONSTRAINT pk_run PRIMARY KEY, last_on date NOT NULL, rule text NOT NULL DEFAULT '',
  recorded_at timestamptz NOT NULL DEFAULT clock_timestamp());
COMMENT ON TABLE register.run IS
  'the last whole run of each stage; a later one of the same day does what is due only';
COMMENT ON COLUMN register.run.last_on IS 'the day of which the stage last did everything';
COMMENT ON COLUMN register.run.rule IS 'by which rules, as a digest';
INSERT INTO register.due VALUES ('facts', '*'), ('families', '*'), ('propose', '*');

-- what stood in somebody's flags when
CREATE TABLE rights.flag_status (
  flag_id bigint NOT NULL CONSTRAINT fk_flag_status_flag_id REFERENCES rights.flag ON DELETE CASCADE,
  status text NOT NULL, recorded_at timestamptz NOT NULL DEFAULT clock_timestamp());
CREATE INDEX ix_flag_status_flag_id ON rights.flag_status (flag_id);
COMMENT ON TABLE rights.flag_status IS 'every status that a flag has had; a return is rebuilt by those of its day';
INSERT INTO rights.flag_status SELECT flag_id, status, recorded_at FROM rights.flag;
"""

CLOSED_ONLY = """
CREATE FUNCTION rights.keep_status() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO rights.flag_status (flag_id, status) VALUES (NEW.flag_id, NEW.status);
  RETURN NULL;
END $$;
CREATE TRIGGER flag_keeps_status AFTER INSERT OR UPDATE OF status ON rights.flag
  FOR EACH ROW EXECUTE FUNCTION rights.keep_status();

CREATE FUNCTION memory.only_closes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF to_jsonb(NEW) - 'recorded' - 'ended' IS DISTINCT FROM to_jsonb(OLD) - 'recorded' - 'ended'
     OR lower(NEW.recorded) IS DISTINCT FROM lower(OLD.recorded)
     OR NOT upper_inf(OLD.recorded) OR upper_inf(NEW.recorded) THEN
    RAISE EXCEPTION 'a row of % is closed, never changed', TG_TABLE_NAME USING ERRCODE = 'FX003';
  END IF;
  RETURN NEW;
END $$;

CREATE FUNCTION memory.only_supersedes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'what a partner sent is never edited' USING ERRCODE = 'FX003';
END $$;
-- a statement that sets superseded_at alone fires nothing, so that a million rows are superseded in seconds
CREATE TRIGGER only_supersedes BEFORE UPDATE OF
  source_record_id, file_id, row_no, partner, feed, record_ref, event_ref, household_ref, relationship, forename, surname,
  date_of_birth, sex, address_line_1, address_line_2, town, postcode, uprn, nhs_number, nino, upn, facts, as_of, event_on,
  category, retain_from, recorded_at ON memory.source_record
  FOR EACH ROW EXECUTE FUNCTION memory.only_supersedes();
"""
DUE = """
CREATE FUNCTION memory.families_are_due() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM register.due WHERE stage = 'propose' AND subject = '*') THEN
    RETURN NULL;
  END IF;
  IF TG_TABLE_NAME = 'family_member' THEN
    INSERT INTO register.due SELECT DISTINCT 'propose', c.family_id FROM changed c ON CONFLICT DO NOTHING;
  ELSIF TG_TABLE_NAME = 'person_record' THEN
    INSERT INTO register.due SELECT DISTINCT 'propose', m.family_id
      FROM changed c JOIN memory.family_member m USING (person_id) WHERE upper_inf(m.recorded) ON CONFLICT DO NOTHING;
  ELSIF TG_TABLE_NAME = 'source_record' THEN
    INSERT INTO register.due SELECT DISTINCT 'propose', m.family_id
      FROM changed c JOIN memory.person_record p USING (source_record_id) JOIN memory.family_member m USING (person_id)
     WHERE upper_inf(p.recorded) AND upper_inf(m.recorded) ON CONFLICT DO NOTHING;
  ELSE
    INSERT INTO register.due SELECT DISTINCT 'propose', m.family_id
      FROM changed c LEFT JOIN memory.person_pointer t ON t.person_id = c.person_id AND upper_inf(t.recorded)
      JOIN memory.family_member m
        ON m.family_id = c.family_id OR m.person_id = coalesce(t.points_to, c.person_id)
     WHERE upper_inf(m.recorded) ON CONFLICT DO NOTHING;
  END IF;
  RETURN NULL;
END $$;
COMMENT ON FUNCTION memory.families_are_due() IS
  'whoever changes what a family''s assessment rests on makes the family due, in the same transaction';
"""
ASSESSED = {
    "memory.family_member": ("INSERT", "UPDATE", "DELETE"),
    "memory.person_record": ("INSERT", "UPDATE", "DELETE"),
    "memory.source_record": ("UPDATE",),
    "register.nomination": ("INSERT", "UPDATE", "DELETE"),
}
BITEMPORAL = (
    "person_pointer",
    "person_record",
    "fact",
    "family_member",
    "evidence",
    "proposal_standing",
    "family_status",
    "family_worker",
    "plan_scope",
    "suggestion",
)

VIEWS = """
CREATE VIEW register.source_record AS
  SELECT source_record_id, file_id, row_no, partner, feed, record_ref, event_ref, household_ref, relationship,
         forename, surname, date_of_birth, sex, address_line_1, address_line_2, town, postcode, uprn, nhs_number,
         nino, upn, facts, as_of, event_on, category, retain_from,
         (superseded_at IS NULL OR superseded_at > register.as_known()) AS current, recorded_at
    FROM memory.source_record WHERE recorded_at <= register.as_known();
CREATE VIEW register.person AS
  SELECT p.person_id, t.points_to AS merged_into, p.recorded_at
    FROM memory.person p
    LEFT JOIN memory.person_pointer t ON t.person_id = p.person_id AND t.recorded @> register.as_known()
   WHERE p.recorded_at <= register.as_known();
CREATE VIEW register.person_record AS
  SELECT source_record_id, person_id, how, weight FROM memory.person_record WHERE recorded @> register.as_known();
CREATE VIEW register.fact AS
  SELECT person_id, attribute, slot, value, data_class, valid, source_record_id, rectification_no
    FROM memory.fact WHERE recorded @> register.as_known();
CREATE VIEW register.family_member AS
  SELECT family_id, person_id, from_on, to_on, role, resident
    FROM memory.family_member WHERE recorded @> register.as_known();
CREATE VIEW register.family AS
  SELECT family_id, basis FROM memory.family f
   WHERE recorded_at <= register.as_known()
     AND EXISTS (SELECT FROM register.family_member m WHERE m.family_id = f.family_id);
CREATE VIEW register.evidence AS
  SELECT evidence_id, family_id, person_id, source_record_id, nomination_no, problem, indicator, framework, as_of
    FROM memory.evidence WHERE recorded @> register.as_known();
CREATE VIEW register.proposal AS
  SELECT p.proposal_id, p.family_id, p.framework, p.problems, s.unknown, p.proposed_on
    FROM memory.proposal p JOIN memory.proposal_standing s USING (proposal_id)
   WHERE s.recorded @> register.as_known();
CREATE VIEW register.proposal_history AS
  SELECT p.proposal_id, p.family_id, p.framework, p.problems, s.unknown, p.proposed_on, lower(s.recorded) AS stood_from,
         CASE WHEN upper(s.recorded) <= register.as_known() THEN upper(s.recorded) END AS stood_to,
         CASE WHEN upper(s.recorded) <= register.as_known() THEN s.ended END AS ended
    FROM memory.proposal p JOIN memory.proposal_standing s USING (proposal_id)
   WHERE lower(s.recorded) <= register.as_known();
CREATE VIEW register.decision AS
  SELECT decision_id, proposal_id, outcome, decided_by, decided_on, supported_since, reason, recorded_at
    FROM memory.decision WHERE recorded_at <= register.as_known();
CREATE VIEW register.family_status AS
  SELECT family_id, status, valid, route, referral_reason, decided_by, reason, proposal_id
    FROM memory.family_status WHERE recorded @> register.as_known();
CREATE VIEW register.family_worker AS
  SELECT family_id, duty, slot, name, organisation, valid, recorded_by
    FROM memory.family_worker WHERE recorded @> register.as_known();
CREATE VIEW register.plan_scope AS
  SELECT family_id, person_id, in_plan, reason, valid, recorded_by
    FROM memory.plan_scope WHERE recorded @> register.as_known();
CREATE VIEW register.suggestion AS
  SELECT family_id, service, reason, valid, recorded_by
    FROM memory.suggestion WHERE recorded @> register.as_known();
"""
SHOWN = (
    "suggestion",
    "plan_scope",
    "family_worker",
    "family_status",
    "decision",
    "proposal_history",
    "proposal",
    "evidence",
    "family",
    "family_member",
    "fact",
    "person_record",
    "person",
    "source_record",
)

BACK = """
DELETE FROM memory.evidence WHERE NOT upper_inf(recorded) OR nomination_no IS NOT NULL;
DELETE FROM memory.family_member WHERE NOT upper_inf(recorded);
DELETE FROM memory.person_record WHERE NOT upper_inf(recorded);
DELETE FROM memory.person_pointer WHERE NOT upper_inf(recorded);
DROP TABLE memory.statement, memory.nobodys_number;
DROP TABLE register.run, register.due, memory.suggestion, memory.plan_scope, memory.family_worker,
  memory.family_status, memory.fact, register.rectification, register.kept_person, register.identity_decision;

ALTER TABLE memory.decision SET SCHEMA register;
ALTER TABLE memory.proposal ADD COLUMN unknown text[] NOT NULL DEFAULT '{}';
COMMENT ON COLUMN memory.proposal.unknown IS 'problems that could not be told on that day, sorted';
COMMENT ON COLUMN memory.proposal.proposed_on IS NULL;
UPDATE memory.proposal p SET unknown = s.unknown
  FROM memory.proposal_standing s WHERE s.proposal_id = p.proposal_id AND upper_inf(s.recorded);
DELETE FROM memory.proposal_standing WHERE NOT upper_inf(recorded);
DELETE FROM memory.proposal p
 WHERE NOT EXISTS (SELECT FROM memory.proposal_standing s WHERE s.proposal_id = p.proposal_id)
   AND NOT EXISTS (SELECT FROM register.decision d WHERE d.proposal_id = p.proposal_id);
DROP TABLE memory.proposal_standing;
ALTER TABLE memory.proposal SET SCHEMA register;

ALTER INDEX memory.evidence_family RENAME TO ix_evidence_family_id;
ALTER INDEX memory.evidence_person RENAME TO ix_evidence_person_id;
DROP INDEX memory.one_evidence;
ALTER TABLE memory.evidence ADD COLUMN recorded_at timestamptz NOT NULL DEFAULT clock_timestamp();
UPDATE memory.evidence SET recorded_at = lower(recorded);
ALTER TABLE memory.evidence DROP CONSTRAINT ck_evidence_one_source, DROP COLUMN nomination_no, DROP COLUMN recorded,
  ALTER COLUMN source_record_id SET NOT NULL, ALTER COLUMN person_id SET NOT NULL,
  ADD CONSTRAINT pk_evidence PRIMARY KEY (evidence_id);
COMMENT ON COLUMN memory.evidence.person_id IS NULL;
ALTER TABLE memory.evidence SET SCHEMA register;
DROP TABLE register.nomination;

ALTER TABLE memory.family_member ADD COLUMN recorded_at timestamptz NOT NULL DEFAULT clock_timestamp();
UPDATE memory.family_member SET recorded_at = lower(recorded);
ALTER TABLE memory.family_member DROP CONSTRAINT ex_family_member_one_at_a_time, DROP COLUMN recorded,
  ADD CONSTRAINT pk_family_member PRIMARY KEY (family_id, person_id, from_on);
ALTER TABLE memory.family_member SET SCHEMA register;
ALTER TABLE memory.family SET SCHEMA register;

DROP INDEX memory.one_person, memory.ix_person_record_source_record_id;
ALTER TABLE memory.person_record ADD COLUMN recorded_at timestamptz NOT NULL DEFAULT clock_timestamp();
UPDATE memory.person_record SET recorded_at = lower(recorded);
ALTER TABLE memory.person_record DROP COLUMN recorded, ADD CONSTRAINT pk_person_record PRIMARY KEY (source_record_id);
COMMENT ON COLUMN memory.person_record.how IS 'reference | identifier | score | new';
ALTER TABLE memory.person_record SET SCHEMA register;

ALTER TABLE memory.person ADD COLUMN merged_into text CONSTRAINT fk_person_merged_into REFERENCES memory.person;
UPDATE memory.person p SET merged_into = t.points_to FROM memory.person_pointer t WHERE t.person_id = p.person_id;
CREATE INDEX ix_person_merged_into ON memory.person (merged_into);
DROP TABLE memory.person_pointer;
ALTER TABLE memory.person SET SCHEMA register;

ALTER TABLE memory.source_record ADD COLUMN current boolean NOT NULL DEFAULT true;
COMMENT ON COLUMN memory.source_record.current IS 'not superseded by a later row';
UPDATE memory.source_record SET current = superseded_at IS NULL;
ALTER TABLE memory.source_record DROP COLUMN superseded_at;
ALTER TABLE memory.source_record SET SCHEMA register;

DROP TRIGGER flag_keeps_status ON rights.flag;
DROP FUNCTION rights.keep_status();
DROP TABLE rights.flag_status;
DROP FUNCTION register.as_known();
DROP SCHEMA memory CASCADE;
"""


def upgrade() -> None:
    """The register's tables become its memory; its room shows what is known."""
    op.execute(TABLES)
    op.execute(CLOSED_ONLY)
    for table in BITEMPORAL:
        op.execute(
            f"CREATE TRIGGER only_closes BEFORE UPDATE ON memory.{table} "
            "FOR EACH ROW EXECUTE FUNCTION memory.only_closes()"
        )
    op.execute(DUE)
    for table, events in ASSESSED.items():
        for event in events:
            rows = "OLD" if event == "DELETE" else "NEW"
            op.execute(
                f"CREATE TRIGGER due_after_{event.lower()} AFTER {event} ON {table} "
                f"REFERENCING {rows} TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION memory.families_are_due()"
            )
    op.execute(VIEWS)


def downgrade() -> None:
    """Back to a register that knows today only; what was closed is gone."""
    for view in SHOWN:
        op.execute(f"DROP VIEW register.{view}")
    for table in BITEMPORAL:
        op.execute(f"DROP TRIGGER only_closes ON memory.{table}")
    op.execute("DROP TRIGGER only_supersedes ON memory.source_record")
    op.execute("DROP FUNCTION memory.families_are_due() CASCADE")
    op.execute(BACK)
