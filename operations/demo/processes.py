"""The gateway's own processes, started as an operator would start them: web, worker and beat."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from types import TracebackType
from typing import Self

import operations
from operations.binaries import ServiceError
from operations.server import GUARD

START_S = 90.0
STOP_S = 20.0
HOST = "127.0.0.1"


def free_port() -> int:
    """A port that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def require_free(port: int) -> None:
    """Raise ServiceError when somebody listens on the port already."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise ServiceError(f"cổng {port} đang có chương trình khác dùng / port {port} is in use") from error


class Processes:
    """Web, worker and beat in a with block; each writes its log into ``folder``, and ends when we end."""

    def __init__(self, environment: Mapping[str, str], folder: Path, port: int) -> None:
        # In a checkout the packages are found by this folder, in an installation it is where they are anyway.
        source = [str(Path(operations.__file__).parent.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("HOCPHI_")}
        self._environment = {**inherited, **environment, "PYTHONPATH": os.pathsep.join(source)}
        self._folder = folder
        self._port = port
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._guards: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        try:
            self._start("web", "serve", "--host", HOST, "--port", str(self._port))
            self._start("worker", "worker")
            self._start("beat", "beat")
            self._await_web()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def check(self) -> None:
        """Raise ServiceError with the end of its log when one of the processes has died."""
        for name, child in self._children.items():
            if child.poll() is not None:
                raise ServiceError(f"{name} ended with status {child.returncode}:\n{self.log(name)[-2000:]}")

    def log(self, name: str) -> str:
        """What a process wrote so far."""
        return (self._folder / f"{name}.log").read_text(errors="replace")

    def close(self) -> None:
        """Stop them all, kindly first."""
        for guard in self._guards:
            guard.kill()
            guard.communicate()
        for child in self._children.values():
            child.send_signal(signal.SIGTERM)
        for child in self._children.values():
            try:
                child.wait(STOP_S)
            except subprocess.TimeoutExpired:
                with suppress(ProcessLookupError):
                    os.killpg(child.pid, signal.SIGKILL)
                child.wait()
        self._children.clear()
        self._guards.clear()

    def _start(self, name: str, *arguments: str) -> None:
        """Start ``hocphi`` with arguments, with a guard that ends it when we are gone without a word."""
        command = [sys.executable, "-m", "operations", *arguments]
        child = self._spawn(name, command, stdin=subprocess.DEVNULL)
        self._children[name] = child
        stop = ["/bin/sh", "-c", GUARD, "guard", str(int(signal.SIGTERM)), str(child.pid), str(self._folder)]
        self._guards.append(self._spawn("guard", stop, stdin=subprocess.PIPE))

    def _spawn(self, name: str, command: list[str], *, stdin: int) -> subprocess.Popen[bytes]:
        with (self._folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                command,
                cwd=self._folder,
                env=self._environment,
                stdin=stdin,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _await_web(self) -> None:
        deadline = time.monotonic() + START_S
        while not self._answers():
            self.check()
            if time.monotonic() > deadline:
                raise ServiceError(f"the web process does not answer:\n{self.log('web')[-2000:]}")
            time.sleep(0.1)

    def _answers(self) -> bool:
        connection = HTTPConnection(HOST, self._port, timeout=2)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == 200
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()
