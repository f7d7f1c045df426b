"""Need to know: who reads about somebody does so by the role of a purpose, and only what an audit event just said."""

import logging

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

log = logging.getLogger(__name__)

TABLES = """
CREATE TABLE audit.person_read (
  seq bigint CONSTRAINT pk_person_read PRIMARY KEY CONSTRAINT fk_person_read_seq REFERENCES audit.event,
  xact bigint NOT NULL, person_id text NOT NULL, purpose text NOT NULL, actor text NOT NULL, subject text,
  at timestamptz NOT NULL DEFAULT clock_timestamp());
CREATE INDEX ix_person_read_xact ON audit.person_read (xact);
CREATE INDEX ix_person_read_person_id ON audit.person_read (person_id);
COMMENT ON TABLE audit.person_read IS 'what a transaction may read: the audit event that says so';
COMMENT ON COLUMN audit.person_read.subject IS 'for whose eyes, when the reader shows it to somebody in the register';
CREATE TRIGGER read_is_final BEFORE UPDATE OR DELETE ON audit.person_read
  FOR EACH ROW EXECUTE FUNCTION audit.refuse();
CREATE TRIGGER read_is_kept BEFORE TRUNCATE ON audit.person_read
  FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse();

CREATE TABLE register.purpose_class (
  purpose text, feed text, data_class text, CONSTRAINT pk_purpose_class PRIMARY KEY (purpose, feed, data_class));
COMMENT ON TABLE register.purpose_class IS 'what a purpose may see: copied from the profile and the contracts';

CREATE INDEX source_record_event ON memory.source_record (partner, event_ref)
  WHERE feed IN ('police_incidents', 'police_domestic_abuse', 'domestic_abuse_support');
"""

