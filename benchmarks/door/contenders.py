"""The servers that take the callbacks: ours two, and the peers where they can be built."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.door.place import SECRET, Place
from benchmarks.machine import KEPT, PEERS, ROOT, installed, told
from payments.inbox.storing import STORE_ONE

POOL = "16"
"""Connections of a peer to the database."""
START_S = 30.0
GO_PACKAGES = ("golang-go", "golang-github-jackc-pgx-v4-dev")
GO_SOURCES = Path("/usr/share/gocode")


@dataclass(frozen=True, slots=True)
class Contender:
    """A command that serves on a port, with what its environment must hold."""

    name: str
    command: list[str]
    environment: Mapping[str, str]


def free_port() -> int:
    """A port of the loopback that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(contender: Contender, port: int, log: Path) -> Iterator[int]:
    """Run a server until the block ends; gives its process number once it accepts connections."""
    command = [part.replace("PORT", str(port)) for part in contender.command]
    environment = os.environ | dict(contender.environment) | {"PORT": str(port)}
    with log.open("w") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=output)
        try:
            _wait(process, port, contender.name, log)
            yield process.pid
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait(process: "subprocess.Popen[bytes]", port: int, name: str, log: Path) -> None:
    deadline = time.monotonic() + START_S
    while True:
        with socket.socket() as client:
            client.settimeout(1)
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"{name} did not start:\n{log.read_text()[-2000:]}")
        time.sleep(0.05)


def asynchronous_door(place: Place) -> Contender:
    """As ``hocphi serve`` runs it."""
    command = [sys.executable, "-m", "operations", "serve", "--port", "PORT"]
    return Contender("door", command, place.environment)


def wsgi_route(place: Place) -> Contender:
    """``wsgi.py`` alone on granian, as docs/operations.md says."""
    options = ["--interface", "wsgi", "--workers", "2", "--blocking-threads", "8", "--log-level", "warning", "--no-ws"]
    command = [str(Path(sys.executable).with_name("granian")), "--port", "PORT", *options, "wsgi:app"]
    return Contender("WSGI route", command, place.environment)


def peer_environment(place: Place, statement: Path) -> dict[str, str]:
    """What the peers' handlers read instead of our tables."""
    base = str(place.made.server.base)
    return {
        "DATABASE_URL": f"host={base} user=postgres dbname={place.made.name} pool_max_conns={POOL}",
        "PGHOST": base,
        "PGUSER": "postgres",
        "PGDATABASE": place.made.name,
        "POOL": POOL,
        "STATEMENT_FILE": str(statement),
        "FIELD_KEY_HEX": place.field_key.hex(),
        "SENDER_SECRET": SECRET,
        "ACCOUNT_NUMBER": place.account_number,
        "SCHOOL_ID": str(place.school_id),
        "ACCOUNT_ID": str(place.account_id),
        "CONNECTIONS": json.dumps(dict(place.connections)),
    }


def go_peer(place: Place, statement: Path) -> Contender | None:
    """net/http and pgx from Debian's packages; None where they cannot be had."""
    if not installed("go", *GO_PACKAGES) or not (GO_SOURCES / "src/github.com/jackc/pgx").exists():
        return None
    built = KEPT / "door_go"
    told("building the Go peer (a minute the first time)")
    environment = {"GO111MODULE": "off", "GOPATH": str(GO_SOURCES), "GOCACHE": str(KEPT / "go-cache"), "GOFLAGS": ""}
    done = subprocess.run(
        ["go", "build", "-o", str(built), "main.go"],
        cwd=PEERS / "door_go",
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    if done.returncode:
        told(f"the Go peer does not build: {done.stderr.strip()[-500:]}")
        return None
    return Contender("Go net/http + pgx", [str(built)], peer_environment(place, statement))


def node_peer(place: Place, statement: Path) -> Contender | None:
    """fastify and pg from npm, into a folder that git ignores; None where they cannot be had."""
    if not shutil.which("node") or not shutil.which("npm"):
        return None
    folder = KEPT / "door_node"
    shutil.copytree(PEERS / "door_node", folder, dirs_exist_ok=True)
    if not (folder / "node_modules" / "fastify").exists():
        told("installing the Node peer")
        quiet = ["--silent", "--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock"]
        subprocess.run(["npm", "install", *quiet], cwd=folder, capture_output=True, check=False, timeout=300)
    if not (folder / "node_modules" / "fastify").exists():
        return None
    environment = peer_environment(place, statement) | {"NODE_ENV": "production"}
    return Contender("Node fastify + pg", ["node", str(folder / "server.js")], environment)


def write_statement(path: Path) -> Path:
    """The door's own statement for one callback, for the peers."""
    path.write_text(STORE_ONE, encoding="utf-8")
    return path
