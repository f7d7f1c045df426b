"""What a partner says again is seen again, not written again; and the guards of the memory cost next to nothing."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

SIGHTING = """
CREATE TABLE memory.source_sighting (
  source_record_id text NOT NULL, as_of date NOT NULL, file_id text NOT NULL, row_no integer NOT NULL,
  recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT pk_source_sighting PRIMARY KEY (source_record_id, as_of, file_id, row_no));
COMMENT ON TABLE memory.source_sighting IS 'rows of later files that say word for word what a source record says';
CREATE INDEX source_sighting_file ON memory.source_sighting USING brin (file_id) WITH (autosummarize = on);
ALTER TABLE memory.source_sighting ENABLE ROW LEVEL SECURITY;
ALTER TABLE memory.source_sighting FORCE ROW LEVEL SECURITY;
CREATE POLICY pipeline ON memory.source_sighting TO CURRENT_USER USING (true) WITH CHECK (true);
CREATE POLICY need_to_know ON memory.source_sighting FOR SELECT USING (source_record_id IN
  (SELECT c.source_record_id FROM register.readable_classes(current_user::text) c WHERE c.origin));

CREATE FUNCTION memory.forget_sightings() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM memory.source_sighting s USING gone WHERE s.source_record_id = gone.source_record_id;
  RETURN NULL;
END $$;
COMMENT ON FUNCTION memory.forget_sightings() IS
  'a sighting goes with its record; a foreign key would look the record up once for each of a million rows';
CREATE TRIGGER sightings_go_too AFTER DELETE ON memory.source_record
  REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION memory.forget_sightings();

-- a page keeps room for the rows on it that will be superseded, so that no index hears of it
ALTER TABLE memory.source_record SET (fillfactor = 85);
"""

ALTER_GRANTS = """
ALTER FUNCTION register.grant_purposes RENAME TO grant_tables;
CREATE FUNCTION register.grant_purposes() RETURNS text[] LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE v_role text;
BEGIN
  FOREACH v_role IN ARRAY ARRAY['fx_identify', 'fx_support', 'fx_monitor', 'fx_evaluate_local', 'fx_evaluate_national']
  LOOP
    IF to_regrole(v_role) IS NOT NULL THEN
      EXECUTE format('GRANT SELECT ON memory.source_sighting TO %I', v_role);
    END IF;
  END LOOP;
  RETURN register.grant_tables();
END $$;
COMMENT ON FUNCTION register.grant_purposes IS
  'lets the role of each purpose ask what it may ask; returns the roles that are not there. Again: changes nothing';
COMMENT ON FUNCTION register.grant_tables IS 'the part of register.grant_purposes that is as old as the purposes';
REVOKE EXECUTE ON FUNCTION register.grant_purposes FROM PUBLIC;
"""

_RECORD = """
  SELECT source_record_id, file_id, row_no, partner, feed, record_ref, event_ref, household_ref, relationship,
         forename, surname, date_of_birth, sex, address_line_1, address_line_2, town, postcode, uprn, nhs_number,
         nino, upn, facts, {as_of}, event_on, category, retain_from,
         (superseded_at IS NULL OR superseded_at > register.as_known()) AS current, recorded_at{more}
    FROM memory.source_record r WHERE recorded_at <= register.as_known()
"""

SHOWN = f"""
CREATE OR REPLACE VIEW register.source_record WITH (security_invoker = true) AS {
    _RECORD.format(
        as_of='''coalesce((SELECT max(s.as_of) FROM memory.source_sighting s
                            WHERE s.source_record_id = r.source_record_id AND s.recorded_at <= register.as_known()),
                          r.as_of) AS as_of''',
        more=", as_of AS first_as_of",
    )
};
COMMENT ON VIEW register.source_record IS
  'each different statement of a partner once; as_of: the newest day of which it was said, first_as_of: the first';
CREATE VIEW register.source_sighting WITH (security_invoker = true) AS
  SELECT source_record_id, as_of, file_id, row_no, recorded_at FROM memory.source_record
   WHERE recorded_at <= register.as_known()
  UNION ALL
  SELECT source_record_id, as_of, file_id, row_no, recorded_at FROM memory.source_sighting
   WHERE recorded_at <= register.as_known();
COMMENT ON VIEW register.source_sighting IS 'every row of every file that says what a source record says, the first too';
"""  # noqa: S608 - our own words

WITHHELD = """
CREATE OR REPLACE VIEW register.withheld WITH (security_invoker = true) AS
  SELECT p.person_id, r.as_of AS since
    FROM memory.source_record r
    JOIN memory.person_record p ON p.source_record_id = r.source_record_id AND upper_inf(p.recorded)
   WHERE r.superseded_at IS NULL
     AND ((r.facts ->> 'address_withheld' = 'true'
           AND NOT EXISTS (SELECT FROM memory.source_record later
                            WHERE (later.feed, later.partner, later.record_ref) = (r.feed, r.partner, r.record_ref)
                              AND later.superseded_at IS NULL AND {later} > {said}
                              AND later.facts ->> 'address_withheld' = 'false'))
          OR (r.feed = 'domestic_abuse_support' AND r.facts ->> 'service_type' = 'refuge'
              AND r.facts ->> 'role' = 'victim' AND NOT jsonb_exists(r.facts, 'support_end')));
