"""What callbacks missed is asked for: every page once, within the sender's limit, and whatever it answers."""

import ipaddress
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from bank_adapters import get_adapter
from bank_adapters.contract import OutgoingRequest, OutgoingResponse, Poller, PollTerms
from operations.cli import LazyGroup
from operations.doctor import examine
from payments import clock
from payments.banking.connections import AccountName, add_secret, revoke_connection
from payments.crypto import FieldCipher
from payments.db import session_scope
from payments.inbox import polling, tasks
from payments.inbox.polling import Asked, Tools, ask_next, ask_now, backoff_s, enrol, next_window
from payments.inbox.queries import gap_health
from payments.inbox.service import attach_evidence
from payments.outgoing import Outgoing
from payments.settings import Settings, generated_environment
from tests.payments.inbox.callers import Sender, make_sender, rows, settings_for
from tests.payments.inbox.sender_server import (
    TOKEN,
    Service,
    TurnedClock,
    answering,
    cut_off,
    running,
    sepay_row,
    silence,
)

START = datetime(2026, 9, 22, 1, 0, tzinfo=UTC)
LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)
ADAPTERS = ("sepay", "casso_v2")
SWEEP_S = 15.0


@dataclass
class Place:
    """One connection, its sender's service, and the clock of both."""

    engine: Engine
    settings: Settings
    clock: TurnedClock
    service: Service
    sender: Sender
    deadline_s: float = 20.0
    call_s: float = 0.0

    @property
    def tools(self) -> Tools:
        cipher = FieldCipher(self.settings.field_keys)
        return Tools(lambda: session_scope(self.engine), self.send, cipher, self.clock.wait)

    def send(self, request: OutgoingRequest) -> OutgoingResponse:
        self.clock.wait(self.call_s)
        return Outgoing(LOOPBACK, deadline_s=self.deadline_s).send(request)

    def book(self, reference: str, **more: Any) -> Any:
        return self.service.book(self.sender.number, reference, **more)

    def enrol(self) -> None:
        with session_scope(self.engine) as session:
            enrol(session)

    def ask(self) -> Asked | None:
        self.enrol()
        return ask_next(self.tools)

    def ask_later(self, seconds: float = 300) -> Asked | None:
        self.clock.wait(seconds)
        return self.ask()

    def run_until_complete(self, limit_s: float = 3600) -> float:
        """Sweep as beat does until nothing is missing; the seconds that it took on the turned clock."""
        began = self.clock.now()
        while self.clock.now() - began < timedelta(seconds=limit_s):
            asked = self.ask()
            if asked is not None and asked.problem is None:
                return (self.clock.now() - began).total_seconds()
            if asked is None:
                self.clock.wait(SWEEP_S)
        raise AssertionError("the gap was not closed")

    @property
    def references(self) -> list[str]:
        found = rows(self.engine, "SELECT bank_reference FROM evidence WHERE source = 'poll' ORDER BY occurred_at, id")
        return [row[0] for row in found]

    @property
    def state(self) -> Any:
        return rows(
            self.engine,
            "SELECT cursor, problem, failures, covered_to, unreadable FROM poll_state",
        )[0]


@contextmanager
def placed(engine: Engine, adapter: str = "sepay", **changed: Any) -> Iterator[Place]:
    settings = settings_for(engine.url.render_as_string(hide_password=False))
    with TurnedClock(START) as turned, running(turned.now) as service:
        keys = {
            "sepay": {"secret": "push-only", "api_token": TOKEN, "api_url": service.url},
            "casso_v2": {"checksum_key": "push-only", "api_key": TOKEN, "api_url": service.url},
        }
        sender = make_sender(engine, settings, adapter=adapter, secret=changed.pop("secret", keys[adapter]), **changed)
        yield Place(engine, settings, turned, service, sender)


@pytest.fixture(params=ADAPTERS)
def place(request: pytest.FixtureRequest, engine: Engine) -> Iterator[Place]:
    with placed(engine, request.param) as made:
        yield made


