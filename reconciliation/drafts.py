"""Proposed postings for what bank and gateway know and the school's books do not: a workbook in our own template.

What is allocated goes to the accounts of its fee items, the rest to those of pupils' credit, of money that is no fee
(by the reason that a person gave), of what goes back to its payer, or of money that nobody has identified. A payout of
an intermediary brings its net to the bank and its fee to the expenses, and both clear what was owed, which is as much
as the payments that it paid. The codes come from the school's chart (``hocphi chart``): a proposal, which the
accountant changes or not.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Row, select, text
from sqlalchemy.orm import Session

from payments.ledger.chart_service import PRESETS
from payments.ledger.models import LedgerRole
from payments.ledger.queries import ChartCodes, chart_codes
from reconciliation import queries
from reconciliation.models import BookAccount, ReconcileItem
from reconciliation.queries import RunView
from reconciliation.school_ledgers.model import LedgerRow
from reconciliation.school_ledgers.template import write_template

MISSING = "missing_ledger"

SHARES = text("""
    SELECT a.transaction_id, 'income' AS role, line.legal_group, line.fee_item_id,
        sum(a.amount_vnd)::bigint AS amount_vnd
    FROM allocation a
    JOIN invoice_line line ON line.school_id = a.school_id AND line.id = a.line_id
    WHERE a.school_id = :school_id AND a.transaction_id = ANY(CAST(:ids AS bigint[]))
    GROUP BY a.transaction_id, line.legal_group, line.fee_item_id
    HAVING sum(a.amount_vnd) <> 0
    UNION ALL
    SELECT c.transaction_id, 'credit', NULL, NULL, sum(c.amount_vnd)::bigint
    FROM pupil_credit c
    WHERE c.school_id = :school_id AND c.transaction_id = ANY(CAST(:ids AS bigint[]))
    GROUP BY c.transaction_id
    HAVING sum(c.amount_vnd) <> 0
    UNION ALL
    SELECT t.id, 'excluded', d.reason, NULL, t.amount_vnd
    FROM bank_transaction t
    JOIN decision d ON d.school_id = t.school_id AND d.transaction_id = t.id AND d.kind = 'exclude'
    WHERE t.school_id = :school_id AND t.id = ANY(CAST(:ids AS bigint[])) AND t.state = 'excluded'
      AND NOT EXISTS (SELECT FROM decision u WHERE u.school_id = d.school_id AND u.undoes_id = d.id)
    UNION ALL
    SELECT part.transaction_id, 'refund', NULL, NULL, sum(r.amount_vnd)::bigint
    FROM refund r
    CROSS JOIN LATERAL (VALUES (r.transaction_id), (r.debit_id)) AS part (transaction_id)
    WHERE r.school_id = :school_id AND part.transaction_id = ANY(CAST(:ids AS bigint[]))
      AND r.state IN ('approved', 'confirmed')
    GROUP BY part.transaction_id
    ORDER BY 1, 2, 3, 4
""")

PAYOUTS = text("""
    SELECT item.transaction_id, p.gross_vnd, p.fee_vnd
    FROM payout_item item JOIN payout p ON p.school_id = item.school_id AND p.id = item.payout_id
    WHERE item.school_id = :school_id AND item.live AND item.transaction_id = ANY(CAST(:ids AS bigint[]))
""")


class Payout(NamedTuple):
    """What an intermediary paid and kept, in đồng."""

    gross_vnd: int
    fee_vnd: int


@dataclass(frozen=True, slots=True)
class Book:
    """What the rows are written from: shares and payouts by bank transaction, and the codes of the chart."""

    shares: Mapping[int, list["Share"]]
    payouts: Mapping[int, Payout]
    codes: ChartCodes
    money: str


class Share(NamedTuple):
    """A part of a payment, in đồng, and the account of the school's chart that it belongs to."""

    code: str
    amount_vnd: int


def workbook(session: Session, run_id: int) -> bytes:
    """The postings that a run misses in the books, as an XLSX file that ``hocphi ledger import`` reads again.

    Raises NotFoundError, and DomainError ``no_account_code`` where the school's chart has a gap.
    """
    return write_template(postings(session, run_id))


def postings(session: Session, run_id: int) -> list[LedgerRow]:
    """One row for each bank line and account, in the order of the run. Raises as ``workbook``."""
    view = queries.run_by_id(session, run_id)
    items = queries.items_with(session, view.run, MISSING)
    lines = queries.behind(session, view.run, items).lines
    codes = _chart(session, view.run.school_id)
    book = Book(
        _shares(session, view.run.school_id, items, codes),
        _payouts(session, view.run.school_id, items),
        codes,
        _money_account(session, view, codes),
    )
    rows = [row for item in items for row in _rows(item, [lines[number] for number in item.bank_line_ids], book)]
    rest = codes.code(LedgerRole.SUSPENSE)
    return [
        LedgerRow(line_no=number, **values | {"contra_account": values["contra_account"] or rest})
        for number, values in enumerate(rows, start=1)
    ]


