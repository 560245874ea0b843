"""Who classifies the province's month: polars in memory, DuckDB out of PostgreSQL, and hocphi's night, persisted."""

import multiprocessing
import os
import subprocess
import sys
import time
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.province.plan import LAST
from payments.db import libpq_url, make_engine, session_scope
from reconciliation import nights

WORKERS = 2
READ = {
    "bank": """
        SELECT coalesce(reference_key, -id) AS key, amount_vnd, booked_on - DATE '2025-01-01' AS day FROM bank_line""",
    "sent": """
        SELECT coalesce(reference_key, -id) AS key, amount_vnd, value_date - DATE '2025-01-01' AS day FROM evidence
        WHERE source <> 'statement'""",
    "book": """
        SELECT coalesce(reference_key, -id) AS key, amount_vnd, booked_on - DATE '2025-01-01' AS day FROM ledger_row""",
}
"""What all see of a source: an integer key, an amount and a day. Unreadable references stand under minus their id."""

POLARS = """
import sys, time, pickle
import polars as pl
sides = [pl.read_parquet(f"{sys.argv[1]}/{name}.parquet") for name in ("bank", "sent", "book")]
rounds = int(sys.argv[2])
def classify():
    facts = pl.concat([side.with_columns(pl.lit(place, pl.Int8).alias("side")) for place, side in enumerate(sides)])
    by_key = facts.group_by("key").agg(
        *[(pl.col("side") == place).sum().alias(f"n{place}") for place in range(3)],
        *[pl.col("amount_vnd").filter(pl.col("side") == place).min().alias(f"a{place}") for place in range(3)],
        *[pl.col("day").filter(pl.col("side") == place).min().alias(f"d{place}") for place in range(2)],
    )
    n0, n1, n2, a0, a1, a2 = (pl.col(name) for name in ("n0", "n1", "n2", "a0", "a1", "a2"))
    kind = (
        pl.when((n0 > 1) | (n1 > 1) | (n2 > 1)).then(pl.lit("duplicate"))
        .when((n0 == 0) & (n1 == 0)).then(pl.lit("only_ledger"))
        .when((a0 != a1) | (a0 != a2) | (a1 != a2)).then(pl.lit("amount_diff"))
        .when(n0 == 0).then(pl.lit("missing_bank"))
        .when(n1 == 0).then(pl.lit("missing_gateway"))
        .when(n2 == 0).then(pl.lit("missing_ledger"))
        .when(pl.col("d0") != pl.col("d1")).then(pl.lit("date_cutoff"))
        .otherwise(pl.lit("matched"))
    )
    return by_key.select("key", kind.alias("kind"))
for line in sys.stdin:
    began = time.perf_counter()
    found = classify()
    print(time.perf_counter() - began, flush=True)
found.write_parquet(f"{sys.argv[1]}/classes.parquet")
"""


