"""Fixtures of the operator's tools."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from operations.base_folder import temporary_root


@pytest.fixture
def reachable_folder() -> Iterator[Path]:
    """A folder that the server's user can pass (``tmp_path`` lies below a private one)."""
    with tempfile.TemporaryDirectory(dir=temporary_root()) as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)
