"""Print jobs of a school: asked for at the desk, made by a worker, the file sealed and kept for a day."""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "print_job",
        sa.Column("round_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("slips", "sheets", name="kind", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("requested_by", sa.BigInteger(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "waiting",
                "printing",
                "ready",
                "failed",
                name="printstate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("slips_total", sa.Integer(), nullable=False),
        sa.Column("slips_done", sa.Integer(), nullable=False),
        sa.Column("pages", sa.Integer(), nullable=False),
        sa.Column("file_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("slips_done BETWEEN 0 AND slips_total", name=op.f("ck__print_job__done_within")),
        sa.CheckConstraint("state <> 'ready' OR pages > 0", name=op.f("ck__print_job__ready_has_pages")),
        sa.ForeignKeyConstraint(["requested_by"], ["app_user.id"], name=op.f("fk__print_job__requested_by__app_user")),
        sa.ForeignKeyConstraint(
            ["school_id", "round_id"],
            ["collection_round.school_id", "collection_round.id"],
            name=op.f("fk__print_job__school_id_round_id__collection_round"),
        ),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk__print_job__school_id__school")),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk__print_job")),
    )
    op.create_index(op.f("ix__print_job__school_id_requested_at"), "print_job", ["school_id", "requested_at"])
    op.create_index("ix__print_job__kept", "print_job", ["requested_at"])


def downgrade() -> None:
    op.drop_table("print_job")