class Polars:
    """A process of its own that holds the rows in memory and classifies them when asked to."""

    def __init__(self, url: str, folder: str) -> None:
        import polars as pl  # noqa: PLC0415 - a contender that may be missing

        with psycopg.connect(libpq_url(url)) as connection:
            for name, statement in READ.items():
                with connection.cursor() as cursor:
                    cursor.execute(f"SELECT array_agg(key), array_agg(amount_vnd), array_agg(day) FROM ({statement}) r")
                    [columns] = cursor.fetchall()
                schema = {"key": pl.Int64, "amount_vnd": pl.Int64, "day": pl.Int32}
                pl.DataFrame(dict(zip(schema, columns, strict=True)), schema=schema).write_parquet(
                    f"{folder}/{name}.parquet"
                )
        self.folder = folder
        command = [sys.executable, "-c", POLARS, folder, "0"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def seconds(self) -> float:
        """One round."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return float(self._process.stdout.readline())

    def close(self) -> dict[str, set[int]]:
        """What it found: class -> keys."""
        import polars as pl  # noqa: PLC0415 - a contender that may be missing

        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()
        found = pl.read_parquet(f"{self.folder}/classes.parquet").group_by("kind").agg("key")
        return {kind: set(keys) for kind, keys in found.rows()}


DUCKDB = """
import sys, time
import duckdb
from pathlib import Path
import duckdb_extension_postgres_scanner
folder = Path(duckdb_extension_postgres_scanner.__path__[0])
extension = next(folder.rglob("*.duckdb_extension"))
c = duckdb.connect(config={"allow_unsigned_extensions": "true", "threads": "2"})
c.execute("SET enable_progress_bar = false")  # it would be printed between our figures
c.execute(f"LOAD '{extension}'")
c.execute(f"ATTACH '{sys.argv[1]}' AS p (TYPE postgres)")
c.execute("CALL postgres_execute('p', 'CREATE TABLE IF NOT EXISTS duck_found "
          "(key bigint, kind text, b bigint, s bigint, r bigint)')")
for line in sys.stdin:
    c.execute("CALL postgres_execute('p', 'TRUNCATE duck_found')")
    began = time.perf_counter()
    c.execute('''INSERT INTO p.duck_found SELECT key, CASE
        WHEN nb > 1 OR ns > 1 OR nr > 1 THEN 'duplicate' WHEN nb = 0 AND ns = 0 THEN 'only_ledger'
        WHEN ab <> sb OR ab <> rb OR sb <> rb THEN 'amount_diff' WHEN nb = 0 THEN 'missing_bank'
        WHEN ns = 0 THEN 'missing_gateway' WHEN nr = 0 THEN 'missing_ledger' WHEN db <> ds THEN 'date_cutoff'
        ELSE 'matched' END, b, s, r
    FROM (SELECT key, count(*) FILTER (WHERE side = 0) AS nb, count(*) FILTER (WHERE side = 1) AS ns,
        count(*) FILTER (WHERE side = 2) AS nr,
        min(amount_vnd) FILTER (WHERE side = 0) AS ab, min(amount_vnd) FILTER (WHERE side = 1) AS sb,
        min(amount_vnd) FILTER (WHERE side = 2) AS rb,
        min(day) FILTER (WHERE side = 0) AS db, min(day) FILTER (WHERE side = 1) AS ds,
        min(id) FILTER (WHERE side = 0) AS b, min(id) FILTER (WHERE side = 1) AS s, min(id) FILTER (WHERE side = 2) AS r
        FROM (SELECT 0 AS side, coalesce(reference_key, -id) AS key, id, amount_vnd, booked_on AS day FROM p.bank_line
              UNION ALL SELECT 1, coalesce(reference_key, -id), id, amount_vnd, value_date FROM p.evidence
                  WHERE source <> 'statement'
              UNION ALL SELECT 2, coalesce(reference_key, -id), id, amount_vnd, booked_on FROM p.ledger_row)
        GROUP BY key)''')
    print(time.perf_counter() - began, flush=True)
"""


class DuckDb:
    """DuckDB reads the tables with its postgres extension, classifies, and writes a row for each key back."""

    def __init__(self, url: str) -> None:
        command = [sys.executable, "-c", DUCKDB, libpq_url(url)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def seconds(self) -> float:
        """One round. Raises RuntimeError with what it said where it does not run here."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write("\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass
        told = self._process.stdout.readline()
        if not told:
            assert self._process.stderr is not None
            raise RuntimeError(" ".join(self._process.stderr.read().strip().splitlines()[-4:]))
        return float(told)

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        if self._process.poll() is None:
            self._process.stdin.close()
            self._process.wait()


def _night(url: str, start: Any, peaks: Any) -> None:
    """A worker: waits for the start, then takes groups until none is left."""
    engine = make_engine(url)
    with session_scope(engine) as session:
        nights.claim(session)
        session.rollback()
    start.wait()
    nights.work(partial(session_scope, engine))
    peaks.put((time.perf_counter(), _peak_mb()))
    engine.dispose()


def _peak_mb() -> float:
    """The most memory that this process held. ``ru_maxrss`` would tell of the process that started this one, too."""
    [peak] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:")]
    return int(peak.split()[1]) / 1024


def night_seconds(url: str) -> tuple[float, float]:
    """A whole night by two worker processes, all persisted: seconds, and the largest worker's peak memory in MB."""
    engine = make_engine(url)
    with session_scope(engine) as session:
        nights.open_night(session, LAST)
    engine.dispose()
    context = multiprocessing.get_context("spawn")
    start, peaks = context.Barrier(WORKERS + 1), context.Queue()
    workers = [context.Process(target=_night, args=(url, start, peaks)) for _ in range(WORKERS)]
    for worker in workers:
        worker.start()
    start.wait()
    began = time.perf_counter()
    told = [peaks.get(timeout=600) for _ in workers]
    for worker in workers:
        worker.join()
    if any(worker.exitcode for worker in workers):
        raise AssertionError("a worker of the night failed")
    return max(ended for ended, _ in told) - began, max(memory for _, memory in told)


def forget(url: str) -> None:
    """Take the runs away, so that the next round begins as the first one did."""
    tables = "reconcile_block, reconcile_item, standing_run, night_run, night_summary, reconcile_run, notice, event"
    with psycopg.connect(libpq_url(url), autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        known = {row[0] for row in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")}
        for table in tables.split(", "):
            if table in known:
                connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
        connection.execute(f"TRUNCATE {', '.join(t for t in tables.split(', ') if t in known)} CASCADE")
        for table in tables.split(", "):
            if table in known:
                connection.execute(f"ALTER TABLE {table} ENABLE TRIGGER ALL")
        connection.execute("CHECKPOINT")


def load_of_machine() -> float:
    """Processes that want a core just now, on average over a minute."""
    return os.getloadavg()[0]


def counted(found: dict[str, set[int]]) -> Counter[str]:
    """How many of each class."""
    return Counter({kind: len(keys) for kind, keys in found.items()})
