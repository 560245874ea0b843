"""The mix of a month: which bills are paid exactly, and which in every way that goes wrong (facts: demo data)."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from operations.demo import memos
from operations.demo.chance import generator
from operations.demo.draw import Draw, bank_reference
from operations.demo.facts import Account, Bill, BookRow, Plan, Together
from operations.demo.presets import CALENDAR

OF_1000: Mapping[str, int] = {
    "mangled": 40,
    "nameless": 8,
    "damaged": 4,
    "over": 15,
    "short": 10,
    "twice": 8,
    "several": 3,
    "lump": 1,
    "wrong_fund": 2,
    "reversed": 1,
    "netted": 5,
    "late": 10,
    "cash": 5,
    "unpaid": 30,
}
"""Of every thousand bills, at least one of each kind (several: pairs, lump: transfers for five); the rest is exact."""
REPLACED_OF_1000 = 3
LUMP_PUPILS = 5
LEAST_NETTED = 3
ROUND_UP_TO_VND = 50_000
SHORT_BY_VND = 500_000
NET_FEE_PER_10000 = 110
INTERMEDIARY_MEMO = "QUYET TOAN VI DIEN TU MAU NGAY {day:%d%m%Y}"


def plan_month(
    bills: Sequence[Bill],
    successors_vnd: Mapping[str, int],
    *,
    reversible: frozenset[Account],
    netting: Account,
    seed: int,
    together: Sequence[Together] = (),
) -> Plan:
    """Decide what happens to every bill.

    ``successors_vnd``: reference of a replaced invoice -> what its successor asks for. ``reversible``: accounts whose
    statements can show a reversal as one. ``netting``: the account that an intermediary pays into.
    ``together``: bundles that families have made.
    """
    draw = Draw(bills, generator(seed, "mix"))
    for one in together:
        draw.remove([*one.bills, *one.beside])
    replaced = draw.take(len(bills), lambda bill: bill.reference in successors_vnd)
    for bill in replaced:
        surprise = "over" if bill.amount_vnd > successors_vnd[bill.reference] else "short"
        draw.pay("replaced", bill, "replaced", surprise)
    for bill in draw.take(_count(draw, "reversed"), lambda bill: bill.account in reversible):
        _pay_and_take_back(draw, bill)
    _pay_through_intermediary(draw, netting)
    _pay_for_classes(draw)
    _pay_for_siblings(draw)
    _pay_together(draw, together)
    _pay_alone(draw)
    _pay_twice(draw)
    _pay_elsewhere(draw)
    _do_not_transfer(draw)
    for bill in draw.take(len(draw.pool)):
        draw.pay("clean", bill, "exact")
    return draw.plan


def _count(draw: Draw, kind: str, minimum: int = 1) -> int:
    return draw.share(minimum, OF_1000[kind])


def _pay_and_take_back(draw: Draw, bill: Bill) -> None:
    """The bank takes a payment back two days later, under its own reference."""
    paid = draw.pay("reversed", bill, "exact", day=draw.day(last=CALENDAR.due - timedelta(days=4)))
    back = draw.transfer("reversal", [bill], paid.memo, bill.amount_vnd, "reversal")
    moment = paid.occurred_at + timedelta(days=2)
    draw.put(
        replace(
            back,
            direction="debit",
            bank_reference=paid.bank_reference,
            occurred_at=moment,
            booked_on=moment.date(),
            reversal=True,
        )
    )


def _pay_through_intermediary(draw: Draw, account: Account) -> None:
    """A wallet reports each payment at once and pays their sum, less its fee, on the next day."""
    day = CALENDAR.first_payment + timedelta(days=3)
    bills = draw.take(_count(draw, "netted", LEAST_NETTED), lambda bill: bill.account == account)
    paid = [draw.put(replace(draw.pay("netted", bill, "exact", day=day), stated="never")) for bill in bills]
    fee_vnd = sum(net_fee(movement.amount_vnd) for movement in paid)
    net_vnd = sum(movement.amount_vnd for movement in paid) - fee_vnd
    settled = draw.transfer(
        "net", bills, INTERMEDIARY_MEMO.format(day=day), net_vnd, "payout", day=day + timedelta(days=1)
    )
    numbers = tuple(movement.number for movement in paid)
    draw.put(
        replace(settled, called=False, posted="never", bills=(), reconciles_as="fee_netted", together_with=numbers)
    )


def net_fee(amount_vnd: int) -> int:
    """What the intermediary keeps of one payment, rounded half up to whole đồng."""
    return (amount_vnd * NET_FEE_PER_10000 + 5000) // 10_000


def _pay_for_classes(draw: Draw) -> None:
    """A teacher brings the money of five pupils in one transfer, without any code."""
    for _ in range(_count(draw, "lump")):
        members = _five_of_a_class(draw)
        draw.remove(members)
        memo = memos.for_class(members[0].class_name, LUMP_PUPILS)
        draw.transfer("lump", members, memo, sum(bill.amount_vnd for bill in members), "lump")


def _five_of_a_class(draw: Draw) -> list[Bill]:
    """Five of one class whose sum is more than any one pupil of it owes on the account."""
    owed: dict[tuple[Account, str], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    waiting: dict[tuple[Account, str], dict[str, Bill]] = defaultdict(dict)
    for bill in draw.bills:
        owed[bill.account, bill.class_name][bill.sector_id] += bill.amount_vnd
    for bill in draw.pool:
        waiting[bill.account, bill.class_name][bill.sector_id] = bill
    for place, bills in waiting.items():
        members = list(bills.values())[:LUMP_PUPILS]
        enough = sum(bill.amount_vnd for bill in members) > max(owed[place].values())
        if len(members) == LUMP_PUPILS and enough:
            return members
    raise ValueError("no class has five pupils with bills on one account")


def _pay_for_siblings(draw: Draw) -> None:
    """One transfer for two children of a family; of any two pupils where families run out."""
    for _ in range(_count(draw, "several")):
        first, second = _siblings(draw)
        draw.remove([first, second])
        memo = memos.for_several([first.reference, second.reference])
        draw.transfer("several", [first, second], memo, first.amount_vnd + second.amount_vnd, "several")


def _siblings(draw: Draw) -> tuple[Bill, Bill]:
    by_family: dict[tuple[Account, int], Bill] = {}
    for bill in draw.pool:
        known = by_family.setdefault((bill.account, bill.family), bill)
        if known.sector_id != bill.sector_id:
            return known, bill
    first = draw.pool[0]
    return first, next(
        bill for bill in draw.pool if bill.account == first.account and bill.sector_id != first.sector_id
    )


def _pay_together(draw: Draw, together: Sequence[Together]) -> None:
    """One transfer under a bundle's code; what is paid beside it comes first, and is in nobody's way."""
    for one in together:
        for bill in one.beside:
            draw.pay("beside", bill, "exact", day=CALENDAR.first_payment)
        memo = memos.clean(one.reference, draw.chance)
        draw.transfer("bundle", one.bills, memo, sum(bill.amount_vnd for bill in one.bills), "exact")


def _pay_alone(draw: Draw) -> None:
    """Kinds of one transfer for one bill."""
    chance = draw.chance
    for bill in draw.take(_count(draw, "mangled")):
        draw.transfer("mangled", [bill], memos.mangled(bill.reference, chance), bill.amount_vnd, "exact")
    for bill in draw.take(_count(draw, "nameless")):
        draw.transfer("nameless", [bill], memos.nameless(bill.pupil_name, chance), bill.amount_vnd, "unknown")
    for bill in draw.take(_count(draw, "damaged")):
        draw.transfer("damaged", [bill], memos.damaged(bill.reference, chance), bill.amount_vnd, "damaged")
    for bill in draw.take(_count(draw, "over"), lambda bill: bill.amount_vnd % ROUND_UP_TO_VND > 0):
        rounded_up = -(-bill.amount_vnd // ROUND_UP_TO_VND) * ROUND_UP_TO_VND
        draw.pay("over", bill, "over", amount_vnd=rounded_up)
    for bill in draw.take(_count(draw, "short"), lambda bill: bill.owed_vnd > SHORT_BY_VND):
        draw.pay("short", bill, "short", amount_vnd=bill.owed_vnd - SHORT_BY_VND)
    for bill in draw.take(_count(draw, "late")):
        draw.pay("late", bill, "exact", "late", day=draw.day(bill.due_on + timedelta(days=1), CALENDAR.last_payment))


def _pay_twice(draw: Draw) -> None:
    """Both parents pay one bill: the first by the bank's clock is the payment."""
    for bill in draw.take(_count(draw, "twice")):
        day = draw.day()
        one, other = sorted((draw.moment(day), draw.moment(day)))
        for moment, key in ((one, "exact"), (other + timedelta(seconds=1), "twice")):
            paid = draw.pay("twice", bill, key, day=day)
            reference = bank_reference(moment, paid.number)
            draw.put(replace(paid, occurred_at=moment, bank_reference=reference))


def _pay_elsewhere(draw: Draw) -> None:
    """The right reference, on another account of the same school."""
    for bill in draw.take(_count(draw, "wrong_fund")):
        others = [one for one in draw.accounts(bill.account.school_code) if one != bill.account]
        draw.put(replace(draw.pay("wrong_fund", bill, "wrong_fund"), account=draw.chance.choice(others)))


def _do_not_transfer(draw: Draw) -> None:
    """Not paid at all, or paid in cash at the school: the books know it, nobody else does."""
    draw.plan.unpaid += draw.take(_count(draw, "unpaid"))
    for number, bill in enumerate(draw.take(_count(draw, "cash")), start=1):
        memo = f"Thu tien mat {bill.reference}"
        row = BookRow(bill.account, draw.day(), bill.amount_vnd, memo, f"PT{number:06d}", is_cash=True)
        draw.plan.book_rows.append(row)
