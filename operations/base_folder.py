"""The private folder of one embedded server, and what happens to it when its owner dies.

Every folder holds a file that its owner keeps locked. The lock ends with the owner, however it dies, so a
later start can tell an orphan (lock free) from a server in use (lock held) without trusting process numbers.
"""

import fcntl
import os
import shutil
import signal
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from operations.binaries import ServiceError
from operations.privileges import NOBODY, drops_privileges, passable

PREFIX = "hocphi-"
OWNER = "owner"
LONGEST_SOCKET = 107  # bytes of a unix socket path on Linux
LONGEST_TAIL = len("12345678/.s.PGSQL.5432")
MEMORY = Path("/dev/shm")  # noqa: S108 - only as parent of mkdtemp
ENOUGH_MEMORY_BYTES = 6 << 30


def temporary_root() -> Path:
    """The first temporary folder whose path leaves room for a socket and that the server's user can pass."""
    candidates = [Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp")]  # noqa: S108 - only as parents of mkdtemp
    for candidate in candidates:
        short = len(os.fsencode(candidate / PREFIX)) + LONGEST_TAIL <= LONGEST_SOCKET
        if candidate.is_dir() and short and (passable(candidate) or not drops_privileges()):
            return candidate
    raise ServiceError(f"no usable temporary folder among {', '.join(map(str, candidates))}")


def quick_root() -> Path:
    """Memory, for data that nobody keeps: a database is made there forty times as quickly as on a disk.

    Where there is little of it, or programs may not be started from it, the temporary folder.
    """
    try:
        room = os.statvfs(MEMORY)
    except OSError:
        return temporary_root()
    fit = room.f_bavail * room.f_frsize >= ENOUGH_MEMORY_BYTES and not room.f_flag & os.ST_NOEXEC
    return MEMORY if fit and os.access(MEMORY, os.W_OK) and passable(MEMORY) else temporary_root()


class BaseFolder:
    """A new private folder (mode 0700) with a lock that lives as long as this process."""

    def __init__(self, kind: str, root: Path) -> None:
        sweep()
        self.path = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{kind}-", dir=root))
        # Locked under another name first: a sweeper never sees the file without its lock.
        unlocked = self.path / "owner.new"
        self._lock = os.open(unlocked, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        unlocked.rename(self.path / OWNER)
        if drops_privileges():
            os.chown(self.path, NOBODY, NOBODY)

    def remove(self) -> None:
        """Delete the folder and give up the lock."""
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._lock)


def sweep() -> list[Path]:
    """Stop the servers and delete the folders of owners that are dead; returns the folders."""
    folders = (folder for root in (temporary_root(), MEMORY) for folder in sorted(root.glob(f"{PREFIX}*")))
    return [folder for folder in folders if _swept(folder)]


def _swept(folder: Path) -> bool:
    try:
        lock = os.open(folder / OWNER, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False  # not ours, or being made this moment
    try:
        if os.fstat(lock).st_uid != os.geteuid():
            return False
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _stop_servers(folder)
        shutil.rmtree(folder, ignore_errors=True)
    except BlockingIOError:
        return False
    finally:
        os.close(lock)
    return True


def _stop_servers(folder: Path) -> None:
    """End what still works in an orphaned folder (SIGQUIT is PostgreSQL's immediate stop) and wait for it."""
    for _ in range(50):
        owners = _processes_in(folder)
        for pid in owners:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGQUIT)
        if not owners:
            return
        time.sleep(0.1)


def _processes_in(folder: Path) -> list[int]:
    """The processes whose working folder is this one or below: every server of ours is started so."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (process / "cwd").readlink().is_relative_to(folder):
                found.append(int(process.name))
    return found
