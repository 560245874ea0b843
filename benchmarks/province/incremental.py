"""A night that brings new lines to a month that is there: against the bare look-ups of the same keys in the indexes."""

import statistics
import time
from dataclasses import replace
from datetime import timedelta

import psycopg
from sqlalchemy import text

from benchmarks.machine import told
from benchmarks.province import loading
from benchmarks.province.contenders import load_of_machine
from benchmarks.province.plan import LAST, School, province
from benchmarks.report import Goal, Table
from payments.db import libpq_url, make_engine, session_scope
from reconciliation import catching_up

ROUNDS = 3
SCHOOLS = 12
"""Schools of one group that the new lines belong to."""
BARE = """
    SELECT count(sent.id), count(booked.id) FROM bank_line l
    CROSS JOIN LATERAL (SELECT e.id FROM evidence e WHERE e.school_id = l.school_id
        AND e.reference_key = l.reference_key AND e.source <> 'statement') AS sent
    CROSS JOIN LATERAL (SELECT r.id FROM ledger_row r WHERE r.school_id = l.school_id
        AND r.reference_key = l.reference_key) AS booked
    WHERE l.booked_on = %s
"""


def run(url: str, schools: list[School], new: int) -> Table:
    """A day more: the lines are stored, then looked up barely, then judged and kept by a night."""
    day = LAST + timedelta(days=3)
    told(f"a night with {new:,} new lines")
    count = min(SCHOOLS, len(schools))
    fresh = [_moved(one, day, 10 * len(schools)) for one in province(new, schools=count, faults=False, seed=7)]
    loading.add(url, fresh, day)
    bare, ours = [], []
    engine = make_engine(url)
    for number in range(ROUNDS):
        for name in ("bare", "ours")[:: -1 if number % 2 else 1]:
            began = time.perf_counter()
            if name == "bare":
                with psycopg.connect(libpq_url(url)) as connection:
                    connection.execute("SET enable_hashjoin = off")
                    connection.execute("SET enable_mergejoin = off")
                    began = time.perf_counter()
                    connection.execute(BARE, [day]).fetchall()
                bare.append(time.perf_counter() - began)
            else:
                with session_scope(engine) as session:
                    runs = catching_up.catch_up_together(session, [(one.id, one.id) for one in fresh], day)
                    matched = sum(run.matched for run in runs.values())
                    session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
                    ours.append(time.perf_counter() - began)
                    session.rollback()  # The next round begins as this one did.
    engine.dispose()
    if matched != sum(len(one.banks) for one in fresh):
        raise AssertionError(f"{matched} of the new lines are matched")
    ratio = statistics.median(one / other for one, other in zip(ours, bare, strict=True))
    rows = [
        [name, statistics.median(times), min(times), max(times)] for name, times in (("bare", bare), ("ours", ours))
    ]
    notes = [
        f"{count} schools; ours judges, proves and keeps the night in one transaction (undone after it was timed)",
        f"ours takes {ratio:.1f} x the bare look-ups; load of the machine: {load_of_machine():.1f}",
    ]
    goal = Goal("bare look-ups' time against ours (at least 1/2)", 0.5, 1 / ratio, "see docs/benchmarks.md")
    return Table(f"{new:,} new lines", ["", "s", "least", "most"], rows, [goal], notes)


def _moved(school: School, day, more: int) -> School:  # type: ignore[no-untyped-def]
    """The same payments on a day of its own, with ids of their own."""
    base = (1 << 38) + more

    def at(said):  # type: ignore[no-untyped-def]
        number = f"FN{base + said.id:014d}" if said.number.startswith("FT") else f"PN{said.id:07d}"
        txn = base + said.transaction_id if said.transaction_id else 0
        return replace(said, id=base + said.id, transaction_id=txn, day=day, number=number)

    return replace(
        school,
        banks=[at(one) for one in school.banks],
        sent=[at(one) for one in school.sent],
        booked=[at(one) for one in school.booked],
    )
