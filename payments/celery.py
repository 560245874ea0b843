"""Celery: the engine that runs work; PostgreSQL is the queue of record (payments/outbox.py).

A wake-up is a message without content. It leaves after commit from one background thread, at most ten a second and
queue, with time-outs of a second and without retries: a broker that is away costs seconds of latency, never money.
"""

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from celery import Celery, current_app
from kombu.exceptions import OperationalError
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from payments.db import make_engine, session_scope
from payments.settings import Settings

QUEUES: Mapping[str, str] = {
    "settlement": "payments.settlement.tasks.settle_due",
    "clearing": "payments.clearing.tasks.clear_due",
    "issuing": "payments.invoices.tasks.issue_due",
    "polling": "payments.inbox.tasks.poll_due",
    "notices": "payments.notifications.tasks.deliver_due",
    "paper": "payments.paper.tasks.print_due",
    "waves": "payments.notices.tasks.send_due",
    "events": "payments.events.tasks.deliver_due",
    "orders": "payments.inbox.asking.ask_due",
    "nightly": "reconciliation.tasks.reconcile_due",
    "imports": "reconciliation.imports.tasks.import_due",
}
"""Queue -> the task that a wake-up starts; each task claims what is due and is safe to run twice."""

WAKE_EVERY_S = 0.1
BROKER_TIMEOUT_S = 1.0


def make_celery(settings: Settings, beat_schedule: Mapping[str, Any]) -> Celery:
    """The Celery application; without BROKER_URL nothing is sent, and neither worker nor beat can run."""
    app = Celery("hocphi", broker=settings.broker_url, backend=settings.result_backend)
    app.conf.update(
        task_ignore_result=True,
        task_acks_late=True,
        worker_prefetch_multiplier=1,
        task_default_queue="settlement",
        task_routes={task: {"queue": queue} for queue, task in QUEUES.items()},
        task_serializer="json",
        accept_content=["json"],
        timezone="Asia/Ho_Chi_Minh",
        beat_schedule=dict(beat_schedule),
        broker_connection_retry_on_startup=True,
        broker_transport_options={
            "socket_timeout": BROKER_TIMEOUT_S,
            "socket_connect_timeout": BROKER_TIMEOUT_S,
        },
        worker_hijack_root_logger=False,
    )
    app.conf.hocphi_settings = settings
    app.set_default()
    return app


_engines: dict[tuple[int, str], Engine] = {}


def engine() -> Engine:
    """The engine of this process and database (made anew after a fork: connections must not be shared)."""
    key = (os.getpid(), settings().database_url)
    if key not in _engines:
        for (pid, _url), old in _engines.items():
            old.dispose(close=pid == os.getpid())
        _engines.clear()
        _engines[key] = make_engine(settings().database_url)
    return _engines[key]


def settings() -> Settings:
    """The settings that the current Celery application was made with."""
    found = current_app.conf.get("hocphi_settings")
    if not isinstance(found, Settings):
        raise TypeError("no Celery application was made: wsgi.py does that")
    return found


@contextmanager
def task_session() -> Iterator[Session]:
    """One committed transaction of a task."""
    with session_scope(engine()) as session:
        yield session


class _Waker:
    """Coalesces wake-ups: many commits within a tenth of a second send one message a queue."""

    def __init__(self) -> None:
        self._asked: set[str] = set()
        self._something = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._pid = 0

    def is_due(self, queue: str) -> bool:
        """Whether a wake-up of the queue is on its way that leaves later than now."""
        return queue in self._asked and self._pid == os.getpid()

    def wake(self, queue: str) -> None:
        with self._lock:
            self._asked.add(queue)
            if self._thread is None or self._pid != os.getpid():
                self._pid = os.getpid()
                self._thread = threading.Thread(target=self._run, name="hocphi-waker", daemon=True)
                self._thread.start()
        self._something.set()

    def _run(self) -> None:
        pause = threading.Event()
        while True:
            self._something.wait()
            self._something.clear()
            with self._lock:
                queues, self._asked = self._asked, set()
            for queue in queues:
                _send(queue)
            pause.wait(WAKE_EVERY_S)


def _send(queue: str) -> None:
    try:
        current_app.send_task(QUEUES[queue], queue=queue, ignore_result=True, retry=False, expires=60)
    except (OperationalError, OSError):
        return  # The sweep finds the row within seconds.


_waker = _Waker()


def wake(queue: str) -> None:
    """Ask for the queue's task to run soon; returns at once and never fails."""
    if _waker.is_due(queue):
        return  # Celery's settings are slow to ask, and the door asks for each batch.
    if current_app.conf.get("hocphi_settings") is not None and current_app.conf.broker_url:
        _waker.wake(queue)
