"""The built wheel is as good as the checkout: installed into an empty environment, it carries the whole demo."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

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
        # The pip of here fills the environment there; what is run compiles itself, a tenth of what is installed.
        pip = (sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-compile")
        run(*pip, f"{wheel}[demo]", "-c", ROOT / "constraints.txt", cwd=folder)
        yield python.parent


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


def test_the_installed_commands_work_far_from_the_checkout(installed, tmp_path):
    for command, (arguments, holds) in RUNS.items():
        said = run(installed / "hocphi", command, *arguments, cwd=tmp_path)
        assert holds(said), f"hocphi {command}: {said}"
