"""A file on the desk: read and shown first, written when a person says so, once and whole, whoever dies on the way."""

import io
import os
import signal
import subprocess
import sys
import time
from base64 import b64encode
from datetime import timedelta

import pytest

from operations.sample_files import write_camt053, write_vietcombank
from payments import clock
from payments.db import session_scope
from payments.settings import generated_environment
from reconciliation.imports import service, tasks, work
from reconciliation.imports.models import JobState
from reconciliation.locks import lock_school
from tests.payments.setting import make_school
from tests.reconciliation.desk import line, statement
from tests.reconciliation.test_nights import ROOT, WAITING_FOR_A_LOCK
from tests.reconciliation.test_statement_import import balanced


def paper(hall, count: int = 3, memo: str = "CT") -> bytes:
    lines = [line(100_000 + number, f"{memo} so {number}", f"FT{number:09d}") for number in range(count)]
    return write_vietcombank(balanced(hall.number, lines))


def test_nothing_is_written_before_a_person_says_so_and_then_all_of_it_once(hall):
    hall.faces.log_in("accountant")
    job_id = hall.send("statement", paper(hall))
    page = hall.page(job_id)
    assert "đang đọc" in page
    assert "Có thể đóng trang này" in page
    assert hall.work() == 1
    page = hall.page(job_id)
    assert "Ghi 3 dòng" in page
    assert "300.003" in page
    assert "CT so 1" in page
    assert hall.count("bank_line") == hall.count("bank_statement") == 0
    assert hall.press(job_id, "write") == hall.press(job_id, "write") == 303
    assert hall.work() == 1
    assert (hall.count("bank_line"), hall.job(job_id).state) == (3, JobState.DONE)
    assert "Đã ghi 3 dòng mới" in hall.page(job_id)
    assert "Written: 3 new rows" in hall.page(job_id, language="en")
    assert hall.count("outbox WHERE queue = 'imports'") == 0
    subjects = [subject for (subject,) in hall.rows("SELECT subject FROM message ORDER BY id")]
    assert subjects == ["Tệp đã đọc xong, chờ ghi: tep.xlsx", "Đã ghi xong tệp: tep.xlsx"]


def test_the_same_file_again_adds_nothing_and_says_so(hall):
    hall.faces.log_in("accountant")
    hall.bring("statement", paper(hall))
    job = hall.bring("statement", paper(hall), "ten-khac.xlsx")
    assert job.report["new_lines"] == 0
    assert "Không có dòng nào mới" in hall.page(job.id)
    assert hall.count("bank_line") == 3


def test_the_file_is_kept_sealed_and_forgotten_after_it_was_written(hall):
    hall.faces.log_in("accountant")
    job_id = hall.send("statement", paper(hall, memo="BI MAT"))
    sealed = hall.job(job_id).content_sealed
    assert b"PK" not in sealed[:40]
    assert service.content_of(hall.cipher, hall.job(job_id)).data == paper(hall, memo="BI MAT")
    hall.work()
    hall.press(job_id, "write")
    hall.work()
    done = hall.job(job_id)
    assert (done.content_sealed, done.returned_sealed, "first" in done.report) == (None, None, False)


def test_a_file_that_nobody_writes_is_dropped_and_forgotten_in_time(hall, monkeypatch):
    monkeypatch.setattr(tasks, "task_session", hall.sessions)
    hall.faces.log_in("accountant")
    job_id = hall.send("statement", paper(hall))
    hall.work()
    assert tasks.forget_files() == 0
    with clock.turned_to(clock.now() + service.KEPT_FOR + timedelta(hours=1)):
        assert tasks.forget_files() == 1
    kept = hall.job(job_id)
    assert (kept.state, kept.content_sealed, "first" in kept.report) == (JobState.DROPPED, None, False)


@pytest.mark.parametrize("phase", ["check", "preview", "write"])
def test_a_worker_that_dies_in_any_phase_leaves_one_result(hall, monkeypatch, phase):
    """The worker is gone where it tells this phase: nothing of its transaction is there, and the next one does it."""
    hall.faces.log_in("accountant")
    job_id = hall.send("statement", paper(hall))
    if phase == "write":
        hall.work()
        hall.press(job_id, "write")

    class Killed(BaseException):
        pass

    real = work.Teller.__call__

    def dies(self, told, done, total):
        real(self, told, done, total)
        if told == phase and (phase != "write" or done == total):
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(work.Teller, "__call__", dies)
        with pytest.raises(Killed):
            hall.work()
    assert hall.count("bank_line") == 0
    assert hall.job(job_id).phase == phase
    assert hall.work() == 0, "its lease is still the dead worker's"
    with clock.turned_to(clock.now() + work.LEASE + timedelta(seconds=1)):
        assert hall.work() == 1
        if phase != "write":
            hall.press(job_id, "write")
            assert hall.work() == 1
    assert (hall.count("bank_line"), hall.count("bank_statement"), hall.count("outbox WHERE queue = 'imports'")) == (
        3,
        1,
        0,
    )


WORKER = """
import sys
from functools import partial
from payments import outbox
from payments.crypto import FieldCipher
from payments.db import make_engine, session_scope
from payments.settings import Settings
from reconciliation.imports import service, work
sessions = partial(session_scope, make_engine(sys.argv[1]))
with sessions() as session:
    [row] = outbox.claim(session, service.QUEUE, limit=1, lease=work.LEASE)
work.work_on(sessions, FieldCipher(Settings.from_env().field_keys), row)
"""


