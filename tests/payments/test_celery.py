"""Wake-ups are joined, and none that is asked for after a commit is lost."""

import os
import queue
import threading

import pytest

from payments import celery


class Broker:
    """Takes one message whenever the test lets it."""

    def __init__(self) -> None:
        self.taken: queue.Queue[str] = queue.Queue()
        self.may_go_on = threading.Semaphore(0)

    def send(self, name: str) -> None:
        self.taken.put(name)
        self.may_go_on.acquire(timeout=10)


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Broker:
    made = Broker()
    monkeypatch.setattr(celery, "_send", made.send)
    monkeypatch.setattr(celery, "WAKE_EVERY_S", 0)
    return made


def test_what_is_asked_while_a_wake_up_leaves_is_sent_once_afterwards(broker: Broker) -> None:
    waker = celery._Waker()
    assert not waker.is_due("settlement")
    waker.wake("settlement")
    assert broker.taken.get(timeout=10) == "settlement"
    assert not waker.is_due("settlement")  # it is leaving: whatever is committed now needs another one
    for _ in range(5):
        waker.wake("settlement")
    assert waker.is_due("settlement")
    assert not waker.is_due("nightly")
    broker.may_go_on.release()
    assert broker.taken.get(timeout=10) == "settlement"
    broker.may_go_on.release()
    waker.wake("nightly")
    assert broker.taken.get(timeout=10) == "nightly"
    broker.may_go_on.release()


def test_a_wake_up_that_the_parent_of_a_fork_owes_is_not_taken_for_ones_own(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    waker = celery._Waker()
    waker.wake("settlement")
    broker.taken.get(timeout=10)
    waker.wake("settlement")
    assert waker.is_due("settlement")
    child = os.getpid() + 1
    with monkeypatch.context() as forked:
        forked.setattr(os, "getpid", lambda: child)
        assert not waker.is_due("settlement")
    broker.may_go_on.release(2)
