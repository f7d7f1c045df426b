"""What a night's records state is stored in half the time: without a look at each one's record, and into the index at once."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

FORWARD = """
ALTER TABLE memory.statement DROP CONSTRAINT fk_statement_source_record_id;
CREATE FUNCTION memory.forget_statements() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM memory.statement s USING gone WHERE s.source_record_id = gone.source_record_id;
  RETURN NULL;
END $$;
COMMENT ON FUNCTION memory.forget_statements() IS
  'a statement goes with its record; a foreign key would look the record up once for each statement of a night';
CREATE TRIGGER statements_go_too AFTER DELETE ON memory.source_record
  REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION memory.forget_statements();

-- entries wait in a list until whoever stored them puts them into the index, all at once
ALTER INDEX memory.statement_blocks SET (fastupdate = on);
"""

BACK = """
DROP TRIGGER statements_go_too ON memory.source_record;
DROP FUNCTION memory.forget_statements();
ALTER TABLE memory.statement ADD CONSTRAINT fk_statement_source_record_id
  FOREIGN KEY (source_record_id) REFERENCES memory.source_record ON DELETE CASCADE;
ALTER INDEX memory.statement_blocks SET (fastupdate = off);
SELECT gin_clean_pending_list('memory.statement_blocks');
"""


def upgrade() -> None:
    """What is there stays as it is."""
    op.execute(FORWARD)


def downgrade() -> None:
    """What is there stays as it is; no statement is without its record."""
    op.execute(BACK)
