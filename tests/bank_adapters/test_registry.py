"""Which adapters there are and which may be loaded."""

import configparser
import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from bank_adapters import declarative, registry, sepay, vietqr_vn
from bank_adapters.contract import (
    BrokenAdapterError,
    DuplicateAdapterError,
    UnknownAdapterError,
)
from tests.bank_adapters.declarative.makers import BANK

SETUP = Path(__file__).parents[2] / "setup.cfg"


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    yield
    registry.allow_only(None)
    registry.unregister("test_bank")


@pytest.fixture
def plug_in(monkeypatch: pytest.MonkeyPatch) -> str:
    """An installed plug-in `our_bank` whose module can be loaded, and `torn_bank` whose module cannot."""
    module = ModuleType("our_bank_module")
    module.__dict__.update({name: getattr(sepay, name) for name in vars(sepay) if not name.startswith("__")})
    module.__dict__["NAME"] = "our_bank"
    monkeypatch.setitem(sys.modules, "our_bank_module", module)
    points = [
        EntryPoint("our_bank", "our_bank_module", registry.GROUP),
        EntryPoint("torn_bank", "no_such_module", registry.GROUP),
    ]
    found = registry.collect(points)
    monkeypatch.setattr(registry, "_found", lambda: found)
    return "our_bank"


def test_setup_cfg_and_the_checkout_name_the_same_adapters() -> None:
    setup = configparser.ConfigParser()
    setup.read(SETUP, encoding="utf-8")
    lines = setup["options.entry_points"][registry.GROUP].strip().splitlines()
    assert dict(line.split(" = ") for line in lines) == dict(registry.MODULES)


def test_without_package_metadata_the_built_in_adapters_are_there() -> None:
    assert registry.collect([]) == dict(registry.BUILT_IN)


def test_mb_is_another_name_of_vietqr_vn() -> None:
    assert registry.get_adapter("mb") is registry.get_adapter("vietqr_vn")
    assert registry.get_adapter("mb").NAME == vietqr_vn.NAME


def test_a_plug_in_that_is_installed_and_not_allowed_says_how_to_allow_it(plug_in: str) -> None:
    with pytest.raises(UnknownAdapterError, match="HOCPHI_ADAPTERS"):
        registry.get_adapter(plug_in)


def test_an_unknown_name_is_answered_with_the_nearest_one() -> None:
    with pytest.raises(UnknownAdapterError, match="'sepay'"):
        registry.get_adapter("seepay")


def test_a_name_claimed_twice_stops_everything() -> None:
    rival = EntryPoint("sepay", "rival.sepay", registry.GROUP)
    with pytest.raises(DuplicateAdapterError, match="rival"):
        registry.collect([rival])
    twins = [EntryPoint("new", value, registry.GROUP) for value in ("one", "two")]
    with pytest.raises(DuplicateAdapterError):
        registry.collect(twins)
    same = EntryPoint("sepay", "bank_adapters.sepay", registry.GROUP)
    assert registry.collect([same, same]) == dict(registry.BUILT_IN)


def test_nothing_starts_while_a_name_is_claimed_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    rival = EntryPoint("sepay", "rival_package", registry.GROUP)
    monkeypatch.setattr(registry, "_found", lambda: registry.collect([rival]))
    with pytest.raises(DuplicateAdapterError):
        registry.allow_only(None)


def test_a_plug_in_is_loaded_only_when_it_is_allowed(plug_in: str) -> None:
    assert plug_in not in registry.adapter_names()
    with pytest.raises(UnknownAdapterError):
        registry.get_adapter(plug_in)
    registry.allow_only(["sepay", plug_in])
    assert registry.adapter_names() == [plug_in, "sepay"]
    assert plug_in == registry.get_adapter(plug_in).NAME
    with pytest.raises(UnknownAdapterError):
        registry.get_adapter("payos")


def test_the_allow_list_may_only_name_what_is_installed() -> None:
    with pytest.raises(UnknownAdapterError, match="'payos'"):
        registry.allow_only(["payoss"])