"""
_NEWEST = """greatest({0}.as_of, (SELECT max(s.as_of) FROM memory.source_sighting s
                                    WHERE s.source_record_id = {0}.source_record_id))"""

_HELD = "recorded @> register.as_known()"
_HELD_PLAINLY = """(lower({0}recorded) <= register.as_known()
   AND (upper_inf({0}recorded) OR upper({0}recorded) > register.as_known()))"""
"""The same, in comparisons that the planner does not take for rare: by the first it looked for each of a million rows
that are held now one by one."""

KNOWN = """
CREATE OR REPLACE VIEW register.person WITH (security_invoker = true) AS
  SELECT p.person_id, t.points_to AS merged_into, p.recorded_at
    FROM memory.person p
    LEFT JOIN memory.person_pointer t ON t.person_id = p.person_id AND {pointed}
   WHERE p.recorded_at <= register.as_known();
CREATE OR REPLACE VIEW register.person_record WITH (security_invoker = true) AS
  SELECT source_record_id, person_id, how, weight FROM memory.person_record WHERE {held};
CREATE OR REPLACE VIEW register.fact WITH (security_invoker = true) AS
  SELECT person_id, attribute, slot, value, data_class, valid, source_record_id, rectification_no
    FROM memory.fact WHERE {held};
CREATE OR REPLACE VIEW register.family_member WITH (security_invoker = true) AS
  SELECT family_id, person_id, from_on, to_on, role, resident FROM memory.family_member WHERE {held};
CREATE OR REPLACE VIEW register.evidence WITH (security_invoker = true) AS
  SELECT evidence_id, family_id, person_id, source_record_id, nomination_no, problem, indicator, framework, as_of
    FROM memory.evidence WHERE {held};
"""

ONE_AT_A_TIME = """
ALTER TABLE memory.family_member DROP CONSTRAINT ex_family_member_one_at_a_time;
ALTER TABLE memory.family_member ADD CONSTRAINT ex_family_member_one_at_a_time EXCLUDE USING gist
  (family_id WITH =, {person} WITH =, daterange(from_on, to_on) WITH &&, recorded WITH &&);
"""
_UNSEEN = "(person_id || '')"
"""The same text; but whoever looks for a person is not led to this index by its second column, and so through all of
it: 1,500 pages for each of a night's persons in a register of 100,000."""

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

# which columns a statement sets is known without looking at a row: only a row that is closed is looked at
GUARDS = """
CREATE FUNCTION memory.only_superseded_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'a record that is superseded stays so' USING ERRCODE = 'FX003';
END $$;
CREATE TRIGGER only_superseded_once BEFORE UPDATE OF superseded_at ON memory.source_record
  FOR EACH ROW WHEN (OLD.superseded_at IS NOT NULL) EXECUTE FUNCTION memory.only_superseded_once();
CREATE TRIGGER only_seen BEFORE UPDATE ON memory.source_sighting
  FOR EACH ROW EXECUTE FUNCTION memory.only_supersedes();

CREATE OR REPLACE FUNCTION memory.only_closes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'a row of % is closed, never changed', TG_TABLE_NAME USING ERRCODE = 'FX003';
END $$;
DO $$
DECLARE v_table text; v_kept text; v_closing text;
BEGIN
  FOREACH v_table IN ARRAY ARRAY{tables} LOOP
    SELECT string_agg(quote_ident(attname), ', ') FILTER (WHERE attname NOT IN ('recorded', 'ended')),
           string_agg(quote_ident(attname), ', ') FILTER (WHERE attname IN ('recorded', 'ended'))
      INTO v_kept, v_closing FROM pg_attribute
     WHERE attrelid = format('memory.%I', v_table)::regclass AND attnum > 0 AND NOT attisdropped;
    EXECUTE format('DROP TRIGGER only_closes ON memory.%I', v_table);
    EXECUTE format('CREATE TRIGGER only_closes BEFORE UPDATE OF %s ON memory.%I
                    FOR EACH ROW EXECUTE FUNCTION memory.only_closes()', v_kept, v_table);
    EXECUTE format('CREATE TRIGGER only_closes_once BEFORE UPDATE OF %s ON memory.%I FOR EACH ROW
                    WHEN (lower(NEW.recorded) IS DISTINCT FROM lower(OLD.recorded)
                          OR NOT upper_inf(OLD.recorded) OR upper_inf(NEW.recorded))
                    EXECUTE FUNCTION memory.only_closes()', v_closing, v_table);
  END LOOP;
END $$;
"""

