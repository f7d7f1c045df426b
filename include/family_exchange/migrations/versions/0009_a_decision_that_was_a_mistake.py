"""A decision on a proposal that was a mistake is taken back: it stays in the memory, and the family is decided anew."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

TAKEN_BACK = """
ALTER TABLE memory.decision ADD COLUMN recorded tstzrange NOT NULL DEFAULT tstzrange(clock_timestamp(), NULL);
UPDATE memory.decision SET recorded = tstzrange(recorded_at, NULL);
CREATE OR REPLACE VIEW register.decision WITH (security_invoker = true) AS
  SELECT decision_id, proposal_id, outcome, decided_by, decided_on, supported_since, reason,
         lower(recorded) AS recorded_at
    FROM memory.decision WHERE recorded @> register.as_known();
ALTER TABLE memory.decision DROP COLUMN recorded_at, DROP CONSTRAINT uq_decision_proposal_id;
CREATE UNIQUE INDEX one_decision ON memory.decision (proposal_id) WHERE upper_inf(recorded);
CREATE INDEX ix_decision_proposal_id ON memory.decision (proposal_id);
-- whoever was put back to identified before this revision waits for a decision too
UPDATE memory.decision d SET recorded = tstzrange(lower(d.recorded), clock_timestamp())
  FROM memory.proposal p JOIN memory.family_status s USING (family_id)
 WHERE p.proposal_id = d.proposal_id AND s.status = 'identified' AND upper_inf(s.recorded) AND upper_inf(s.valid);

CREATE TRIGGER only_closes BEFORE UPDATE OF
  decision_id, proposal_id, outcome, decided_by, decided_on, supported_since, reason ON memory.decision
  FOR EACH ROW EXECUTE FUNCTION memory.only_closes();
CREATE TRIGGER only_closes_once BEFORE UPDATE OF recorded ON memory.decision FOR EACH ROW
  WHEN (lower(NEW.recorded) IS DISTINCT FROM lower(OLD.recorded)
        OR NOT upper_inf(OLD.recorded) OR upper_inf(NEW.recorded))
  EXECUTE FUNCTION memory.only_closes();
"""

FOR_GOOD = """
DROP TRIGGER only_closes ON memory.decision;
DROP TRIGGER only_closes_once ON memory.decision;
DELETE FROM memory.decision d WHERE NOT upper_inf(recorded)
   AND EXISTS (SELECT FROM memory.decision o WHERE o.proposal_id = d.proposal_id AND lower(o.recorded) > lower(d.recorded));
DROP INDEX memory.one_decision, memory.ix_decision_proposal_id;
ALTER TABLE memory.decision ADD COLUMN recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  ADD CONSTRAINT uq_decision_proposal_id UNIQUE (proposal_id);
UPDATE memory.decision SET recorded_at = lower(recorded);
CREATE OR REPLACE VIEW register.decision WITH (security_invoker = true) AS
  SELECT decision_id, proposal_id, outcome, decided_by, decided_on, supported_since, reason, recorded_at
    FROM memory.decision WHERE recorded_at <= register.as_known();
ALTER TABLE memory.decision DROP COLUMN recorded;
"""


def upgrade() -> None:
    """A decision has an end in recorded time, as every other fact has."""
    op.execute(TAKEN_BACK)


def downgrade() -> None:
    """The newest decision on a proposal is the one that there is: where nobody decided anew, the one taken back."""
    op.execute(FOR_GOOD)