PROTECTION = """
CREATE VIEW register.party_to_abuse WITH (security_invoker = true) AS
  SELECT p.person_id, r.source_record_id, r.feed, r.partner, r.event_ref, coalesce(r.event_on, r.as_of) AS since,
         CASE WHEN r.facts ->> 'role' IN ('victim', 'witness') THEN 'harmed' ELSE 'harming' END AS side,
         r.feed <> 'police_incidents' OR r.facts ->> 'incident_type' = 'domestic_abuse'
           OR coalesce(r.facts ->> 'da_flag' = 'true', false) AS abuse
    FROM memory.source_record r
    JOIN memory.person_record p ON p.source_record_id = r.source_record_id AND upper_inf(p.recorded)
   WHERE r.feed IN ('police_incidents', 'police_domestic_abuse', 'domestic_abuse_support')
     AND r.superseded_at IS NULL
     AND r.facts ->> 'role' IN ('victim', 'witness', 'suspect', 'offender', 'perpetrator');
COMMENT ON VIEW register.party_to_abuse IS
  'everybody in an incident; `abuse`: this row says that it was domestic abuse, the other rows of it need not';

CREATE VIEW register.protected_by_incident WITH (security_invoker = true) AS
  SELECT a.person_id, b.person_id AS from_person_id, least(a.since, b.since) AS since
    FROM register.party_to_abuse a JOIN register.party_to_abuse b USING (partner, event_ref)
   WHERE a.side = 'harmed' AND b.side = 'harming' AND (a.abuse OR b.abuse) AND event_ref <> ''
     AND a.person_id <> b.person_id;
CREATE VIEW register.protected_as_client WITH (security_invoker = true) AS
  SELECT a.person_id, n.person_id AS from_person_id, a.since
    FROM register.party_to_abuse a
    JOIN memory.family_member m ON m.person_id = a.person_id
    JOIN memory.family_member n ON n.family_id = m.family_id
    JOIN memory.person_record p ON p.person_id = n.person_id AND upper_inf(p.recorded)
    JOIN memory.source_record s ON s.source_record_id = p.source_record_id AND s.superseded_at IS NULL
   WHERE a.feed = 'domestic_abuse_support' AND a.side = 'harmed' AND a.person_id <> n.person_id
     AND (s.facts ->> 'da_perpetrator' = 'true'
          OR (s.facts ->> 'role' IN ('suspect', 'offender', 'perpetrator')
              AND (s.feed IN ('police_domestic_abuse', 'domestic_abuse_support')
                   OR (s.feed = 'police_incidents' AND (s.facts ->> 'incident_type' = 'domestic_abuse'
                                                        OR s.facts ->> 'da_flag' = 'true')))));
CREATE VIEW register.protection WITH (security_invoker = true) AS
  SELECT person_id, from_person_id, since, 'incident' AS why FROM register.protected_by_incident
  UNION SELECT person_id, from_person_id, since, 'client' FROM register.protected_as_client;
COMMENT ON VIEW register.protection IS
  'who must not be found by whom, and since when: derived from what partners said, always as it is known now';

CREATE VIEW register.withheld WITH (security_invoker = true) AS
  SELECT p.person_id, r.as_of AS since
    FROM memory.source_record r
    JOIN memory.person_record p ON p.source_record_id = r.source_record_id AND upper_inf(p.recorded)
   WHERE r.superseded_at IS NULL
     AND ((r.facts ->> 'address_withheld' = 'true'
           AND NOT EXISTS (SELECT FROM memory.source_record later
                            WHERE (later.feed, later.partner, later.record_ref) = (r.feed, r.partner, r.record_ref)
                              AND later.superseded_at IS NULL AND later.as_of > r.as_of
                              AND later.facts ->> 'address_withheld' = 'false'))
          OR (r.feed = 'domestic_abuse_support' AND r.facts ->> 'service_type' = 'refuge'
              AND r.facts ->> 'role' = 'victim' AND NOT jsonb_exists(r.facts, 'support_end')));
COMMENT ON VIEW register.withheld IS
  'whose address nobody may know: a partner says so, or it is a refuge';

CREATE FUNCTION register.taken_for(p_ids text[]) RETURNS TABLE (id text, other text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
  WITH RECURSIVE alike AS (
    SELECT i AS id, i AS other FROM unnest(p_ids) i
    UNION
    SELECT a.id, o.other FROM alike a CROSS JOIN LATERAL (
      SELECT p.points_to FROM memory.person_pointer p WHERE p.person_id = a.other AND upper_inf(p.recorded)
      UNION ALL
      SELECT p.person_id FROM memory.person_pointer p WHERE p.points_to = a.other AND upper_inf(p.recorded)) o (other))
  SELECT * FROM alike
$$;
COMMENT ON FUNCTION register.taken_for IS 'the ids, and every id of the same person as it is known now';

CREATE FUNCTION register.close_to(p_ids text[]) RETURNS TABLE (id text, other text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
  SELECT m.person_id, n.person_id
    FROM memory.family_member m JOIN memory.family_member n USING (family_id)
   WHERE m.person_id = ANY (p_ids) AND upper_inf(m.recorded) AND upper_inf(n.recorded) AND m.resident AND n.resident
     AND coalesce(m.to_on > current_date, true) AND coalesce(n.to_on > current_date, true)
  UNION SELECT person_a, person_b FROM register.possible_match WHERE person_a = ANY (p_ids)
  UNION SELECT person_b, person_a FROM register.possible_match WHERE person_b = ANY (p_ids)
$$;
COMMENT ON FUNCTION register.close_to IS
  'who tells where these are: whoever lives with them, and whoever may be the same person';

CREATE FUNCTION register.pairs(p_ids text[]) RETURNS TABLE (person_id text, from_person_id text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
  WITH kin AS MATERIALIZED (
    SELECT array_agg(DISTINCT n.person_id) AS ids
      FROM memory.family_member m JOIN memory.family_member n USING (family_id) WHERE m.person_id = ANY (p_ids))
  SELECT i.person_id, i.from_person_id FROM register.protected_by_incident i WHERE i.from_person_id = ANY (p_ids)
  UNION
  SELECT i.person_id, i.from_person_id FROM register.protected_by_incident i WHERE i.person_id = ANY (p_ids)
  UNION
  SELECT c.person_id, c.from_person_id FROM register.protected_as_client c
   WHERE c.person_id = ANY ((SELECT ids FROM kin)::text[]) AND c.from_person_id = ANY ((SELECT ids FROM kin)::text[])
     AND (c.person_id = ANY (p_ids) OR c.from_person_id = ANY (p_ids))
$$;
COMMENT ON FUNCTION register.pairs IS 'the lines of register.protection with one of these on either side';

CREATE FUNCTION register.kept_from(p_from text[]) RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
  WITH given AS MATERIALIZED (SELECT array_agg(other) AS ids FROM register.taken_for(p_from)),
  pair AS MATERIALIZED (
    SELECT p.person_id, p.from_person_id FROM given, register.pairs(given.ids) p
     WHERE p.from_person_id = ANY (given.ids)),
  near AS (
    SELECT person_id FROM pair
    UNION
    SELECT l.other FROM register.close_to(ARRAY(SELECT person_id FROM pair)) l
      JOIN pair ON pair.person_id = l.id AND pair.from_person_id <> l.other)
  SELECT DISTINCT other FROM register.taken_for(ARRAY(SELECT person_id FROM near))
$$;
COMMENT ON FUNCTION register.kept_from IS 'who is protected from any of these, and who lives with them: the way to them';

CREATE FUNCTION register.other_side(p_subjects text[]) RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
  WITH given AS MATERIALIZED (SELECT array_agg(other) AS ids FROM register.taken_for(p_subjects))
  (SELECT k FROM register.kept_from(p_subjects) k
   UNION
   SELECT t.other FROM register.taken_for(ARRAY(
     SELECT p.from_person_id FROM given, register.pairs(given.ids) p WHERE p.person_id = ANY (given.ids))) t)
  EXCEPT SELECT unnest(ids) FROM given
$$;
COMMENT ON FUNCTION register.other_side IS 'of whom nothing is shown to these: whom they harmed, and who harmed them';

CREATE FUNCTION register.secret_homes(p_ids text[]) RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
  WITH same AS MATERIALIZED (SELECT * FROM register.taken_for(p_ids)),
  home AS MATERIALIZED (
    SELECT s.id, l.other FROM same s JOIN register.close_to(ARRAY(SELECT other FROM same)) l ON l.id = s.other
    UNION SELECT id, other FROM same),
  pair AS MATERIALIZED (SELECT * FROM register.pairs(ARRAY(SELECT other FROM same)))
  SELECT id FROM same WHERE other IN (SELECT register.kept_from(p_ids))
  UNION
  SELECT h.id FROM home h
    JOIN (SELECT DISTINCT person_id FROM register.withheld
           WHERE person_id = ANY (ARRAY(SELECT other FROM home))) w ON w.person_id = h.other
   WHERE NOT EXISTS (SELECT FROM same s JOIN pair p ON p.from_person_id = s.other
                      WHERE s.id = h.id AND p.person_id = h.other)
$$;
COMMENT ON FUNCTION register.secret_homes IS
  'of these, whose home is shown to nobody who reads them together: withheld, or with somebody protected from another';
"""

