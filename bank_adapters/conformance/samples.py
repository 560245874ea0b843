"""The vectors that an adapter's own package brings: `samples/*.json` beside its modules, one vector in each file.

A package with several adapters has a folder of that name for each: `samples/<NAME>/*.json`. So has this one.
"""

import sys
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from bank_adapters.conformance.vectors import Vector, VectorError, read_vectors
from bank_adapters.contract import Adapter


def samples_of(adapter: Adapter) -> list[Vector]:
    """The vectors of an installed adapter, in order of their files; raises VectorError."""
    package = sys.modules.get(module_of(adapter).partition(".")[0])
    if package is None or not hasattr(package, "__path__"):
        return []
    folder = resources.files(package) / "samples"
    own = folder / adapter.NAME
    return _read(own if own.is_dir() else folder)


def samples_in(folder: Path) -> list[Vector]:
    """The vectors of a folder, in order of their files; raises VectorError."""
    return _read(folder)


def module_of(adapter: Adapter) -> str:
    """The name of the module an adapter is, or of that of its class."""
    return str(getattr(adapter, "__name__", type(adapter).__module__))


def _read(folder: Traversable) -> list[Vector]:
    if not folder.is_dir():
        return []
    found: list[Vector] = []
    for file in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if file.name.endswith(".json"):
            found += _vectors_of(file)
    return found


def _vectors_of(file: Traversable) -> list[Vector]:
    try:
        return read_vectors(file.read_text(encoding="utf-8"))
    except (VectorError, UnicodeDecodeError) as error:
        raise VectorError(f"{file.name}: {error}") from None
