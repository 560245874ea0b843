"""Delivery over a real SMTP conversation."""

import socketserver
import threading
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, select

from payments.celery import engine as task_engine
from payments.celery import make_celery
from payments.db import session_scope
from payments.notifications.models import DeliveryAttempt, Message, MessageState
from payments.notifications.service import enqueue_message
from payments.notifications.tasks import deliver_due
from payments.schools.models import SchoolLevel
from payments.schools.service import create_school
from payments.settings import Settings, generated_environment

pytestmark = pytest.mark.db


class Mailbox(socketserver.StreamRequestHandler):
    """Just enough of RFC 5321 to take a message, or to refuse its recipient."""

    taken: list[str] = []  # noqa: RUF012 - shared on purpose: the test reads it
    refuse = False

    def say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())

    def handle(self) -> None:
        self.say("220 test")
        while line := self.rfile.readline().decode().strip():
            verb = line.split(" ", maxsplit=1)[0].upper()
            if verb == "DATA":
                self.say("354 go on")
                text = b""
                while (part := self.rfile.readline()) != b".\r\n":
                    text += part
                Mailbox.taken.append(text.decode())
            if verb == "RCPT" and Mailbox.refuse:
                self.say("550 no such user")
                continue
            self.say("221 bye" if verb == "QUIT" else "250 ok")
            if verb == "QUIT":
                return


@pytest.fixture
def smtp_url() -> Iterator[str]:
    Mailbox.taken, Mailbox.refuse = [], False
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Mailbox) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"smtp://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.fixture
def school(engine: Engine, database_url: str, smtp_url: str) -> Iterator[int]:
    make_celery(
        Settings.from_env({"DATABASE_URL": database_url, "HOCPHI_SMTP_URL": smtp_url, **generated_environment()}), {}
    )
    with session_scope(engine) as session:
        school_id = create_school(session, code="TH-MAU", name="Trường Tiểu học Mẫu", level=SchoolLevel.PRIMARY)
    yield school_id
    task_engine().dispose()


def message(engine: Engine, school_id: int) -> None:
    with session_scope(engine) as session:
        enqueue_message(
            session, school_id, dedup_key="a", kind="test", subject="Thử", body="Kính gửi", email="a@example.org"
        )


def test_a_message_is_delivered_once_however_often_the_task_runs(engine: Engine, school: int) -> None:
    message(engine, school)
    message(engine, school)
    assert deliver_due() == 1
    assert deliver_due() == 0
    assert len(Mailbox.taken) == 1
    assert "a@example.org" in Mailbox.taken[0]
    with session_scope(engine) as session:
        assert session.scalars(select(Message.state)).all() == [MessageState.SENT]


def test_a_refused_message_waits_and_keeps_the_reason(engine: Engine, school: int) -> None:
    Mailbox.refuse = True
    message(engine, school)
    assert deliver_due() == 1
    with session_scope(engine) as session:
        assert session.scalars(select(Message.state)).all() == [MessageState.WAITING]
        assert session.scalars(select(DeliveryAttempt.succeeded)).all() == [False]
