"""What a school decides to show: how parents reach it, and which rounds stand on its public page."""

import unicodedata

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from payments import clock
from payments.audit.service import record
from payments.errors import ConflictError, NotFoundError
from payments.invoices.models import CollectionRound, RoundState
from payments.transparency import counting, rules
from payments.transparency.models import PublicContact, PublicRound

PUBLISHABLE = (RoundState.ISSUED, RoundState.CLOSED)


def set_contact(session: Session, school_id: int, *, phone: str, email: str, hours: str, actor_id: int) -> None:
    """Say how parents reach the school; empty texts are not shown. Raises DomainError ``bad_contact``."""
    told = {"phone": _one_line(phone), "email": _one_line(email), "hours": _one_line(hours)}
    rules.check_contact(**told)
    row = {**told, "changed_by": actor_id, "changed_at": clock.now()}
    statement = insert(PublicContact).values(school_id=school_id, **row)
    session.execute(statement.on_conflict_do_update(index_elements=[PublicContact.school_id], set_=row))
    record(
        session,
        actor_id,
        "public_contact.changed",
        subject_kind="school",
        subject_id=school_id,
        school_id=school_id,
    )


def show_round(session: Session, school_id: int, round_id: int, *, shown: bool, actor_id: int) -> None:
    """Put a round on the public page with its figures of last night, or take it off.

    Raises NotFoundError, and ConflictError ``round_not_issued`` for a draft: nothing of it is decided.
    """
    state = session.scalar(
        select(CollectionRound.state).where(CollectionRound.school_id == school_id, CollectionRound.id == round_id)
    )
    if state is None:
        raise NotFoundError("Không tìm thấy đợt thu.", "There is no such round.")
    if shown and state not in PUBLISHABLE:
        raise ConflictError(
            "round_not_issued",
            "Đợt thu chưa phát hành xong nên chưa công khai được.",
            "The round is not issued yet, so it cannot be published.",
        )
    row = {"shown": shown, "changed_by": actor_id, "changed_at": clock.now()}
    statement = insert(PublicRound).values(school_id=school_id, round_id=round_id, **row)
    session.execute(
        statement.on_conflict_do_update(index_elements=[PublicRound.school_id, PublicRound.round_id], set_=row)
    )
    if shown:
        counting.refresh(session, school_id)
    record(
        session,
        actor_id,
        "public_round.shown" if shown else "public_round.hidden",
        subject_kind="collection_round",
        subject_id=round_id,
        school_id=school_id,
    )


def _one_line(value: str) -> str:
    return " ".join(unicodedata.normalize("NFC", value).split())
