"""Asking senders for what their callbacks missed: one pass over a window of time for each connection, page by page.

Senders give up after minutes (SePay 33, VietQR.vn 6), so after an outage of ours the money would be known from the
statement only. Every connection whose adapter is a Poller is asked every few minutes; what became due while we were
away is due at once when we return. A few rules keep this safe:

* A connection is asked by one worker at a time: a lease with a fencing token. Who comes back too late writes nothing.
* No transaction is open while a sender is thinking.
* Evidence of a page and the place where the next page begins are committed together, so that a pass goes on after a
  crash where it stopped, and no page is ever taken for read that was not recorded.
* Each window begins before the end of the last one: a transaction that the sender came to know of late is seen then.
* A sender's limit is kept in the database for all processes together, and its «Retry-After» holds for all of them.
"""

import logging
import random
import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final, cast

from sqlalchemy import text
from sqlalchemy.orm import Session

from bank_adapters.contract import (
    AdapterError,
    MalformedCallbackError,
    OutgoingRequest,
    OutgoingResponse,
    Page,
    Poller,
    PollError,
    PollTerms,
    Window,
)
from bank_adapters.registry import adapter_names, get_adapter
from payments import clock
from payments.banking.queries import DoorConnection, connection_by_id
from payments.crypto import FieldCipher
from payments.inbox.models import DeliveryOutcome
from payments.inbox.polled import record_polled
from payments.inbox.queries import UNCONFIGURED
from payments.outgoing import OutgoingError

log = logging.getLogger(__name__)

LEASE: Final = timedelta(minutes=2)
"""Longer than a call may take, and renewed with each page."""
FIRST_LOOK: Final = timedelta(days=3)
"""How far back the first pass of a connection begins at most."""
GAP_AFTER: Final = 3
"""What was not asked for in so many times its rhythm counts as a gap."""
BACKOFF_CAP_S: Final = 300.0
LONGEST_WAIT_S: Final = 30.0
"""For the sender's limit; who would have to wait longer gives the connection back."""
SLACK: Final = 1.1
"""Requests reach a sender closer together than they left us."""
MOST_PAGES: Final = 500
"""In one go; then other connections get their turn."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What a pass needs from outside: transactions, the network, patience, and the key to secrets."""

    sessions: Callable[[], AbstractContextManager[Session]]
    send: Callable[[OutgoingRequest], OutgoingResponse]
    cipher: FieldCipher
    pause: Callable[[float], None] = time.sleep


@dataclass(frozen=True, slots=True)
class Lease:
    """A connection that this worker alone may ask, with what is asked for."""

    connection_id: int
    token: int
    window: Window
    cursor: str | None
    failures: int


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of asking one connection once; ``problem`` None: its pass is complete."""

    connection_id: int
    pages: int = 0
    transactions: int = 0
    new: int = 0
    problem: str | None = None


_ENROL = text("""
    INSERT INTO poll_state (connection_id, due_at)
    SELECT c.id, :now FROM connection c
    WHERE c.active AND c.adapter = ANY(CAST(:adapters AS text[]))
      AND NOT EXISTS (SELECT FROM poll_state s WHERE s.connection_id = c.id)
    ORDER BY c.id
    ON CONFLICT (connection_id) DO NOTHING
""")

_CLAIM = text("""
    UPDATE poll_state SET lease_token = lease_token + 1, leased_until = :until, attempted_at = :now
    WHERE id = (
        SELECT s.id FROM poll_state s JOIN connection c ON c.id = s.connection_id
        WHERE c.active AND c.adapter = ANY(CAST(:adapters AS text[])) AND s.due_at <= :now
          AND (s.leased_until IS NULL OR s.leased_until < :now)
          AND (CAST(:only AS bigint) IS NULL OR s.connection_id = :only)
        ORDER BY s.due_at, s.id
        LIMIT 1
        FOR UPDATE OF s SKIP LOCKED)
    RETURNING connection_id, lease_token, covered_to, window_since, window_until, cursor, failures,
        (SELECT created_at FROM connection WHERE connection.id = poll_state.connection_id) AS created_at,
        (SELECT adapter FROM connection WHERE connection.id = poll_state.connection_id) AS adapter