READING = """
CREATE FUNCTION register.reads(p_role text) RETURNS SETOF audit.person_read
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
  SELECT * FROM audit.person_read
   WHERE xact = pg_current_xact_id_if_assigned()::text::bigint AND at >= transaction_timestamp()
     AND 'fx_' || purpose = p_role
$$;
COMMENT ON FUNCTION register.reads IS 'what audit events of this very transaction say that the role of a purpose reads';

CREATE FUNCTION register.for_somebody(p_role text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
  SELECT EXISTS (SELECT FROM register.reads(p_role) WHERE subject IS NOT NULL)
$$;

CREATE FUNCTION register.readable(p_role text) RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
  SELECT person_id FROM register.reads(p_role)
  EXCEPT SELECT register.other_side(ARRAY(SELECT subject FROM register.reads(p_role) WHERE subject IS NOT NULL))
$$;

CREATE FUNCTION register.readable_classes(p_role text)
RETURNS TABLE (source_record_id text, data_class text, origin boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
  WITH here AS MATERIALIZED (SELECT register.readable(p_role) AS person_id),
  subject AS MATERIALIZED (SELECT DISTINCT subject AS id FROM register.reads(p_role) WHERE subject IS NOT NULL),
  hidden AS MATERIALIZED (SELECT register.other_side(ARRAY(SELECT id FROM subject)) AS id),
  record AS MATERIALIZED (
    SELECT DISTINCT r.source_record_id, r.feed, r.facts, p.person_id, o.person_id AS owner
      FROM memory.person_record p JOIN memory.source_record r USING (source_record_id)
      LEFT JOIN memory.person_record o ON o.source_record_id = r.source_record_id AND upper_inf(o.recorded)
     WHERE p.person_id = ANY (ARRAY(SELECT person_id FROM here))),
  secret AS MATERIALIZED (
    SELECT register.secret_homes(ARRAY(SELECT person_id FROM here UNION SELECT id FROM subject
                                       UNION SELECT owner FROM record WHERE owner IS NOT NULL)) AS id),
  shown AS MATERIALIZED (
    SELECT r.*, NOT EXISTS (SELECT FROM subject) OR NOT (
             coalesce(r.facts ->> 'da_perpetrator' = 'true', false)
             OR coalesce(r.facts ->> 'need_domestic_abuse' = 'true', false)
             OR EXISTS (SELECT FROM register.party_to_abuse a
                         WHERE a.source_record_id = r.source_record_id
                           AND (a.abuse OR EXISTS (
                                 SELECT FROM register.party_to_abuse b
                                  WHERE (b.partner, b.event_ref) = (a.partner, a.event_ref) AND b.abuse)) OFFSET 0)) AS origin
      FROM record r WHERE r.owner IS NULL OR r.owner NOT IN (SELECT id FROM hidden))
  SELECT r.source_record_id, c.data_class, r.origin
    FROM shown r JOIN register.purpose_class c ON 'fx_' || c.purpose = p_role AND c.feed = r.feed
   WHERE (c.data_class NOT IN ('address', 'housing')
          OR NOT EXISTS (SELECT FROM secret WHERE id IN (r.person_id, r.owner)))
     AND (r.origin OR c.data_class IN ('name', 'date_of_birth', 'sex', 'address', 'nhs_number', 'nino', 'upn'))
$$;
COMMENT ON FUNCTION register.readable_classes IS
  'records of those who are read, each with the classes of data that the purpose may see of it; origin: also that it is';

CREATE FUNCTION register.rectified_classes(p_role text) RETURNS TABLE (person_id text, data_class text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
  WITH here AS MATERIALIZED (SELECT register.readable(p_role) AS id),
  secret AS MATERIALIZED (
    SELECT register.secret_homes(ARRAY(
      SELECT id FROM here UNION SELECT subject FROM register.reads(p_role) WHERE subject IS NOT NULL)) AS id)
  SELECT DISTINCT here.id, c.data_class
    FROM here CROSS JOIN register.purpose_class c
   WHERE 'fx_' || c.purpose = p_role
     AND (c.data_class NOT IN ('address', 'housing') OR here.id NOT IN (SELECT id FROM secret))
     AND (c.data_class <> 'domestic_abuse' OR NOT register.for_somebody(p_role))
$$;

CREATE FUNCTION register.readable_families(p_role text) RETURNS TABLE (family_id text, divided boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
  WITH subject AS MATERIALIZED (SELECT DISTINCT subject AS id FROM register.reads(p_role) WHERE subject IS NOT NULL),
  hidden AS MATERIALIZED (SELECT register.other_side(ARRAY(SELECT id FROM subject)) AS id),
  found AS (
    SELECT DISTINCT m.family_id,
           EXISTS (SELECT FROM memory.family_member n
                    WHERE n.family_id = m.family_id AND n.person_id IN (SELECT id FROM hidden)) AS divided,
           EXISTS (SELECT FROM memory.family_member n
                    WHERE n.family_id = m.family_id AND n.person_id IN (SELECT id FROM subject)) AS own
      FROM memory.family_member m WHERE m.person_id = ANY (ARRAY(SELECT register.readable(p_role))))
  SELECT family_id, divided FROM found WHERE own OR NOT divided
$$;
COMMENT ON FUNCTION register.readable_families IS
  'families of those who are read; divided: somebody of the other side is or was of it, so nothing about it as a whole';

CREATE FUNCTION register.read_person(p_person text, p_purpose text, p_actor text, p_subject text DEFAULT NULL)
RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE v_person text; v_subject text; v_seq bigint; v_body jsonb;
BEGIN
  IF coalesce(btrim(p_actor), '') = '' THEN
    RAISE EXCEPTION 'a named person reads' USING ERRCODE = 'FX004';
  END IF;
  IF NOT EXISTS (SELECT FROM register.purpose_class WHERE purpose = p_purpose) THEN
    RAISE EXCEPTION 'the purpose allows nobody to be read' USING ERRCODE = 'FX004';
  END IF;
  SELECT coalesce(merged_into, person_id) INTO v_person FROM register.person WHERE person_id = p_person;
  IF p_subject IS NOT NULL THEN
    SELECT coalesce(t.points_to, p.person_id) INTO v_subject FROM memory.person p
      LEFT JOIN memory.person_pointer t ON t.person_id = p.person_id AND upper_inf(t.recorded)
     WHERE p.person_id = p_subject;
    IF v_subject IS NULL THEN
      RAISE EXCEPTION 'nobody in the register has that id' USING ERRCODE = 'FX004';
    END IF;
  END IF;
  IF v_person IS NULL OR v_person IN (SELECT register.other_side(ARRAY[v_subject])) THEN
    RETURN NULL;
  END IF;
  IF NOT EXISTS (SELECT FROM register.reads('fx_' || p_purpose) r WHERE r.person_id = v_person
                    AND r.actor = p_actor AND r.subject IS NOT DISTINCT FROM v_subject) THEN
    v_body := jsonb_strip_nulls(jsonb_build_object('person', v_person, 'purpose', p_purpose, 'for', v_subject));
    v_seq := audit.append('register.read', p_actor, v_body);
    INSERT INTO audit.person_read (seq, xact, person_id, purpose, actor, subject)
      VALUES (v_seq, pg_current_xact_id()::text::bigint, v_person, p_purpose, p_actor, v_subject);
  END IF;
  RETURN v_person;
END $$;
COMMENT ON FUNCTION register.read_person IS
  'the one door to a person: the audit event that lets this transaction read, and whom the id means; null: nobody';

CREATE FUNCTION register.read_family(p_family text, p_purpose text, p_actor text, p_subject text DEFAULT NULL)
RETURNS text[] LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE v_person text; v_read text[] := '{}';
BEGIN
  FOR v_person IN SELECT DISTINCT person_id FROM register.family_member WHERE family_id = p_family ORDER BY 1 LOOP
    v_read := v_read || register.read_person(v_person, p_purpose, p_actor, p_subject);
  END LOOP;
  RETURN array_remove(v_read, NULL);
END $$;
COMMENT ON FUNCTION register.read_family IS 'everybody who is or was of the family is read, one audit event each';

CREATE VIEW register.stated WITH (security_barrier = true) AS
  SELECT p.person_id, r.source_record_id, r.feed, r.as_of, s.stated, s.value, s.data_class
    FROM memory.source_record r
    JOIN memory.person_record p ON p.source_record_id = r.source_record_id AND p.recorded @> register.as_known()
    CROSS JOIN LATERAL (VALUES
      ('forename', r.forename, 'name'), ('surname', r.surname, 'name'), ('sex', r.sex, 'sex'),
      ('date_of_birth', r.date_of_birth::text, 'date_of_birth'), ('address_line_1', r.address_line_1, 'address'),
      ('address_line_2', r.address_line_2, 'address'), ('town', r.town, 'address'), ('postcode', r.postcode, 'address'),
      ('uprn', r.uprn, 'address'), ('nhs_number', r.nhs_number, 'nhs_number'), ('nino', r.nino, 'nino'),
      ('upn', r.upn, 'upn')) s (stated, value, data_class)
   WHERE s.value IS NOT NULL
     AND (r.source_record_id, s.data_class) IN (
           SELECT c.source_record_id, c.data_class FROM register.readable_classes(current_user::text) c);
COMMENT ON VIEW register.stated IS
  'what records state of who people are, to the role of a purpose, after a read: for those who decide who is who';

REVOKE EXECUTE ON FUNCTION register.taken_for, register.close_to, register.pairs, register.kept_from, register.other_side,
  register.secret_homes, register.reads FROM PUBLIC;
"""

