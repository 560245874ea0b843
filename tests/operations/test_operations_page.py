"""The operator's page names every setting and every process, and its first school can really be set up."""

import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from operations import cli
from payments.settings import KNOWN, PLAIN, generated_environment
from tests import house

PAGE = house.text_of("docs/operations.md")


def test_every_setting_has_its_line():
    assert [name for name in sorted({*KNOWN, *PLAIN}) if f"`{name}`" not in PAGE] == []


def test_every_process_is_named():
    named = {"serve", "worker", "beat", "migrate", "keys"}
    assert named <= set(cli.COMMANDS)
    assert [name for name in sorted(named) if f"hocphi {name}" not in PAGE] == []


@pytest.mark.db
def test_the_first_school_is_set_up_by_the_commands_of_the_page(database_url: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret.json"
    secret.write_text('{"secret": "whsec_0123456789abcdef"}')
    block = PAGE.split("## The first school")[1].split("```sh\n")[1].split("```")[0]
    commands = block.replace("\\\n", "").replace("secret.json", str(secret)).strip().splitlines()
    assert len(commands) == 10
    environment = {"DATABASE_URL": database_url, **generated_environment()}
    for command in commands:
        name, *arguments = shlex.split(command, comments=True)
        assert name == "hocphi"
        password = "hoa-phuong-do-2025\n" * 2 if arguments[0] == "user" else None
        done = CliRunner().invoke(cli.hocphi, arguments, env=environment, input=password)
        assert done.exit_code == 0, (command, done.output)
