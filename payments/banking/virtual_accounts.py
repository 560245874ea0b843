"""Virtual accounts (tài khoản định danh): a number of the bank's for each pupil, drawn here and registered at the bank.

A number says nothing about the child: after the prefix that the bank allotted come drawn digits and a check digit
(Luhn), at most 19 characters in all. It is never given to another pupil, not even after it was revoked.
"""

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select, text, update
from sqlalchemy.orm import Session
from stdnum import luhn

from payments import clock
from payments.audit.service import record
from payments.banking import rules
from payments.banking.models import ConnectionAccount, ReceivingAccount, VirtualAccount
from payments.errors import ConflictError, DomainError, NotFoundError

LONGEST = 19
"""Characters of an account number in VietQR."""
MOST_DRAWN = 9
FEWEST_DRAWN = 6
"""Fewer would be found by trying, and run out."""
TURNS = 5

WITHOUT = text("""
    SELECT p.id FROM pupil p
    WHERE p.school_id = :school_id
      AND EXISTS (SELECT FROM enrollment e
          WHERE e.school_id = p.school_id AND e.pupil_id = p.id AND e.valid_to IS NULL AND e.status = 'studying')
      AND NOT EXISTS (SELECT FROM virtual_account known
          WHERE known.school_id = p.school_id AND known.pupil_id = p.id
            AND known.receiving_account_id = :account_id AND known.revoked_at IS NULL)
    ORDER BY p.id
""")
ADD = text("""
    INSERT INTO virtual_account (school_id, receiving_account_id, pupil_id, number, assigned_at)
    SELECT :school_id, :account_id, drawn.pupil_id, drawn.number, :now
    FROM unnest(CAST(:pupil_ids AS bigint[]), CAST(:numbers AS text[])) AS drawn (pupil_id, number)
    WHERE NOT EXISTS (SELECT FROM receiving_account real WHERE real.number = drawn.number)
    ON CONFLICT DO NOTHING
    RETURNING id
""")
LISTED = text("""
    SELECT own.number, own.assigned_at, own.revoked_at, p.full_name, p.sector_id, coalesce(c.name, '') AS class_name,
           a.bin, a.number AS account_number, a.holder_name
    FROM virtual_account own
    JOIN receiving_account a ON a.school_id = own.school_id AND a.id = own.receiving_account_id
    JOIN pupil p ON p.school_id = own.school_id AND p.id = own.pupil_id
    LEFT JOIN LATERAL (
        SELECT room.name FROM enrollment e
        JOIN class_room room ON room.school_id = e.school_id AND room.id = e.class_id
        WHERE e.school_id = p.school_id AND e.pupil_id = p.id ORDER BY e.valid_from DESC, e.id DESC LIMIT 1
    ) c ON true
    WHERE own.school_id = :school_id AND (:everything OR own.revoked_at IS NULL)
    ORDER BY own.receiving_account_id, class_name, p.sort_key COLLATE "C", own.id
""")


class VirtualAccountRow(NamedTuple):
    """A number with whom it is for and where its money arrives."""

    number: str
    assigned_at: datetime
    revoked_at: datetime | None
    full_name: str
    sector_id: str
    class_name: str
    bin: str
    account_number: str
    holder_name: str


def generate(prefix: str) -> str:
    """Draw a number under a prefix. Raises DomainError ``bad_prefix`` for one that leaves no room."""
    drawn = min(LONGEST - len(prefix) - 1, MOST_DRAWN)
    if drawn < FEWEST_DRAWN or len(prefix) < rules.SHORTEST_PREFIX or not (prefix.isascii() and prefix.isalnum()):
        longest = LONGEST - 1 - FEWEST_DRAWN
        raise DomainError(
            "bad_prefix",
            f"Tiền tố tài khoản ảo gồm {rules.SHORTEST_PREFIX} đến {longest} chữ số hoặc chữ cái không dấu.",
            f"The prefix of virtual accounts is {rules.SHORTEST_PREFIX} to {longest} digits or letters without marks.",
        )
    body = prefix + "".join(secrets.choice("0123456789") for _ in range(drawn))
    return body + luhn.calc_check_digit("".join(character for character in body if character.isdigit()))


