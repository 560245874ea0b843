"""Plug-ins as they are in life: packages installed by pip, found by their entry points, used in other processes."""

import json
import sys
from pathlib import Path

import pytest

from tests.bank_adapters import plug_ins
from tests.bank_adapters.plug_ins import hocphi, install, replaced, run, source

FINE = "fine_bank"
BROKEN = {
    "torn_bank": (None, "No module named"),
    "needy_bank": ({"from typing": "import nobody_has_this\nfrom typing"}, "nobody_has_this"),
    "old_bank": ({"INTERFACE: Final = 1": "INTERFACE: Final = 0"}, "has INTERFACE 0, this release needs 1"),
    "half_bank": ({"def acknowledge": "def _acknowledge", "BATCH": "_BATCH"}, "lacks BATCH, acknowledge"),
    "short_bank": ({"parse(request: Request, secrets: Secrets)": "parse(request: Request)"}, "not take 2 arguments"),
    "slow_bank": ({"def authenticate": "async def authenticate"}, "asynchronous authenticate"),
    "falling_bank": ({'_HEADER: Final = "': '_FALL: Final = 1 / 0\n_HEADER: Final = "'}, "ZeroDivisionError"),
    "leaving_bank": ({'_HEADER: Final = "': 'raise SystemExit(3)\n_HEADER: Final = "'}, "SystemExit(3)"),
    "mute_bank": ({'ROUTES: Final = {"": "notify"}': 'ROUTES: Final = {"": "token"}'}, "lacks token"),
    "odd_bank": ({"SECRET_CHOICES: Final = ((": 'SECRET_CHOICES: Final = (("other",), ('}, "SECRET_CHOICES"),
    "false_bank": ({'NAME: Final = "false_bank"': 'NAME: Final = "sepay"'}, "calls itself 'sepay'"),
}  # fmt: skip
"""Name -> what is changed in a module that works, and what is told of it."""


def package(folder: Path, name: str, entry_points: dict[str, str], modules: dict[str, str]) -> Path:
    """A distribution with these modules."""
    place = folder / name
    place.mkdir()
    lines = "\n".join(f'{key} = "{value}"' for key, value in entry_points.items())
    (place / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
        f'[project]\nname = "{name}"\nversion = "1"\n[project.entry-points."hocphi.bank_adapters"]\n{lines}\n'
        f"[tool.setuptools]\npy-modules = {sorted(modules)}\n",
        encoding="utf-8",
    )
    for module, text in modules.items():
        (place / f"{module}.py").write_text(text, encoding="utf-8")
    return place


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which pip has installed one good plug-in and a distribution with all the broken ones."""
    folder = tmp_path_factory.mktemp("plug-ins")
    run([sys.executable, "-m", "operations", "adapters", "new", FINE, "--folder", str(folder)], plug_ins.ROOT)
    modules = {
        f"{name}_module": replaced(source(name=name), changes) for name, (changes, _) in BROKEN.items() if changes
    }
    points = {name: f"{name}_module" for name in BROKEN}
    broken = package(folder, "hocphi-broken", points, modules)
    target = folder / "site"
    target.mkdir()
    install(target, folder / "hocphi-fine-bank", broken)
    return target


@pytest.fixture(scope="module")
def rival_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a package that claims the name of an adapter of ours."""
    folder = tmp_path_factory.mktemp("rival")
    rival = package(folder, "hocphi-rival", {"sepay": "rival_module"}, {"rival_module": source(name="sepay")})
    target = folder / "site"
    target.mkdir()
    install(target, rival)
    return target


def allowed(*names: str) -> str:
    return ",".join(("sepay", FINE, *names))


def test_what_is_generated_is_installed_found_and_passes_the_kit_at_once(site: Path, tmp_path: Path) -> None:
    told = hocphi("adapters", "check", FINE, cwd=tmp_path, site=site, HOCPHI_ADAPTERS=FINE)
    assert "7 passed, 0 failed, 0 not judged\n14 checks passed, 0 failed, 0 with nothing to try" in told