@pytest.fixture
def sepay(engine: Engine) -> Iterator[Place]:
    with placed(engine) as made:
        yield made


def test_what_was_missed_becomes_evidence_with_work_for_settlement(place: Place) -> None:
    place.book("FT1")
    place.book("FT2", outgoing=True, amount_vnd=5_000)
    place.clock.wait(60)
    asked = place.ask()
    assert asked == Asked(place.sender.connection_id, pages=1, transactions=2, new=2)
    told = rows(
        place.engine,
        "SELECT source, bank_reference, direction, amount_vnd, school_id FROM evidence ORDER BY bank_reference",
    )
    school_id = place.sender.school.id
    assert told == [
        ("poll", "FT1", "credit", 250_000, school_id),
        ("poll", "FT2", "debit", 5_000, school_id),
    ]
    assert rows(place.engine, "SELECT count(*) FROM outbox WHERE queue = 'settlement'") == [(2,)]


def test_the_same_page_again_adds_nothing(place: Place) -> None:
    place.book("FT1")
    place.clock.wait(60)
    place.ask()
    again = place.ask_later()
    assert again is not None
    assert (again.transactions, again.new) == (1, 0)
    assert rows(place.engine, "SELECT count(*) FROM evidence") == [(1,)]
    assert rows(place.engine, "SELECT count(*) FROM outbox") == [(1,)]


def test_nobody_is_asked_before_it_is_time(place: Place) -> None:
    assert place.ask() is not None
    assert place.ask() is None
    assert place.ask_later(200) is None
    assert place.ask_later(200) is not None


def test_every_page_is_read_once_and_in_order(place: Place) -> None:
    for number in range(230):
        place.book(f"FT{number:04d}")
        place.clock.wait(7)
    asked = place.ask()
    assert asked is not None
    assert asked.pages >= 3
    assert place.references == [f"FT{number:04d}" for number in range(230)]


def test_many_movements_of_one_second_are_all_read(place: Place) -> None:
    for number in range(250):
        place.book(f"FT{number:04d}")
    place.clock.wait(60)
    place.ask()
    assert sorted(place.references) == [f"FT{number:04d}" for number in range(250)]


def test_rows_that_come_or_go_between_two_pages_hide_no_other(sepay: Place) -> None:
    """A page number would skip a row for each one that vanishes before it."""
    for number in range(300):
        sepay.book(f"FT{number:04d}")
        sepay.clock.wait(3)

    def meddle(service: Service) -> None:
        if len(service.asked) == 2:
            del service.booked[:40]

    sepay.service.before_each = meddle
    sepay.ask()
    assert sepay.references == [f"FT{number:04d}" for number in range(300)]


def test_a_transaction_that_the_sender_learns_late_is_seen(place: Place) -> None:
    place.ask()
    place.clock.wait(240)
    place.book("FT-LATE", at=place.clock.now(), late_s=3600)
    for _ in range(16):
        place.ask_later()
    assert place.references == ["FT-LATE"]


