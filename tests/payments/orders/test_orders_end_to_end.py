"""An order from the payer's choice to the paid invoice: through a real server, the real door and the worker."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from bank_adapters import signatures
from payments import clock
from payments.banking.models import BorneBy
from payments.errors import ConflictError, DomainError
from payments.inbox import asking, attaching
from payments.orders import service
from payments.orders.models import OrderState, PaymentOrder
from payments.settlement.service import cancel_invoice
from tests.payments.orders import desk as desks
from tests.payments.orders.desk import Desk
from tests.payments.orders.service_server import Service

pytestmark = pytest.mark.db

ADAPTERS = ("payos", "vnpay", "momo", "zalopay", "sepay_pg")
CALLED = ("payos", "momo", "zalopay")
"""Services that we call to open an order."""
ASKED_WHO_CANCEL = ("payos", "sepay_pg")


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_an_order_that_is_paid_pays_its_invoice_once(desk: Desk, adapter: str) -> None:
    desk.connect(adapter)
    invoice = desk.invoice()
    order = desk.open(adapter, invoice)
    assert order.state is OrderState.OPEN
    assert desk.checkout(order).url
    payment = desk.paid(order, adapter, memo="")
    for _ in range(3):
        assert desk.callback(adapter, payment).status in {200, 204}
        desk.settle()
    assert desk.state(invoice) == ("paid", 100_000)
    assert desk.outcomes() == ["exact"]
    assert desk.order(order).state is OrderState.PAID
    assert desk.credit_vnd() == 0


@pytest.mark.parametrize("adapter", ADAPTERS)
@pytest.mark.parametrize("first", ["callback", "question"])
def test_the_callback_and_the_answer_to_our_question_are_one_payment(
    desk: Desk, provider: Service, adapter: str, first: str
) -> None:
    desk.connect(adapter)
    invoice = desk.invoice()
    order = desk.open(adapter, invoice)
    payment = desk.paid(order, adapter)
    provider.pay(order.order_ref, order.amount_vnd, payment.txn_id, order.memo)
    steps = [lambda: desk.callback(adapter, payment), lambda: (desk.due_now(), desk.call_services())]
    for step in steps if first == "callback" else steps[::-1]:
        step()
        if first == "question" or step is steps[-1]:
            desk.settle()
    desk.settle()
    assert desk.state(invoice) == ("paid", 100_000)
    assert desk.rows("SELECT count(*) FROM bank_transaction") == [(1,)]
    assert desk.credit_vnd() == 0


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_an_order_whose_callback_never_came_is_found_by_asking(desk: Desk, provider: Service, adapter: str) -> None:
    desk.connect(adapter)
    invoice = desk.invoice()
    order = desk.open(adapter, invoice)
    desk.due_now()
    desk.call_services()
    assert desk.order(order).state is OrderState.OPEN
    provider.pay(order.order_ref, order.amount_vnd, "91234567", order.memo)
    desk.due_now()
    desk.call_services()
    desk.settle()
    assert desk.state(invoice) == ("paid", 100_000)
    assert desk.order(order).state is OrderState.PAID
    desk.due_now()
    asked = len(provider.calls)
    desk.call_services()
    assert len(provider.calls) == asked, "what is paid is not asked about again"


@pytest.mark.parametrize("adapter", ["momo", "zalopay", "vnpay"])
def test_two_payments_of_two_orders_stay_two_when_one_callback_is_lost(
    desk: Desk, provider: Service, adapter: str
) -> None:
    """The same invoice, amount and day, and no number of the bank: only the service's own numbers tell them apart."""
    desk.connect(adapter)
    invoice = desk.invoice()
    first = desk.open(adapter, invoice)
    with desk.session() as session:
        service.cancel_order(session, first.school_id, first.id)
    second = desk.open(adapter, invoice)
    provider.pay(first.order_ref, first.amount_vnd, "91000001", first.memo)
    desk.callback(adapter, desk.paid(second, adapter, txn_id="91000002"))
    desk.due_now()
    desk.call_services()
    desk.settle()
    assert desk.rows("SELECT count(*) FROM bank_transaction") == [(2,)]
    assert desk.state(invoice) == ("paid", 100_000)
    assert desk.credit_vnd() == 100_000