SECURED = """
DO $$
DECLARE v_table text;
BEGIN
  FOR v_table IN SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname IN ('memory', 'register')
  LOOP
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', v_table);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', v_table);
    EXECUTE format('CREATE POLICY pipeline ON %s TO CURRENT_USER USING (true) WITH CHECK (true)', v_table);
  END LOOP;
  FOR v_table IN SELECT format('%I.%I', schemaname, viewname) FROM pg_views
    WHERE schemaname = 'register' AND viewname <> 'stated'
  LOOP
    EXECUTE format('ALTER VIEW %s SET (security_invoker = true)', v_table);
  END LOOP;
END $$
"""

_READ = "IN (SELECT register.readable(current_user::text))"
_ANY = "family_id IN (SELECT f.family_id FROM register.readable_families(current_user::text) f)"
_WHOLE = "family_id IN (SELECT f.family_id FROM register.readable_families(current_user::text) f WHERE NOT f.divided)"
_OF_RECORDS = (
    "source_record_id IN"
    " (SELECT c.source_record_id FROM register.readable_classes(current_user::text) c WHERE c.origin)"
)
_PROPOSED = "proposal_id IN (SELECT p.proposal_id FROM memory.proposal p)"
_KIN = (  # for somebody's eyes: how people are related only when both are on the page
    "(attribute <> 'relationship' OR NOT register.for_somebody(current_user::text)"
    " OR EXISTS (SELECT FROM memory.person p WHERE p.person_id = slot))"
)
_CLASSED = (
    "CASE WHEN source_record_id IS NULL"
    " THEN (person_id, data_class) IN (SELECT * FROM register.rectified_classes(current_user::text))"
    " ELSE (source_record_id, data_class) IN"
    " (SELECT c.source_record_id, c.data_class FROM register.readable_classes(current_user::text) c) END"
)

