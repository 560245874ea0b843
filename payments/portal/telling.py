"""The story of one notice for its parent: issued, reported by the bank, confirmed, and what came after."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from payments.i18n import Text
from payments.money import format_vnd
from payments.portal.queries import Due
from payments.portal.sentences import REFUNDS
from payments.portal.states import Payment, Seen


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a notice."""

    at: datetime
    what: Text
    bank_reference: str | None = None


def story(due: Due, payments: Sequence[Payment], seen: Sequence[Seen]) -> list[Event]:
    """What happened, in order; a bank may have seen the money before anything else happened here."""
    events = [Event(due.issued_at, Text("Đã lập thông báo", "Notice issued"))]
    for payment in payments:
        events += _of_payment(payment)
    for one in seen:
        amount = "" if one.amount_vnd is None else f" {format_vnd(one.amount_vnd)}"
        checked = Text(
            f"Ngân hàng báo có{amount}, nhà trường đang kiểm tra ({one.ticket})",
            f"The bank reported money{amount}; the school is checking it ({one.ticket})",
        )
        events.append(Event(one.at, checked))
    if due.state == "replaced":
        events.append(Event(due.changed_at, Text(f"Thay bằng {due.successor}", f"Replaced by {due.successor}")))
    if due.state == "cancelled":
        events.append(Event(due.changed_at, Text("Đã hủy thông báo", "Notice cancelled")))
    return sorted(events, key=lambda event: event.at)


def _of_payment(payment: Payment) -> Iterator[Event]:
    reported = Text(
        f"Ngân hàng báo có {format_vnd(payment.amount_vnd)}", f"The bank reported {format_vnd(payment.amount_vnd)}"
    )
    yield Event(payment.reported_at, reported, payment.bank_reference)
    if payment.allocated_vnd:
        taken = format_vnd(payment.allocated_vnd)
        yield Event(payment.confirmed_at, Text(f"Xác nhận đã thu {taken}", f"{taken} confirmed as received"))
    if payment.excess_vnd:
        kept = format_vnd(payment.excess_vnd)
        told = REFUNDS.get(payment.refund or "", Text("giữ cho học sinh", "kept for the pupil"))
        yield Event(payment.confirmed_at, Text(f"Thừa {kept}: {told.vi}", f"{kept} too much: {told.en}"))
    if payment.taken_back_at is not None:
        yield Event(payment.taken_back_at, Text("Ngân hàng đã thu hồi tiền", "The bank took the money back"))
