"""Bring payouts to what the facts say, and a person's decisions. Holds the school's lease; the caller commits once.

Explanations are computed anew around what arrived, and the difference to what stands is written; so the order in which
callbacks, lines, reports and reversals arrive does not matter (invariant I8).
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from payments import outbox
from payments.audit.service import record
from payments.clearing import loading
from payments.clearing.explaining import explain
from payments.clearing.loading import Scene
from payments.clearing.rules import Explanation, Line, Owed, fee_of
from payments.errors import ConflictError, DomainError, NotFoundError
from payments.outbox import Claimed
from payments.settlement.announcing import KIND, QUEUE, announce
from payments.settlement.faults import is_no_rows_fault, problem_code
from payments.settlement.loading import take_lease
from payments.settlement.models import PayoutRule
from payments.settlement.payouts import NewPayout, dissolve, pay_out
from payments.settlement.settling import settle_again

BATCH = 500
REPORT_KIND = "report"
INNER = timedelta(days=45)
"""Around what arrived: payouts on these days may become others. Twice the reach, and a little."""
OUTER = timedelta(days=65)
"""Beyond: what may compete with them. Three times the reach, and a little."""
LONGEST_OPEN = timedelta(days=400)

TOUCHED = text("""
    SELECT t.account_id, min(t.value_date) AS first, max(t.value_date) AS last FROM bank_transaction t
    WHERE t.school_id = :school_id AND t.id = ANY(CAST(:ids AS bigint[]))
    GROUP BY t.account_id
    ORDER BY t.account_id
""")
# A report that names no days is about those of its payments.
TOLD = text("""
    SELECT r.account_id, coalesce(min(e.value_date), min(row.payout_on), min(r.imported_at)::date) AS first,
        coalesce(max(row.payout_on), max(e.value_date), max(r.imported_at)::date) AS last
    FROM payout_report r
    JOIN payout_report_row row ON row.school_id = r.school_id AND row.report_id = r.id
    LEFT JOIN evidence e ON e.connection_id = r.connection_id AND e.dedup_key = row.txn_id AND e.school_id = r.school_id
    WHERE r.school_id = :school_id AND r.id = ANY(CAST(:ids AS bigint[]))
    GROUP BY r.account_id
    ORDER BY r.account_id
""")
ONE_LINE = text("""
    SELECT t.account_id, t.value_date FROM bank_transaction t
    WHERE t.school_id = :school_id AND t.id = :id AND t.clearing_id IS NULL AND t.direction = 'credit'
""")
ONE_PAYOUT = text("""
    SELECT p.transaction_id, p.dissolved_at, t.account_id, t.value_date FROM payout p
    JOIN bank_transaction t ON t.school_id = p.school_id AND t.id = p.transaction_id
    WHERE p.school_id = :school_id AND p.id = :id
