"""A place in the plan that was recorded under an id which became another's is read with that other's page."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

READABLE_IDS = """
CREATE FUNCTION register.readable_ids(p_role text) RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
  SELECT t.other FROM register.taken_for(ARRAY(SELECT register.readable(p_role))) t
$$;
COMMENT ON FUNCTION register.readable_ids IS 'of those who are read: every id of theirs, as it is known now';
"""
_PLANNED = """
  person_id IN (SELECT register.{ids}(current_user::text))
  AND family_id IN (SELECT f.family_id FROM register.readable_families(current_user::text) f WHERE NOT f.divided)
"""


def upgrade() -> None:
    """By any id of the person."""
    op.execute(READABLE_IDS)
    op.execute(f"ALTER POLICY need_to_know ON memory.plan_scope USING ({_PLANNED.format(ids='readable_ids')})")


def downgrade() -> None:
    """By the person's own id."""
    op.execute(f"ALTER POLICY need_to_know ON memory.plan_scope USING ({_PLANNED.format(ids='readable')})")
    op.execute("DROP FUNCTION register.readable_ids")
