"""Keep what a person said of the lines of a file that may be known ones worded otherwise."""

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("import_job", sa.Column("same_lines", sa.String(), nullable=True))
    op.create_check_constraint("ck__import_job__same_lines", "import_job", "same_lines IN ('known', 'new')")


def downgrade() -> None:
    op.drop_column("import_job", "same_lines")
