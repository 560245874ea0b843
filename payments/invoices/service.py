"""Collection rounds: drafted by one person, approved by another one, then issued (``payments.invoices.issuing``)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from payments import clock
from payments.access import approvals
from payments.audit.service import record
from payments.errors import ConflictError, DomainError, NotFoundError
from payments.fees.models import FeeItem
from payments.invoices.issuing import SUBJECT, locked_round, wrong_state
from payments.invoices.models import CollectionRound, RoundFee, RoundQuantity, RoundState
from payments.invoices.planning import RoundPlan, plan_round, refuse_any
from payments.schools.models import Pupil, School, SchoolYear

_CODE = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,39}", re.ASCII)


@dataclass(frozen=True, slots=True)
class FeeOfRound:
    """A fee item of a round; ``quantity`` for every pupil, None: as registered."""

    fee_item_id: int
    quantity: int | None = None


def draft_round(
    session: Session,
    school_id: int,
    *,
    code: str,
    name: str,
    year_id: int,
    starts_on: date,
    due_on: date,
    fees: Sequence[FeeOfRound],
    actor_id: int,
) -> int:
    """Draft a round and ask for a second person's approval; prices and registrations are read as of ``starts_on``.

    Whether items stand on invoices of their own is the school's setting now. Raises DomainError ``bad_round``,
    ConflictError ``round_exists``, and NotFoundError for an unknown school, year or fee item.
    """
    _check_particulars(code, name, starts_on, due_on, fees)
    school = session.get(School, school_id)
    year = session.get(SchoolYear, (school_id, year_id))
    if school is None or year is None:
        raise NotFoundError("Không tìm thấy trường hoặc năm học.", "There is no such school or school year.")
    _require_items(session, school_id, {fee.fee_item_id for fee in fees})
    known = select(CollectionRound.id).where(CollectionRound.school_id == school_id, CollectionRound.code == code)
    if session.scalar(known) is not None:
        raise ConflictError("round_exists", f"Đã có đợt thu mã {code}.", f"There is a round {code} already.")
    collection_round = CollectionRound(
        school_id=school_id,
        code=code,
        name=name.strip(),
        year_id=year_id,
        starts_on=starts_on,
        due_on=due_on,
        grouping=school.invoice_grouping.value,
        created_by=actor_id,
        created_at=clock.now(),
    )
    session.add(collection_round)
    session.flush()
    for fee in fees:
        session.add(
            RoundFee(
                school_id=school_id,
                round_id=collection_round.id,
                fee_item_id=fee.fee_item_id,
                quantity=fee.quantity,
            )
        )
        session.flush()  # One by one: the order of the items is the order of the lines.
    approvals.propose(session, school_id, subject_kind=SUBJECT, subject_id=collection_round.id, actor_id=actor_id)
    _record(session, actor_id, "round.drafted", collection_round)
    return collection_round.id


def set_quantity(
    session: Session,
    school_id: int,
    round_id: int,
    *,
    pupil_id: int,
    fee_item_id: int,
    quantity: int,
    actor_id: int,
) -> None:
    """Give one pupil another quantity of an item (20 days of meals instead of 22).

    In an issued round it counts for successors of invoices only. Raises NotFoundError for an unknown round, pupil or
    item of the round, DomainError ``bad_quantity``, and ConflictError ``round_state`` while the round is being issued.
    """
    set_quantities(session, school_id, round_id, {(pupil_id, fee_item_id): quantity}, actor_id=actor_id)


def set_quantities(
    session: Session, school_id: int, round_id: int, quantities: Mapping[tuple[int, int], int], *, actor_id: int
) -> None:
    """Give pupils other quantities: (pupil id, fee item id) -> quantity, set-based. Raises as ``set_quantity``."""
    collection_round = locked_round(session, school_id, round_id)
    if collection_round.state is RoundState.ISSUING:
        raise wrong_state(collection_round)
    if any(quantity < 0 for quantity in quantities.values()):
        raise DomainError("bad_quantity", "Số lượng không được âm.", "A quantity is not negative.")
    pupils, items = {pupil_id for pupil_id, _ in quantities}, {item_id for _, item_id in quantities}
    of_round = select(RoundFee.fee_item_id).where(RoundFee.school_id == school_id, RoundFee.round_id == round_id)
    of_school = select(Pupil.id).where(Pupil.school_id == school_id, Pupil.id.in_(pupils))
    if items - set(session.scalars(of_round)) or pupils - set(session.scalars(of_school)):
        raise NotFoundError("Không tìm thấy học sinh hoặc khoản thu này.", "There is no such pupil or item here.")
    values = [
        {
            "school_id": school_id,
            "round_id": round_id,
            "pupil_id": pupil_id,
            "fee_item_id": fee_item_id,
            "quantity": quantity,
        }
        for (pupil_id, fee_item_id), quantity in sorted(quantities.items())
    ]
    statement = insert(RoundQuantity)
    statement = statement.on_conflict_do_update(
        index_elements=["school_id", "round_id", "pupil_id", "fee_item_id"],
        set_={"quantity": statement.excluded.quantity},
    )
    session.execute(statement.returning(RoundQuantity.id), values)
    _record(session, actor_id, "round.quantity_set", collection_round)


def preview_round(session: Session, school_id: int, round_id: int) -> RoundPlan:
    """What a round would issue now, with every reason why it may not. Raises NotFoundError."""
    collection_round = session.get(CollectionRound, (school_id, round_id))
    if collection_round is None:
        raise NotFoundError("Không tìm thấy đợt thu.", "There is no such collection round.")
    return plan_round(session, collection_round)


def discard_round(session: Session, school_id: int, round_id: int, actor_id: int) -> None:
    """Throw a draft away; nothing of it was ever issued. Raises NotFoundError and ConflictError ``round_state``."""
    collection_round = locked_round(session, school_id, round_id)
    if collection_round.state is not RoundState.DRAFT:
        raise wrong_state(collection_round)
    proposal = approvals.open_proposal(session, school_id, SUBJECT, round_id)
    if proposal is not None:
        approvals.withdraw(session, school_id, proposal)
    for part in (RoundQuantity, RoundFee):
        session.execute(delete(part).where(part.school_id == school_id, part.round_id == round_id))
    _record(session, actor_id, "round.discarded", collection_round)
    session.delete(collection_round)
    session.flush()


def approve_round(
    session: Session, school_id: int, round_id: int, actor_id: int, *, seen_sha256: str | None = None
) -> RoundPlan:
    """Approve a round as the second person, or again after a change: exactly these invoices may be issued.

    ``seen_sha256``: fingerprint of the plan that the person looked at, where a screen has shown one; another plan is
    not approved unseen (ConflictError ``changed_since_seen``).
    Ceilings and terms of every line are checked here. Raises NotFoundError, ForbiddenError for the person who drafted
    it and for whoever is no principal of the school, ConflictError ``round_state``, and DomainError ``empty_round`` or
    the code of the fee rule that refuses.
    """
    collection_round = locked_round(session, school_id, round_id)
    if collection_round.state not in {RoundState.DRAFT, RoundState.APPROVED, RoundState.ISSUING}:
        raise wrong_state(collection_round)
    approvals.require_principal(session, school_id, collection_round.created_by, actor_id)
    plan = plan_round(session, collection_round)
    refuse_any(plan.refusals)
    if seen_sha256 is not None and seen_sha256 != plan.sha256:
        raise ConflictError(
            "changed_since_seen",
            "Đợt thu đã thay đổi sau khi thầy/cô mở trang; hãy xem lại số liệu rồi duyệt.",
            "The round has changed since you opened the page; look at it again, then approve.",
        )
    if not plan.drafts:
        raise DomainError(
            "empty_round",
            "Không có học sinh nào phải nộp trong đợt thu này; hãy kiểm tra khoản thu, đăng ký và danh sách lớp.",
            "No pupil owes anything in this round; check its items, registrations and classes.",
        )
    proposal = approvals.open_proposal(session, school_id, SUBJECT, round_id)
    if proposal is not None:
        approvals.decide(session, school_id, proposal, actor_id, approved=True)
    if collection_round.state is RoundState.DRAFT:
        collection_round.state = RoundState.APPROVED
    collection_round.approved_by = actor_id
    collection_round.approved_at = clock.now()
    collection_round.planned_invoices = len(plan.drafts)
    collection_round.plan_sha256 = plan.sha256
    session.flush()
    _record(session, actor_id, "round.approved", collection_round)
    return plan


def close_round(session: Session, school_id: int, round_id: int, actor_id: int) -> None:
    """Close an issued round; late payments still land and are flagged. Raises NotFoundError, ConflictError."""
    collection_round = locked_round(session, school_id, round_id)
    if collection_round.state is not RoundState.ISSUED:
        raise wrong_state(collection_round)
    collection_round.state = RoundState.CLOSED
    session.flush()
    _record(session, actor_id, "round.closed", collection_round)


def _check_particulars(code: str, name: str, starts_on: date, due_on: date, fees: Sequence[FeeOfRound]) -> None:
    problem = None
    if _CODE.fullmatch(code) is None or not name.strip():
        problem = (
            "Mã đợt thu gồm chữ không dấu, chữ số, dấu chấm, gạch; tên không được để trống.",
            "A round's code has letters without marks, digits, dots and dashes; its name is not empty.",
        )
    elif due_on < starts_on:
        problem = ("Hạn nộp đứng trước ngày bắt đầu.", "The round is due before it starts.")
    elif not fees or len({fee.fee_item_id for fee in fees}) < len(fees):
        problem = ("Hãy chọn ít nhất một khoản thu, mỗi khoản một lần.", "Choose one fee item or more, each once.")
    elif any(fee.quantity is not None and fee.quantity < 0 for fee in fees):
        problem = ("Số lượng không được âm.", "A quantity is not negative.")
    if problem is not None:
        raise DomainError("bad_round", *problem)


def _require_items(session: Session, school_id: int, fee_item_ids: set[int]) -> None:
    found = select(FeeItem.id).where(FeeItem.school_id == school_id, FeeItem.id.in_(fee_item_ids))
    if set(session.scalars(found)) != fee_item_ids:
        raise NotFoundError("Không tìm thấy khoản thu của trường.", "There is no such fee item of this school.")


def _record(session: Session, actor_id: int, action: str, collection_round: CollectionRound) -> None:
    record(
        session,
        actor_id,
        action,
        subject_kind=SUBJECT,
        subject_id=collection_round.id,
        school_id=collection_round.school_id,
        detail={"invoices": collection_round.planned_invoices},
    )