def test_without_the_overlap_a_late_one_is_lost(sepay: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """The safeguard is removed: the test above has teeth."""
    terms: PollTerms = replace(get_adapter("sepay").POLL, overlap=timedelta(0))  # type: ignore[attr-defined]  # a Poller
    monkeypatch.setattr(get_adapter("sepay"), "POLL", terms)
    sepay.ask()
    sepay.clock.wait(240)
    sepay.book("FT-LATE", at=sepay.clock.now(), late_s=3600)
    for _ in range(16):
        sepay.ask_later()
    assert sepay.references == []


def test_a_foreign_account_of_the_same_company_is_quarantined(place: Place) -> None:
    place.service.book("9999999999", "FT1")
    place.clock.wait(60)
    place.ask()
    assert rows(place.engine, "SELECT school_id, account_named FROM evidence") == [(None, "9999")]
    assert rows(place.engine, "SELECT count(*) FROM outbox") == [(0,)]


def test_a_test_connection_moves_nothing(engine: Engine) -> None:
    with placed(engine, sandbox=True) as place:
        place.book("FT1")
        place.clock.wait(60)
        place.ask()
        assert rows(engine, "SELECT sandbox FROM evidence") == [(True,)]
        assert rows(engine, "SELECT count(*) FROM outbox") == [(0,)]


def test_other_content_under_a_known_id_is_kept_beside_it(sepay: Place) -> None:
    first = sepay.book("FT1")
    sepay.clock.wait(60)
    sepay.ask()
    sepay.service.booked[0] = replace(first, amount_vnd=1)
    sepay.ask_later()
    sepay.ask_later()
    found = rows(sepay.engine, "SELECT amount_vnd, conflicting FROM evidence ORDER BY id")
    assert found == [(250_000, False), (1, True)]
    assert rows(sepay.engine, "SELECT count(*) FROM outbox") == [(1,)]


FAULTS: list[tuple[Any, str]] = [
    (answering(429, {}, {"Retry-After": "7"}), "rate_limited"),
    (answering(429, {}, {"Retry-After": "soon"}), "rate_limited"),
    (answering(500, {}), "sender_failed"),
    (answering(503, {}, {"Retry-After": "20"}), "sender_failed"),
    (answering(401, {}), "unauthorised"),
    (answering(404, {}), "refused"),
    (answering(302, b"", {"Location": "http://127.0.0.1:1/"}), "refused"),
    (answering(200, b"<html>maintenance</html>"), "garbage"),
    (answering(200, b'{"status": "success"}'), "garbage"),
    (answering(200, b'{"data": [1], "meta": {"pagination": {"has_more": false}}}'), "garbage"),
    (answering(200, b'{"data": [], "meta": {"pagination": {"has_more": true}}}'), "garbage"),
    (answering(200, b'{"error": 0, "data": {"records": [], "nextPage": 2}}'), "garbage"),
    (answering(200, b'{"data": NaN}'), "garbage"),
    (answering(200, b"[" * 50_000), "garbage"),
    (cut_off, "broken"),
]


@pytest.mark.parametrize(("fault", "code"), FAULTS, ids=[f"{n}-{code}" for n, (_, code) in enumerate(FAULTS)])
def test_a_fault_of_the_sender_costs_time_and_no_money(place: Place, fault: Any, code: str) -> None:
    place.book("FT1")
    place.clock.wait(60)
    place.service.faults.append(fault)
    asked = place.ask()
    assert asked is not None
    assert asked.problem == code
    assert place.state[1] == code
    place.run_until_complete()
    assert place.references == ["FT1"]
    assert place.state[1] is None
    assert place.state[2] == 0


def test_a_sender_that_says_nothing_is_given_up_in_time(sepay: Place) -> None:
    over = threading.Event()
    sepay.deadline_s = 0.5
    sepay.service.faults.append(silence(over))
    asked = sepay.ask()
    over.set()
    assert asked is not None
    assert asked.problem == "timeout"
    sepay.run_until_complete()


def test_retry_after_is_kept_by_all_that_ask_the_sender(engine: Engine) -> None:
    with placed(engine) as place:
        other = make_sender(
            engine, place.settings, secret={"secret": "x", "api_token": TOKEN, "api_url": place.service.url}
        )
        place.enrol()
        place.service.faults.append(answering(429, {}, {"Retry-After": "25"}))
        first = ask_next(place.tools)
        refused_at = place.clock.now()
        second = ask_next(place.tools)
        assert first is not None
        assert second is not None
        assert {first.connection_id, second.connection_id} == {place.sender.connection_id, other.connection_id}
        assert place.service.asked[1][0] - refused_at >= timedelta(seconds=25)


def test_who_would_have_to_wait_too_long_gives_the_connection_back(sepay: Place) -> None:
    sepay.service.faults.append(answering(429, {}, {"Retry-After": "600"}))
    assert sepay.ask() is not None
    with session_scope(sepay.engine) as session:
        ask_now(session)
    asked = sepay.ask()
    assert asked is not None
    assert asked.problem == "waiting"
    assert len(sepay.service.asked) == 1
    assert sepay.run_until_complete() >= 500


def test_the_limit_of_the_sender_is_never_passed(sepay: Place) -> None:
    for number in range(1_200):
        sepay.book(f"FT{number:04d}")
        sepay.clock.wait(1)
    sepay.ask()
    assert sepay.service.refused == 0
    assert len(sepay.references) == 1_200


def test_without_the_limit_the_sender_refuses(sepay: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """The safeguard is removed: the test above has teeth."""
    monkeypatch.setattr(polling, "_reserve", lambda *_: 0.0)
    for number in range(1_200):
        sepay.book(f"FT{number:04d}")
        sepay.clock.wait(1)
    sepay.ask()
    assert sepay.service.refused > 0


def test_several_workers_share_one_limit(engine: Engine) -> None:
    """Eight workers at the same moment: no two are told to wait for moments closer than the sender allows."""
    terms: PollTerms = get_adapter("sepay").POLL  # type: ignore[attr-defined]  # a Poller
    waits: list[float] = []

    def work() -> None:
        with clock.turned_to(START):
            for _ in range(5):
                with session_scope(engine) as session:
                    wait_s = polling._reserve(session, terms)
                assert wait_s is not None
                waits.append(wait_s)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(waits) == 40
    assert all(later - earlier > terms.per_s / terms.calls for earlier, later in pairwise(sorted(waits)))


def test_one_connection_is_asked_by_one_worker_at_a_time(sepay: Place) -> None:
    sepay.enrol()
    with session_scope(sepay.engine) as session:
        assert polling._claimed(session, None) is not None
        assert polling._claimed(session, None) is None
    sepay.clock.wait(polling.LEASE.total_seconds() + 1)
    with session_scope(sepay.engine) as session:
        assert polling._claimed(session, None) is not None


def test_who_lost_the_lease_writes_nothing(sepay: Place) -> None:
    sepay.book("FT1")
    sepay.clock.wait(60)

    def somebody_else(_: Service) -> None:
        with session_scope(sepay.engine) as session:
            session.execute(text("UPDATE poll_state SET lease_token = lease_token + 1"))

    sepay.service.before_each = somebody_else
    asked = sepay.ask()
    assert asked is not None
    assert asked.problem == "lost_lease"
    assert sepay.references == []


class Killed(BaseException):
    """The process is gone."""


def crash_at_page(monkeypatch: pytest.MonkeyPatch, page: int) -> None:
    """Die between recording a page and the end of its transaction, once."""
    real, seen = polling.record_polled, [0]

    def recorded(*given: Any) -> Any:
        outcomes = real(*given)
        seen[0] += 1
        if seen[0] == page:
            raise Killed
        return outcomes

    monkeypatch.setattr(polling, "record_polled", recorded)


@pytest.mark.parametrize("page", [1, 2, 3])
def test_a_pass_goes_on_where_a_killed_worker_stopped(sepay: Place, monkeypatch: pytest.MonkeyPatch, page: int) -> None:
    for number in range(250):
        sepay.book(f"FT{number:04d}")
        sepay.clock.wait(5)
    crash_at_page(monkeypatch, page)
    with pytest.raises(Killed):
        sepay.ask()
    assert len(sepay.references) == (page - 1) * 100 - max(0, page - 2)  # each later page repeats one row
    sepay.clock.wait(polling.LEASE.total_seconds() + 1)
    sepay.run_until_complete()
    assert sepay.references == [f"FT{number:04d}" for number in range(250)]
    assert len(sepay.service.asked) == 4  # no page but the lost one was asked for twice


def test_a_cursor_that_is_saved_before_its_page_loses_the_page(sepay: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """The safeguard is removed: were place and evidence two transactions, a crash between them would lose money."""
    for number in range(250):
        sepay.book(f"FT{number:04d}")
        sepay.clock.wait(5)
    real = polling.record_polled

    def early(session: Session, *given: Any) -> Any:
        session.commit()
        return real(session, *given)

    monkeypatch.setattr(polling, "record_polled", early)
    crash_at_page(monkeypatch, 2)
    with pytest.raises(Killed):
        sepay.ask()
    sepay.clock.wait(polling.LEASE.total_seconds() + 1)
    sepay.run_until_complete()
    assert len(sepay.references) < 250


def test_no_transaction_is_open_while_the_sender_thinks(sepay: Place) -> None:
    seen: list[Any] = []

    def look(_: Service) -> None:
        with session_scope(sepay.engine) as session:
            seen.extend(
                session.execute(
                    text(
                        "SELECT state FROM pg_stat_activity WHERE datname = current_database()"
                        " AND pid <> pg_backend_pid() AND xact_start IS NOT NULL"
                    )
                ).all()
            )

    sepay.service.before_each = look
    sepay.ask()
    assert len(sepay.service.asked) == 1
    assert seen == []


def test_one_row_that_cannot_be_read_stops_no_other_and_is_counted(sepay: Place) -> None:
    sepay.book("FT1")
    good = sepay_row(sepay.service.booked[0])
    bad = good | {"id": "other", "amount_in": "12,5"}
    notice = good | {"id": "notice", "amount_in": 0}
    document = {"data": [bad, good, notice], "meta": {"pagination": {"has_more": False}}}
    sepay.service.faults.append(answering(200, document))
    sepay.clock.wait(60)
    asked = sepay.ask()
    assert asked is not None
    assert asked.problem is None
    assert sepay.references == ["FT1"]
    assert sepay.state[4] == 1


def test_rows_in_another_order_are_not_believed(sepay: Place) -> None:
    first, second = sepay.book("FT1"), sepay.book("FT2", at=START + timedelta(seconds=30))
    document = {"data": [sepay_row(second), sepay_row(first)], "meta": {"pagination": {"has_more": True}}}
    sepay.service.faults.append(answering(200, document))
    sepay.clock.wait(60)
    asked = sepay.ask()
    assert asked is not None
    assert asked.problem == "garbage"


def test_a_connection_without_a_key_for_it_is_left_alone(engine: Engine) -> None:
    with placed(engine, secret={"secret": "push-only"}) as place:
        asked = place.ask()
        assert asked is not None
        assert asked.problem == polling.UNCONFIGURED
        assert place.service.asked == []


def test_a_revoked_connection_is_asked_no_more(sepay: Place) -> None:
    sepay.enrol()
    with session_scope(sepay.engine) as session:
        revoke_connection(session, sepay.sender.connection_id, actor_id=None)
    assert sepay.ask() is None


def test_while_a_key_is_rotated_either_may_be_the_good_one(engine: Engine) -> None:
    with placed(engine) as place:
        with session_scope(engine) as session:
            place.clock.wait(1)
            add_secret(
                session,
                FieldCipher(place.settings.field_keys),
                place.sender.connection_id,
                {"secret": "new", "api_token": "not-yet-known-there", "api_url": place.service.url},
                actor_id=None,
            )
        asked = place.ask()
        assert asked is not None
        assert asked.problem == "unauthorised"
        assert place.run_until_complete() < 60


def test_secrets_stay_out_of_what_is_kept_and_logged(
    sepay: Place, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> Any:
        raise ValueError(f"no such key {TOKEN}")

    monkeypatch.setattr(get_adapter("sepay"), "read_page", broken)
    asked = sepay.ask()
    assert asked is not None
    assert asked.problem == "adapter_failed"
    assert TOKEN not in caplog.text
    assert "ValueError" in caplog.text


def test_the_first_look_goes_back_three_days_at_most_and_never_before_the_connection() -> None:
    terms = PollTerms(budget="x", calls=1, per_s=1, reach=timedelta(days=90), overlap=timedelta(hours=2))
    now = START
    young, old = now - timedelta(hours=5), now - timedelta(days=400)
    assert next_window(now, None, young, terms)[0].since == young - timedelta(hours=2)
    assert next_window(now, None, old, terms)[0].since == now - timedelta(days=3, hours=2)
    long_ago = now - timedelta(days=200)
    assert next_window(now, long_ago, old, terms)[0].since == now - timedelta(days=90)


def test_a_longer_silence_than_usual_is_a_gap() -> None:
    terms = PollTerms(budget="x", calls=1, per_s=1, reach=timedelta(days=90), overlap=timedelta(hours=2))
    for minutes, is_gap in ((5, False), (15, False), (16, True)):
        assert next_window(START, START - timedelta(minutes=minutes), START, terms)[1] is is_gap


def test_tries_come_later_and_later_and_never_all_at_once() -> None:
    assert [backoff_s(failures, 1.0) for failures in range(10)] == [2, 4, 8, 16, 32, 64, 128, 256, 300, 300]
    assert backoff_s(3, 0.0) == 8
    assert backoff_s(10_000, 1.0) == 300


def test_an_operator_may_ask_for_an_earlier_stretch(sepay: Place) -> None:
    sepay.book("FT-OLD", at=START - timedelta(days=20))
    sepay.ask()
    assert sepay.references == []
    sepay.clock.wait(10)
    with session_scope(sepay.engine) as session:
        found = ask_now(session, sepay.sender.connection_id, START - timedelta(days=21))
    assert found == [sepay.sender.connection_id]
    sepay.run_until_complete()
    assert sepay.references == ["FT-OLD"]


OUTAGES = {"5 minutes": timedelta(minutes=5), "1 hour": timedelta(hours=1), "3 days": timedelta(days=3)}
MISSED = 5_000
CALL_S = 0.4
"""How long each call takes on the turned clock, beside the waiting for the limit."""


@pytest.mark.slow
@pytest.mark.parametrize("adapter", ADAPTERS)
@pytest.mark.parametrize("outage", OUTAGES)
def test_after_an_outage_of_any_length_the_gap_is_closed_within_ten_minutes(
    engine: Engine, adapter: str, outage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    length = OUTAGES[outage]
    with placed(engine, adapter) as place:
        place.ask()
        away_at = place.clock.now() + timedelta(seconds=60)
        for number in range(MISSED):
            place.book(f"FT{number:05d}", at=away_at + length * number / MISSED)
        place.clock.wait(60 + length.total_seconds())
        place.call_s = CALL_S
        place.service.faults.extend([answering(503, {}), answering(429, {}, {"Retry-After": "2"})])
        took_s = place.run_until_complete()
        with session_scope(engine) as session:
            (health,) = gap_health(session, [place.sender.connection_id])
    with capsys.disabled():
        calls = len(place.service.asked)
        print(f"\n{adapter}: {MISSED} missed in {outage}: gap closed {took_s:.0f} s after return, {calls} calls")
    assert took_s <= 600
    assert place.service.refused == 0
    assert sorted(place.references) == [f"FT{number:05d}" for number in range(MISSED)]
    assert health.problem is None
    if length > timedelta(minutes=15):
        assert health.gap_since is not None
        assert health.gap_closed_at is not None


def test_every_poller_keeps_the_contract() -> None:
    found = [get_adapter(name) for name in polling.pollers()]
    assert {adapter.NAME for adapter in found} == {"sepay", "casso_v1", "casso_v2"}
    for adapter in found:
        assert isinstance(adapter, Poller)
        assert set(adapter.POLL_FIELDS) <= set(adapter.SECRET_FIELDS)
        assert adapter.POLL.overlap < adapter.POLL.reach


def test_an_account_may_be_known_by_its_virtual_accounts_too(engine: Engine) -> None:
    with placed(engine) as place:
        more = make_sender(
            engine,
            place.settings,
            school=place.sender.school,
            accounts=[AccountName("970998", place.sender.number, "virtual_prefix", "VA9")],
            secret={"secret": "x", "api_token": TOKEN, "api_url": place.service.url},
        )
        assert more.connection_id
        place.book("FT1")
        document = {
            "data": [sepay_row(place.service.booked[0]) | {"va": "VA9001", "account_number": ""}],
            "meta": {"pagination": {"has_more": False}},
        }
        with session_scope(engine) as session:
            ask_now(session)
        place.service.faults.append(answering(200, document))
        place.clock.wait(60)
        assert ask_next(place.tools, more.connection_id) is not None
        assert rows(engine, "SELECT school_id FROM evidence") == [(place.sender.school.id,)]


def test_the_task_asks_whoever_is_due(sepay: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    changed = replace(sepay.settings, outgoing_allow=LOOPBACK)
    monkeypatch.setattr(tasks.celery, "settings", lambda: changed)
    monkeypatch.setattr(tasks, "task_session", lambda: session_scope(sepay.engine))
    assert tasks.poll_due() == 1
    assert tasks.poll_due() == 0
    assert len(sepay.service.asked) == 1


def test_the_commands_ask_now_and_tell_how_far(engine: Engine) -> None:
    with running(clock.now) as service:
        environment = {
            "DATABASE_URL": engine.url.render_as_string(hide_password=False),
            **generated_environment(),
            "HOCPHI_OUTGOING_ALLOW": "127.0.0.0/8",
        }
        secret = {"secret": "x", "api_token": TOKEN, "api_url": service.url}
        sender = make_sender(engine, Settings.from_env(environment), secret=secret)
        service.book(sender.number, "FT1")

        def run(*arguments: str) -> tuple[int, Any]:
            done = CliRunner(env=environment).invoke(LazyGroup("hocphi"), ["poll", *arguments, "--json"])
            return done.exit_code, json.loads(done.output) if done.exit_code < 2 and done.output[:1] == "{" else None

        assert run("run") == (
            0,
            {
                "asked": [
                    {
                        "connection_id": sender.connection_id,
                        "pages": 1,
                        "transactions": 1,
                        "new": 1,
                        "problem": None,
                    }
                ]
            },
        )
        service.faults.append(answering(500, {}))
        code, told = run("run", "--connection", str(sender.connection_id))
        assert (code, told["asked"][0]["problem"]) == (1, "sender_failed")
        code, told = run("status")
        assert code == 0
        assert [one["connection_id"] for one in told["connections"]] == [sender.connection_id]
        assert run("run", "--connection", "999999999") == (1, None)


def test_doctor_names_a_connection_that_nobody_could_ask_for_long(sepay: Place) -> None:
    def polling_check() -> tuple[bool, str]:
        checks = {check.name: check for check in examine(sepay.engine, sepay.settings)}
        return checks["polling"].ok, checks["polling"].detail

    number = sepay.sender.connection_id
    assert polling_check() == (True, "0 asked")
    sepay.ask()
    assert polling_check() == (True, "1 asked")
    sepay.clock.wait(3600)
    assert polling_check() == (False, f"1 asked, connection {number} is late")
    sepay.run_until_complete()
    assert polling_check()[0]
    with session_scope(sepay.engine) as session:
        session.execute(text("UPDATE poll_state SET unreadable = 2"))
    assert polling_check() == (False, f"1 asked, connection {number} has rows nobody can read")


def test_health_tells_the_gap_and_what_only_polling_found(sepay: Place) -> None:
    sepay.ask()
    sepay.book("FT1")
    sepay.clock.wait(3600)
    returned_at = sepay.clock.now()
    sepay.ask()
    with session_scope(sepay.engine) as session:
        ids = session.scalars(text("SELECT id FROM evidence")).all()
        attach_evidence(session, sepay.sender.school.id, ids)
        (health,) = gap_health(session, [sepay.sender.connection_id])
        assert gap_health(session, []) == []
    assert (health.gap_since, health.gap_seen_at) == (START, returned_at)
    assert health.gap_closed_at is not None
    assert health.found_by_poll == 1
    assert not health.is_late(sepay.clock.now())
