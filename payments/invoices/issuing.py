"""Issue an approved round in steps of 10,000 invoices; a killed issuing resumes where it stopped, without doubles.

The lock of the round's row keeps two workers apart, ``invoice_current`` knows which invoices exist already, and what
was approved is what is issued: the plan is computed again and must be the approved one to the letter.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from payments import clock, outbox
from payments.audit.service import record
from payments.banking.models import VirtualAccount
from payments.banking.queries import readiness
from payments.errors import ConflictError, DomainError, NotFoundError
from payments.i18n import Text
from payments.invoices.models import CollectionRound, Invoice, InvoiceCurrent, InvoiceLine, RoundState
from payments.invoices.payer_codes import ensure_payer_codes
from payments.invoices.planning import RoundPlan, plan_round
from payments.invoices.writing import write_invoices
from payments.ledger.models import EntryKind, LedgerRole
from payments.ledger.service import Posting, PostingLine, post

STEP = 10_000
"""Invoices in one transaction."""

SUBJECT = "collection_round"
STATE_WORDS = {
    RoundState.DRAFT: Text("bản nháp", "a draft"),
    RoundState.APPROVED: Text("đã duyệt", "approved"),
    RoundState.ISSUING: Text("đang phát hành", "being issued"),
    RoundState.ISSUED: Text("đã phát hành", "issued"),
    RoundState.CLOSED: Text("đã đóng", "closed"),
}


@dataclass(frozen=True, slots=True)
class Progress:
    """How far issuing is."""

    issued: int
    planned: int
    finished: bool


def request_issue(session: Session, school_id: int, round_id: int, actor_id: int | None) -> None:
    """Have an approved round issued in the background; whatever forbids it is told now, as ``issue_step`` would."""
    collection_round = locked_round(session, school_id, round_id)
    if collection_round.state is RoundState.ISSUED:
        raise wrong_state(collection_round)
    approved_plan(session, collection_round)
    collection_round.state = RoundState.ISSUING
    outbox.put(session, "issuing", "round", school_id=school_id, subject_id=round_id)
    _record(session, actor_id, "round.issue_requested", collection_round)


def issue_round(session: Session, school_id: int, round_id: int) -> Progress:
    """Issue a round within the caller's transaction; again changes nothing. Raises as ``issue_step`` does."""
    plan, progress = issue_step(session, school_id, round_id)
    while not progress.finished:
        plan, progress = issue_step(session, school_id, round_id, plan)
    return progress


def issue_in_steps(
    new_session: Callable[[], AbstractContextManager[Session]], school_id: int, round_id: int
) -> Iterator[Progress]:
    """Issue a round in committed steps (``new_session``: a transaction each) and tell the progress after each.

    At the end every pupil who is new has a customer code, for banks that ask for bills.

    Raises as ``issue_step`` does; what was issued before stays, and the next call goes on from there.
    """
    plan: RoundPlan | None = None
    finished = False
    while not finished:
        with new_session() as session:
            plan, progress = issue_step(session, school_id, round_id, plan)
        finished = progress.finished
        yield progress
    with new_session() as session:
        ensure_payer_codes(session, school_id)


def issue_step(
    session: Session, school_id: int, round_id: int, plan: RoundPlan | None = None
) -> tuple[RoundPlan | None, Progress]:
    """Issue the next 10,000 invoices of a round, and post the round to the books with the last of them.

    ``plan``: what the step before gave back. Raises NotFoundError, ConflictError ``round_state`` or
    ``changed_since_approval``, and DomainError ``account_not_ready`` or ``no_free_channel``.
    """
    collection_round = locked_round(session, school_id, round_id)
    if collection_round.state is RoundState.ISSUED:
        return None, Progress(collection_round.issued_invoices, collection_round.planned_invoices, finished=True)
    plan = plan or approved_plan(session, collection_round)
    issued = _issued_keys(session, collection_round)
    waiting = [draft for draft in plan.drafts if draft.key not in issued]
    write_invoices(session, collection_round, waiting[:STEP])
    finished = len(waiting) <= STEP
    if finished:
        _post_to_books(session, collection_round)
    collection_round.issued_invoices = len(issued) + min(len(waiting), STEP)
    collection_round.state = RoundState.ISSUED if finished else RoundState.ISSUING
    if finished:
        collection_round.issued_at = clock.now()
        _record(session, None, "round.issued", collection_round)
        _tell_settlement(session, collection_round)
    session.flush()
    return plan, Progress(collection_round.issued_invoices, len(plan.drafts), finished=finished)


def locked_round(session: Session, school_id: int, round_id: int) -> CollectionRound:
    """The round with its row locked. Raises NotFoundError."""
    found = session.get(CollectionRound, (school_id, round_id), with_for_update=True, populate_existing=True)
    if found is None:
        raise NotFoundError("Không tìm thấy đợt thu.", "There is no such collection round.")
    return found


