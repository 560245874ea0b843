"""A school's print is a job: it survives its worker, is kept sealed for a day, and nobody else gets it."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from payments import clock, outbox
from payments.clock import turned_to
from payments.crypto import FieldCipher
from payments.db import session_scope
from payments.errors import NotFoundError
from payments.paper import service, work
from payments.paper.document import pages_of
from payments.paper.models import PrintJob, PrintState
from payments.paper.rules import Kind
from payments.paper.work import LEASE, MOST_LOSSES, work_on
from payments.vietqr import decode
from tests.payments.paper.office import LINKS, Office, memos, open_office
from tests.payments.paper.reading import codes

CIPHER = FieldCipher({1: b"f" * 32})
Sessions = Callable[[], AbstractContextManager[Session]]


@pytest.fixture
def sessions(engine: Engine) -> Sessions:
    return lambda: session_scope(engine)


@pytest.fixture
def office(sessions: Sessions) -> Office:
    with sessions() as session:
        return open_office(session)


def ask(sessions: Sessions, office: Office, kind: Kind = Kind.SLIPS) -> int:
    with sessions() as session:
        wanted = service.order(session, office.school.id, office.round_id, kind)
        return service.request_print(session, wanted, office.school.accountant)


def claim(sessions: Sessions) -> outbox.Claimed | None:
    with sessions() as session:
        return next(iter(outbox.claim(session, service.QUEUE, limit=1, lease=LEASE)), None)


def job(sessions: Sessions, office: Office, job_id: int) -> PrintJob:
    with sessions() as session:
        return session.get_one(PrintJob, (office.school.id, job_id))


def test_a_job_is_printed_and_kept_sealed(sessions: Sessions, office: Office) -> None:
    job_id = ask(sessions, office)
    work_on(sessions, CIPHER, LINKS, claim(sessions))
    done = job(sessions, office, job_id)
    assert (done.state, done.slips_done, done.slips_total, done.pages) == (PrintState.READY, 4, 4, 2)
    with sessions() as session:
        _, pdf = service.open_file(session, CIPHER, office.school.id, job_id)
        kept = session.execute(text("SELECT file_sealed FROM print_job")).scalar_one()
        assert session.scalar(text("SELECT count(*) FROM outbox WHERE queue = 'paper'")) == 0
        assert memos(session) == 1
    assert pages_of(pdf) == 2
    assert len([code for code in codes(pdf, 150) if "://" not in code.text]) == 4
    assert b"%PDF" not in kept


def test_asking_twice_is_one_job(sessions: Sessions, office: Office) -> None:
    assert ask(sessions, office) == ask(sessions, office)
    assert ask(sessions, office, Kind.SHEETS) != ask(sessions, office)
    with sessions() as session:
        assert session.scalar(text("SELECT count(*) FROM outbox WHERE queue = 'paper'")) == 2


def test_a_killed_worker_loses_nothing(sessions: Sessions, office: Office) -> None:
    job_id = ask(sessions, office)
    assert claim(sessions) is not None
    assert claim(sessions) is None
    with turned_to(clock.now() + LEASE + timedelta(seconds=1)):
        work_on(sessions, CIPHER, LINKS, claim(sessions))
    assert job(sessions, office, job_id).state is PrintState.READY


def test_a_worker_killed_between_two_classes_is_followed_by_one_that_prints_each_slip_once(
    sessions: Sessions, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = ask(sessions, office)
    honest = work._tell

    def die_after_telling(*about) -> None:
        honest(*about)
        raise KeyboardInterrupt

    monkeypatch.setattr(work, "_tell", die_after_telling)
    with pytest.raises(KeyboardInterrupt):
        work_on(sessions, CIPHER, LINKS, claim(sessions))
    monkeypatch.undo()
    begun = job(sessions, office, job_id)
    assert (begun.state, begun.slips_done) == (PrintState.PRINTING, 3)
    with turned_to(clock.now() + LEASE + timedelta(seconds=1)):
        work_on(sessions, CIPHER, LINKS, claim(sessions))
    with sessions() as session:
        ended, pdf = service.open_file(session, CIPHER, office.school.id, job_id)
        wanted = [str(one.reference) for one in office.invoices]
    assert (ended.state, ended.slips_done) == (PrintState.READY, 4)
    money = [decode(code.text).memo for code in codes(pdf, 150) if "://" not in code.text]
    assert money == wanted, "in class order, each once"


def test_a_worker_whose_lease_is_gone_keeps_nothing(sessions: Sessions, office: Office) -> None:
    job_id = ask(sessions, office)
    slow = claim(sessions)
    with turned_to(clock.now() + LEASE + timedelta(seconds=1)):
        quick = claim(sessions)
    assert slow is not None
    work_on(sessions, CIPHER, LINKS, slow)
    assert job(sessions, office, job_id).state is PrintState.WAITING
    assert quick is not None
    work_on(sessions, CIPHER, LINKS, quick)
    assert job(sessions, office, job_id).state is PrintState.READY


def test_a_job_with_nothing_left_to_print_ends_and_says_why(sessions: Sessions, office: Office) -> None:
    job_id = ask(sessions, office)
    with sessions() as session:
        session.execute(text("UPDATE collection_round SET state = 'closed'"))
    work_on(sessions, CIPHER, LINKS, claim(sessions))
    ended = job(sessions, office, job_id)
    assert (ended.state, ended.problem) == (PrintState.FAILED, "round_not_out")
    assert claim(sessions) is None


def test_a_job_that_takes_its_workers_down_is_given_up(sessions: Sessions, office: Office) -> None:
    job_id = ask(sessions, office)
    with sessions() as session:
        session.execute(text("UPDATE outbox SET attempts = :most"), {"most": MOST_LOSSES})
    work_on(sessions, CIPHER, LINKS, claim(sessions))
    assert job(sessions, office, job_id).problem == "worker_lost"


def test_a_file_is_forgotten_after_a_day_and_never_another_schools(sessions: Sessions, office: Office) -> None:
    job_id = ask(sessions, office)
    work_on(sessions, CIPHER, LINKS, claim(sessions))
    with sessions() as session:
        stranger = open_office(session)
        with pytest.raises(NotFoundError):
            service.open_file(session, CIPHER, stranger.school.id, job_id)
        assert service.jobs(session, stranger.school.id) == []
        assert service.forget_old(session) == 0
    with turned_to(clock.now() + service.KEPT_FOR + timedelta(seconds=1)), sessions() as session:
        with pytest.raises(NotFoundError):
            service.open_file(session, CIPHER, office.school.id, job_id)
        assert service.forget_old(session) == 1
        assert session.scalar(text("SELECT count(*) FROM print_job")) == 0
