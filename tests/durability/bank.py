"""A bank with eight clients: each sends its facts one to four times, tries again until it is told yes, and writes down
every yes. What the clients wrote is what the system is judged by.
"""

import http.client
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from payments.developers.senders import Payment, signed_request

CLIENTS = 8
TIMEOUT_S = 5.0
ONE_TO_FOUR = (1, 1, 2, 3, 4)
HELD_BACK = 12
"""How many times slower the clients are while the killer is behind."""


class Target(Protocol):
    """Where callbacks go."""

    port: int


@dataclass(frozen=True, slots=True)
class Fact:
    """One transfer that truly happened."""

    number: int
    account: str
    memo: str
    amount_vnd: int

    @property
    def bank_reference(self) -> str:
        return f"FT{self.number:012d}"


@dataclass
class Bank:
    """Sends facts to whichever web process answers."""

    token: str
    secret: dict[str, str]
    targets: list[Target]
    facts: list[Fact]
    seed: int
    each_second: float
    """How many callbacks all clients send together."""
    copies: Sequence[int] = ONE_TO_FOUR
    """How often each fact is sent: one of these numbers."""
    may_advance_to: Callable[[], float] = lambda: 1.0
    """Share of the deliveries up to which the clients keep their pace; past it they slow down, on any machine."""
    acknowledged: Counter[int] = field(default_factory=Counter)
    sent: int = 0
    refused: int = 0
    in_flight: Counter[int] = field(default_factory=Counter)
    """By port."""
    answered: Counter[int] = field(default_factory=Counter)
    """How often each port said yes."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self) -> list[threading.Thread]:
        """Start the clients; they end by themselves when everything is acknowledged."""
        dice = random.Random(self.seed)
        deliveries = [fact for fact in self.facts for _ in range(dice.choice(self.copies))]
        dice.shuffle(deliveries)
        threads = [
            threading.Thread(target=self._client, args=(number, deliveries[number::CLIENTS]), daemon=True)
            for number in range(CLIENTS)
        ]
        for thread in threads:
            thread.start()
        return threads

    def _client(self, number: int, deliveries: list[Fact]) -> None:
        pace = CLIENTS / self.each_second
        connections: dict[int, http.client.HTTPConnection] = {}
        for turn, fact in enumerate(deliveries):
            began = time.monotonic()
            tries = 0
            while not self._deliver(fact, self.targets[(number + turn + tries) % len(self.targets)].port, connections):
                tries += 1
                time.sleep(min(0.02 * tries, 0.25))
            slower = HELD_BACK if turn > self.may_advance_to() * len(deliveries) else 1
            time.sleep(max(0.0, pace * slower - (time.monotonic() - began)))
        for connection in connections.values():
            connection.close()

    def _deliver(self, fact: Fact, port: int, connections: dict[int, http.client.HTTPConnection]) -> bool:
        """One attempt; True when the bank was told yes."""
        now = datetime.now(UTC)
        payment = Payment(
            account_number=fact.account,
            amount_vnd=fact.amount_vnd,
            memo=fact.memo,
            bank_reference=fact.bank_reference,
            txn_id=str(fact.number),
            occurred_at=datetime(2026, 9, 10, 3, tzinfo=UTC),
        )
        request = signed_request("sepay", self.secret, payment, sent_at=now)
        connection = connections.get(port) or http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
        connections[port] = connection
        with self._lock:
            self.sent += 1
            self.in_flight[port] += 1
        try:
            connection.request("POST", f"/callbacks/{self.token}", request.body, dict(request.headers))
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            connections.pop(port, None)
            return False
        finally:
            with self._lock:
                self.in_flight[port] -= 1
        with self._lock:
            if answer.status != 200:
                self.refused += 1
                return False
            self.acknowledged[fact.number] += 1
            self.answered[port] += 1
        return True
