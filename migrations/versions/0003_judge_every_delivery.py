"""Let one statement judge a delivery: reasons, keys that quarantine cannot block, and a look at concurrent rows.

``held_content`` is volatile on purpose: it takes a snapshot of its own and therefore sees the row of another
session that ON CONFLICT has just waited for, which the snapshot of the calling statement cannot show.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

KEY = ["connection_id", "dedup_key", "direction", "status"]
KEPT = "connection_id IS NOT NULL AND NOT conflicting"

HELD_CONTENT = """
CREATE FUNCTION held_content(
    asked_connection BIGINT, asked_key TEXT, asked_direction TEXT, asked_status TEXT, asked_foreign BOOLEAN
) RETURNS BYTEA LANGUAGE sql VOLATILE AS $$
    SELECT content_sha256 FROM evidence
    WHERE NOT asked_foreign AND connection_id = asked_connection AND dedup_key = asked_key
      AND direction = asked_direction AND status = asked_status AND NOT conflicting AND school_id IS NOT NULL
    UNION ALL
    SELECT content_sha256 FROM evidence
    WHERE asked_foreign AND connection_id = asked_connection AND dedup_key = asked_key
      AND direction = asked_direction AND status = asked_status AND NOT conflicting AND school_id IS NULL
$$
"""


def upgrade() -> None:
    op.add_column("raw_callback", sa.Column("reason", sa.Text(), nullable=False, server_default="ok"))
    op.alter_column("raw_callback", "reason", server_default=None)
    op.add_column("evidence", sa.Column("virtual_account", sa.Text(), nullable=True))
    op.drop_index("uq__evidence__key", "evidence")
    op.create_index(
        "uq__evidence__key", "evidence", KEY, unique=True, postgresql_where=f"{KEPT} AND school_id IS NOT NULL"
    )
    op.create_index(
        "uq__evidence__foreign", "evidence", KEY, unique=True, postgresql_where=f"{KEPT} AND school_id IS NULL"
    )
    op.drop_index("ix__evidence__school_id_account_id_value_date", "evidence")
    op.create_index(
        "ix__evidence__school_id_account_id_value_date_amount_vnd",
        "evidence",
        ["school_id", "account_id", "value_date", "amount_vnd"],
    )
    op.execute(HELD_CONTENT)


def downgrade() -> None:
    op.execute("DROP FUNCTION held_content(BIGINT, TEXT, TEXT, TEXT, BOOLEAN)")
    op.drop_index("ix__evidence__school_id_account_id_value_date_amount_vnd", "evidence")
    op.create_index(
        "ix__evidence__school_id_account_id_value_date", "evidence", ["school_id", "account_id", "value_date"]
    )
    op.drop_index("uq__evidence__foreign", "evidence")
    op.drop_index("uq__evidence__key", "evidence")
    op.create_index("uq__evidence__key", "evidence", KEY, unique=True, postgresql_where=KEPT)
    op.drop_column("evidence", "virtual_account")
    op.drop_column("raw_callback", "reason")
