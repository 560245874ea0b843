"""A person joins facts that the night left apart, parts what it joined, and undoes it, at any later time.

Nothing of it moves money: a credit stays where settlement put it. Whoever calls commits, and makes the night again
(``replay``), so that the decision is seen.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from payments import clock
from payments.audit.service import record
from payments.errors import ConflictError, DomainError, NotFoundError
from payments.ledger.closed import closed_period, closed_through
from reconciliation.catching_up import catch_up
from reconciliation.decisions.models import ReconcileDecision, ReconcileDecisionKind
from reconciliation.locks import lock_school
from reconciliation.models import ReconcileRun, StandingRun

JOIN, PART, UNDO = ReconcileDecisionKind.JOIN, ReconcileDecisionKind.PART, ReconcileDecisionKind.UNDO
MOST_FACTS = 500
LONGEST_NOTE = 500
SOURCES = ("bank", "evidence", "ledger")

LINES = text("""
    SELECT line.id, 'bank:' || split_part(line.natural_key, '!', 1) AS name, line.account_id, line.booked_on AS day,
        line.direction, paid.id IS NOT NULL AS unfit, false AS is_cash
    FROM bank_line line
    LEFT JOIN transaction_evidence link ON link.school_id = line.school_id AND link.evidence_id = line.evidence_id
    LEFT JOIN payout paid ON paid.school_id = link.school_id AND paid.transaction_id = link.transaction_id
        AND paid.dissolved_at IS NULL
    WHERE line.school_id = :school_id AND line.id = ANY(CAST(:ids AS bigint[]))
""")
# All that was told about one bank transaction is one fact, so it is named together.
SAID = text("""
    SELECT e.id, 'evidence:' || e.id AS name, e.account_id, e.value_date AS day,
        CASE WHEN e.status = 'settled' THEN e.direction WHEN e.direction = 'credit' THEN 'debit' ELSE 'credit' END
            AS direction,
        sender.payout_days IS NOT NULL AS unfit, false AS is_cash
    FROM evidence e
    JOIN connection sender ON sender.id = e.connection_id
    WHERE e.school_id = :school_id AND e.source <> 'statement' AND NOT e.sandbox AND (
        e.id = ANY(CAST(:ids AS bigint[])) OR e.id IN (
            SELECT other.evidence_id FROM transaction_evidence link
            JOIN transaction_evidence other
                ON other.school_id = link.school_id AND other.transaction_id = link.transaction_id
            WHERE link.school_id = :school_id AND link.evidence_id = ANY(CAST(:ids AS bigint[]))))
""")
ROWS = text("""
    SELECT row.id, 'ledger:' || row.natural_key AS name, coalesce(said.account_id, row.account_id) AS account_id,
        row.booked_on AS day, row.direction, false AS unfit, row.is_cash
    FROM ledger_row row
    LEFT JOIN book_account said ON said.school_id = row.school_id AND said.code = row.account_code AND NOT row.is_cash
    WHERE row.school_id = :school_id AND row.id = ANY(CAST(:ids AS bigint[]))
""")
STANDING = text("""
    SELECT d.id, d.kind, d.facts FROM reconcile_decision d
    WHERE d.school_id = :school_id AND d.kind <> 'undo' AND d.facts && CAST(:names AS text[])
      AND NOT EXISTS (SELECT FROM reconcile_decision u WHERE u.school_id = d.school_id AND u.undoes_id = d.id)
    ORDER BY d.id
""")


@dataclass(frozen=True, slots=True)
class _Named:
    """Facts by their lasting names, with what they have in common."""

    names: tuple[str, ...]
    account_id: int
    first_day: date
    last_day: date


@dataclass(frozen=True, slots=True)
class _Word:
    """Who says what, and why."""

    kind: ReconcileDecisionKind
    actor_id: int
    note: str | None
    undoes_id: int | None = None


def join(session: Session, school_id: int, facts: Sequence[str], actor_id: int, *, note: str | None = None) -> int:
    """Say that these facts are one, and return the decision's number.

    ``facts``: ``bank:ID``, ``evidence:ID`` or ``ledger:ID`` as reports name them. Raises NotFoundError for what is not
    of this school, ConflictError ``decided_before``, and DomainError ``closed_period``, ``bad_facts``, ``two_accounts``
    or ``never_one``.
    """
    named = _facts(session, school_id, facts, joins=True)
    for earlier in _standing(session, school_id, named.names):
        if earlier.kind == JOIN or len(set(earlier.facts) & set(named.names)) > 1:
            raise _decided_before(earlier.id)
    return _keep(session, school_id, named, _Word(JOIN, actor_id, note))


def part(session: Session, school_id: int, facts: Sequence[str], actor_id: int, *, note: str | None = None) -> int:
    """Say that no two of these facts are one, and return the decision's number. Raises as ``join`` does."""
    named = _facts(session, school_id, facts, joins=False)
    for earlier in _standing(session, school_id, named.names):
        if earlier.kind == JOIN and len(set(earlier.facts) & set(named.names)) > 1:
            raise _decided_before(earlier.id)
    return _keep(session, school_id, named, _Word(PART, actor_id, note))


