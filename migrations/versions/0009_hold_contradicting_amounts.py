"""Evidence that names another amount for a known movement is held too."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

REASON = "ck__held_evidence__heldreason"


def upgrade() -> None:
    op.drop_constraint(op.f(REASON), "held_evidence")
    op.create_check_constraint(op.f(REASON), "held_evidence", "reason IN ('ambiguous', 'no_original', 'amount_diff')")


def downgrade() -> None:
    op.drop_constraint(op.f(REASON), "held_evidence")
    op.create_check_constraint(op.f(REASON), "held_evidence", "reason IN ('ambiguous', 'no_original')")
