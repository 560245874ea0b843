"""As whom our servers run: PostgreSQL refuses to run as root, so there they get the uid of ``nobody``."""

import os
import stat
from pathlib import Path
from typing import TypedDict

NOBODY = 65534


def drops_privileges() -> bool:
    """Whether we run as root."""
    return os.geteuid() == 0


class User(TypedDict, total=False):
    """Arguments of subprocess that say as whom a child runs."""

    user: int
    group: int
    extra_groups: list[int]


def as_user() -> User:
    """Make a child unprivileged where we are root; nothing for a normal user."""
    return User(user=NOBODY, group=NOBODY, extra_groups=[]) if drops_privileges() else User()


def passable(folder: Path) -> bool:
    """Whether a foreign uid may walk through the folder and all above it."""
    return all(step.stat().st_mode & stat.S_IXOTH for step in (folder, *folder.parents))


def give_folders(top: Path) -> None:
    """Let the servers' user own the folders from ``top`` down, so that the guard may delete them."""
    if drops_privileges():
        for folder in (top, *(path for path in top.rglob("*") if path.is_dir() and not path.is_symlink())):
            os.chown(folder, NOBODY, NOBODY)
