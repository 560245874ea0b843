"""A role for the bank's engineer, the connections each may look at, and a cheap way to evidence by time.

The index is of blocks, not of rows: the banks' door pays nothing for it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

ROLE = "ck__user_grant__role"
STAFF = "'accountant', 'principal', 'officer', 'operator'"


def upgrade() -> None:
    op.drop_constraint(op.f(ROLE), "user_grant")
    op.create_check_constraint(op.f(ROLE), "user_grant", f"role IN ({STAFF}, 'engineer')")
    op.create_table(
        "connection_reader",
        sa.Column("connection_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["connection.id"], name=op.f("fk__connection_reader__connection_id__connection")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["app_user.id"], name=op.f("fk__connection_reader__user_id__app_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk__connection_reader")),
        sa.UniqueConstraint("user_id", "connection_id", name=op.f("uq__connection_reader__user_id_connection_id")),
    )
    op.create_index(
        op.f("ix__evidence__received_at"), "evidence", ["received_at"], unique=False, postgresql_using="brin"
    )


def downgrade() -> None:
    op.drop_index(op.f("ix__evidence__received_at"), table_name="evidence", postgresql_using="brin")
    op.drop_table("connection_reader")
    # The role is unknown to the previous version; whoever held only it can log in no further than the front page.
    op.execute("DELETE FROM user_grant WHERE role = 'engineer'")
    op.drop_constraint(op.f(ROLE), "user_grant")
    op.create_check_constraint(op.f(ROLE), "user_grant", f"role IN ({STAFF})")
