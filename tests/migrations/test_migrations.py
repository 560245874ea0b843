"""The schema: one line of migrations, up and down and up again, equal to the models."""

import re
import shutil
from pathlib import Path

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect

import migrations
import reconciliation.tables  # noqa: F401 - its tables join the metadata
from operations.migrate import downgrade, upgrade
from operations.new_migration import next_revision, write
from payments.db import make_engine
from payments.tables import METADATA

FOLDER = Path(migrations.__file__).parent


@pytest.fixture
def empty_url(postgres):
    name = postgres.new_database(empty=True)
    yield postgres.url(name)
    postgres.drop_database(name)


def functions_of(url: str) -> list[tuple[str]]:
    with psycopg.connect(url) as connection:
        query = "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
        return connection.execute(query).fetchall()


def tables_of(url: str) -> set[str]:
    engine = make_engine(url)
    names = set(inspect(engine).get_table_names())
    engine.dispose()
    return names


def test_migrations_are_one_numbered_line():
    scripts = ScriptDirectory(str(FOLDER))
    assert len(scripts.get_heads()) == 1
    revisions = sorted(script.revision for script in scripts.walk_revisions())
    assert revisions == [f"{number:04d}" for number in range(1, len(revisions) + 1)]
    for path in sorted((FOLDER / "versions").glob("0*.py")):
        assert re.fullmatch(r"\d{4}_[a-z0-9_]+\.py", path.name)
        assert f'revision = "{path.name[:4]}"' in path.read_text(encoding="utf-8")


def test_the_migrated_schema_equals_the_models(engine: Engine):
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []


def test_up_down_and_up_again_and_going_down_leaves_no_function_behind(empty_url):
    upgrade(empty_url)
    everything = tables_of(empty_url)
    assert functions_of(empty_url)
    downgrade(empty_url, "base")
    assert tables_of(empty_url) == {"alembic_version"}
    assert functions_of(empty_url) == []
    upgrade(empty_url)
    assert tables_of(empty_url) == everything
    upgrade(empty_url)
    assert tables_of(empty_url) == everything


@pytest.mark.db
def test_a_new_migration_gets_the_next_number_and_finds_nothing_to_do(tmp_path):
    folder = tmp_path / "migrations"
    shutil.copytree(FOLDER, folder, ignore=shutil.ignore_patterns("__pycache__"))
    number = next_revision(folder)
    (path,) = write("add nothing", folder)
    assert Path(path).name == f"{number}_add_nothing.py"
    text = Path(path).read_text(encoding="utf-8")
    assert text.count("    pass") == 2
    assert f'down_revision = "{int(number) - 1:04d}"' in text or f"down_revision = '{int(number) - 1:04d}'" in text