def test_a_broken_plug_in_is_reported_and_harms_no_other(plug_in: str) -> None:
    registry.allow_only(["sepay", "torn_bank"])
    states = {state.name: state for state in registry.adapter_states()}
    assert states["sepay"].error is None
    assert states["torn_bank"].adapter is None
    assert "no_such_module" in (states["torn_bank"].error or "")
    with pytest.raises(BrokenAdapterError):
        registry.get_adapter("torn_bank")


def test_a_plug_in_for_another_contract_is_refused() -> None:
    registry.register("test_bank", SimpleNamespace(INTERFACE=2))
    with pytest.raises(BrokenAdapterError, match="INTERFACE 2"):
        registry.get_adapter("test_bank")


def test_a_plug_in_that_lacks_a_name_is_refused_by_that_name() -> None:
    registry.register("test_bank", SimpleNamespace(INTERFACE=1, NAME="test_bank", parse="not a function"))
    with pytest.raises(BrokenAdapterError, match="BATCH, authenticate, parse, acknowledge"):
        registry.get_adapter("test_bank")


def test_a_test_may_register_an_adapter_under_a_free_name() -> None:
    registry.register("test_bank", sepay)
    assert registry.get_adapter("test_bank") is sepay
    for taken in ("sepay", "test_bank"):
        with pytest.raises(DuplicateAdapterError):
            registry.register(taken, sepay)
    registry.unregister("test_bank")
    with pytest.raises(UnknownAdapterError):
        registry.get_adapter("test_bank")


def test_data_files_of_this_package_are_found_by_themselves() -> None:
    assert "tingee" in declarative.shipped()
    for name in declarative.shipped():
        assert name not in registry.MODULES
        assert name == registry.get_adapter(name).NAME


def test_an_operator_adds_a_sender_by_a_file_in_a_folder(tmp_path: Path) -> None:
    (tmp_path / "lotus.toml").write_text(BANK, encoding="utf-8")
    registry.allow_only(None, tmp_path)
    assert "lotus" in registry.adapter_names()
    assert registry.get_adapter("lotus").NAME == "lotus"
    registry.allow_only(["lotus"], tmp_path)
    assert registry.adapter_names() == ["lotus"]
    registry.allow_only(None)
    with pytest.raises(UnknownAdapterError):
        registry.get_adapter("lotus")


def test_a_list_that_does_not_name_the_operator_s_file_keeps_it_out(tmp_path: Path) -> None:
    (tmp_path / "lotus.toml").write_text(BANK, encoding="utf-8")
    registry.allow_only(["sepay"], tmp_path)
    with pytest.raises(UnknownAdapterError):
        registry.get_adapter("lotus")


@pytest.mark.parametrize("name", ["tingee", "sepay", "mb"])
def test_a_file_that_claims_a_taken_name_stops_everything(tmp_path: Path, name: str) -> None:
    (tmp_path / f"{name}.toml").write_text(BANK, encoding="utf-8")
    with pytest.raises(DuplicateAdapterError, match=name):
        registry.allow_only(None, tmp_path)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (BANK.replace("[signature]", "[seal]"), "lotus.toml"),
        (BANK.replace('name = "lotus"', 'name = "rose"'), "calls itself 'rose'"),
        ("\0", "not TOML"),
    ],
)
def test_a_broken_file_is_reported_and_harms_no_other(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "lotus.toml").write_text(text, encoding="utf-8")
    registry.allow_only(None, tmp_path)
    states = {state.name: state for state in registry.adapter_states()}
    assert states["lotus"].adapter is None
    assert sentence in (states["lotus"].error or "")
    assert states["tingee"].error is None
    with pytest.raises(BrokenAdapterError):
        registry.get_adapter("lotus")


def test_an_installed_package_brings_a_data_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "lotus_for_hocphi"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "lotus.toml").write_text(BANK, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    found = registry.collect([EntryPoint("lotus", "lotus_for_hocphi:lotus.toml", registry.GROUP)])
    monkeypatch.setattr(registry, "_found", lambda: found)
    with pytest.raises(UnknownAdapterError, match="HOCPHI_ADAPTERS"):
        registry.get_adapter("lotus")
    registry.allow_only(["lotus"])
    assert registry.get_adapter("lotus").NAME == "lotus"
