"""What settlement would make of money, against a notice that exists in memory only. Pure."""

from collections.abc import Sequence

from bank_adapters.contract import BankTransaction, Direction, Status
from payments import clock
from payments.invoices import reference
from payments.invoices.near_references import suggest
from payments.settlement import folding, rules
from payments.settlement.rules import SettlementOutcome

ACCOUNT_ID, INVOICE_ID, PUPIL_ID, LINE_ID = 1, 1, 1, 1


def would_settle(code: str, asked_vnd: int, told: Sequence[BankTransaction]) -> list[str]:
    """For each transaction the key of the one vocabulary, were there a notice with this code over so many đồng."""
    if not told:
        return []
    line = rules.Line(LINE_ID, 1, 1, "agency", mandatory=True, amount_vnd=asked_vnd)
    due_on = max(clock.day_of(one.occurred_at) for one in told)
    invoice = rules.Invoice(
        id=INVOICE_ID,
        pupil_id=PUPIL_ID,
        account_id=ACCOUNT_ID,
        reference=code,
        amount_vnd=asked_vnd,
        due_on=due_on,
        round_closed=False,
        live=True,
        successor_id=None,
        lines=(line,),
    )
    book = rules.Book({INVOICE_ID: invoice}, {code: INVOICE_ID})
    readings = [rules.read(_transfer(number, one), book) for number, one in enumerate(told)]
    claiming = [reading for reading in readings if reading.claims]
    verdicts = folding.decide(claiming, book, [INVOICE_ID])
    return [_key(number, one, verdicts, code) for number, one in enumerate(told)]


def _transfer(number: int, one: BankTransaction) -> rules.Transfer:
    day = one.value_date or clock.day_of(one.occurred_at)
    places = (one.description, one.order_ref, one.virtual_account)
    found = next((codes for place in places if place and (codes := reference.find(place))), [])
    return rules.Transfer(number, ACCOUNT_ID, one.amount_vnd, day, one.occurred_at, tuple(found), one.description)


def _key(number: int, one: BankTransaction, verdicts: dict[int, folding.Verdict], code: str) -> str:
    if one.status is not Status.settled:
        return ""
    if one.direction is Direction.debit:
        return SettlementOutcome.DEBIT
    if number in verdicts:
        return verdicts[number].outcome
    near = suggest(one.description)
    return SettlementOutcome.DAMAGED if code in near.codes else SettlementOutcome.UNKNOWN
