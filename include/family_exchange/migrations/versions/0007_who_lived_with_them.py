"""Whoever moved out of a home that somebody still lives in, and that is secret, does not give it away."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

LIVED_WITH = """
CREATE FUNCTION register.lived_with(p_role text) RETURNS TABLE (person_id text, during daterange)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
  WITH subject AS MATERIALIZED (SELECT DISTINCT subject AS id FROM register.reads(p_role) WHERE subject IS NOT NULL),
  here AS MATERIALIZED (SELECT register.readable(p_role) AS id),
  same AS MATERIALIZED (
    SELECT * FROM register.taken_for(ARRAY(SELECT id FROM here UNION SELECT id FROM subject))),
  stay AS MATERIALIZED (
    SELECT n.person_id, m.person_id AS other,
           daterange(greatest(m.from_on, n.from_on), n.to_on) AS during
      FROM memory.family_member n JOIN memory.family_member m USING (family_id)
     WHERE n.person_id = ANY (ARRAY(SELECT other FROM same)) AND m.person_id <> n.person_id
       AND upper_inf(n.recorded) AND upper_inf(m.recorded) AND n.resident AND m.resident
       AND n.to_on <= current_date AND coalesce(m.to_on > current_date, true) AND n.to_on > m.from_on),
  pair AS MATERIALIZED (
    SELECT p.person_id, p.from_person_id FROM register.pairs(ARRAY(SELECT other FROM same)) p
     WHERE p.from_person_id = ANY (ARRAY(SELECT other FROM same))),
  secret AS (
    SELECT s.person_id, s.during FROM stay s
      JOIN register.taken_for(ARRAY(SELECT other FROM stay)) t ON t.id = s.other
      JOIN pair p ON p.person_id = t.other AND p.from_person_id <> s.person_id
    UNION
    SELECT s.person_id, s.during FROM stay s
      JOIN register.taken_for(ARRAY(SELECT other FROM stay)) t ON t.id = s.other
      JOIN register.withheld w ON w.person_id = t.other)
  SELECT same.id, secret.during FROM secret JOIN same ON same.other = secret.person_id
$$;
COMMENT ON FUNCTION register.lived_with IS
  'of those who are read: when they lived in the home in which somebody still lives whose home is secret on this page';
"""


_SEEN = """
  person_id IN (SELECT register.readable(current_user::text))
  AND (attribute <> 'relationship' OR NOT register.for_somebody(current_user::text)
       OR EXISTS (SELECT FROM memory.person p WHERE p.person_id = slot))
  AND CASE WHEN source_record_id IS NULL
      THEN (person_id, data_class) IN (SELECT * FROM register.rectified_classes(current_user::text))
      ELSE (source_record_id, data_class) IN
           (SELECT c.source_record_id, c.data_class FROM register.readable_classes(current_user::text) c) END
"""
_NOT_WHERE_THEY_LIVED = """
  AND (data_class NOT IN ('address', 'housing') OR NOT EXISTS (
    SELECT FROM register.lived_with(current_user::text) l WHERE l.person_id = fact.person_id AND l.during && fact.valid))
"""

_STATED = """
CREATE OR REPLACE VIEW register.stated WITH (security_barrier = true) AS
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
           SELECT c.source_record_id, c.data_class FROM register.readable_classes(current_user::text) c){more}
"""
_NOT_STATED = """
     AND (s.data_class <> 'address'
          OR p.person_id NOT IN (SELECT l.person_id FROM register.lived_with(current_user::text) l))
"""


def upgrade() -> None:
    """Of whoever moved out, the address of the time in which they lived there is not told."""
    op.execute(LIVED_WITH)
    op.execute(f"ALTER POLICY need_to_know ON memory.fact USING ({_SEEN}{_NOT_WHERE_THEY_LIVED})")
    op.execute(_STATED.format(more=_NOT_STATED))


def downgrade() -> None:
    """Told again."""
    op.execute(f"ALTER POLICY need_to_know ON memory.fact USING ({_SEEN})")
    op.execute(_STATED.format(more=""))
    op.execute("DROP FUNCTION register.lived_with")