def undo(session: Session, school_id: int, decision_id: int, actor_id: int, *, note: str | None = None) -> int:
    """Take a decision back, at any later time; both stay on record. Returns the number of the undoing.

    Raises NotFoundError, ConflictError ``already_undone`` and DomainError ``closed_period``.
    """
    lock_school(session, school_id)
    earlier = session.get(ReconcileDecision, (school_id, decision_id))
    if earlier is None or earlier.kind == UNDO:
        raise NotFoundError
    if session.scalar(
        select(ReconcileDecision.id).where(
            ReconcileDecision.school_id == school_id, ReconcileDecision.undoes_id == decision_id
        )
    ):
        raise ConflictError("already_undone", "Quyết định này đã được hoàn tác.", "This decision has been undone.")
    named = _Named((), earlier.account_id, earlier.first_day, earlier.last_day)
    return _keep(session, school_id, named, _Word(UNDO, actor_id, note, decision_id))


def replay(session: Session, school_id: int, decision_id: int) -> ReconcileRun | None:
    """Make the nights again that a decision touches; returns the run that then stands for its first day, if any."""
    decision = session.get_one(ReconcileDecision, (school_id, decision_id))
    newest = session.scalar(
        select(func.max(StandingRun.day)).where(
            StandingRun.school_id == school_id, StandingRun.account_id == decision.account_id
        )
    )
    if newest is None:
        return None
    catch_up(session, school_id, decision.account_id, newest)
    held = session.scalars(
        select(StandingRun.run_id)
        .where(
            StandingRun.school_id == school_id,
            StandingRun.account_id == decision.account_id,
            StandingRun.day >= decision.first_day,
        )
        .order_by(StandingRun.day)
        .limit(1)
    ).first()
    return session.get(ReconcileRun, (school_id, held)) if held is not None else None


def _facts(session: Session, school_id: int, facts: Sequence[str], *, joins: bool) -> _Named:
    """The facts by their lasting names. Raises what ``join`` says."""
    lock_school(session, school_id)
    ids = _parsed(facts)
    rows: list[Any] = []
    for source, statement in zip(SOURCES, (LINES, SAID, ROWS), strict=True):
        found = session.execute(statement, {"school_id": school_id, "ids": ids[source]}).all() if ids[source] else []
        if set(ids[source]) - {row.id for row in found}:
            raise NotFoundError("Không tìm thấy một trong các dòng đã chọn.", "One of the chosen facts is not there.")
        rows += found
    accounts = {row.account_id for row in rows}
    if len(accounts) > 1 or None in accounts or any(row.is_cash for row in rows):
        raise DomainError(
            "two_accounts",
            "Chỉ ghép hoặc tách được các dòng của cùng một tài khoản ngân hàng, không phải tiền mặt; dòng sổ kế toán "
            "phải rõ tài khoản (--account-code khi nhập sổ).",
            "Only facts of one bank account can be joined or parted, no cash; a row of the books needs an account.",
        )
    if joins and (any(row.unfit for row in rows) or len({row.direction for row in rows}) > 1):
        raise DomainError(
            "never_one",
            "Không ghép được tiền vào với tiền ra; tiền qua trung gian thì ghép ở «Đối soát trung gian».",
            "Money in and money out are never one; what an intermediary owes is matched under payouts.",
        )
    first, last = min(row.day for row in rows), max(row.day for row in rows)
    return _Named(tuple(sorted({row.name for row in rows})), rows[0].account_id, first, last)


def _parsed(facts: Sequence[str]) -> dict[str, list[int]]:
    """``bank:12`` -> its source and number. Raises DomainError ``bad_facts``."""
    ids: dict[str, list[int]] = {source: [] for source in SOURCES}
    for fact in dict.fromkeys(facts):
        source, _, number = fact.partition(":")
        if source not in ids or not (number.isascii() and number.isdigit()) or len(number) > 18:
            raise _bad_facts()
        ids[source].append(int(number))
    if not 2 <= sum(map(len, ids.values())) <= MOST_FACTS:
        raise _bad_facts()
    return ids


def _bad_facts() -> DomainError:
    return DomainError(
        "bad_facts",
        f"Hãy chọn từ 2 đến {MOST_FACTS} dòng (bank:SỐ, evidence:SỐ hoặc ledger:SỐ).",
        f"Choose 2 to {MOST_FACTS} facts (bank:ID, evidence:ID or ledger:ID).",
    )


def _decided_before(decision_id: int) -> ConflictError:
    return ConflictError(
        "decided_before",
        f"Quyết định số {decision_id} đã nói khác về các dòng này: hãy hoàn tác nó trước.",
        f"Decision {decision_id} says otherwise about these facts: undo it first.",
    )


def _standing(session: Session, school_id: int, names: Sequence[str]) -> Sequence[Any]:
    """Decisions that stand about any of these facts."""
    return session.execute(STANDING, {"school_id": school_id, "names": list(names)}).all()


def _keep(session: Session, school_id: int, named: _Named, word: _Word) -> int:
    """Add the event, and tell the audit log. Raises DomainError ``closed_period`` for facts of signed days alone."""
    closed = closed_through(session, school_id)
    if closed is not None and named.last_day <= closed:
        raise closed_period(closed)
    event = ReconcileDecision(
        school_id=school_id,
        account_id=named.account_id,
        kind=word.kind,
        undoes_id=word.undoes_id,
        facts=list(named.names),
        first_day=named.first_day,
        last_day=named.last_day,
        decided_by=word.actor_id,
        decided_at=clock.now(),
        note=(word.note or "").strip()[:LONGEST_NOTE] or None,
    )
    session.add(event)
    session.flush()
    record(
        session,
        word.actor_id,
        f"reconcile.{word.kind}",
        subject_kind="reconcile_decision",
        subject_id=event.id,
        school_id=school_id,
        detail={"facts": len(named.names), "undoes": word.undoes_id},
    )
    return event.id