def _rows(item: ReconcileItem, lines: Sequence[Row[Any]], book: Book) -> Iterator[dict[str, Any]]:
    """The parts of an item; what no share explains has no account of its own."""
    parts = [share for number in item.transaction_ids for share in book.shares.get(number, ())]
    payout = next((book.payouts[number] for number in item.transaction_ids if number in book.payouts), None)
    if payout is not None and len(lines) == 1:
        yield from _payout_rows(item, lines[0], payout, parts, book)
        return
    # Money out alone is explained by the refund that it sent; beside money in it is its other half.
    only_out = all(line.direction == "debit" for line in lines)
    for line in lines:
        explained = (line.direction == "credit") or only_out
        known = parts if explained and sum(part.amount_vnd for part in parts) <= line.amount_vnd else []
        rest_vnd = line.amount_vnd - sum(part.amount_vnd for part in known)
        for code, amount_vnd in [*known, *([("", rest_vnd)] if rest_vnd else [])]:
            signed_vnd = amount_vnd if line.direction == "credit" else -amount_vnd
            yield _row(item, line, book.money, code, signed_vnd)
        parts = []


def _payout_rows(
    item: ReconcileItem, line: Row[Any], payout: Payout, parts: Sequence[Share], book: Book
) -> Iterator[dict[str, Any]]:
    """Net to the bank, fee to the expenses, both against what was owed; and what was owed for."""
    clearing = book.codes.code(LedgerRole.CLEARING)
    yield _row(item, line, book.money, clearing, line.amount_vnd)
    if payout.fee_vnd:
        yield _row(item, line, book.codes.code(LedgerRole.FEE), clearing, payout.fee_vnd)
    for code, amount_vnd in parts:
        yield _row(item, line, clearing, code, amount_vnd)
    rest_vnd = payout.gross_vnd - sum(part.amount_vnd for part in parts)
    if rest_vnd:
        yield _row(item, line, clearing, "", rest_vnd)


def _row(item: ReconcileItem, line: Row[Any], account: str, contra: str, signed_vnd: int) -> dict[str, Any]:
    """One row on an account: debit for a positive amount, credit for a negative one."""
    return {
        "booked_on": line.booked_on,
        "document_no": line.bank_reference or None,
        "document_date": line.booked_on,
        "description": " ".join(item.references) or line.description,
        "account_code": account,
        "contra_account": contra,
        "debit_vnd": max(signed_vnd, 0),
        "credit_vnd": max(-signed_vnd, 0),
        "reference": item.references[0] if item.references else None,
        "is_cash": False,
        "source": "",
    }


def _payouts(session: Session, school_id: int, items: Iterable[ReconcileItem]) -> dict[int, Payout]:
    ids = sorted({number for item in items for number in item.transaction_ids})
    rows = session.execute(PAYOUTS, {"school_id": school_id, "ids": ids})
    return {row.transaction_id: Payout(row.gross_vnd, row.fee_vnd) for row in rows}


def _shares(
    session: Session, school_id: int, items: Iterable[ReconcileItem], codes: ChartCodes
) -> dict[int, list[Share]]:
    ids = sorted({number for item in items for number in item.transaction_ids})
    found: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for row in session.execute(SHARES, {"school_id": school_id, "ids": ids}):
        code = codes.code(LedgerRole(row.role), legal_group=row.legal_group, fee_item_id=row.fee_item_id)
        found[row.transaction_id][code] += row.amount_vnd
    return {number: [Share(*part) for part in parts.items()] for number, parts in found.items()}


def _chart(session: Session, school_id: int) -> ChartCodes:
    """The chart that the school has filled; of several the first one."""
    found = [chart_codes(session, school_id, chart) for chart in PRESETS]
    return next((one for one in found if one.codes), found[0])


def _money_account(session: Session, view: RunView, codes: ChartCodes) -> str:
    """The code that the school's books use for the receiving account, else the chart's."""
    own = session.scalar(
        select(BookAccount.code)
        .where(BookAccount.school_id == view.run.school_id, BookAccount.account_id == view.run.account_id)
        .order_by(BookAccount.code)
        .limit(1)
    )
    return own or codes.code(LedgerRole.BANK)
