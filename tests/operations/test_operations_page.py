"""The operator's page names every setting and every process."""

from operations import cli
from payments.settings import KNOWN, PLAIN
from tests import house

PAGE = house.text_of("docs/operations.md")


def test_every_setting_has_its_line():
    assert [name for name in sorted({*KNOWN, *PLAIN}) if f"`{name}`" not in PAGE] == []


def test_every_process_is_named():
    named = {"serve", "worker", "beat", "migrate", "keys"}
    assert named <= set(cli.COMMANDS)
    assert [name for name in sorted(named) if f"hocphi {name}" not in PAGE] == []