""")

_OPEN = text("""
    UPDATE poll_state SET window_since = :since, window_until = :until, cursor = NULL, unreadable = 0,
        gap_since = CASE WHEN :gap THEN covered_to ELSE gap_since END,
        gap_seen_at = CASE WHEN :gap THEN CAST(:until AS timestamptz) ELSE gap_seen_at END,
        gap_closed_at = CASE WHEN :gap THEN NULL ELSE gap_closed_at END
    WHERE connection_id = :connection_id
""")

_RESERVE = text("""
    INSERT INTO poll_budget (name, free_at) VALUES (:name, CAST(:now AS timestamptz) + :spacing)
    ON CONFLICT (name) DO UPDATE SET free_at = greatest(poll_budget.free_at, CAST(:now AS timestamptz)) + :spacing
        WHERE poll_budget.free_at <= CAST(:now AS timestamptz) + :longest
    RETURNING free_at - :spacing
""")

_LEAVE_ALONE = text("""
    INSERT INTO poll_budget (name, free_at) VALUES (:name, :until)
    ON CONFLICT (name) DO UPDATE SET free_at = greatest(poll_budget.free_at, excluded.free_at)
""")

_MOVE_ON = text("""
    UPDATE poll_state SET cursor = :cursor, unreadable = unreadable + :unreadable, leased_until = :until,
        failures = 0, problem = NULL
    WHERE connection_id = :connection_id AND lease_token = :token
    RETURNING id
""")

_COMPLETE = text("""
    UPDATE poll_state SET covered_to = window_until, window_since = NULL, window_until = NULL, cursor = NULL,
        succeeded_at = :now, due_at = :due_at, leased_until = NULL,
        gap_closed_at = CASE WHEN gap_seen_at IS NOT NULL THEN coalesce(gap_closed_at, :now) END
    WHERE connection_id = :connection_id AND lease_token = :token
""")

_GIVE_BACK = text("""
    UPDATE poll_state SET due_at = :due_at, leased_until = NULL, problem = :problem, failures = failures + :failed
    WHERE connection_id = :connection_id AND lease_token = :token
""")

_ASK_NOW = text("""
    UPDATE poll_state SET due_at = :now, failures = 0
    WHERE CAST(:only AS bigint) IS NULL OR connection_id = :only
    RETURNING connection_id
""")

# A pass under way would move past the earlier moment: it loses its lease, and its window with it.
_GO_BACK = text("""
    UPDATE poll_state SET covered_to = least(covered_to, :since), window_since = NULL, window_until = NULL,
        cursor = NULL, lease_token = lease_token + 1, leased_until = NULL
    WHERE CAST(:only AS bigint) IS NULL OR connection_id = :only
