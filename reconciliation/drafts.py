"""Proposed postings for what bank and gateway know and the school's books do not: a workbook in our own template.

What is allocated goes to the accounts of its fee items, the rest to those of pupils' credit or of money that nobody has
identified. The codes come from the school's chart (``hocphi chart``): a proposal, which the accountant changes or not.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
    ORDER BY 1, 2, 3, 4
""")


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
    lines = queries.behind(session, view.run).lines
    codes = _chart(session, view.run.school_id)
    shares = _shares(session, view.run.school_id, items, codes)
    money = _money_account(session, view, codes)
    rows = [
        row for item in items for row in _rows(item, [lines[number] for number in item.bank_line_ids], shares, money)
    ]
    rest = codes.code(LedgerRole.SUSPENSE)
    return [
        LedgerRow(line_no=number, **values | {"contra_account": values["contra_account"] or rest})
        for number, values in enumerate(rows, start=1)
    ]


def _rows(
    item: ReconcileItem, lines: Sequence[Row[Any]], shares: Mapping[int, list[Share]], money: str
) -> Iterator[dict[str, Any]]:
    """The parts of an item; what no share explains, and all money out, has no account of its own."""
    parts = [share for number in item.transaction_ids for share in shares.get(number, ())]
    for line in lines:
        known = (
            parts if line.direction == "credit" and sum(part.amount_vnd for part in parts) <= line.amount_vnd else []
        )
        rest_vnd = line.amount_vnd - sum(part.amount_vnd for part in known)
        for code, amount_vnd in [*known, *([("", rest_vnd)] if rest_vnd else [])]:
            yield {
                "booked_on": line.booked_on,
                "document_no": line.bank_reference or None,
                "document_date": line.booked_on,
                "description": " ".join(item.references) or line.description,
                "account_code": money,
                "contra_account": code,
                "debit_vnd": amount_vnd if line.direction == "credit" else 0,
                "credit_vnd": 0 if line.direction == "credit" else amount_vnd,
                "reference": item.references[0] if item.references else None,
                "is_cash": False,
                "source": "",
            }
        parts = []


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