def assign(
    session: Session, account: ReceivingAccount, *, prefix: str | None = None, actor_id: int | None = None
) -> int:
    """Give every pupil who studies at the account's school and has no number of it a number; returns how many.

    Again gives nobody a second one. Raises DomainError ``bad_prefix``, ``no_prefix`` or ``foreign_prefix``.
    """
    chosen = _prefix(session, account, prefix)
    generate(chosen)
    made = 0
    for _ in range(TURNS):
        wanted = {"school_id": account.school_id, "account_id": account.id}
        pupil_ids = session.scalars(WITHOUT, wanted).all()
        if not pupil_ids:
            break
        drawn = {"pupil_ids": list(pupil_ids), "numbers": [generate(chosen) for _ in pupil_ids], "now": clock.now()}
        # What somebody else drew before is drawn again in the next turn.
        made += len(session.scalars(ADD, wanted | drawn).all())
    if made:
        _record(session, actor_id, "virtual_accounts.assigned", account, {"numbers": made, "prefix": chosen})
    return made


def revoke(session: Session, school_id: int, number: str, *, actor_id: int | None = None) -> None:
    """Take a number out of use; what still comes on it is the pupil's, flagged, and nobody else ever gets it.

    Raises NotFoundError, and ConflictError ``already_revoked``.
    """
    mine = (VirtualAccount.school_id == school_id, VirtualAccount.number == rules.account_text(number))
    found = session.scalar(select(VirtualAccount).where(*mine))
    if found is None:
        raise NotFoundError("Trường không có tài khoản ảo này.", "The school has no such virtual account.")
    live = update(VirtualAccount).where(*mine, VirtualAccount.revoked_at.is_(None)).values(revoked_at=clock.now())
    if not session.execute(live.returning(VirtualAccount.id)).all():
        raise ConflictError(
            "already_revoked", "Tài khoản ảo này đã được thu hồi.", "This virtual account has been revoked before."
        )
    account = session.get_one(ReceivingAccount, (school_id, found.receiving_account_id))
    _record(session, actor_id, "virtual_account.revoked", account, {"virtual_account_id": found.id})


def listed(session: Session, school_id: int, *, everything: bool = False) -> list[VirtualAccountRow]:
    """The numbers of a school by account and class, for the bank to register; ``everything``: revoked ones too."""
    rows = session.execute(LISTED, {"school_id": school_id, "everything": everything})
    return [VirtualAccountRow(*row) for row in rows]


def numbers_of_pupil(session: Session, school_id: int, pupil_id: int) -> dict[int, str]:
    """The live number of a pupil by receiving account."""
    rows = session.execute(
        select(VirtualAccount.receiving_account_id, VirtualAccount.number).where(
            VirtualAccount.school_id == school_id,
            VirtualAccount.pupil_id == pupil_id,
            VirtualAccount.revoked_at.is_(None),
        )
    )
    return {row.receiving_account_id: row.number for row in rows}


def _prefix(session: Session, account: ReceivingAccount, given: str | None) -> str:
    """The prefix to draw under: one that a connection lists for the account, or longer."""
    allowed: Sequence[str] = session.scalars(
        select(ConnectionAccount.identifier)
        .where(
            ConnectionAccount.school_id == account.school_id,
            ConnectionAccount.account_id == account.id,
            ConnectionAccount.kind == "virtual_prefix",
        )
        .distinct()
    ).all()
    if given is None and len(allowed) != 1:
        raise DomainError(
            "no_prefix",
            "Hãy ghi tiền tố mà ngân hàng cấp (--prefix): kết nối của tài khoản này không ghi đúng một tiền tố.",
            "Name the prefix that the bank allotted (--prefix): the account's connections do not list exactly one.",
        )
    chosen = allowed[0] if given is None else rules.account_text(given)
    if allowed and not any(chosen.startswith(prefix) for prefix in allowed):
        raise DomainError(
            "foreign_prefix",
            f"Tiền tố phải bắt đầu bằng tiền tố đã ghi ở kết nối: {', '.join(sorted(allowed))}.",
            f"The prefix must begin with one that a connection lists: {', '.join(sorted(allowed))}.",
        )
    return chosen


def _record(
    session: Session, actor_id: int | None, action: str, account: ReceivingAccount, detail: dict[str, object]
) -> None:
    record(
        session,
        actor_id,
        action,
        subject_kind="receiving_account",
        subject_id=account.id,
        school_id=account.school_id,
        detail=detail,
    )
