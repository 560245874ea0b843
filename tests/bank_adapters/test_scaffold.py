"""`hocphi adapters new` writes a package that is whole, and writes over nothing."""

import ast
import json
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from bank_adapters import scaffold
from bank_adapters.cli import adapters_group
from bank_adapters.conformance import check_vector
from bank_adapters.contract import INTERFACE
from tests.bank_adapters import plug_ins

MOST_LINES = 100


def new(folder: Path, name: str, *options: str):
    return CliRunner(env={"HOCPHI_ADAPTERS": None}).invoke(
        adapters_group, ["new", name, "--folder", str(folder), *options]
    )


@pytest.mark.parametrize("signature", scaffold.SIGNATURES)
def test_the_package_has_its_entry_point_module_samples_tests_and_words(signature: str, tmp_path: Path) -> None:
    result = new(tmp_path, "my_bank", "--signature", signature)
    assert result.exit_code == 0, result.output
    place = tmp_path / "hocphi-my-bank"
    project = tomllib.loads((place / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["entry-points"]["hocphi.bank_adapters"] == {"my_bank": "hocphi_my_bank.adapter"}
    module = (place / "hocphi_my_bank" / "adapter.py").read_text(encoding="utf-8")
    assert len(module.splitlines()) <= MOST_LINES
    assert "TODO" not in module
    assert f"INTERFACE: Final = {INTERFACE}" in module
    samples = [json.loads(path.read_text(encoding="utf-8")) for path in place.glob("hocphi_my_bank/samples/*.json")]
    assert {sample["expect"]["valid"] for sample in samples} == {True, False}
    assert (place / "tests" / "test_my_bank.py").is_file()
    readme = (place / "README.md").read_text(encoding="utf-8")
    assert readme.index("Bộ kết nối") < readme.index("Adapter «my_bank»")


def test_no_index_is_asked_for_hocphi(tmp_path: Path) -> None:
    """Nobody of ours owns that name there: a dependency would install a stranger's package."""
    new(tmp_path, "mybank")
    project = tomllib.loads((tmp_path / "hocphi-mybank" / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["dependencies"] == []
    assert project["build-system"]["requires"] == ["setuptools>=61"]


@pytest.mark.parametrize("signature", scaffold.SIGNATURES)
def test_the_samples_are_signed_for_real_and_judged_by_the_module(signature: str, tmp_path: Path) -> None:
    adapter = plug_ins.module(tmp_path, plug_ins.source(signature))
    for vector in plug_ins.samples(signature):
        result = check_vector(vector, adapter)
        assert result.passed is True, result


@pytest.mark.parametrize(
    "name", ["", "a", "9bank", "My_bank", "my-bank", "../bank", "ngân_hàng", "class", "a" * 41, "x y"]
)
def test_a_name_that_is_no_name_is_refused(name: str, tmp_path: Path) -> None:
    result = new(tmp_path, name)
    assert result.exit_code == 2
    assert "no name for an adapter" in result.output
    assert list(tmp_path.iterdir()) == []


def test_the_name_of_another_adapter_is_refused(tmp_path: Path) -> None:
    result = new(tmp_path, "sepay")
    assert result.exit_code == 2
    assert "already" in result.output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["folder", "file", "link"])
def test_nothing_that_is_there_is_written_over(kind: str, tmp_path: Path) -> None:
    place, elsewhere = tmp_path / "hocphi-mybank", tmp_path / "elsewhere"
    elsewhere.mkdir()
    if kind == "folder":
        place.mkdir()
    elif kind == "file":
        place.write_text("mine", encoding="utf-8")
    else:
        place.symlink_to(elsewhere)
    result = new(tmp_path, "mybank")
    assert result.exit_code == 2
    assert "nothing was written" in result.output
    assert list(elsewhere.iterdir()) == []
    assert kind != "folder" or list(place.iterdir()) == []
    assert kind != "file" or place.read_text(encoding="utf-8") == "mine"


def test_a_name_may_be_allowed_before_it_exists(tmp_path: Path) -> None:
    runner = CliRunner(env={"HOCPHI_ADAPTERS": "sepay,mybank"})
    assert runner.invoke(adapters_group, ["new", "mybank", "--folder", str(tmp_path)]).exit_code == 0
    assert runner.invoke(adapters_group, ["list"]).exit_code == 2


@pytest.mark.parametrize("signature", scaffold.SIGNATURES)
def test_the_module_imports_what_it_uses_and_nothing_else(signature: str) -> None:
    tree = ast.parse(plug_ins.source(signature))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names}
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert imported <= used