NEED_TO_KNOW = {
    "memory.person": f"person_id {_READ}",
    "memory.person_pointer": f"points_to {_READ}",
    "memory.person_record": f"person_id {_READ} AND {_OF_RECORDS}",
    "memory.source_record": _OF_RECORDS,
    "memory.fact": f"person_id {_READ} AND {_KIN} AND {_CLASSED}",
    "memory.family": _ANY,
    "memory.family_member": f"person_id {_READ} AND {_ANY}",
    "memory.evidence": (
        f"(source_record_id IS NOT NULL AND person_id {_READ} AND {_OF_RECORDS}) OR (nomination_no IS NOT NULL"
        f" AND (person_id IS NULL OR person_id {_READ}) AND NOT register.for_somebody(current_user::text) AND {_WHOLE})"
    ),
    "memory.proposal": _WHOLE,
    "memory.proposal_standing": _PROPOSED,
    "memory.decision": _PROPOSED,
    "memory.family_status": _WHOLE,
    "memory.family_worker": _WHOLE,
    "memory.plan_scope": f"person_id {_READ} AND {_WHOLE}",
    "memory.suggestion": _WHOLE,
    "register.nomination": (
        f"NOT register.for_somebody(current_user::text) AND (person_id {_READ} OR (person_id IS NULL AND {_WHOLE}))"
    ),
    "register.possible_match": f"person_a {_READ} AND person_b {_READ}",
}
"""What the role of a purpose sees of each table; of every other one it sees nothing."""