def wrong_state(collection_round: CollectionRound) -> ConflictError:
    """The refusal of a deed that the state of a round does not allow."""
    words = STATE_WORDS[collection_round.state]
    return ConflictError(
        "round_state",
        f"Đợt thu {collection_round.code} đang ở trạng thái «{words.vi}», không làm được việc này.",
        f"Round {collection_round.code} is {words.en}; this cannot be done now.",
    )


def approved_plan(session: Session, collection_round: CollectionRound) -> RoundPlan:
    """The plan of an approved round, unchanged since the approval, on accounts that are ready. Raises as above."""
    if collection_round.state not in {RoundState.APPROVED, RoundState.ISSUING}:
        raise wrong_state(collection_round)
    plan = plan_round(session, collection_round)
    _require_ready(session, plan)
    if plan.refusals or plan.sha256 != collection_round.plan_sha256:
        raise ConflictError(
            "changed_since_approval",
            f"Danh mục hoặc danh sách học sinh của đợt {collection_round.code} đã thay đổi sau khi duyệt;"
            " hãy duyệt lại trước khi phát hành.",
            f"The catalogue or the pupils of round {collection_round.code} have changed since it was approved;"
            " approve it again before issuing.",
        )
    return plan


def _require_ready(session: Session, plan: RoundPlan) -> None:
    """Each account approved and cooled, with a channel that costs the payer nothing."""
    for account in readiness(session, plan.school_id, plan.account_ids, clock.now()):
        if not account.usable:
            raise DomainError(
                "account_not_ready",
                f"Tài khoản {account.label} chưa dùng được: cần người thứ hai duyệt và chờ đủ 24 giờ.",
                f"Account {account.label} is not usable yet: a second person approves it, then a day passes.",
            )
        if not account.has_free_channel:
            raise DomainError(
                "no_free_channel",
                f"Tài khoản {account.label} chưa có kênh thu nào miễn phí cho người nộp; hãy mở một kênh trước.",
                f"Account {account.label} has no active channel that is free for the payer; open one first.",
            )


def _issued_keys(session: Session, collection_round: CollectionRound) -> set[tuple[int, int, str]]:
    """Keys of invoices that exist already; the counter, written with them, says when there are none."""
    if collection_round.issued_invoices == 0:
        return set()
    rows = session.execute(
        select(InvoiceCurrent.pupil_id, InvoiceCurrent.receiving_account_id, InvoiceCurrent.group_key).where(
            InvoiceCurrent.school_id == collection_round.school_id, InvoiceCurrent.round_id == collection_round.id
        )
    )
    return {(row[0], row[1], row[2]) for row in rows}


def _post_to_books(session: Session, collection_round: CollectionRound) -> None:
    """One entry per account and fee item, mandatory items only: voluntary ones are no debt until they are paid."""
    school_id, round_id = collection_round.school_id, collection_round.id
    owed = session.execute(
        select(Invoice.receiving_account_id, InvoiceLine.fee_item_id, func.sum(InvoiceLine.amount_vnd))
        .join(InvoiceLine, (InvoiceLine.school_id == Invoice.school_id) & (InvoiceLine.invoice_id == Invoice.id))
        .where(
            Invoice.school_id == school_id,
            Invoice.round_id == round_id,
            Invoice.replaces_id.is_(None),
            InvoiceLine.mandatory,
            InvoiceLine.amount_vnd > 0,
        )
        .group_by(Invoice.receiving_account_id, InvoiceLine.fee_item_id)
        .order_by(Invoice.receiving_account_id, InvoiceLine.fee_item_id)
    )
    postings = [
        Posting(
            EntryKind.ISSUE,
            f"round:{round_id}:account:{account_id}:fee:{fee_item_id}",
            clock.today(),
            (
                PostingLine(LedgerRole.RECEIVABLE, None, fee_item_id, int(amount_vnd)),
                PostingLine(LedgerRole.INCOME, None, fee_item_id, -int(amount_vnd)),
            ),
        )
        for account_id, fee_item_id, amount_vnd in owed
    ]
    if postings:
        post(session, school_id, postings)


def _tell_settlement(session: Session, collection_round: CollectionRound) -> None:
    """Credit that came on pupils' own accounts may pay the new invoices."""
    school_id = collection_round.school_id
    if session.scalar(select(exists().where(VirtualAccount.school_id == school_id))):
        outbox.put(session, "settlement", "issued", school_id=school_id, subject_id=collection_round.id)


def _record(session: Session, actor_id: int | None, action: str, collection_round: CollectionRound) -> None:
    record(
        session,
        actor_id,
        action,
        subject_kind=SUBJECT,
        subject_id=collection_round.id,
        school_id=collection_round.school_id,
        detail={"invoices": collection_round.planned_invoices},
    )