@pytest.mark.parametrize("adapter", ADAPTERS)
@pytest.mark.parametrize("ended", ["expired", "cancelled"])
def test_money_that_comes_after_the_end_of_an_order_still_lands(desk: Desk, adapter: str, ended: str) -> None:
    desk.connect(adapter)
    invoice = desk.invoice()
    order = desk.open(adapter, invoice)
    with desk.session() as session:
        if ended == "cancelled":
            service.cancel_order(session, order.school_id, order.id)
        else:
            session.get_one(PaymentOrder, (order.school_id, order.id)).expires_at = clock.now() - timedelta(minutes=1)
    assert asking.retire_orders() == (ended == "expired")
    desk.call_services()
    assert desk.order(order).state == ended
    desk.callback(adapter, desk.paid(order, adapter, memo=""))
    desk.settle()
    assert desk.state(invoice) == ("paid", 100_000)
    assert desk.order(order).state is OrderState.PAID


@pytest.mark.parametrize("adapter", ASKED_WHO_CANCEL)
def test_a_service_that_takes_cancellations_is_told(desk: Desk, provider: Service, adapter: str) -> None:
    desk.connect(adapter)
    order = desk.open(adapter, desk.invoice())
    with desk.session() as session:
        service.cancel_order(session, order.school_id, order.id)
    desk.call_services()
    assert order.order_ref in provider.cancelled


def test_money_that_overtook_a_cancellation_is_found_in_its_answer(desk: Desk, provider: Service) -> None:
    desk.connect("payos")
    invoice = desk.invoice()
    order = desk.open("payos", invoice)
    provider.pay(order.order_ref, order.amount_vnd, "FT1", order.memo)
    with desk.session() as session:
        service.cancel_order(session, order.school_id, order.id)
    desk.call_services()
    desk.settle()
    assert desk.state(invoice) == ("paid", 100_000)


@pytest.mark.parametrize(("amount_vnd", "state", "outcome"), [(60_000, "partial", "short"), (130_000, "paid", "over")])
def test_another_amount_than_the_order_asked_for_is_taken_as_any_amount(
    desk: Desk, amount_vnd: int, state: str, outcome: str
) -> None:
    desk.connect("momo")
    invoice = desk.invoice()
    order = desk.open("momo", invoice)
    desk.callback("momo", desk.paid(order, "momo", amount_vnd, memo=""))
    desk.settle()
    assert desk.state(invoice) == (state, min(amount_vnd, 100_000))
    assert desk.outcomes() == [outcome]


def test_an_order_that_nobody_opened_is_acknowledged_and_waits_for_a_person(desk: Desk) -> None:
    desk.connect("momo")
    invoice = desk.invoice()
    order = desk.open("momo", invoice)
    assert desk.callback("momo", desk.paid(order, "momo", memo="", order_ref="NOBODYSORDER")).status == 204
    desk.settle()
    assert desk.outcomes() == ["unknown"]
    assert desk.state(invoice) == ("open", 0)


def test_another_connection_that_names_the_order_pays_nothing(desk: Desk) -> None:
    desk.connect("momo")
    invoice = desk.invoice()
    order = desk.open("momo", invoice)
    other = desk.sender_for("momo", desk.school)
    desk.callback("momo", desk.paid(order, "momo", memo=""), sender=other)
    desk.settle()
    assert desk.outcomes() == ["unknown"]
    assert desk.state(invoice) == ("open", 0)
    assert desk.order(order).state is OrderState.OPEN


