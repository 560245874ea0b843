"""``make migration m="add what"``: write the next numbered migration from the difference of models and schema.

A person then reads it: constraints, triggers and data are not all seen by the comparison.
"""

import sys
from pathlib import Path

from alembic import command
from alembic.script import ScriptDirectory

import migrations
from operations.migrate import configuration, upgrade
from operations.services import EmbeddedPostgres


def next_revision(folder: Path) -> str:
    """The number after the last one: the serial order is the order of migrations."""
    head = ScriptDirectory(str(folder)).get_current_head()
    return f"{int(head or 0) + 1:04d}"


def write(message: str, folder: Path | None = None) -> list[str]:
    """Write the migration and return the paths of what was written."""
    folder = folder or Path(migrations.__file__).parent
    with EmbeddedPostgres(throwaway=True) as server:
        upgrade(server.url)
        config = configuration(server.url)
        config.set_main_option("script_location", str(folder))
        config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
        revision = next_revision(folder)
        made = command.revision(config, message=message, autogenerate=True, rev_id=revision)
    scripts = made if isinstance(made, list) else [made]
    return [str(script.path) for script in scripts if script]


def main() -> None:
    """The command line: the message says in the imperative what the migration does."""
    message = " ".join(sys.argv[1:]).strip()
    if not message:
        sys.exit('say what it does: make migration m="add a column for …"')
    for path in write(message):
        sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main()
