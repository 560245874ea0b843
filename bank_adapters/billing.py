"""What a hosted biller decides, whoever asks: the door with the open invoices, the kit with a sample school. Pure."""

from typing import Final

from bank_adapters.contract import BankTransaction, Bill, Inquiry, Outcome, Owed

SAMPLE_CUSTOMER: Final = "HS0101234567"
SAMPLE: Final = Owed(Outcome.accepted, "NGUYEN V. A", (Bill("HP26090001", 1_250_000, "092026"),))
"""One invented pupil with one open bill, so that vectors and a bank's engineer can try every answer."""


def judge(transaction: BankTransaction, owed: Owed) -> Outcome:
    """Whether a paid bill is the customer's, open, and paid in full; ``owed`` is what the customer named owes.

    A bill with nothing open is paid already. A payment that names no bill is for the customer alone.
    """
    if owed.outcome is not Outcome.accepted:
        return owed.outcome
    if transaction.order_ref is None:
        return Outcome.accepted
    bill = next((bill for bill in owed.bills if bill.bill_id == transaction.order_ref), None)
    if bill is None:
        return Outcome.unknown_bill
    if not bill.amount_vnd:
        return Outcome.already_paid
    return Outcome.accepted if bill.amount_vnd == transaction.amount_vnd else Outcome.amount_differs


def sample_owed(inquiry: Inquiry) -> Owed:
    """What the sample school answers."""
    return SAMPLE if inquiry.customer_code == SAMPLE_CUSTOMER else Owed(Outcome.unknown_customer)
