"""Issuing: what was approved and nothing else, once, in few statements, resumable after a kill."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import Engine, event, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from payments import clock
from payments.banking.models import AccountState, Channel, ReceivingAccount
from payments.banking.virtual_accounts import assign
from payments.db import session_scope
from payments.errors import ConflictError, DomainError
from payments.fees.models import FeeRate
from payments.invoices import issuing, reference, writing
from payments.invoices.issuing import issue_in_steps, issue_round, request_issue
from payments.invoices.models import CollectionRound, Invoice, RoundState
from payments.invoices.service import approve_round
from payments.ledger.queries import trial_balance
from payments.outbox import OutboxRow
from payments.schools.models import InvoiceGrouping, School
from tests.payments.invoices import rounds
from tests.payments.setting import SchoolSetting, make_pupil, make_pupils, make_school

pytestmark = pytest.mark.db


def invoices(session: Session, school: SchoolSetting) -> list[Invoice]:
    return list(session.scalars(select(Invoice).where(Invoice.school_id == school.id).order_by(Invoice.id)))


@contextmanager
def counted(session: Session) -> Iterator[list[str]]:
    statements: list[str] = []

    def note(*arguments: object) -> None:
        statements.append(str(arguments[2]))

    connection = session.connection()
    event.listen(connection, "before_cursor_execute", note)
    yield statements
    event.remove(connection, "before_cursor_execute", note)


def test_every_pupil_gets_an_invoice_with_balance_and_valid_reference(session: Session, school: SchoolSetting) -> None:
    make_pupils(session, school, 4)
    progress = issue_round(session, school.id, rounds.approved(session, school))
    assert (progress.issued, progress.planned, progress.finished) == (5, 5, True)
    found = invoices(session, school)
    assert {invoice.amount_vnd for invoice in found} == {22 * 30_000}
    assert all(reference.is_valid(invoice.reference) for invoice in found)
    states = session.execute(
        text("SELECT DISTINCT state, amount_vnd, paid_vnd FROM invoice_balance WHERE school_id = :school"),
        {"school": school.id},
    ).all()
    assert [tuple(row) for row in states] == [("open", 660_000, 0)]


def test_ten_thousand_invoices_take_two_dozen_statements_at_most(session: Session, school: SchoolSetting) -> None:
    make_pupils(session, school, 9_999)
    round_id = rounds.approved(session, school)
    with counted(session) as statements:
        progress = issue_round(session, school.id, round_id)
    assert progress.issued == 10_000
    assert len(statements) <= 24


def test_the_books_get_one_entry_for_each_account_and_mandatory_item(session: Session, school: SchoolSetting) -> None:
    rounds.register_for_club(session, school, school.pupil)
    make_pupils(session, school, 2)
    round_id = rounds.issued(session, school)
    keys = session.scalars(text("SELECT source_key FROM ledger_entry WHERE school_id = :s"), {"s": school.id}).all()
    assert keys == [f"round:{round_id}:account:{school.account}:fee:{school.meals}"]
    balances = {(row.role, row.fee_item_id): row.balance_vnd for row in trial_balance(session, school.id)}
    assert balances == {("receivable", school.meals): 3 * 660_000, ("income", school.meals): -3 * 660_000}


def test_issuing_again_changes_nothing(session: Session, school: SchoolSetting) -> None:
    round_id = rounds.issued(session, school)
    before = [invoice.reference for invoice in invoices(session, school)]
    assert issue_round(session, school.id, round_id).finished
    assert [invoice.reference for invoice in invoices(session, school)] == before


def test_grouped_by_account_a_pupil_gets_one_invoice_with_a_line_for_each_item(
    session: Session, school: SchoolSetting
) -> None:
    rounds.register_for_club(session, school, school.pupil)
    rounds.issued(session, school)
    (invoice,) = invoices(session, school)
    assert (invoice.group_key, invoice.amount_vnd, invoice.mandatory_vnd) == ("", 720_000, 660_000)
    lines = session.execute(
        text("SELECT line_no, description, amount_vnd FROM invoice_line WHERE invoice_id = :id ORDER BY line_no"),
        {"id": invoice.id},
    ).all()
    assert [tuple(line) for line in lines] == [
        (1, "Tiền ăn bán trú: 22 ngày × 30.000", 660_000),
        (2, "Kỹ năng sống: 4 tiết × 15.000", 60_000),
    ]


def test_per_fee_item_each_item_stands_on_its_own_invoice(session: Session, school: SchoolSetting) -> None:
    session.get_one(School, school.id).invoice_grouping = InvoiceGrouping.PER_FEE_ITEM
    rounds.register_for_club(session, school, school.pupil)
    rounds.issued(session, school)
    found = {invoice.group_key: invoice.amount_vnd for invoice in invoices(session, school)}
    assert found == {"AN": 660_000, "KNS": 60_000}


def test_a_changed_price_after_the_approval_stops_issuing(session: Session, school: SchoolSetting) -> None:
    round_id = rounds.approved(session, school)
    session.add(
        FeeRate(
            school_id=school.id,
            fee_item_id=school.meals,
            grade=None,
            unit_price_vnd=31_000,
            valid_from=rounds.STARTS - timedelta(days=1),
        )
    )
    session.flush()
    with pytest.raises(ConflictError, match="changed_since_approval"):
        issue_round(session, school.id, round_id)
    approve_round(session, school.id, round_id, school.principal)
    issue_round(session, school.id, round_id)
    assert [invoice.amount_vnd for invoice in invoices(session, school)] == [22 * 31_000]


def test_a_draft_cannot_be_issued(session: Session, school: SchoolSetting) -> None:
    with pytest.raises(ConflictError, match="round_state"):
        issue_round(session, school.id, rounds.drafted(session, school))


def test_an_account_that_still_cools_stops_issuing(session: Session, school: SchoolSetting) -> None:
    round_id = rounds.approved(session, school)
    account = session.get_one(ReceivingAccount, (school.id, school.account))
    account.state, account.usable_at = AccountState.COOLING, clock.now() + timedelta(hours=1)
    session.flush()
    with pytest.raises(DomainError, match="account_not_ready"):
        request_issue(session, school.id, round_id, school.accountant)
    with clock.turned_to(clock.now() + timedelta(hours=2)):
        request_issue(session, school.id, round_id, school.accountant)


def test_without_a_free_channel_nothing_is_issued(session: Session, school: SchoolSetting) -> None:
    round_id = rounds.approved(session, school)
    for channel in session.scalars(select(Channel).where(Channel.school_id == school.id)):
        channel.active = False
    session.flush()
    with pytest.raises(DomainError, match="no_free_channel"):
        issue_round(session, school.id, round_id)


def test_where_pupils_have_accounts_of_their_own_settlement_hears_of_new_invoices(
    session: Session, school: SchoolSetting
) -> None:
    account = session.get_one(ReceivingAccount, (school.id, school.account))
    issue_round(session, school.id, rounds.approved(session, school))
    wanted = select(OutboxRow.kind, OutboxRow.subject_id).where(OutboxRow.queue == "settlement")
    assert session.execute(wanted.where(OutboxRow.school_id == school.id)).all() == []
    assign(session, account, prefix="96247")
    round_id = rounds.approved(session, school, code="D2")
    issue_round(session, school.id, round_id)
    assert session.execute(wanted.where(OutboxRow.school_id == school.id)).all() == [("issued", round_id)]


def test_a_request_queues_the_round(session: Session, school: SchoolSetting) -> None:
    round_id = rounds.approved(session, school)
    request_issue(session, school.id, round_id, school.accountant)
    rows = session.scalars(select(OutboxRow).where(OutboxRow.school_id == school.id)).all()
    assert [(row.queue, row.subject_id) for row in rows] == [("issuing", round_id)]
    assert session.get_one(CollectionRound, (school.id, round_id)).state is RoundState.ISSUING


def test_a_reference_that_exists_is_drawn_again(
    session: Session, school: SchoolSetting, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_pupils(session, school, 2)
    taken, fresh = reference.generate(), reference.generate
    rounds.issued(session, school, "T9")
    draws = iter([invoices(session, school)[0].reference, taken, taken])
    monkeypatch.setattr(writing.reference, "generate", lambda: next(draws, None) or fresh())
    rounds.issued(session, school, "T10")
    codes = [invoice.reference for invoice in invoices(session, school)]
    assert len(codes) == len(set(codes)) == 6
    assert taken in codes


def test_a_killed_issuing_resumes_without_doubles(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(issuing, "STEP", 10)
    with session_scope(engine) as session:
        school = make_school(session)
        make_pupils(session, school, 34)
        round_id = rounds.approved(session, school)
    transactions = 0

    @contextmanager
    def killed_in_the_third() -> Iterator[Session]:
        nonlocal transactions
        transactions += 1
        with session_scope(engine) as session:
            yield session
            if transactions == 3:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(issue_in_steps(killed_in_the_third, school.id, round_id))
    with session_scope(engine) as session:
        assert len(invoices(session, school)) == 20
        stopped = session.get_one(CollectionRound, (school.id, round_id))
        assert (stopped.state, stopped.issued_invoices) == (RoundState.ISSUING, 20)
        assert trial_balance(session, school.id) == []
    seen = [progress.issued for progress in issue_in_steps(lambda: session_scope(engine), school.id, round_id)]
    assert seen == [30, 35]
    with session_scope(engine) as session:
        found = invoices(session, school)
        assert len({invoice.pupil_id for invoice in found}) == len(found) == 35
        assert trial_balance(session, school.id)[-1].debit_vnd == 35 * 660_000


def test_two_workers_on_one_round_issue_it_once(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(issuing, "STEP", 7)
    with session_scope(engine) as session:
        school = make_school(session)
        make_pupils(session, school, 59)
        round_id = rounds.approved(session, school)

    def work(_: int) -> int:
        return list(issue_in_steps(lambda: session_scope(engine), school.id, round_id))[-1].issued

    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(work, range(3))) == [60, 60, 60]
    with session_scope(engine) as session:
        found = invoices(session, school)
        assert len({invoice.pupil_id for invoice in found}) == len(found) == 60


def test_without_the_key_of_current_invoices_a_second_run_would_double_them(
    session: Session, school: SchoolSetting
) -> None:
    round_id = rounds.approved(session, school)
    issue_round(session, school.id, round_id)
    forgetful = session.get_one(CollectionRound, (school.id, round_id))
    forgetful.state, forgetful.issued_invoices = RoundState.ISSUING, 0
    session.flush()
    with pytest.raises(DBAPIError, match="pk__invoice_current"), session.begin_nested():
        issue_round(session, school.id, round_id)
    session.execute(text("ALTER TABLE invoice_current DROP CONSTRAINT pk__invoice_current"))
    with pytest.raises(ConflictError, match="posted_otherwise"):
        issue_round(session, school.id, round_id)
    assert len(invoices(session, school)) == 2  # The books noticed, after the invoices were written.


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE invoice SET amount_vnd = amount_vnd + 1",
        "DELETE FROM invoice",
        "UPDATE invoice_line SET amount_vnd = 0, relief_vnd = quantity * unit_price_vnd",
        "DELETE FROM invoice_line",
        "TRUNCATE invoice CASCADE",
    ],
)
def test_an_issued_invoice_is_frozen(session: Session, school: SchoolSetting, change: str) -> None:
    rounds.issued(session, school)
    with pytest.raises(DBAPIError, match="append-only"), session.begin_nested():
        session.execute(text(change))


def test_without_its_trigger_an_invoice_could_be_changed(session: Session, school: SchoolSetting) -> None:
    rounds.issued(session, school)
    session.execute(text("DROP TRIGGER append_only ON invoice"))
    changed = session.execute(text("UPDATE invoice SET amount_vnd = amount_vnd + 1 RETURNING id"))
    assert changed.all()


def test_a_pupil_of_another_school_gets_nothing(session: Session, school: SchoolSetting) -> None:
    stranger = make_school(session)
    make_pupil(session, stranger.id, stranger.class_room, "Bình")
    rounds.issued(session, school)
    assert invoices(session, stranger) == []