_ALL = ("identify", "support", "monitor", "evaluate_local", "evaluate_national")
_WORK = ("identify", "support", "monitor")
GRANTS = {
    "memory.person": _ALL,
    "memory.person_pointer": _ALL,
    "memory.person_record": _ALL,
    "memory.fact": _ALL,
    "memory.family": _ALL,
    "memory.family_member": _ALL,
    "memory.evidence": _WORK,
    "memory.proposal": _ALL,
    "memory.proposal_standing": _ALL,
    "memory.decision": _ALL,
    "memory.family_status": _ALL,
    "memory.family_worker": _WORK,
    "memory.plan_scope": ("support", "monitor"),
    "memory.suggestion": ("support",),
    "register.nomination": ("identify", "support"),
    "register.possible_match": ("identify",),
}
"""Which purposes may ask of which table at all. Purposes that work with anonymised data only have none (R-004)."""
ORIGIN = "source_record_id, file_id, row_no, partner, feed, as_of, event_on, category, recorded_at, superseded_at"
"""What a purpose may know of a source record: where it came from. What it says is in the facts, class by class."""

ROLES = (*_ALL, "plan_services", "statistics")

_VIEWS = {
    table: tuple(f"register.{table.partition('.')[2]}{suffix}" for suffix in suffixes)
    for table, suffixes in {
        **{table: ("",) for table in GRANTS if table.startswith("memory.")},
        "memory.person_pointer": (),
        "memory.proposal": ("", "_history"),
        "memory.proposal_standing": (),
    }.items()
}
"""The views of what is known, of each table."""


