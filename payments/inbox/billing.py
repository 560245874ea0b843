"""What a bank may be told of a customer's bills, and whose account a paid bill is on (hosted biller, «thu hộ»).

A connection sees pupils of its own schools and bills on its own accounts, nothing else: who is not among them is as
unknown as nobody. Both shells of the door run the reception's question and hand it the rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from bank_adapters.contract import Bill, Outcome, Owed
from payments.banking.rules import Target
from payments.schools.rules import search_key

# $1 connection, $2 customer code. A counter asks for what is owed, as the parent's page does: nobody has chosen what is
# voluntary, and some of it may have been declined. A paid bill has nothing open, so that a second payment is told from
# an unknown bill.
OWED: Final = """
SELECT p.full_name, i.reference,
    greatest(i.mandatory_vnd - b.paid_vnd, 0) AS open_vnd,
    to_char(r.starts_on, 'MMYYYY') AS term, i.school_id, i.receiving_account_id
FROM payer_code known
JOIN pupil p ON p.school_id = known.school_id AND p.id = known.pupil_id
LEFT JOIN (
    invoice i
    JOIN invoice_balance b ON b.school_id = i.school_id AND b.invoice_id = i.id
        AND b.state NOT IN ('replaced', 'cancelled')
    JOIN collection_round r ON r.school_id = i.school_id AND r.id = i.round_id
) ON i.school_id = known.school_id AND i.pupil_id = known.pupil_id AND EXISTS (
    SELECT FROM connection_account listed
    WHERE listed.connection_id = $1 AND listed.school_id = i.school_id AND listed.account_id = i.receiving_account_id)
WHERE known.code = $2
  AND EXISTS (SELECT FROM connection_account own WHERE own.connection_id = $1 AND own.school_id = known.school_id)
ORDER BY r.due_on, i.id
"""


# $1 connection, $2 order. Whose account an order is for, where its service names none.
ORDERED: Final = """
SELECT school_id, account_id FROM payment_order WHERE connection_id = $1 AND order_ref = $2
"""


# $1 connection, $2 account number. Some banks report a pupil's own account as the account itself: it counts when it was
# given to a pupil, under a prefix that the connection lists for the account where its money arrives.
OWN_NUMBER: Final = """
SELECT own.school_id, own.receiving_account_id
FROM virtual_account own
JOIN connection_account listed ON listed.connection_id = $1 AND listed.kind = 'virtual_prefix'
    AND listed.school_id = own.school_id AND listed.account_id = own.receiving_account_id
    AND starts_with(own.number, listed.identifier)
WHERE own.number = $2
LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Question:
    """A look-up that a reception needs before it can be stored: ``statement`` takes a connection's id and ``key``."""

    statement: str
    key: str

    def guarded(self, rows: Sequence[Sequence[Any]], *, tried: bool) -> Sequence[Sequence[Any]]:
        """The rows, without names while somebody tries codes."""
        return nameless(rows) if tried and self.statement == OWED else rows


@dataclass(frozen=True, slots=True)
class Known:
    """A customer's bills, open and paid ones, and the account that each is on."""

    owed: Owed
    targets: dict[str, Target]

    @classmethod
    def of(cls, rows: Sequence[Sequence[Any]]) -> "Known":
        """Read the rows of ``OWED``."""
        if not rows:
            return cls(Owed(Outcome.unknown_customer), {})
        billed = [row for row in rows if row[1] is not None]
        bills = tuple(Bill(reference, int(open_vnd), term) for _, reference, open_vnd, term, *_ in billed)
        targets = {reference: Target(school_id, account_id) for _, reference, _, _, school_id, account_id in billed}
        return cls(Owed(Outcome.accepted, short_name(rows[0][0]), bills), targets)

    @property
    def to_pay(self) -> Owed:
        """What is told to a bank that asks: the open bills only."""
        still_open = tuple(bill for bill in self.owed.bills if bill.amount_vnd)
        return replace(self.owed, bills=still_open)


def nameless(rows: Sequence[Sequence[Any]]) -> list[Sequence[Any]]:
    """The rows of ``OWED`` while somebody tries codes: whoever pays with a slip in the hand needs no name."""
    return [("Học sinh", *row[1:]) for row in rows]


def short_name(full_name: str) -> str:
    """A name as a bank shows it, without marks, middle names as initials: «Nguyễn Thị Bình» -> NGUYEN T. BINH."""
    first, *rest = search_key(full_name).upper().split()
    return " ".join([first, *(f"{middle[0]}." for middle in rest[:-1]), *rest[-1:]])
