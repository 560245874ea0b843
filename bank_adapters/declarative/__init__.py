"""Senders described by a data file instead of a module: one TOML file each, and one adapter that reads them all.

The files of this package lie in `senders/` and are found by themselves; an installed package and an operator bring
their own (bank_adapters/registry.py). The language is explained in docs/declarative-senders.md.
"""

from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

from bank_adapters.declarative.adapter import DeclarativeAdapter

__all__ = ["SUFFIX", "DeclarativeAdapter", "shipped", "shipped_text"]

SUFFIX: Final = ".toml"
FOLDER: Final = "bank_adapters.declarative"


def shipped() -> list[str]:
    """Names of the data files that this package brings."""
    return sorted(one.name.removesuffix(SUFFIX) for one in _folder().iterdir() if one.name.endswith(SUFFIX))


def shipped_text(name: str) -> str:
    """The text of one of them."""
    return (_folder() / f"{name}{SUFFIX}").read_text(encoding="utf-8")


def _folder() -> Traversable:
    return files(FOLDER) / "senders"
