"""A school's print end to end: the job, the queue, PostgreSQL, slips, links, one sealed file; in a process of its own.

The worker is run as Celery runs it; what it prints is read back: every code of the sampled pages, the classes in order.
"""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping

import pypdfium2
import zxingcpp
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from benchmarks.machine import ROOT, database
from benchmarks.report import Goal, Table
from payments.crypto import FieldCipher
from payments.db import make_engine, session_scope
from payments.paper import service
from payments.paper.rules import Kind
from payments.settings import Settings, generated_environment
from payments.vietqr import decode
from tests.payments.invoices.rounds import issued
from tests.payments.setting import SchoolSetting, make_pupils, make_school

PUPILS = 10_000
A_CLASS = 40
EACH = 250
"""Of so many pages one is read back."""
MOST_MB = 400.0
A_SECOND = 100.0
_CLASSES = text("""
    WITH made AS (
        INSERT INTO class_room (school_id, year_id, name, grade)
        SELECT :school, :year, grade || chr(64 + (number - 1) / 12 + 1) || (number - 1) % 12 + 1, grade
        FROM generate_series(1, 5) AS grade, generate_series(1, :each) AS number
        RETURNING id
    ), numbered AS (SELECT id, row_number() OVER (ORDER BY id) - 1 AS number FROM made)
    UPDATE enrollment e SET class_id = n.id
    FROM (SELECT id, row_number() OVER (ORDER BY id) AS place FROM enrollment WHERE school_id = :school) p, numbered n
    WHERE e.school_id = :school AND e.id = p.id AND n.number = p.place % (SELECT count(*) FROM numbered)
""")
_WANTED = text("""
    SELECT i.reference, i.mandatory_vnd FROM invoice i
    JOIN pupil p ON p.school_id = i.school_id AND p.id = i.pupil_id
    JOIN enrollment e ON e.school_id = p.school_id AND e.pupil_id = p.id
    JOIN class_room c ON c.school_id = e.school_id AND c.id = e.class_id
    WHERE i.school_id = :school ORDER BY c.grade, c.name, c.id, p.sort_key COLLATE "C", p.id, i.due_on, i.id
""")
WORKER = """
import json, resource, time
import wsgi
from payments.paper.tasks import print_due
began, clock = time.process_time(), time.monotonic()
done = print_due()
print(json.dumps({"jobs": done, "cpu_s": time.process_time() - began, "wall_s": time.monotonic() - clock,
                  "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
"""


def a_school(session: Session, pupils: int) -> tuple[SchoolSetting, int]:
    """A school of five grades with an issued round, and the round."""
    school = make_school(session)
    make_pupils(session, school, pupils - 1)
    each = max(1, pupils // A_CLASS // 5)
    session.execute(_CLASSES, {"school": school.id, "year": school.year, "each": each})
    return school, issued(session, school)


def worker(environment: Mapping[str, str]) -> "subprocess.Popen[str]":
    """A process that prints what is due, and ends."""
    return subprocess.Popen(
        [sys.executable, "-c", WORKER], env=dict(environment), cwd=ROOT, stdout=subprocess.PIPE, text=True
    )


def progress(engine: Engine) -> tuple[str, int]:
    """The state of the one job and how many slips are told as done."""
    with engine.connect() as connection:
        row = connection.execute(text("SELECT state, slips_done FROM print_job")).one()
        return row.state, row.slips_done


def read_back(pdf: bytes, wanted: list[tuple[str, int]]) -> int:
    """Read the codes of every ``EACH``-th page, compare what they ask for, count them. Raises AssertionError."""
    document = pypdfium2.PdfDocument(pdf)
    read = 0
    for number in range(0, len(document), EACH):
        found = zxingcpp.read_barcodes(document[number].render(scale=200 / 72, grayscale=True).to_pil())
        money = [decode(code.text) for code in found if "://" not in code.text]
        words = document[number].get_textpage().get_text_range()
        places = {code: place for place, (code, _) in enumerate(wanted)}
        codes = sorted(places[re.sub(r".* ", "", code.memo or "")] for code in money)
        if not codes or codes != list(range(codes[0], codes[0] + len(codes))) or len(found) != 2 * len(codes):
            raise AssertionError(f"page {number + 1} holds the codes of slips {codes}")
        if any(code.memo not in words or code.amount_vnd != dict(wanted)[code.memo or ""] for code in money):
            raise AssertionError(f"page {number + 1}: a code asks for something else than its words")
        read += len(found)
    document.close()
    return read


def run(pupils: int = PUPILS) -> list[Table]:
    """One print that loses its worker by SIGKILL after a tenth, and a second worker that prints the whole."""
    with database("printing") as made:
        environment = {"DATABASE_URL": made.url, **generated_environment()}
        settings = Settings.from_env(environment)
        engine = make_engine(made.url)
        with session_scope(engine) as session:
            school, round_id = a_school(session, pupils)
            wanted = service.order(session, school.id, round_id, Kind.SLIPS)
            job_id = service.request_print(session, wanted, school.accountant)
        lost_at = _killed(engine, environment, pupils // 10)
        told, steps = _printed(engine, environment)
        with session_scope(engine) as session:
            cipher = FieldCipher(settings.field_keys)
            job, pdf = service.open_file(session, cipher, school.id, job_id)
            order = [
                (reference, amount_vnd) for reference, amount_vnd in session.execute(_WANTED, {"school": school.id})
            ]
            done, pages = job.slips_done, job.pages
        engine.dispose()
    if (done, len(order)) != (pupils, pupils):
        raise AssertionError(f"{done} slips of {pupils}")
    codes = read_back(pdf, order)
    rows = [[done, pages, len(pdf) / 1e6, done / told["cpu_s"], done / told["wall_s"], told["peak_mb"]]]
    notes = [
        f"the first worker was killed after {lost_at} slips; the second told its progress {steps} times",
        f"{codes} codes of every {EACH}th page read back, in the order of the classes",
        "a second of the worker's processor time, of all its threads, with PostgreSQL's waited for",
    ]
    columns = ["slips", "pages", "MB", "a second of one core", "a second by the clock", "MB at the most"]
    return [Table(f"A school of {pupils:,} printed through the queue", columns, rows, _goals(rows[0]), notes)]


def _killed(engine: Engine, environment: Mapping[str, str], after: int) -> int:
    first = worker({**os.environ, **environment})
    while progress(engine)[1] < after:
        if first.poll() is not None:
            raise AssertionError("the worker ended before it could be killed")
        time.sleep(0.05)
    first.kill()
    first.communicate()
    # The lease runs out in minutes; nobody waits for it here.
    with engine.begin() as connection:
        connection.execute(text("UPDATE outbox SET leased_until = now() WHERE queue = 'paper'"))
    return progress(engine)[1]


def _printed(engine: Engine, environment: Mapping[str, str]) -> tuple[dict[str, float], int]:
    second = worker({**os.environ, **environment})
    seen = set()
    while second.poll() is None:
        seen.add(progress(engine)[1])
        time.sleep(0.2)
    told: dict[str, float] = json.loads(second.communicate()[0].splitlines()[-1])
    if progress(engine)[0] != "ready" or told["jobs"] != 1:
        raise AssertionError(f"{told}, the job is {progress(engine)[0]}")
    return told, len(seen)


def _goals(row: list[float]) -> list[Goal]:
    return [
        Goal(
            "slips a second of one core, through the queue", A_SECOND, row[3], "the machine had other work", "a second"
        ),
        Goal("MB left of 400 for the worker", 0.0, MOST_MB - row[5], "a part or the joined file grew", "MB"),
    ]
