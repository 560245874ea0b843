"""Nights over an account into which an intermediary pays later, net of its fee."""

import hashlib
from datetime import UTC, date, datetime, timedelta

import pytest

from payments import outbox
from payments.banking.models import BorneBy, ChannelKind, ConnectionAccount, Settles
from payments.banking.service import add_channel
from payments.clearing.service import dissolve_by_person
from payments.inbox.models import Direction, Evidence, EvidenceStatus, Source
from payments.invoices import reference
from payments.ledger.chart_service import load_chart_preset
from reconciliation import drafts, service
from reconciliation.catching_up import settle_all
from reconciliation.models import RunState
from tests.payments.inbox.evidence import make_connection
from tests.payments.setting import OPENED
from tests.reconciliation.desk import DAY, OPENING, Desk, line, row

NEXT = DAY + timedelta(days=1)
X_VND = 100_000
NET_VND = 98_900


@pytest.fixture
def wallet(desk) -> int:
    """A wallet that pays on the next business day and keeps 1.1 %."""
    with desk.session() as session:
        made = make_connection(session, "wallet", settles=Settles.BATCH, payout_days=1)
        session.add(
            ConnectionAccount(
                connection_id=made,
                school_id=desk.school.id,
                account_id=desk.school.account,
                kind="merchant",
                identifier="M1",
            )
        )
        add_channel(
            session,
            desk.school.id,
            desk.school.account,
            name="Ví",
            kind=ChannelKind.WALLET,
            cost_per_10000=110,
            borne_by=BorneBy.SCHOOL,
            actor_id=desk.school.accountant,
        )
    return made


def through(desk: Desk, wallet: int, memo: str, key: str, *, day: date = DAY, amount_vnd: int = X_VND, void=False):
    """A callback of the wallet."""
    with desk.session() as session:
        evidence = Evidence(
            source=Source.CALLBACK,
            connection_id=wallet,
            school_id=desk.school.id,
            account_id=desk.school.account,
            account_named="0001",
            dedup_key=key,
            direction=Direction.CREDIT,
            status=EvidenceStatus.VOID if void else EvidenceStatus.SETTLED,
            amount_vnd=amount_vnd,
            occurred_at=datetime(day.year, day.month, day.day, 2, tzinfo=UTC),
            value_date=day,
            provider_txn_id=key,
            bank_reference=None,
            description=memo,
            references=reference.find(memo),
            content_sha256=hashlib.sha256(memo.encode()).digest(),
            received_at=OPENED,
        )
        session.add(evidence)
        session.flush()
        outbox.put(session, "settlement", "evidence", school_id=desk.school.id, subject_id=evidence.id)


def night(desk: Desk, day: date):
    settle_all(desk.session, desk.school.id)
    desk.prove()
    with desk.session() as session:
        return service.catch_up(session, desk.school.id, desk.school.account, day)


def standing(desk: Desk, day: date):
    [(exceptions,)] = desk.rows(f"""
        SELECT run.exceptions FROM standing_run held
        JOIN reconcile_run run ON run.school_id = held.school_id AND run.id = held.run_id WHERE held.day = '{day}'
    """)
    return exceptions


def test_a_payment_is_not_missed_before_its_payout_is_due(desk, wallet):
    through(desk, wallet, desk.issue(X_VND).reference, "W1")
    desk.state(opening=OPENING)
    run = night(desk, DAY)
    assert (run.state, run.exceptions, run.matched, run.not_due) == (RunState.PROVED, {}, 0, 0)


def test_a_payout_is_one_case_with_its_fee(desk, wallet):
    for number in (1, 2):
        through(desk, wallet, desk.issue(X_VND).reference, f"W{number}")
    desk.state(line(2 * NET_VND, "VI QT", "FT9", day=NEXT), days=(DAY, NEXT))
    run = night(desk, NEXT)
    assert (run.state, run.exceptions) == (RunState.PROVED, {"fee_netted": 1})
    [item] = desk.items(run)
    assert (item.note, len(item.transaction_ids), len(item.bank_line_ids), list(item.flags)) == (
        "fee_vnd=2200",
        2,
        1,
        [],
    )
    assert run.proof["money"]["payouts_vnd"] == 2 * NET_VND


def test_a_payment_that_is_not_paid_out_in_time_is_missing_and_found_when_it_comes(desk, wallet):
    through(desk, wallet, desk.issue(X_VND).reference, "W1")
    desk.state(days=(DAY, NEXT))
    run = night(desk, NEXT)
    assert run.exceptions == {"missing_bank": 1}
    assert desk.items(run)[0].note == f"payout_due={NEXT:%d/%m/%Y}"
    late = DAY + timedelta(days=5)
    desk.state(line(NET_VND, "VI QT", "FT9", day=late), days=(NEXT + timedelta(days=1), late))
    assert night(desk, late).exceptions == {"fee_netted": 1}
    assert standing(desk, NEXT) == {}