def test_teeth_without_the_connection_another_ones_money_pays_the_order(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    loose = str(attaching.NEW).replace("ordered.connection_id = e.connection_id AND", "")
    assert loose != str(attaching.NEW)
    monkeypatch.setattr(attaching, "NEW", text(loose))
    desk.connect("momo")
    order = desk.open("momo", desk.invoice())
    desk.callback("momo", desk.paid(order, "momo", memo=""), sender=desk.sender_for("momo", desk.school))
    desk.settle()
    assert desk.outcomes() == ["exact"]


def test_a_memo_that_names_another_invoice_is_what_the_payer_meant(desk: Desk) -> None:
    desk.connect("payos")
    invoice, other = desk.invoice(), desk.invoice()
    order = desk.open("payos", invoice)
    desk.callback("payos", desk.paid(order, "payos", memo=other.reference))
    desk.settle()
    assert desk.state(other) == ("paid", 100_000)
    assert desk.state(invoice) == ("open", 0)


def test_money_for_the_order_of_a_cancelled_invoice_is_kept_for_the_pupil(desk: Desk) -> None:
    desk.connect("zalopay")
    invoice = desk.invoice()
    order = desk.open("zalopay", invoice)
    with desk.session() as session:
        cancel_invoice(session, desk.school.id, invoice.id, desk.school.accountant)
    assert asking.retire_orders() == 1
    desk.callback("zalopay", desk.paid(order, "zalopay", memo=""))
    desk.settle()
    assert desk.outcomes() == ["replaced"]
    assert desk.credit_vnd() == 100_000


def test_the_order_says_which_account_sepay_means(desk: Desk) -> None:
    desk.connect("sepay_pg", both_accounts=True)
    invoice = desk.invoice()
    order = desk.open("sepay_pg", invoice)
    desk.callback("sepay_pg", desk.paid(order, "sepay_pg", memo=""))
    desk.settle()
    assert desk.state(invoice) == ("paid", 100_000)
    assert desk.rows("SELECT account_id FROM bank_transaction") == [(desk.school.account,)]


def test_an_unknown_order_of_a_connection_with_two_accounts_is_quarantined(desk: Desk) -> None:
    desk.connect("sepay_pg", both_accounts=True)
    order = desk.open("sepay_pg", desk.invoice())
    assert desk.callback("sepay_pg", desk.paid(order, "sepay_pg", order_ref="NOBODYS")).status == 200
    assert desk.rows("SELECT outcome FROM raw_callback") == [("foreign_account",)]
    assert desk.rows("SELECT count(*) FROM bank_transaction") == [(0,)]


@pytest.mark.parametrize("both_accounts", [False, True])
@pytest.mark.parametrize("told_by", ["callback", "question"])
def test_a_void_finds_the_payment_that_it_takes_back(
    desk: Desk, provider: Service, both_accounts: bool, told_by: str
) -> None:
    desk.connect("sepay_pg", both_accounts=both_accounts)
    invoice = desk.invoice()
    order = desk.open("sepay_pg", invoice)
    payment = desk.paid(order, "sepay_pg")
    if told_by == "callback":
        desk.callback("sepay_pg", payment)
    else:
        provider.pay(order.order_ref, order.amount_vnd, payment.txn_id, order.memo)
        desk.due_now()
        desk.call_services()
    desk.settle()
    assert desk.state(invoice) == ("paid", 100_000)
    desk.callback("sepay_pg", payment, void=True)
    desk.settle()
    assert desk.state(invoice) == ("open", 0)


@pytest.mark.parametrize("adapter", CALLED)
@pytest.mark.parametrize(
    ("behaviour", "problem"),
    [
        ("garbage", "not_json"),
        ("500", "bad_status"),
        ("429", "order_refused"),
        ("redirect", "bad_status"),
        ("duplicate", "order_refused"),
        ("foreign", "foreign_address"),
    ],
)
def test_a_service_that_misbehaves_opens_no_order(
    desk: Desk, provider: Service, adapter: str, behaviour: str, problem: str
) -> None:
    desk.connect(adapter)
    invoice = desk.invoice()
    provider.behaviour = behaviour
    order = desk.open(adapter, invoice)
    assert (order.state, order.problem) == (OrderState.FAILED, problem)
    assert order.checkout_sealed is None
    assert len(provider.calls) == 1, "an order is opened once, never again under the same name"
    provider.behaviour = "good"
    again = desk.open(adapter, invoice)
    assert again.state is OrderState.OPEN
    assert again.order_ref != order.order_ref


def test_a_wrongly_signed_answer_opens_no_order(desk: Desk, provider: Service) -> None:
    desk.connect("payos")
    provider.behaviour = "wrong signature"
    order = desk.open("payos", desk.invoice())
    assert (order.state, order.problem) == (OrderState.FAILED, "bad_signature")


@pytest.mark.parametrize("adapter", ["payos", "vnpay"])
def test_a_wrongly_signed_answer_to_a_question_is_no_evidence(desk: Desk, provider: Service, adapter: str) -> None:
    desk.connect(adapter)
    order = desk.open(adapter, desk.invoice())
    provider.pay(order.order_ref, order.amount_vnd, "91234567", order.memo)
    provider.behaviour = "wrong signature"
    desk.due_now()
    desk.call_services()
    assert desk.rows("SELECT count(*) FROM evidence") == [(0,)]
    assert desk.order(order).problem == "bad_signature"
    provider.behaviour = "good"
    desk.due_now()
    desk.call_services()
    assert desk.rows("SELECT count(*) FROM evidence") == [(1,)]


@pytest.mark.parametrize("adapter", ["payos", "vnpay"])
def test_teeth_without_the_check_a_wrongly_signed_answer_would_be_evidence(
    desk: Desk, provider: Service, adapter: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.connect(adapter)
    order = desk.open(adapter, desk.invoice())
    provider.pay(order.order_ref, order.amount_vnd, "91234567", order.memo)
    provider.behaviour = "wrong signature"
    monkeypatch.setattr(signatures, "any_same", lambda *_, **__: True)
    desk.due_now()
    desk.call_services()
    assert desk.rows("SELECT count(*) FROM evidence") == [(1,)]


def test_a_service_that_takes_too_long_is_left_alone(
    desk: Desk, provider: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "DEADLINE_S", 0.3)
    desk.connect("payos")
    provider.behaviour, provider.delay_s = "slow", 1.5
    order = desk.open("payos", desk.invoice())
    assert (order.state, order.problem) == (OrderState.FAILED, "timeout")
    # It may have opened the order all the same: its money would land.
    desk.callback("payos", desk.paid(order, "payos", memo=""))
    desk.settle()
    assert desk.outcomes() == ["exact"]


def test_nothing_is_locked_while_a_service_thinks(desk: Desk, provider: Service) -> None:
    desk.connect("payos")
    invoice = desk.invoice()
    seen: list[object] = []
    route = provider.route

    def looking(*asked: object) -> object:
        with desk.session() as session:
            balance = session.execute(text("SELECT invoice_id FROM invoice_balance FOR UPDATE NOWAIT")).all()
            orders = session.execute(text("SELECT id FROM payment_order FOR UPDATE NOWAIT")).all()
            seen.append((len(balance), len(orders)))
        return route(*asked)

    provider.route = looking  # type: ignore[method-assign]
    assert desk.open("payos", invoice).state is OrderState.OPEN
    assert seen == [(1, 1)]


def test_the_same_choice_again_gives_the_order_that_is_open(desk: Desk, provider: Service) -> None:
    desk.connect("payos")
    invoice = desk.invoice()
    first, second = desk.open("payos", invoice), desk.open("payos", invoice)
    assert first.id == second.id
    assert len(provider.orders) == 1


def test_another_way_to_pay_cancels_the_order_that_is_open(desk: Desk) -> None:
    desk.connect("payos")
    desk.connect("momo")
    invoice = desk.invoice()
    first, second = desk.open("payos", invoice), desk.open("momo", invoice)
    assert desk.order(first).state is OrderState.CANCELLED
    assert second.state is OrderState.OPEN


def test_a_partly_paid_invoice_gets_an_order_for_the_rest(desk: Desk) -> None:
    desk.connect("payos")
    invoice = desk.invoice()
    first = desk.open("payos", invoice)
    desk.callback("payos", desk.paid(first, "payos", 40_000))
    desk.settle()
    second = desk.open("payos", invoice)
    assert (second.amount_vnd, second.id != first.id) == (60_000, True)
    desk.callback("payos", desk.paid(second, "payos"))
    desk.settle()
    assert desk.state(invoice) == ("paid", 100_000)
    with pytest.raises(ConflictError, match="nothing_due"):
        desk.open("payos", invoice)


def test_an_order_for_another_amount_than_is_open_is_taken_back_by_the_clock(desk: Desk) -> None:
    desk.connect("momo")
    invoice = desk.invoice()
    order = desk.open("momo", invoice)
    other = desk.sender_for("momo", desk.school)
    desk.callback("momo", desk.paid(order, "momo", 40_000, memo=invoice.reference, order_ref="ELSE"), sender=other)
    desk.settle()
    assert asking.retire_orders() == 1
    assert desk.order(order).state is OrderState.CANCELLED


SECOND = """
    INSERT INTO payment_order (school_id, invoice_id, account_id, channel_id, connection_id, order_ref, amount_vnd,
        fee_vnd, memo, state, closed_at, created_at, expires_at)
    SELECT school_id, invoice_id, account_id, channel_id, connection_id, {0}, amount_vnd, fee_vnd, memo, {1},
        created_at, expires_at FROM payment_order
"""
ALIVE, SAME_NAME = (
    SECOND.format("order_ref || 'x'", "'open', NULL"),
    SECOND.format("order_ref", "'expired', created_at"),
)


@pytest.mark.parametrize("second", [ALIVE, SAME_NAME])
def test_the_database_itself_keeps_one_live_order_per_invoice_and_one_name_per_connection(
    desk: Desk, second: str
) -> None:
    desk.connect("vnpay")
    desk.open("vnpay", desk.invoice())
    with pytest.raises(IntegrityError), desk.session() as session:
        session.execute(text(second))


def test_teeth_without_the_unique_index_an_invoice_would_have_two_live_orders(desk: Desk) -> None:
    desk.connect("vnpay")
    desk.open("vnpay", desk.invoice())
    with desk.session() as session:
        session.execute(text("DROP INDEX uq__payment_order__live"))
        session.execute(text(ALIVE))
    assert desk.rows("SELECT count(*) FROM payment_order WHERE state = 'open'") == [(2,)]


def test_many_taps_at_the_same_moment_open_one_order(desk: Desk) -> None:
    desk.connect("vnpay")
    invoice = desk.invoice()
    with ThreadPoolExecutor(4) as taps:
        opened = [tap.result() for tap in [taps.submit(desk.choose, "vnpay", invoice) for _ in range(4)]]
    assert len({order.id for order in opened}) == 1


def test_a_seventh_order_within_an_hour_is_refused(desk: Desk) -> None:
    desk.connect("payos")
    invoice = desk.invoice()
    for _ in range(6):
        order = desk.open("payos", invoice)
        with desk.session() as session:
            service.cancel_order(session, order.school_id, order.id)
    with pytest.raises(DomainError, match="too_many_orders"):
        desk.open("payos", invoice)


def test_an_amount_that_a_service_does_not_take_is_refused_with_the_way_out(desk: Desk) -> None:
    desk.connect("momo")
    with pytest.raises(DomainError, match="amount_out_of_range") as caught:
        desk.open("momo", desk.invoice(60_000_000))
    assert "VietQR" in caught.value.vi


def test_a_connection_for_callbacks_alone_says_what_opening_needs(desk: Desk) -> None:
    keys = {"checksum_key": "payos-checksum"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(desks.SECRETS, "payos", keys)
        desk.connect("payos")
    with pytest.raises(DomainError, match="client_id, api_key, checksum_key"):
        desk.open("payos", desk.invoice())


def test_the_fee_is_what_the_payer_was_told(desk: Desk) -> None:
    desk.connect("momo", cost_vnd=1_000, cost_per_10000=110, borne_by=BorneBy.PAYER)
    assert desk.open("momo", desk.invoice(100_001)).fee_vnd == 1_000 + 1_101


def test_a_call_that_keeps_failing_is_asked_later_and_later_and_seen_by_a_person(desk: Desk, provider: Service) -> None:
    desk.connect("momo")
    desk.open("momo", desk.invoice())
    provider.behaviour = "500"
    for _ in range(12):
        desk.due_now()
        desk.call_services()
    assert desk.rows("SELECT dead, problem FROM outbox WHERE queue = 'orders'") == [(True, "bad_status")]
