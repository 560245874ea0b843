"""Bring a database to the newest schema; configured here, so an installed wheel needs no alembic.ini."""

from pathlib import Path

from alembic import command
from alembic.config import Config

import migrations


def configuration(database_url: str) -> Config:
    """Alembic's configuration for the migrations of this installation and the given database."""
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.set_main_option("sqlalchemy.url", database_url.replace("%", "%%"))
    return config


def upgrade(database_url: str, revision: str = "head") -> None:
    """Apply every missing migration up to the revision."""
    command.upgrade(configuration(database_url), revision)


def downgrade(database_url: str, revision: str) -> None:
    """Undo migrations down to the revision (``base`` for all)."""
    command.downgrade(configuration(database_url), revision)
