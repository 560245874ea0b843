"""Plug-ins for tests: the generated adapter with one thing changed, as a module or as an installed package."""

import importlib.util
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from bank_adapters import scaffold
from bank_adapters.conformance import Subject

ROOT = Path(__file__).parents[2]


def source(signature: str = "hmac-sha256", name: str = "mybank") -> str:
    return scaffold.files_of(name, scaffold.SIGNATURES[signature])[f"hocphi_{name}/adapter.py"]


def replaced(text: str, changes: Mapping[str, str]) -> str:
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, new)
    return text


def module(folder: Path, text: str) -> ModuleType:
    """The source as a module that `inspect` can read, and that nobody else sees."""
    path = folder / "faulty_adapter.py"
    path.write_text(text, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("faulty_adapter", path)
    assert spec
    assert spec.loader
    made = importlib.util.module_from_spec(spec)
    sys.modules[made.__name__] = made
    spec.loader.exec_module(made)
    return made


def samples(signature: str = "hmac-sha256", name: str = "mybank") -> list[dict[str, Any]]:
    return list(scaffold.samples(name, scaffold.SIGNATURES[signature]))


def subject(folder: Path, changes: Mapping[str, str], signature: str = "hmac-sha256") -> Subject:
    return Subject(module(folder, replaced(source(signature), changes)), samples(signature))


def install(target: Path, *packages: Path) -> None:
    """Install real packages with pip, into a folder of their own."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    run([*command, "--disable-pip-version-check", "--target", str(target), *map(str, packages)], cwd=target)


def run(command: Sequence[str], cwd: Path, *, status: int = 0, **environment: str) -> str:
    """Run a command with nothing but the given settings, and show what it said when its status is another."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HOCPHI_", "PYTHON"))}
    done = subprocess.run(
        command, cwd=cwd, env={**kept, **environment}, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == status, done.stdout[-4000:] + done.stderr[-4000:]
    return done.stdout + done.stderr


def hocphi(*arguments: str, cwd: Path, site: Path, status: int = 0, **environment: str) -> str:
    """The console script in a process of its own, with the packages of `site` installed."""
    command = [str(Path(sys.executable).parent / "hocphi"), *arguments]
    return run(command, cwd, status=status, PYTHONPATH=str(site), **environment)