def test_the_tests_that_are_generated_pass_as_they_were_written(site: Path) -> None:
    tests = site.parent / "hocphi-fine-bank"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"]
    assert "14 passed" in run(command, tests, PYTHONPATH=str(site))


def test_a_plug_in_that_is_not_allowed_is_not_loaded(site: Path, tmp_path: Path) -> None:
    rows = json.loads(hocphi("adapters", "list", "--json", cwd=tmp_path, site=site))
    assert not {row["name"] for row in rows} & {FINE, *BROKEN}
    told = hocphi("adapters", "check", FINE, cwd=tmp_path, site=site, status=2)
    assert "add it to HOCPHI_ADAPTERS" in told


def test_every_broken_plug_in_is_named_with_its_fault_and_harms_no_other(site: Path, tmp_path: Path) -> None:
    names = allowed(*BROKEN)
    rows = {
        row["name"]: row
        for row in json.loads(hocphi("adapters", "list", "--json", cwd=tmp_path, site=site, HOCPHI_ADAPTERS=names))
    }
    assert rows["sepay"]["error"] is None
    assert rows[FINE] == {"name": FINE, "adapter": FINE, "secret_fields": ["secret"], "error": None}
    for name, (_, words) in BROKEN.items():
        assert words in rows[name]["error"], name
        assert rows[name]["adapter"] is None
    lines = hocphi("adapters", "list", cwd=tmp_path, site=site, HOCPHI_ADAPTERS=names).splitlines()
    assert sum("không dùng được (unusable)" in line for line in lines) == len(BROKEN)


def test_the_kit_says_of_a_broken_plug_in_what_is_broken(site: Path, tmp_path: Path) -> None:
    told = hocphi(
        "adapters",
        "check",
        "old_bank",
        "--json",
        cwd=tmp_path,
        site=site,
        status=1,
        HOCPHI_ADAPTERS=allowed("old_bank"),
    )
    summary = json.loads(told)
    assert (summary["results"], summary["passed"], summary["failed"]) == ([], 0, 0)
    (check,) = summary["checks"]
    assert (check["adapter"], check["check"], check["passed"]) == ("old_bank", "interface", False)
    assert "INTERFACE 0" in check["detail"]


@pytest.mark.parametrize("command", [("adapters", "list"), ("adapters", "check", "payos")])
def test_nothing_starts_while_two_packages_claim_a_name(
    command: tuple[str, ...], rival_site: Path, tmp_path: Path
) -> None:
    told = hocphi(*command, cwd=tmp_path, site=rival_site, status=2)
    assert (
        "Two packages claim the adapter name 'sepay': bank_adapters.sepay (hocphi) and rival_module (hocphi-rival)"
        in told
    )


def test_the_server_does_not_start_while_two_packages_claim_a_name(rival_site: Path, tmp_path: Path) -> None:
    from payments.settings import generated_environment  # noqa: PLC0415 - of this test alone

    environment = {**generated_environment(), "DATABASE_URL": "postgresql://nobody@/nowhere"}
    command = [sys.executable, "-c", "import wsgi"]
    path = f"{rival_site}:{plug_ins.ROOT}"
    told = run(command, tmp_path, status=1, PYTHONPATH=path, **environment)
    assert "DuplicateAdapterError: Two packages claim the adapter name 'sepay'" in told


def test_the_server_starts_with_a_broken_plug_in_and_says_which(site: Path, tmp_path: Path) -> None:
    from payments.settings import generated_environment  # noqa: PLC0415 - of this test alone

    environment = {**generated_environment(), "DATABASE_URL": "postgresql://nobody@/nowhere"}
    path = f"{site}:{plug_ins.ROOT}"
    command = [sys.executable, "-c", "import wsgi; print(wsgi.app)"]
    told = run(
        command, tmp_path, PYTHONPATH=path, HOCPHI_ADAPTERS=allowed("falling_bank", "leaving_bank"), **environment
    )
    assert "'falling_bank' cannot be loaded: ZeroDivisionError" in told
    assert "'leaving_bank' cannot be loaded: SystemExit(3)" in told
