"""What a night looks up on days that are not its own: partners that cases lack, and what is linked to its facts."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from sqlalchemy import TextClause

from payments.inbox.halves import LATE_DAYS
from payments.inbox.pairing import REFERENCE_DAYS
from reconciliation import loading
from reconciliation.faces import NEAR_WINDOW, REFERENCE_WINDOW
from reconciliation.facts import Scope
from reconciliation.matching import Case
from reconciliation.movements import MATCHED, NOT_DUE
from reconciliation.pool import Facts

LOOK_BACK = timedelta(days=REFERENCE_WINDOW[1])
"""Bank and gateway of books that were written up late."""
LOOK_AHEAD = timedelta(days=REFERENCE_WINDOW[1])
NEAR = timedelta(days=max(LATE_DAYS, NEAR_WINDOW[1]))
Query = tuple[TextClause, dict[str, Any]]
"""A statement of ``loading`` and its values."""


def around(first: date, last: date) -> dict[str, date]:
    """The days whose decisions may concern a run."""
    return {"first": first - LOOK_BACK, "last": last + LOOK_AHEAD}


def linked(own: Facts) -> list[Query]:
    """The other halves, on other days, of what stands behind one bank transaction or one payout, and what was taken
    back.
    """
    at_bank = {fact.transaction_id for fact in own.banks}
    sent = {fact.id for fact in own.gateways}
    taken_back = {fact.reverses_id for fact in own.banks} | {fact.reverses_id for fact in own.gateways}
    paid_by = {fact.paid_by for fact in own.gateways}
    paid_out = sorted(fact.transaction_id or 0 for fact in own.banks if fact.payout_fee_vnd is not None)
    lines = sorted(number for number in (sent | taken_back | paid_by) - at_bank if number is not None and number > 0)
    calls = sorted(number for number in (at_bank | taken_back | paid_by) - sent if number is not None)
    wanted = (
        (loading.LINES_OF_TRANSACTIONS, lines),
        (loading.SENT_OF_TRANSACTIONS, calls),
        (loading.SENT_OF_PAYOUTS, paid_out),
    )
    return [(statement, {"ids": ids}) for statement, ids in wanted if ids]


def elsewhere(cases: Sequence[Case], scope: Scope) -> list[Query]:
    """Facts outside the days that share a payment reference or an amount with cases that lack a partner."""
    if not cases:
        return []
    wanted = {
        "names": sorted({name for case in cases for name in case.references}),
        "amounts": sorted({amount for case in cases for amount in _amounts(case)}),
        "first": scope.first,
        "last": scope.last,
        "near_from": scope.first - NEAR,
        "near_to": scope.last + NEAR,
        "from_day": scope.first - LOOK_BACK,
    }
    money, books = scope.last + timedelta(days=REFERENCE_DAYS), scope.last + LOOK_AHEAD
    return [
        (loading.LINES_ELSEWHERE, wanted | {"to_day": money}),
        (loading.SENT_ELSEWHERE, wanted | {"to_day": money}),
        (loading.BOOKED_ELSEWHERE, wanted | {"to_day": books}),
    ]


def lacks(case: Case, *, booked: bool) -> bool:
    """Whether a partner may be found outside the days of the run; without books, no row of them is looked for."""
    settled = case.primary_class in {MATCHED, NOT_DUE} and case.banks and case.gateways
    return not settled or (booked and not case.ledgers)


def _amounts(case: Case) -> set[int]:
    return {fact.amount_vnd for side in (case.banks, case.gateways, case.ledgers) for fact in side}
