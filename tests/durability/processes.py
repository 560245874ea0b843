"""Real processes of hocphi that can be killed and started again; each is the leader of its own process group."""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).parents[2]
START_S = 120.0


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


class Process:
    """A command in a process group of its own, with its output in a file."""

    def __init__(self, arguments: list[str], environment: dict[str, str], log: Path) -> None:
        self._arguments = [sys.executable, "-m", *arguments]
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("HOCPHI_")}
        self._environment = {**inherited, **environment, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}
        self._log = log
        self._running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._running = subprocess.Popen(
                self._arguments,
                cwd=ROOT,
                env=self._environment,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        assert self._running is not None
        return self._running.pid

    @property
    def alive(self) -> bool:
        return self._running is not None and self._running.poll() is None

    def kill(self) -> None:
        """SIGKILL to the whole group at once: nothing gets to say goodbye."""
        if self._running is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._running.pid, signal.SIGKILL)
            self._running.wait()


class Web(Process):
    """``hocphi serve`` (or another ASGI application with the same door) on a port that it keeps."""

    def __init__(self, environment: dict[str, str], log: Path, application: str | None = None) -> None:
        self.port = free_port()
        place = ["--host", "127.0.0.1", "--port", str(self.port)]
        serve = ["operations", "serve", *place]
        other = ["granian", "--interface", "asgi", "--factory", *place, application or ""]
        super().__init__(serve if application is None else other, environment, log)

    def wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return
            if not self.alive:
                raise AssertionError(f"the web process ended: {self._log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.02)
        raise AssertionError("the web process does not listen")
