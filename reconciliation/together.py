"""Many nights at once: their questions are asked together, their mass is judged together, their runs kept together."""

from collections.abc import Iterator, Sequence
from datetime import date

from sqlalchemy.orm import Session

from payments.banking.models import ReceivingAccount
from payments.errors import NotFoundError
from reconciliation import keeping
from reconciliation.alerts import alert
from reconciliation.asking import ask
from reconciliation.bulk import judging
from reconciliation.closing.late import Late, Signed, keep_links, late_cases
from reconciliation.locks import lock_school, lock_settlement
from reconciliation.models import ReconcileRun, RunState
from reconciliation.night import Night
from reconciliation.telling import tell_closed


def reconcile_day(session: Session, school_id: int, account_id: int, day: date) -> ReconcileRun:
    """Reconcile an account up to a day and return the run that stands; the same inputs give the same run.

    Holds imports and settlement of the school until the transaction ends. Raises NotFoundError.
    """
    if session.get(ReceivingAccount, (school_id, account_id)) is None:
        raise NotFoundError(
            "Không có tài khoản nhận tiền này trong trường.", "The school has no such receiving account."
        )
    lock_school(session, school_id)
    lock_settlement(session, school_id)
    return reconcile(session, [Night(session, school_id, account_id, day)])[0]


def reconcile(session: Session, nights: Sequence[Night]) -> list[ReconcileRun]:
    """Judge nights of different accounts step by step, side by side, and keep their runs.

    The caller holds imports and settlement of their schools (``locks``).
    """
    running = [(night, night.steps()) for night in nights]
    while running:
        asks = []
        going = []
        for night, steps in running:
            found = next(steps, None)
            if found is not None:
                asks += found
                going.append((night, steps))
        ask(session, asks)
        _weigh(session, [night for night, _ in going if night.unit is not None])
        running = going
    return _keep(session, nights)


def _weigh(session: Session, nights: Sequence[Night]) -> None:
    """Judge the mass of all nights that have come so far."""
    found = judging.judge(session, [night.unit for night in nights if night.unit is not None])
    for night in nights:
        night.mass = found.get(night.unit) if night.unit is not None else None
        night.unit = None


def _keep(session: Session, nights: Sequence[Night]) -> list[ReconcileRun]:
    judged = [night for night in nights if night.finding is not None]
    findings = [night.finding for night in judged if night.finding is not None]
    kept = keeping.keep(session, findings)
    masses = {
        finding.mass.number: (one.run.school_id, one.run.id)
        for finding, one in zip(findings, kept, strict=True)
        if one.is_new and finding.mass is not None and finding.mass.banks.count
    }
    judging.keep(session, masses)
    late = [
        found
        for night, finding, one in zip(judged, findings, kept, strict=True)
        if one.is_new and night.source.signed.has_days
        for found in _late(night.source.signed, finding, one.run)
    ]
    keep_links(session, late)
    alert(session, [one.run for one in kept if one.is_new])
    for one in kept:
        if one.stands_anew and one.run.state is not RunState.WAITING_STATEMENT:
            tell_closed(session, one.run.school_id, [one.run.id])
    runs = iter(one.run for one in kept)
    return [night.signed or next(runs) for night in nights]


def _late(signed: Signed, finding: keeping.Finding, run: ReconcileRun) -> Iterator[Late]:
    places = keeping.positions(finding)[len(finding.breaks) :]
    return late_cases(run.school_id, run.id, signed, zip(places, finding.cases, strict=True))
