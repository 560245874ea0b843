"""Evidence that names another amount for a known movement is held too; what stands is found by the bank's number."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

REASON = "ck__held_evidence__heldreason"
NUMBER = "ix__transaction_evidence__school_id_bank_number"
# As bank_adapters.statements.keys.fold_reference: what a reference holds beside letters and digits is nothing.
FOLDED = r"nullif(ltrim(upper(regexp_replace(e.bank_reference, '[^[:alnum:]]', '', 'g')), '0'), '')"


def upgrade() -> None:
    op.drop_constraint(op.f(REASON), "held_evidence")
    op.create_check_constraint(op.f(REASON), "held_evidence", "reason IN ('ambiguous', 'no_original', 'amount_diff')")
    op.add_column("transaction_evidence", sa.Column("bank_number", sa.Text(), nullable=True))
    op.execute(
        f"UPDATE transaction_evidence link SET bank_number = {FOLDED}"
        " FROM evidence e WHERE e.id = link.evidence_id AND e.bank_reference IS NOT NULL"
    )
    numbered = sa.text("bank_number IS NOT NULL")
    op.create_index(op.f(NUMBER), "transaction_evidence", ["school_id", "bank_number"], postgresql_where=numbered)


def downgrade() -> None:
    op.drop_index(op.f(NUMBER), table_name="transaction_evidence")
    op.drop_column("transaction_evidence", "bank_number")
    op.drop_constraint(op.f(REASON), "held_evidence")
    op.create_check_constraint(op.f(REASON), "held_evidence", "reason IN ('ambiguous', 'no_original')")