BACK = f"""
DROP TRIGGER only_superseded_once ON memory.source_record;
DROP FUNCTION memory.only_superseded_once();
DROP TRIGGER only_seen ON memory.source_sighting;
DROP TRIGGER sightings_go_too ON memory.source_record;
DROP FUNCTION memory.forget_sightings();
ALTER TABLE memory.source_record RESET (fillfactor);
ALTER TABLE memory.source_record DISABLE TRIGGER due_after_update;

-- each sighting is a record of its own again; the newest of them stands where its record stood
CREATE TEMP TABLE seen ON COMMIT DROP AS
  SELECT s.*, 'S' || substr(s.file_id, 2) || '.' || s.row_no AS own_id,
         row_number() OVER (PARTITION BY s.source_record_id ORDER BY s.as_of DESC, s.file_id DESC, s.row_no DESC) = 1
           AS newest
    FROM memory.source_sighting s;
INSERT INTO memory.source_record
    (source_record_id, file_id, row_no, partner, feed, record_ref, event_ref, household_ref, relationship, forename,
     surname, date_of_birth, sex, address_line_1, address_line_2, town, postcode, uprn, nhs_number, nino, upn, facts,
     as_of, event_on, category, retain_from, recorded_at, superseded_at)
  SELECT s.own_id, s.file_id, s.row_no, r.partner, r.feed, r.record_ref, r.event_ref, r.household_ref, r.relationship,
         r.forename, r.surname, r.date_of_birth, r.sex, r.address_line_1, r.address_line_2, r.town, r.postcode, r.uprn,
         r.nhs_number, r.nino, r.upn, r.facts, s.as_of, r.event_on, r.category, r.retain_from, s.recorded_at,
         CASE WHEN s.newest THEN r.superseded_at ELSE greatest(s.recorded_at, n.recorded_at) END
    FROM seen s JOIN memory.source_record r USING (source_record_id)
    JOIN seen n ON n.source_record_id = s.source_record_id AND n.newest;
INSERT INTO memory.person_record (source_record_id, person_id, how, recorded)
  SELECT s.own_id, p.person_id, 'reference',
         tstzrange(greatest(lower(p.recorded), s.recorded_at), upper(p.recorded))
    FROM seen s JOIN memory.person_record p USING (source_record_id)
   WHERE upper_inf(p.recorded) OR upper(p.recorded) > s.recorded_at;
UPDATE memory.source_record r SET superseded_at = s.recorded_at
  FROM seen s WHERE s.source_record_id = r.source_record_id AND s.newest AND r.superseded_at IS NULL;
ALTER TABLE memory.source_record ENABLE TRIGGER due_after_update;
INSERT INTO register.due VALUES ('facts', '*'), ('families', '*'), ('propose', '*') ON CONFLICT DO NOTHING;

{WITHHELD.format(later="later.as_of", said="r.as_of")}
{ONE_AT_A_TIME.format(person="person_id")}
{KNOWN.format(held=_HELD, pointed=f"t.{_HELD}")}
DROP VIEW register.source_sighting, register.source_record;
CREATE VIEW register.source_record WITH (security_invoker = true) AS {_RECORD.format(as_of="as_of", more="")};
DROP FUNCTION register.grant_purposes();
ALTER FUNCTION register.grant_tables RENAME TO grant_purposes;
COMMENT ON FUNCTION register.grant_purposes IS
  'lets the role of each purpose ask what it may ask; returns the roles that are not there. Again: changes nothing';
DROP TABLE memory.source_sighting;

CREATE OR REPLACE FUNCTION memory.only_closes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF to_jsonb(NEW) - 'recorded' - 'ended' IS DISTINCT FROM to_jsonb(OLD) - 'recorded' - 'ended'
     OR lower(NEW.recorded) IS DISTINCT FROM lower(OLD.recorded)
     OR NOT upper_inf(OLD.recorded) OR upper_inf(NEW.recorded) THEN
    RAISE EXCEPTION 'a row of % is closed, never changed', TG_TABLE_NAME USING ERRCODE = 'FX003';
  END IF;
  RETURN NEW;
END $$;
"""  # noqa: S608 - our own words


def upgrade() -> None:
    """What is there stays as it is; from now on a row that says nothing new is a sighting."""
    for script in (SIGHTING, SHOWN, WITHHELD.format(later=_NEWEST.format("later"), said=_NEWEST.format("r"))):
        op.execute(script)
    op.execute(KNOWN.format(held=_HELD_PLAINLY.format(""), pointed=_HELD_PLAINLY.format("t.")))
    op.execute(ONE_AT_A_TIME.format(person=_UNSEEN))
    op.execute(GUARDS.replace("{tables}", repr(list(BITEMPORAL))))
    op.execute(ALTER_GRANTS)
    op.execute("SELECT register.grant_purposes()")


def downgrade() -> None:
    """Every sighting is a source record of its own again."""
    op.execute(BACK)
    for table in BITEMPORAL:
        op.execute(f"DROP TRIGGER only_closes_once ON memory.{table}")
        op.execute(f"DROP TRIGGER only_closes ON memory.{table}")
        op.execute(
            f"CREATE TRIGGER only_closes BEFORE UPDATE ON memory.{table} "
            "FOR EACH ROW EXECUTE FUNCTION memory.only_closes()"
        )
