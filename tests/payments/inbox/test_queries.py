"""What people see: every delivery is counted once, and what credits nobody is in sight."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from payments import clock
from payments.inbox.models import EvidenceStatus, HeldReason
from payments.inbox.queries import conflicts, deliveries, held, quarantined, quarantined_vnd
from payments.inbox.service import attach_evidence, record_statement_evidence
from payments.settings import Settings
from tests.payments.inbox.callers import Sender, Shell, make_sender, sepay_body, sepay_request
from tests.payments.inbox.evidence import line, make_connection, tell
from tests.payments.setting import SchoolSetting

pytestmark = pytest.mark.db


def test_received_is_accepted_and_duplicate_and_refused_and_throttled(
    shell: Shell, door_engine: Engine, door_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("payments.inbox.throttle.RefusalBudget.allows", one_in_three())
    sender = make_sender(door_engine, door_settings)
    other = make_sender(door_engine, door_settings)
    began = clock.now()
    good = sepay_request(sepay_body(sender.number))
    forged = sepay_request(sepay_body(sender.number), secret="another")
    statuses = [
        shell.call(sender.url, request).status
        for request in (
            good,
            good,
            sepay_request(sepay_body(sender.number, amount_vnd=1)),
            sepay_request(sepay_body(other.number, 2)),
            *[forged] * 6,
        )
    ]
    assert statuses == [200] * 4 + [401] * 6
    with Session(door_engine) as session:
        found = deliveries(session, began, clock.now() + timedelta(seconds=1), sender.connection_id)
    assert (found.accepted, found.duplicate, found.refused, found.throttled) == (1, 1, 4, 4)
    assert found.received == 10


def one_in_three() -> object:
    """A budget that stores the third, the sixth, … refusal."""
    asked = [0]

    def allows(*_: object) -> bool:
        asked[0] += 1
        return asked[0] % 3 == 0

    return allows


def test_quarantine_is_seen_and_counted_until_the_message_is_taken(
    shell: Shell, sender: Sender, door_engine: Engine, door_settings: Settings
) -> None:
    other = make_sender(door_engine, door_settings)
    with Session(door_engine) as session:
        before = quarantined_vnd(session)
    request = sepay_request(sepay_body(other.number, amount_vnd=123_000))
    shell.call(sender.url, request)
    shell.call(sender.url, request)
    with Session(door_engine) as session:
        newest = quarantined(session)[0]
        assert (newest.connection_id, newest.amount_vnd, newest.account_named) == (
            sender.connection_id,
            123_000,
            other.number[-4:],
        )
        assert quarantined_vnd(session) - before == 123_000
    with door_engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO connection_account (connection_id, school_id, account_id, kind, identifier)"
            " VALUES (%s, %s, %s, 'number', %s)",
            (sender.connection_id, other.school.id, other.school.account, other.number),
        )
    with clock.turned_to(clock.now() + timedelta(seconds=5)):
        shell.call(sender.url, request)
    with Session(door_engine) as session:
        assert quarantined_vnd(session) == before


def test_a_conflict_shows_what_we_hold_and_what_was_said(session: Session, school: SchoolSetting) -> None:
    bank = make_connection(session)
    tell(session, school, bank, key="K", amount_vnd=100, memo="first")
    said = tell(session, school, bank, key="K", amount_vnd=900, memo="second", conflicting=True)
    (found,) = conflicts(session, school.id)
    assert (found.evidence_id, found.held_vnd, found.said_vnd) == (said, 100, 900)
    assert (found.held_description, found.said_description) == ("first", "second")


def test_what_is_held_is_listed_with_its_reason(session: Session, school: SchoolSetting) -> None:
    bank = make_connection(session)
    named = [tell(session, school, bank, memo=memo) for memo in ("HP7K3M9Q2XAT", "HPZ7PT3XZREJ")]
    void = tell(session, school, bank, key="unknown", status=EvidenceStatus.VOID)
    (nameless,) = record_statement_evidence(session, school.id, school.account, [line("nop tien")])
    attach_evidence(session, school.id, [*named, void, nameless])
    found = {one.evidence_id: (one.reason, one.description) for one in held(session, school.id)}
    assert found == {void: (HeldReason.NO_ORIGINAL, ""), nameless: (HeldReason.AMBIGUOUS, "nop tien")}
