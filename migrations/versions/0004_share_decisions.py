"""Keep with a person's decision how much of the transfer each invoice was meant to get."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("decision", sa.Column("amounts_vnd", postgresql.ARRAY(sa.BigInteger()), nullable=False))
    op.create_check_constraint(
        op.f("ck__decision__amount_for_each"), "decision", "cardinality(invoice_ids) = cardinality(amounts_vnd)"
    )


def downgrade() -> None:
    op.drop_constraint(op.f("ck__decision__amount_for_each"), "decision")
    op.drop_column("decision", "amounts_vnd")
