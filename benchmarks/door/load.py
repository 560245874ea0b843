"""Load from keep-alive clients: wrk where it can be had, else a client of ours, the same for every contender."""

import asyncio
import json
import statistics
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.machine import PEERS, installed


@dataclass(frozen=True, slots=True)
class Load:
    """What to send where."""

    url: str
    clients: int
    seconds: int
    supply: Path
    first: int
    most: int


def send(load: Load) -> Mapping[str, float]:
    """Send for so many seconds: requests, seconds, p50_ms, p99_ms. Raises AssertionError when one was not taken."""
    told = _wrk(load) if installed("wrk", "wrk") else asyncio.run(_own(load))
    if told["refused"] or told["failed"]:
        raise AssertionError(f"{load.url}: {told['refused']:.0f} refused, {told['failed']:.0f} failed")
    return told


def _wrk(load: Load) -> Mapping[str, float]:
    command = ["wrk", "-t1", f"-c{load.clients}", f"-d{load.seconds}s", "--timeout", "10s"]
    script = ["-s", str(PEERS / "load.lua"), load.url, "--", str(load.supply), str(load.first), str(load.most)]
    done = subprocess.run([*command, *script], capture_output=True, text=True, check=False, timeout=load.seconds + 60)
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode or not lines:
        raise AssertionError(f"wrk told nothing: {done.stderr.strip()[-500:]}")
    told: dict[str, float] = json.loads(lines[-1])
    if told["requests"] >= load.most:
        raise AssertionError("the supply of signed requests ran out")
    return told


async def _own(load: Load) -> Mapping[str, float]:
    """The same requests from a client of ours on one event loop; it costs more of the machine than wrk."""
    host, _, path = load.url.removeprefix("http://").partition("/")
    name, _, port = host.partition(":")
    with load.supply.open(encoding="utf-8") as lines:
        waiting = [line.rstrip("\n").split("\t") for line in lines][load.first : load.first + load.most]
    ready = iter([_request(host, path, *parts) for parts in waiting])
    latencies: list[float] = []
    refused = 0
    deadline = time.perf_counter() + load.seconds

    async def client() -> None:
        nonlocal refused
        reader, writer = await asyncio.open_connection(name, int(port))
        while time.perf_counter() < deadline:
            began = time.perf_counter()
            writer.write(next(ready))
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            await reader.readexactly(length)
            latencies.append(time.perf_counter() - began)
            refused += not head.startswith(b"HTTP/1.1 200")
        writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(load.clients)))
    percentiles = [1e3 * value for value in statistics.quantiles(latencies, n=100)]
    return {
        "requests": len(latencies),
        "seconds": time.perf_counter() - began,
        "p50_ms": percentiles[49],
        "p99_ms": percentiles[98],
        "refused": refused,
        "failed": 0,
    }


def _request(host: str, path: str, stamp: str, signature: str, body: str) -> bytes:
    return (
        f"POST /{path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nX-SePay-Timestamp: {stamp}\r\n"
        f"X-SePay-Signature: {signature}\r\nContent-Length: {len(body.encode())}\r\n\r\n{body}"
    ).encode()
