"""One server program as our direct child in a private folder, with a guard that ends it when we die."""

import os
import signal
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from operations.base_folder import BaseFolder, temporary_root
from operations.binaries import ServiceError
from operations.privileges import User

START_SECONDS = 30.0
STOP_SECONDS = 60.0

# Waits for the end of its standard input, whose other end only we hold; then ends the server and tidies up.
GUARD = """
read -r _
kill -"$1" "$2" 2>/dev/null
n=0
while kill -0 "$2" 2>/dev/null && [ $n -lt 100 ]; do n=$((n + 1)); sleep 0.1; done
rm -rf "$3"
"""


def environment(home: Path) -> dict[str, str]:
    """Ours without settings of libpq; a locale that exists everywhere and knows Vietnamese letters."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return kept | {"HOME": str(home), "LC_ALL": "C.UTF-8"}


class Server:
    """One server program as a direct child in a base folder of its own."""

    KIND: str
    GUARD_SIGNAL = signal.SIGINT

    def __init__(self) -> None:
        self._folder: BaseFolder | None = None
        self._child: subprocess.Popen[bytes] | None = None
        self._guard: subprocess.Popen[bytes] | None = None

    @property
    def base(self) -> Path:
        """The private folder: socket, log and, unless kept elsewhere, data."""
        if self._folder is None:
            raise ServiceError(f"{self.KIND} is not set up: use it in a with block")
        return self._folder.path

    @property
    def pid(self) -> int:
        """The server's process number, for crash tests."""
        return self._running().pid

    @property
    def log(self) -> str:
        """What the server wrote so far."""
        return (self.base / "log").read_text(errors="replace")

    def __enter__(self) -> Self:
        self._folder = BaseFolder(self.KIND, self._root())
        try:
            self._prepare()
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _root(self) -> Path:
        """Where the base folder lies."""
        return temporary_root()

    def start(self) -> None:
        """Start the server and wait until it answers; raises ServiceError with the end of its log."""
        deadline = time.monotonic() + START_SECONDS
        # Orphans of a killed server hold its memory for a moment: try again until they are gone.
        while not self._started(deadline):
            if time.monotonic() > deadline:
                raise ServiceError(f"{self.KIND} did not start:\n{self.log[-2000:]}")
            time.sleep(0.1)
        self._watch()

    def kill(self) -> None:
        """SIGKILL without warning, as a power cut: for crash tests. ``start`` brings the server back."""
        self._end(signal.SIGKILL)

    def close(self) -> None:
        """Stop the server if it runs and delete the base folder."""
        if self._child is not None:
            self._end(self.GUARD_SIGNAL)
        if self._folder is not None:
            self._folder.remove()
            self._folder = None

    def _prepare(self) -> None:
        """What has to happen once before the first start."""

    def _command(self) -> list[str]:
        raise NotImplementedError

    def _ready(self) -> bool:
        raise NotImplementedError

    def _user(self) -> User:
        return User()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._child is None:
            raise ServiceError(f"{self.KIND} is not running")
        return self._child

    def _started(self, deadline: float) -> bool:
        self._child = self._spawn(self._command(), stdin=subprocess.DEVNULL)
        while self._child.poll() is None:
            if self._ready():
                return True
            if time.monotonic() > deadline:
                self._end(signal.SIGKILL)
                return False
            time.sleep(0.01)
        self._child = None
        return False

    def _spawn(self, command: list[str], *, stdin: int) -> subprocess.Popen[bytes]:
        """A child of its own session (Ctrl-C of the terminal is for us) that writes to the log."""
        with (self.base / "log").open("ab") as log:
            return subprocess.Popen(
                command,
                cwd=self.base,
                env=environment(self.base),
                stdin=stdin,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **self._user(),
            )

    def _watch(self) -> None:
        arguments = [str(int(self.GUARD_SIGNAL)), str(self.pid), str(self.base)]
        self._guard = self._spawn(["/bin/sh", "-c", GUARD, "guard", *arguments], stdin=subprocess.PIPE)

    def _end(self, how: signal.Signals) -> None:
        """Signal the server and wait; the guard goes first, so that it never meets a foreign process."""
        if self._guard is not None:
            self._guard.kill()
            self._guard.communicate()
            self._guard = None
        child = self._running()
        child.send_signal(how)
        try:
            child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        self._child = None