""")


@dataclass(slots=True)
class Cleared:
    """What a call did."""

    busy: bool = False
    """Somebody else settles the school; its rows stay due."""
    taken: int = 0
    failed: int = 0
    made: int = 0
    dissolved: int = 0


def clear_school(session: Session, school_id: int, limit: int = BATCH) -> Cleared:
    """Explain anew what is touched by the work that waits at a school; the caller commits once."""
    if not take_lease(session, school_id, wait=False):
        return Cleared(busy=True)
    rows = outbox.hold(session, QUEUE, school_id, limit=limit)
    done = Cleared(taken=len(rows))
    try:
        with session.begin_nested():
            for account_id, (first, last) in _touched(session, school_id, rows).items():
                _bring_about(session, school_id, account_id, (first, last), done)
            session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
            session.execute(text("SET CONSTRAINTS ALL DEFERRED"))
    except Exception as error:
        if is_no_rows_fault(error):
            raise  # As in settlement: the whole batch comes again.
        for row in rows:
            outbox.fail(session, row, problem_code(error))
        return Cleared(taken=len(rows), failed=len(rows))
    outbox.remove(session, rows)
    return done


def match_by_person(
    session: Session, school_id: int, line_id: int, item_ids: Sequence[int], actor_id: int, *, note: str | None = None
) -> int:
    """Say that a line pays these items; what remains is the fee. Returns the payout's id.

    Raises NotFoundError for what is not of this school, DomainError ``nothing_chosen``, ``several_intermediaries``,
    ``pays_too_much`` or ``explain_fee`` (a fee that neither tariff nor line states needs a note), and ConflictError
    ``no_such_payout`` or ``in_a_payout``.
    """
    take_lease(session, school_id, wait=True)
    scene, line = _scene_of_line(session, school_id, line_id)
    items = _chosen(scene, item_ids)
    standing = scene.standing.get(line_id)
    if standing is not None:
        dissolve(session, school_id, [standing.id], actor_id)
    if any(scene.held_by.get(item.id) not in {None, standing and standing.id} for item in items):
        raise ConflictError(
            "in_a_payout",
            "Có khoản đã nằm trong một lô quyết toán khác; hãy hủy lô đó trước.",
            "A payment is in another payout already; dissolve that one first.",
        )
    fee_vnd = sum(item.amount_vnd for item in items) - line.amount_vnd
    _require_fee(scene, line, items, fee_vnd, note)
    payout = NewPayout(
        line_id,
        items[0].connection_id,
        tuple(sorted(item.id for item in items)),
        fee_vnd,
        PayoutRule.PERSON,
        actor_id,
        note,
    )
    payout_id = pay_out(session, school_id, payout)
    announce(session, school_id, [line_id, *payout.item_ids])
    detail: dict[str, object] = {"payout_id": payout_id, "fee_vnd": fee_vnd}
    _record(session, school_id, actor_id, "payout.matched", line_id=line_id, detail=detail)
    return payout_id


def dissolve_by_person(session: Session, school_id: int, payout_id: int, actor_id: int) -> None:
    """Take a payout back: its line is money like any other again, its payments are owed. It is not explained so again.

    Raises NotFoundError, and ConflictError ``dissolved_already``.
    """
    take_lease(session, school_id, wait=True)
    found = session.execute(ONE_PAYOUT, {"school_id": school_id, "id": payout_id}).first()
    if found is None:
        raise NotFoundError
    if found.dissolved_at is not None:
        raise ConflictError(
            "dissolved_already", "Lô quyết toán này đã được hủy.", "This payout has been dissolved already."
        )
    lines = dissolve(session, school_id, [payout_id], actor_id)
    settle_again(session, school_id, lines, f"payout:{payout_id}:dissolved")
    announce(session, school_id, lines)
    detail: dict[str, object] = {"payout_id": payout_id}
    _record(session, school_id, actor_id, "payout.dissolved", line_id=found.transaction_id, detail=detail)


def _touched(session: Session, school_id: int, rows: Sequence[Claimed]) -> dict[int, tuple[date, date]]:
    """First and last day of what the rows are about, by account."""
    if any(row.kind not in {KIND, REPORT_KIND} for row in rows):
        raise DomainError("unknown_work", "Công việc không hợp lệ.", "There is no such work for clearing.")
    found: dict[int, list[date]] = defaultdict(list)
    for kind, statement in ((KIND, TOUCHED), (REPORT_KIND, TOLD)):
        ids = [row.subject_id for row in rows if row.kind == kind]
        if ids:
            for row in session.execute(statement, {"school_id": school_id, "ids": ids}):
                found[row.account_id] += [row.first, row.last]
    return {account_id: (min(days), max(days)) for account_id, days in found.items()}


def _bring_about(session: Session, school_id: int, account_id: int, days: tuple[date, date], done: Cleared) -> None:
    """Write the difference between what stands and what the facts say."""
    first, last = days[0] - INNER, days[1] + INNER
    scene = loading.scene_of(session, school_id, account_id, first - OUTER, last + OUTER)
    wanted = {one.line_id: one for one in _explained(scene) if first <= scene.lines[one.line_id].day <= last}
    ended = [
        standing
        for line_id, standing in scene.standing.items()
        if not standing.by_person
        and first <= scene.lines[line_id].day <= last
        and (line_id not in wanted or wanted[line_id].content != standing.content)
    ]
    stays = scene.standing.keys() - {standing.content[0] for standing in ended}
    freed = dissolve(session, school_id, [standing.id for standing in ended])
    kept = {standing.id for line_id, standing in scene.standing.items() if line_id in stays}
    fresh = [
        one
        for line_id, one in wanted.items()
        if line_id not in stays and not any(scene.held_by.get(item_id) in kept for item_id in one.item_ids)
    ]
    for one in fresh:
        pay_out(session, school_id, _new(one))
    orphaned = sorted(set(freed) - {one.line_id for one in fresh})
    if orphaned:
        cause = f"payout:{max(standing.id for standing in ended)}:dissolved"
        settle_again(session, school_id, orphaned, cause)
    done.made += len(fresh)
    done.dissolved += len(ended)


def _explained(scene: Scene) -> list[Explanation]:
    """What the facts say besides a person's payouts."""
    decided = {standing.id for standing in scene.standing.values() if standing.by_person}
    # An item in a payout of a line that is not read here belongs to other days: it is not free either.
    known = {standing.id for standing in scene.standing.values()}
    free = [
        item
        for item in scene.owed.values()
        if (held := scene.held_by.get(item.id)) is None or (held in known and held not in decided)
    ]
    lines = [
        line for line in scene.lines.values() if not (scene.standing.get(line.id) and scene.standing[line.id].by_person)
    ]
    return explain(lines, free, scene.announced, scene.tariffs, scene.refused)