""")


def pollers() -> list[str]:
    """Names of the adapters whose senders can be asked."""
    return [name for name in adapter_names() if _poller(name) is not None]


def enrol(session: Session) -> None:
    """Remember every connection that can be asked and is not known yet; it is due at once."""
    session.execute(_ENROL, {"now": clock.now(), "adapters": pollers()})


def ask_now(session: Session, only: int | None = None, since: datetime | None = None) -> list[int]:
    """Make connections due (None: all), perhaps from an earlier moment on; returns the ids of those that can be asked.

    A connection that was never asked begins at ``since`` itself.
    """
    enrol(session)
    if since is not None:
        session.execute(_GO_BACK, {"only": only, "since": since})
    return sorted(session.scalars(_ASK_NOW, {"now": clock.now(), "only": only}))


def ask_next(tools: Tools, only: int | None = None) -> Asked | None:
    """Ask the connection that is longest due; None when none is. Raises what the database raises, nothing else."""
    with tools.sessions() as session:
        claimed = _claimed(session, only)
    if claimed is None:
        return None
    lease, poller = claimed
    try:
        return _Pass(tools, lease, poller).run()
    except (PollError, OutgoingError) as error:
        return _failed(tools, lease, poller, error.code, getattr(error, "retry_after_s", None))
    except (MalformedCallbackError, UnicodeEncodeError):
        return _failed(tools, lease, poller, "garbage")


def _poller(name: str) -> Poller | None:
    try:
        adapter = get_adapter(name)
    except AdapterError:
        return None  # ``hocphi adapters list`` shows what is wrong with it
    return _as_poller(cast("Hashable", adapter))


@cache
def _as_poller(adapter: Hashable) -> Poller | None:
    """Remembered: every sweep asks this of every adapter, and looking a protocol up is slow."""
    return adapter if isinstance(adapter, Poller) else None


def _claimed(session: Session, only: int | None) -> tuple[Lease, Poller] | None:
    now = clock.now()
    row = session.execute(_CLAIM, {"now": now, "until": now + LEASE, "adapters": pollers(), "only": only}).first()
    poller = _poller(row.adapter) if row is not None else None
    if row is None or poller is None:
        return None
    window = (
        Window(row.window_since, row.window_until)
        if row.window_since
        else _open(session, row.connection_id, row.covered_to, row.created_at, poller.POLL)
    )
    return Lease(row.connection_id, row.lease_token, window, row.cursor, row.failures), poller


def _open(
    session: Session, connection_id: int, covered_to: datetime | None, created_at: datetime, terms: PollTerms
) -> Window:
    window, is_gap = next_window(clock.now(), covered_to, created_at, terms)
    session.execute(
        _OPEN, {"connection_id": connection_id, "since": window.since, "until": window.until, "gap": is_gap}
    )
    return window


def next_window(
    now: datetime, covered_to: datetime | None, created_at: datetime, terms: PollTerms
) -> tuple[Window, bool]:
    """What to ask for next, and whether that is a gap rather than the usual stretch: pure."""
    begin = covered_to or max(created_at, now - FIRST_LOOK)
    since = max(begin - terms.overlap, now - terms.reach)
    return Window(since, now), covered_to is not None and now - covered_to > GAP_AFTER * terms.every


class _Pass:
    """The pages of one window, from where the last worker stopped."""

    def __init__(self, tools: Tools, lease: Lease, poller: Poller) -> None:
        self._tools = tools
        self._lease = lease
        self._poller = poller
        self._asked = Asked(lease.connection_id)

    def run(self) -> Asked:
        """Raises PollError and OutgoingError, and MalformedCallbackError for text that cannot be stored."""
        cursor = self._lease.cursor
        for _ in range(MOST_PAGES):
            with self._tools.sessions() as session:
                connection = connection_by_id(session, self._tools.cipher, self._lease.connection_id)
                secret = _secret(connection, self._poller, self._lease.failures)
                wait_s = _reserve(session, self._poller.POLL) if secret is not None else None
            if connection is None or secret is None:
                return self._later(UNCONFIGURED, self._poller.POLL.every)
            if wait_s is None:
                return self._later("waiting", timedelta(seconds=LONGEST_WAIT_S))
            self._tools.pause(wait_s)
            page = self._page(secret, cursor)
            with self._tools.sessions() as session:
                outcomes = take(session, self._lease, connection, page, self._poller.POLL)
            if outcomes is None:
                return replace(self._asked, problem="lost_lease")
            self._count(outcomes)
            if page.next_cursor is None:
                return self._asked
            cursor = page.next_cursor
        return self._later("more", timedelta(0))

    def _page(self, secret: Mapping[str, str], cursor: str | None) -> Page:
        window = self._lease.window
        try:
            request = self._poller.poll_request(window, cursor, secret)
            response = self._tools.send(request)
            page = self._poller.read_page(response, window, cursor)
        except (PollError, OutgoingError):
            raise
        except Exception as error:  # noqa: BLE001 - a fault in an adapter must not stop the others
            # The name only: an exception's text may quote a secret or a payer.
            log.error("polling: connection %s: %s", self._lease.connection_id, type(error).__name__)  # noqa: TRY400 - no traceback
            raise PollError("adapter_failed") from None
        if page.next_cursor is not None and page.next_cursor == cursor:
            raise PollError("garbage")
        return page

    def _count(self, outcomes: Sequence[DeliveryOutcome]) -> None:
        self._asked = replace(
            self._asked,
            pages=self._asked.pages + 1,
            transactions=self._asked.transactions + len(outcomes),
            new=self._asked.new + sum(outcome is not DeliveryOutcome.DUPLICATE for outcome in outcomes),
        )

    def _later(self, problem: str, wait: timedelta) -> Asked:
        with self._tools.sessions() as session:
            _give_back(session, self._lease, problem, wait, failed=False)
        return replace(self._asked, problem=problem)


def take(
    session: Session, lease: Lease, connection: DoorConnection, page: Page, terms: PollTerms
) -> list[DeliveryOutcome] | None:
    """Record a page and move the cursor behind it, in one transaction; None: the lease is lost, nothing is written.

    Raises as ``record_polled``.
    """
    now = clock.now()
    mine: dict[str, Any] = {"connection_id": lease.connection_id, "token": lease.token, "now": now}
    moved = {"cursor": page.next_cursor, "unreadable": page.unreadable, "until": now + LEASE}
    if session.execute(_MOVE_ON, mine | moved).first() is None:
        return None
    outcomes = record_polled(session, connection, page.transactions)
    if page.next_cursor is None:
        # A pass that took long, or was taken up again after an outage, leaves time that nobody has asked for yet.
        is_late = now - lease.window.until > terms.every
        session.execute(_COMPLETE, mine | {"due_at": now if is_late else now + terms.every})
    return outcomes


def _secret(connection: DoorConnection | None, poller: Poller, failures: int) -> Mapping[str, str] | None:
    """The newest secret that can ask, after a failure the next one: during a rotation either may be the good one."""
    if connection is None:
        return None
    fit = [secret for secret in connection.secrets if all(secret.get(field) for field in poller.POLL_FIELDS)]
    return fit[failures % len(fit)] if fit else None


def _reserve(session: Session, terms: PollTerms) -> float | None:
    """Take the sender's next free moment and say in how many seconds it is; None when it is too far off."""
    now = clock.now()
    spacing = timedelta(seconds=terms.per_s / terms.calls * SLACK)
    values = {
        "name": terms.budget,
        "now": now,
        "spacing": spacing,
        "longest": timedelta(seconds=LONGEST_WAIT_S),
    }
    moment = session.scalar(_RESERVE, values)
    return None if moment is None else max(0.0, (moment - now).total_seconds())


def _failed(tools: Tools, lease: Lease, poller: Poller, code: str, retry_after_s: float | None = None) -> Asked:
    wait_s = max(backoff_s(lease.failures, random.random()), retry_after_s or 0.0)  # noqa: S311 - jitter is no secret
    with tools.sessions() as session:
        if retry_after_s:
            until = clock.now() + timedelta(seconds=retry_after_s)
            session.execute(_LEAVE_ALONE, {"name": poller.POLL.budget, "until": until})
        _give_back(session, lease, code, timedelta(seconds=wait_s), failed=True)
    return Asked(lease.connection_id, problem=code)


def backoff_s(failures: int, chance: float) -> float:
    """Seconds until the next try after so many failures in a row; ``chance`` from 0 to 1 spreads many connections."""
    return float(min(2.0 ** min(failures + 1, 16), BACKOFF_CAP_S) * (0.5 + chance / 2))


def _give_back(session: Session, lease: Lease, problem: str, wait: timedelta, *, failed: bool) -> None:
    session.execute(
        _GIVE_BACK,
        {
            "connection_id": lease.connection_id,
            "token": lease.token,
            "problem": problem,
            "due_at": clock.now() + wait,
            "failed": int(failed),
        },
    )
