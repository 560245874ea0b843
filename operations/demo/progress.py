"""Progress bars on a terminal, nothing elsewhere: standard output belongs to the report."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tqdm import tqdm

WIDTH = 34

Tell = Callable[[int], object]
"""Hears that so many more are done."""


@contextmanager
def bar(title: str, total: int | None = None) -> Iterator[Tell]:
    """A bar for the block; the block tells how many are done."""
    with tqdm(
        desc=title.ljust(WIDTH), total=total, file=sys.stderr, disable=None, dynamic_ncols=True, miniters=1
    ) as shown:
        yield shown.update
