"""Money fills a voluntary line that a family chose, and no other (docs/adr/0022).

Until now money beyond what is owed filled voluntary lines whether anybody had chosen them or not. Where it stands it
stays: such lines are ``kept``. So no fold of the future moves money that is settled, signed days or not; also a line
that its family declined and that money had reached keeps it, for taking it off is the school's decision.
"""

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

KEEP = """
INSERT INTO voluntary_choice (school_id, line_id, declined, kept, changed_at)
SELECT l.school_id, l.id, false, true, now()
FROM (
    SELECT school_id, line_id FROM allocation GROUP BY school_id, line_id HAVING sum(amount_vnd) > 0
) paid
JOIN invoice_line l ON l.school_id = paid.school_id AND l.id = paid.line_id AND NOT l.mandatory
ON CONFLICT (school_id, line_id) DO UPDATE SET kept = true
"""


def upgrade() -> None:
    for column in ("chosen", "kept"):
        added = sa.Column(column, sa.Boolean(), server_default="false", nullable=False)
        op.add_column("voluntary_choice", added)
    op.create_check_constraint("one_word", "voluntary_choice", "NOT (chosen AND declined)")
    op.execute(KEEP)


def downgrade() -> None:
    op.drop_constraint("one_word", "voluntary_choice", type_="check")
    for column in ("kept", "chosen"):
        op.drop_column("voluntary_choice", column)