def test_what_the_wallet_took_back_before_its_payout_is_no_exception(desk, wallet):
    memo = desk.issue(X_VND).reference
    through(desk, wallet, memo, "W1")
    through(desk, wallet, memo, "W1", void=True)
    desk.state(days=(DAY, NEXT))
    run = night(desk, NEXT)
    assert (run.state, run.exceptions, run.matched) == (RunState.PROVED, {}, 2)
    assert {tuple(item.flags) for item in desk.items(run)} == {("reversed",)}


def test_a_chargeback_is_part_of_the_payout_that_deducts_it(desk, wallet):
    memo, other = desk.issue(X_VND).reference, desk.issue(3 * X_VND).reference
    second, third = NEXT, NEXT + timedelta(days=1)
    through(desk, wallet, memo, "W1")
    desk.state(line(NET_VND, "VI QT", "FT1", day=second), days=(DAY, second))
    assert night(desk, second).exceptions == {"fee_netted": 1}
    through(desk, wallet, memo, "W1", day=second, void=True)
    through(desk, wallet, other, "W2", day=second, amount_vnd=3 * X_VND)
    desk.state(line(2 * X_VND - 3_300, "VI QT", "FT2", day=third), opening=OPENING + NET_VND, days=(third, third))
    run = night(desk, third)
    assert (run.state, run.exceptions) == (RunState.PROVED, {"fee_netted": 1})
    assert standing(desk, second) == {"fee_netted": 1}


def test_a_line_that_nothing_explains_meets_no_payment_of_the_wallet(desk, wallet):
    through(desk, wallet, desk.issue(X_VND).reference, "W1")
    desk.state(line(X_VND, "NGUYEN VAN MAU", "FT1"), days=(DAY, NEXT))
    assert night(desk, NEXT).exceptions == {"missing_bank": 1, "missing_gateway": 1}


def test_a_payout_that_another_service_reports_as_well_is_still_one_case(desk, wallet):
    through(desk, wallet, desk.issue(X_VND).reference, "W1")
    desk.pay(NET_VND, "VI QT", "FT9", day=NEXT)
    desk.state(line(NET_VND, "VI QT", "FT9", day=NEXT), days=(DAY, NEXT))
    run = night(desk, NEXT)
    assert run.exceptions == {"fee_netted": 1}
    assert len(desk.items(run)[0].transaction_ids) == 2


def test_the_books_may_show_what_was_paid_before_the_fee(desk, wallet):
    one = desk.issue(X_VND)
    through(desk, wallet, one.reference, "W1")
    desk.state(line(NET_VND, "VI QT", "FT9", day=NEXT), days=(DAY, NEXT))
    desk.book(row(X_VND, f"Thu {one.reference}", code="1121"))
    assert night(desk, NEXT).exceptions == {"fee_netted": 1}


def test_the_draft_shows_the_net_line_the_fee_and_what_was_paid(desk, wallet):
    with desk.session() as session:
        load_chart_preset(session, desk.school.id, "TT107")
    through(desk, wallet, desk.issue(X_VND).reference, "W1")
    desk.state(line(NET_VND, "VI QT", "FT9", day=NEXT), days=(DAY, NEXT))
    booked = desk.issue(X_VND)
    desk.book(row(5_000, f"Thu {booked.reference}", code="1121"))
    run = night(desk, NEXT)
    with desk.session() as session:
        rows = drafts.postings(session, run.id)
        data = drafts.workbook(session, run.id)
    assert [(one.account_code, one.contra_account, one.debit_vnd, one.credit_vnd) for one in rows] == [
        ("112", "1388", NET_VND, 0),
        ("642", "1388", 1_100, 0),
        ("1388", "3381", X_VND, 0),
    ]
    desk.import_books(data)
    assert "missing_ledger" not in night(desk, NEXT).exceptions


def test_dissolving_a_payout_makes_its_nights_again(desk, wallet):
    through(desk, wallet, desk.issue(X_VND).reference, "W1")
    desk.state(line(NET_VND, "VI QT", "FT9", day=NEXT), days=(DAY, NEXT))
    night(desk, NEXT)
    [(payout_id,)] = desk.rows("SELECT id FROM payout")
    with desk.session() as session:
        dissolve_by_person(session, desk.school.id, payout_id, desk.school.accountant)
    assert night(desk, NEXT).exceptions == {"missing_bank": 1, "missing_gateway": 1}
    assert desk.rows("SELECT count(*) FROM payout WHERE dissolved_at IS NULL") == [(0,)]
