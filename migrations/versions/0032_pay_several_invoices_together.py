"""Keep bundles, families, and which transfers name which bundle; one reference means one thing in a school.

A reference is an invoice's or a bundle's. Both kinds of writer look at the other table and draw again; what two
transactions could still write at the same moment is refused by triggers behind a lock of the school: shared for
invoices, whose rounds may be issued side by side, exclusive for the short transaction that makes a bundle.
"""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

LOCK = "hashtextextended('reference:' || {school_id}, 0)"

ONE_REFERENCE_OF_INVOICES = f"""
CREATE FUNCTION one_reference_of_invoices() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared({LOCK.format(school_id="school_id")})
    FROM (SELECT DISTINCT school_id FROM added ORDER BY school_id) AS schools;
    IF EXISTS (SELECT FROM bundle JOIN added USING (school_id, reference)) THEN
        RAISE EXCEPTION 'reference is a bundle already' USING ERRCODE = 'unique_violation';
    END IF;
    RETURN NULL;
END $$
"""
ONE_REFERENCE_OF_BUNDLES = f"""
CREATE FUNCTION one_reference_of_bundles() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock({LOCK.format(school_id="NEW.school_id")});
    IF EXISTS (SELECT FROM invoice WHERE school_id = NEW.school_id AND reference = NEW.reference) THEN
        RAISE EXCEPTION 'reference is an invoice already' USING ERRCODE = 'unique_violation';
    END IF;
    RETURN NULL;
END $$
"""


def upgrade() -> None:
    _families()
    _bundles()
    op.execute(ONE_REFERENCE_OF_INVOICES)
    op.execute(ONE_REFERENCE_OF_BUNDLES)
    op.execute(
        "CREATE TRIGGER one_reference AFTER INSERT ON invoice REFERENCING NEW TABLE AS added"
        " FOR EACH STATEMENT EXECUTE FUNCTION one_reference_of_invoices()"
    )
    op.execute(
        "CREATE TRIGGER one_reference AFTER INSERT ON bundle FOR EACH ROW EXECUTE FUNCTION one_reference_of_bundles()"
    )
    for table in ("bundle", "bundle_line"):
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
        op.execute(
            f"CREATE TRIGGER no_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def _families() -> None:
    op.create_table(
        "family",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("key_version", sa.Integer(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk__family")),
        sa.UniqueConstraint("token_hash", name=op.f("uq__family__token_hash")),
    )
    op.create_table(
        "family_member",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("family_id", sa.BigInteger(), nullable=False),
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("pupil_id", sa.BigInteger(), nullable=False),
        sa.Column("link_epoch", sa.Integer(), nullable=False),
        sa.Column("colour", sa.SmallInteger(), nullable=False),
        sa.Column("joined_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("colour BETWEEN 1 AND 12", name=op.f("ck__family_member__colour_known")),
        sa.ForeignKeyConstraint(["family_id"], ["family.id"], name=op.f("fk__family_member__family_id__family")),
        sa.ForeignKeyConstraint(
            ["school_id", "pupil_id"],
            ["pupil.school_id", "pupil.id"],
            name=op.f("fk__family_member__school_id_pupil_id__pupil"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk__family_member")),
        sa.UniqueConstraint(
            "family_id", "school_id", "pupil_id", name=op.f("uq__family_member__family_id_school_id_pupil_id")
        ),
        sa.UniqueConstraint("family_id", "colour", name=op.f("uq__family_member__family_id_colour")),
    )
    op.create_index("ix__family_member__school_id_pupil_id", "family_member", ["school_id", "pupil_id"])


def _bundles() -> None:
    op.create_table(
        "bundle",
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("receiving_account_id", sa.BigInteger(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("pupil_id", sa.BigInteger(), nullable=True),
        sa.Column("family_id", sa.BigInteger(), nullable=True),
        sa.Column("content_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(pupil_id IS NULL) <> (family_id IS NULL)", name=op.f("ck__bundle__one_payer")),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk__bundle__school_id__school")),
        sa.ForeignKeyConstraint(
            ["school_id", "receiving_account_id"],
            ["receiving_account.school_id", "receiving_account.id"],
            name=op.f("fk__bundle__school_id_receiving_account_id__receiving_account"),
        ),
        sa.ForeignKeyConstraint(
            ["school_id", "pupil_id"],
            ["pupil.school_id", "pupil.id"],
            name=op.f("fk__bundle__school_id_pupil_id__pupil"),
        ),
        sa.ForeignKeyConstraint(["family_id"], ["family.id"], name=op.f("fk__bundle__family_id__family")),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk__bundle")),
        sa.UniqueConstraint("school_id", "reference", name=op.f("uq__bundle__school_id_reference")),
    )
    op.create_index(
        "uq__bundle__content",
        "bundle",
        ["school_id", "pupil_id", "family_id", "receiving_account_id", "content_sha256"],
        unique=True,
        postgresql_nulls_not_distinct=True,
    )
    op.create_table(
        "bundle_line",
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("bundle_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("invoice_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["school_id", "bundle_id"],
            ["bundle.school_id", "bundle.id"],
            name=op.f("fk__bundle_line__school_id_bundle_id__bundle"),
        ),
        sa.ForeignKeyConstraint(
            ["school_id", "invoice_id"],
            ["invoice.school_id", "invoice.id"],
            name=op.f("fk__bundle_line__school_id_invoice_id__invoice"),
        ),
        sa.PrimaryKeyConstraint("school_id", "bundle_id", "position", name=op.f("pk__bundle_line")),
        sa.UniqueConstraint(
            "school_id", "bundle_id", "invoice_id", name=op.f("uq__bundle_line__school_id_bundle_id_invoice_id")
        ),
    )
    op.create_index("ix__bundle_line__school_id_invoice_id", "bundle_line", ["school_id", "invoice_id"])
    op.create_table(
        "bundle_transfer",
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("bundle_id", sa.BigInteger(), nullable=False),
        sa.Column("transaction_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["school_id", "bundle_id"],
            ["bundle.school_id", "bundle.id"],
            name=op.f("fk__bundle_transfer__school_id_bundle_id__bundle"),
        ),
        sa.ForeignKeyConstraint(
            ["school_id", "transaction_id"],
            ["bank_transaction.school_id", "bank_transaction.id"],
            name=op.f("fk__bundle_transfer__school_id_transaction_id__bank_transaction"),
        ),
        sa.PrimaryKeyConstraint("school_id", "bundle_id", "transaction_id", name=op.f("pk__bundle_transfer")),
    )
    op.create_index("ix__bundle_transfer__school_id_transaction_id", "bundle_transfer", ["school_id", "transaction_id"])


def downgrade() -> None:
    op.execute("DROP TRIGGER one_reference ON invoice")
    for table in ("bundle_transfer", "bundle_line", "bundle"):
        op.drop_table(table)
    op.execute("DROP FUNCTION one_reference_of_bundles()")
    op.execute("DROP FUNCTION one_reference_of_invoices()")
    op.drop_table("family_member")
    op.drop_table("family")
