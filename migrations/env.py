"""Alembic's environment: one connection, one advisory lock, short lock waits, the whole upgrade in one transaction."""

from alembic import context
from sqlalchemy import text
from sqlalchemy.engine import Connection

import reconciliation.tables  # noqa: F401 - its tables join the metadata
from payments.db import make_engine
from payments.tables import METADATA

LOCK_KEY = 0x686F63706869  # "hocphi": two upgrades at the same time wait for each other


def run(connection: Connection) -> None:
    """Run the migrations on a connection."""
    connection.execute(text("SET lock_timeout = '10s'"))
    connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": LOCK_KEY})
    connection.commit()
    context.configure(connection=connection, target_metadata=METADATA, compare_type=True)
    with context.begin_transaction():
        context.run_migrations()
    connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": LOCK_KEY})
    connection.commit()


given = context.config.attributes.get("connection")
if given is not None:
    context.configure(connection=given, target_metadata=METADATA, compare_type=True)
    with context.begin_transaction():
        context.run_migrations()
else:
    engine = make_engine(context.config.get_main_option("sqlalchemy.url") or "")
    with engine.connect() as own:
        run(own)
    engine.dispose()
