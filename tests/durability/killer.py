"""Kills processes while they work, and counts only kills that hurt: requests in flight, or a batch not committed."""

import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass, field

import psutil
import psycopg

from tests.durability.bank import Bank
from tests.durability.processes import Process, Web

# A session that holds the lease of a school and has written: between a worker's claim and its commit.
IN_A_BATCH = """
SELECT a.backend_xid::text FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.relation = 'settlement_lease'::regclass AND l.mode = 'RowShareLock' AND l.granted
AND a.backend_xid IS NOT NULL
"""
STATUS = "SELECT pg_xact_status(%s::xid8)"


@dataclass
class Toll:
    """What was killed while it mattered."""

    web: int = 0
    worker: int = 0
    batches_aborted: int = 0
    stops: int = 0
    causes: list[str] = field(default_factory=list)

    @property
    def kills(self) -> int:
        return self.web + self.worker


def kill_web(web: Web, bank: Bank, toll: Toll) -> None:
    """Kill a web process with requests in flight, and start it again."""
    deadline = time.monotonic() + 2
    while not bank.in_flight[web.port] and time.monotonic() < deadline:
        time.sleep(0.001)
    waiting = bank.in_flight[web.port]
    web.kill()
    toll.web += bool(waiting)
    web.start()


def kill_web_after_a_yes(web: Web, bank: Bank, toll: Toll) -> None:
    """Kill a web process the moment after it has said yes, and start it again."""
    before = bank.answered[web.port]
    deadline = time.monotonic() + 60
    while bank.answered[web.port] == before and time.monotonic() < deadline:
        time.sleep(0.001)
    toll.web += bank.answered[web.port] > before
    web.kill()
    web.start()


def kill_worker_in_a_batch(worker: Process, url: str, toll: Toll, patience_s: float = 3.0) -> None:
    """Kill the process that runs the batch between claim and commit; proved by the fate of its transaction."""
    with suppress(psycopg.Error), psycopg.connect(url, autocommit=True, application_name="killer") as watching:
        deadline = time.monotonic() + patience_s
        while time.monotonic() < deadline:
            found = watching.execute(IN_A_BATCH).fetchone()
            if found is None:
                time.sleep(0.001)
                continue
            for child in psutil.Process(worker.pid).children(recursive=True):
                with suppress(ProcessLookupError):
                    os.kill(child.pid, signal.SIGKILL)
            toll.worker += 1
            toll.batches_aborted += _aborted(watching, found[0])
            return


def _aborted(watching: psycopg.Connection[tuple[str, ...]], xid: str) -> bool:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        status = watching.execute(STATUS, (xid,)).fetchone()
        if status is None or status[0] != "in progress":
            return status is not None and status[0] == "aborted"
        time.sleep(0.01)
    return False
