"""Alembic migrations, shipped with the wheel so that `hocphi migrate` works without a checkout."""
