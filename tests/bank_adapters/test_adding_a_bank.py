"""docs/adding-a-bank.md is true: its module is what is generated, and a sender invented on the spot fits into it."""

import ast
import re
from pathlib import Path

import pytest

from bank_adapters import contract
from bank_adapters.conformance import CHECKS, check_adapter
from tests.bank_adapters import invented, plug_ins

PAGE = (plug_ins.ROOT / "docs" / "adding-a-bank.md").read_text(encoding="utf-8")
MOST_LINES = 100
HELPERS = ("answers", "fields", "forms", "signatures", "tokens")


def test_the_module_of_the_page_is_the_one_that_is_generated() -> None:
    (shown,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert shown == plug_ins.source()


def test_the_page_explains_every_check_and_every_name_of_an_adapter() -> None:
    assert all(f"`{check}`" in PAGE for check in CHECKS)
    for name in ("INTERFACE", "NAME", "SECRET_FIELDS", "SECRET_CHOICES", "ROUTES", "BATCH", "UNSIGNED", "REFUSALS"):
        assert f"`{name}`" in PAGE
    assert all(f"`{name}`" in PAGE for name in contract.BankTransaction.__dataclass_fields__)


def test_the_helpers_that_the_page_names_exist() -> None:
    for module, name in re.findall(rf"`?({'|'.join(HELPERS)})\.([a-z_0-9]+)", PAGE):
        found = __import__(f"bank_adapters.{module}", fromlist=[name])
        assert hasattr(found, name), f"{module}.{name}"


def test_an_adapter_for_an_invented_sender_is_one_module_of_at_most_100_lines() -> None:
    text = invented.MODULE.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= MOST_LINES
    used = {node.module for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom)}
    assert used == {"collections.abc", "typing", "bank_adapters", "bank_adapters.answers", "bank_adapters.contract"}


def test_the_invented_sender_passes_every_check(tmp_path: Path) -> None:
    adapter = plug_ins.module(tmp_path, invented.MODULE.read_text(encoding="utf-8"))
    checks = check_adapter(adapter, invented.vectors())
    assert [check for check in checks if check.passed is not True] == []


@pytest.mark.parametrize(
    ("old", "new", "check"),
    [
        ("return signatures.fresh", "return signatures.VALID or signatures.fresh", "clock"),
        ('if any("|" in value for value in form.values()) or ', "if ", "vectors"),
        ('dedup_key=f"{branch}:{slip}"', 'dedup_key=f"{branch}:{slip}:{id(form)}"', "replay"),
        ('(503, "AGAIN")', '(200, "OK")', "answers"),
    ],
)
def test_a_slip_of_the_stranger_s_pen_is_caught(old: str, new: str, check: str, tmp_path: Path) -> None:
    text = plug_ins.replaced(invented.MODULE.read_text(encoding="utf-8"), {old: new})
    adapter = plug_ins.module(tmp_path, text)
    failed = {found.check for found in check_adapter(adapter, invented.vectors()) if found.passed is False}
    assert check in failed