def _grants() -> str:
    lines = []
    for purpose in _ALL:
        tables = [table for table, purposes in GRANTS.items() if purpose in purposes]
        views = [view for table in tables for view in _VIEWS.get(table, ())]
        views += ["register.stated"] if purpose in _WORK else []
        lines.append(f"""
  IF to_regrole('fx_{purpose}') IS NOT NULL THEN
    GRANT USAGE ON SCHEMA memory, register TO fx_{purpose};
    GRANT SELECT ON {", ".join(tables + views)} TO fx_{purpose};
    GRANT SELECT ({ORIGIN}) ON memory.source_record TO fx_{purpose};
  END IF;""")
    return "".join(lines)


GRANTING = f"""
CREATE FUNCTION register.grant_purposes() RETURNS text[] LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN{_grants()}
  RETURN ARRAY(SELECT 'fx_' || p FROM unnest(ARRAY{list(ROLES)!r}) p WHERE to_regrole('fx_' || p) IS NULL);
END $$;
COMMENT ON FUNCTION register.grant_purposes IS
  'lets the role of each purpose ask what it may ask; returns the roles that are not there. Again: changes nothing';
REVOKE EXECUTE ON FUNCTION register.grant_purposes FROM PUBLIC;
"""  # noqa: S608 - our own words

BACK = f"""
DO $$
DECLARE v_role text; v_table text;
BEGIN
  FOREACH v_role IN ARRAY ARRAY{[f"fx_{purpose}" for purpose in ROLES]!r} LOOP
    IF to_regrole(v_role) IS NOT NULL THEN
      EXECUTE format('REVOKE ALL ON ALL TABLES IN SCHEMA memory, register FROM %I', v_role);
      EXECUTE format('REVOKE SELECT ({ORIGIN}) ON memory.source_record FROM %I', v_role);
      EXECUTE format('REVOKE ALL ON SCHEMA memory, register FROM %I', v_role);
    END IF;
  END LOOP;
  FOR v_table IN SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname IN ('memory', 'register')
  LOOP
    EXECUTE format('DROP POLICY pipeline ON %s', v_table);
    EXECUTE format('DROP POLICY IF EXISTS need_to_know ON %s', v_table);
    EXECUTE format('ALTER TABLE %s NO FORCE ROW LEVEL SECURITY', v_table);
    EXECUTE format('ALTER TABLE %s DISABLE ROW LEVEL SECURITY', v_table);
  END LOOP;
  FOR v_table IN SELECT format('%I.%I', schemaname, viewname) FROM pg_views WHERE schemaname = 'register' LOOP
    EXECUTE format('ALTER VIEW %s RESET (security_invoker)', v_table);
  END LOOP;
END $$;
DROP VIEW register.stated;
DROP FUNCTION register.grant_purposes, register.read_family, register.read_person, register.readable_families,
  register.rectified_classes, register.readable_classes, register.readable, register.for_somebody, register.reads,
  register.secret_homes, register.other_side, register.kept_from, register.pairs, register.close_to, register.taken_for;
DROP VIEW register.withheld, register.protection, register.protected_as_client, register.protected_by_incident,
  register.party_to_abuse;
DROP INDEX memory.source_record_event;
DROP TABLE register.purpose_class, audit.person_read;
"""  # noqa: S608 - our own words


def upgrade() -> None:
    """Rows about people are seen by the pipeline, and by a purpose after an audit event."""
    for script in (TABLES, PROTECTION, READING, SECURED):
        op.execute(script)
    for table, condition in NEED_TO_KNOW.items():
        op.execute(f"CREATE POLICY need_to_know ON {table} FOR SELECT USING ({condition})")
    op.execute(GRANTING)
    missing = op.get_bind().exec_driver_sql("SELECT register.grant_purposes()").scalar()
    if missing:
        log.warning(
            "the server has no role %s: nobody can read about a person until somebody who may make roles has run "
            "`family-exchange database prepare`",
            ", ".join(missing),
        )


def downgrade() -> None:
    """Back to a register that its login reads without a word."""
    op.execute(BACK)