def _new(one: Explanation) -> NewPayout:
    return NewPayout(one.line_id, one.connection_id, one.item_ids, one.fee_vnd, PayoutRule(one.rule))


def scene_around(session: Session, school_id: int, account_id: int, day: date) -> Scene:
    """What bears on a line of that day; a person may know of payments that are owed for long."""
    return loading.scene_of(session, school_id, account_id, day - LONGEST_OPEN, day + OUTER)


def _scene_of_line(session: Session, school_id: int, line_id: int) -> tuple[Scene, Line]:
    found = session.execute(ONE_LINE, {"school_id": school_id, "id": line_id}).first()
    if found is None:
        raise NotFoundError
    scene = scene_around(session, school_id, found.account_id, found.value_date)
    if line_id not in scene.lines:
        raise ConflictError(
            "no_such_payout",
            "Khoản tiền này đã được gán hoặc đã bị thu hồi; hãy tải lại trang.",
            "This money has been assigned or taken back; load the page again.",
        )
    return scene, scene.lines[line_id]


def _chosen(scene: Scene, item_ids: Sequence[int]) -> list[Owed]:
    if not item_ids:
        raise DomainError("nothing_chosen", "Hãy chọn ít nhất một khoản.", "Choose at least one payment.")
    if len(set(item_ids)) < len(item_ids) or set(item_ids) - scene.owed.keys():
        raise NotFoundError
    items = [scene.owed[item_id] for item_id in item_ids]
    if len({item.connection_id for item in items}) > 1:
        raise DomainError(
            "several_intermediaries",
            "Một lô quyết toán chỉ gồm các khoản của một đơn vị trung gian.",
            "A payout holds payments of one intermediary only.",
        )
    return items


def _require_fee(scene: Scene, line: Line, items: Iterable[Owed], fee_vnd: int, note: str | None) -> None:
    chosen = list(items)
    if fee_vnd < 0:
        raise DomainError(
            "pays_too_much",
            "Dòng sao kê lớn hơn tổng các khoản đã chọn; hãy chọn thêm khoản, hoặc để dòng này là tiền chưa xác định.",
            "The line is more than the chosen payments: choose more of them, or leave it among the unmatched money.",
        )
    by_report = any(
        one.whole and one.item_ids == {item.id for item in chosen} and one.fee_vnd == fee_vnd for one in scene.announced
    )
    if fee_vnd and not by_report and fee_of(line, chosen, scene.tariffs) is None and not (note or "").strip():
        raise DomainError(
            "explain_fee",
            "Phí này không có trong biểu phí, sao kê hay báo cáo đối soát; hãy ghi lý do.",
            "This fee is in no tariff, line or report; give a reason.",
        )


def _record(
    session: Session, school_id: int, actor_id: int, action: str, *, line_id: int, detail: dict[str, object]
) -> None:
    record(
        session,
        actor_id,
        action,
        subject_kind="bank_transaction",
        subject_id=line_id,
        school_id=school_id,
        detail=detail,
    )