def test_a_process_that_is_killed_while_it_writes_leaves_one_result(hall, database_url):
    """The worker has taken the job and waits for the school's lock when it is killed, as by the kernel."""
    hall.faces.log_in("accountant")
    job_id = hall.send("statement", paper(hall))
    hall.work()
    hall.press(job_id, "write")
    keys = ",".join(f"{number}:{b64encode(key).decode()}" for number, key in hall.faces.settings.field_keys.items())
    environment = os.environ | generated_environment() | {"DATABASE_URL": database_url, "HOCPHI_FIELD_KEYS": keys}
    with hall.sessions() as holder:
        lock_school(holder, hall.school.id)
        command = [sys.executable, "-c", WORKER, database_url]
        process = subprocess.Popen(command, cwd=ROOT, env=environment)
        try:
            until = time.monotonic() + 120
            while hall.rows(WAITING_FOR_A_LOCK) == [(0,)] and time.monotonic() < until and process.poll() is None:
                time.sleep(0.1)
            assert process.poll() is None
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
    assert (hall.count("bank_line"), hall.job(job_id).state) == (0, JobState.WRITING)
    with clock.turned_to(clock.now() + work.LEASE + timedelta(seconds=1)):
        assert hall.work() == 1
    assert (hall.count("bank_line"), hall.job(job_id).state) == (3, JobState.DONE)


def test_a_worker_whose_lease_ran_out_writes_nothing(hall):
    hall.faces.log_in("accountant")
    job_id = hall.send("statement", paper(hall))
    hall.work()
    hall.press(job_id, "write")
    slow = hall.claim()
    with clock.turned_to(clock.now() + work.LEASE + timedelta(seconds=1)):
        quick = hall.claim()
        work.work_on(hall.sessions, hall.cipher, slow)
        assert (hall.count("bank_line"), hall.job(job_id).state) == (0, JobState.WRITING)
        work.work_on(hall.sessions, hall.cipher, quick)
    assert (hall.count("bank_line"), hall.job(job_id).state) == (3, JobState.DONE)


def test_a_file_that_takes_every_worker_down_is_given_up(hall):
    hall.faces.log_in("accountant")
    job_id = hall.send("statement", paper(hall))
    moment = clock.now()
    for _ in range(work.MOST_LOSSES):
        with clock.turned_to(moment):
            assert hall.claim() is not None
        moment += work.LEASE + timedelta(seconds=1)
    with clock.turned_to(moment):
        assert hall.work() == 1
    assert hall.job(job_id).state is JobState.REFUSED
    assert "chia nhỏ tệp" in hall.page(job_id)


def test_what_is_written_is_what_was_shown(hall, monkeypatch):
    hall.faces.log_in("accountant")
    job_id = hall.send("statement", paper(hall))
    hall.work()
    with hall.sessions() as session:
        service.locked(session, hall.school.id, job_id).plan_sha256 = b"another reading"
    hall.press(job_id, "write")
    hall.work()
    assert (hall.job(job_id).state, hall.count("bank_line")) == (JobState.READY, 0)
    assert "được đọc khác" in hall.page(job_id)
    hall.press(job_id, "write")
    hall.work()
    assert hall.count("bank_line") == 3


def test_a_dropped_file_is_not_written_and_a_written_one_not_dropped(hall):
    hall.faces.log_in("accountant")
    job_id = hall.send("statement", paper(hall))
    assert hall.press(job_id, "drop") == 303
    assert hall.work() == 1
    assert hall.job(job_id).state is JobState.DROPPED
    assert hall.press(job_id, "write") == 409
    done = hall.bring("statement", paper(hall))
    assert hall.press(done.id, "drop") == 409


def test_the_principal_looks_and_others_see_nothing(hall):
    hall.faces.log_in("accountant")
    job_id = hall.send("statement", paper(hall))
    hall.work()
    hall.faces.log_in("principal")
    assert "multipart/form-data" not in hall.faces.page(hall.base)
    assert "Ghi 3 dòng" not in hall.page(job_id)
    for button in ("write", "drop", "account", "layout"):
        assert hall.faces.post(f"{hall.base}{job_id}/{button}", hall.base) == 404, button
    assert hall.faces.client.get(f"{hall.base}{job_id}/returned.xlsx").status_code == 404
    with session_scope(hall.faces.engine) as session:
        other = make_school(session)
    assert hall.faces.client.get(f"/console/{other.code}/imports/{job_id}/").status_code == 404
    assert hall.faces.client.get(f"/console/{other.code}/imports/").status_code == 404


def test_a_statement_of_another_account_is_refused_in_words(hall):
    hall.faces.log_in("accountant")
    data = write_camt053([statement("999", [line(1_000, "x", "FT1")])])
    job_id = hall.send("statement", data, "saoke.xml")
    hall.work()
    assert hall.job(job_id).state is JobState.REFUSED
    assert "không phải tài khoản" in hall.page(job_id)
    with session_scope(hall.faces.engine) as session:
        foreign = make_school(session)
    form = {
        "csrf_token": hall.token(hall.base),
        "account": str(foreign.account),
        "file": (io.BytesIO(data), "x"),
    }
    assert hall.faces.client.post(hall.base + "statement", data=form).status_code == 404


def test_progress_is_told_while_the_work_goes_on_and_the_page_asks_again(hall, monkeypatch):
    monkeypatch.setattr(work, "TOLD_EVERY", timedelta(0))
    hall.faces.log_in("accountant")
    job_id = hall.send("statement", paper(hall))
    seen = []
    real = work.Teller.__call__

    def looks(self, *told):
        real(self, *told)
        seen.append(hall.page(job_id, "progress"))

    with monkeypatch.context() as patch:
        patch.setattr(work.Teller, "__call__", looks)
        hall.work()
    assert any("3 / 3" in page for page in seen)
    answer = hall.faces.client.get(f"{hall.base}{job_id}/progress")
    assert answer.headers["HX-Refresh"] == "true"
