"""Every golden file is run; every adapter has some that are accepted and some that are refused."""

from pathlib import Path

import pytest

from bank_adapters import adapter_names, get_adapter
from bank_adapters.conformance import check_vector
from tests.bank_adapters.golden_files import ADAPTERS, PATHS, load


@pytest.mark.parametrize("path", PATHS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_golden_file_gives_what_it_expects(path: Path) -> None:
    vector = load(path)
    assert vector["adapter"] == path.parent.name
    assert vector["id"] == path.stem
    result = check_vector(vector)
    assert result.passed is True, result.reason


@pytest.mark.parametrize("name", ADAPTERS)
def test_every_adapter_has_golden_files_that_are_accepted_and_refused(name: str) -> None:
    verdicts = {load(path)["expect"]["valid"] for path in PATHS if path.parent.name == name}
    assert verdicts == {True, False}


def test_golden_folders_are_those_of_the_built_in_adapters() -> None:
    assert {get_adapter(name).NAME for name in adapter_names()} == set(ADAPTERS)
    assert {path.parent.name for path in PATHS} == set(ADAPTERS)
