"""Find a payment reference without its school: the look-up of parents asked every school in turn.

Hash indexes: equality is all that is asked. While they are built, issuing and new bundles wait; callbacks do not.
"""

from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None

TABLES = ("invoice", "bundle")


def upgrade() -> None:
    for table in TABLES:
        op.create_index(f"ix__{table}__reference", table, ["reference"], unique=False, postgresql_using="hash")


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_index(f"ix__{table}__reference", table_name=table, postgresql_using="hash")
