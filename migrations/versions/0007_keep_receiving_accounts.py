"""Let the database refuse to swap a receiving account or to shorten its cooling off: another number is another row."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        CREATE FUNCTION keep_account() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF (NEW.school_id, NEW.bin, NEW.number, NEW.holder_name)
                IS DISTINCT FROM (OLD.school_id, OLD.bin, OLD.number, OLD.holder_name)
                OR (OLD.usable_at IS NOT NULL AND (NEW.usable_at IS NULL OR NEW.usable_at < OLD.usable_at))
            THEN
                RAISE EXCEPTION 'a receiving account is never changed: close it and add another one'
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NEW;
        END $$
    """)
    op.execute(
        "CREATE TRIGGER keep_account BEFORE UPDATE ON receiving_account FOR EACH ROW EXECUTE FUNCTION keep_account()"
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER keep_account ON receiving_account")
    op.execute("DROP FUNCTION keep_account()")
