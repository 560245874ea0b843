"""Reads for everybody: a school's accounts, and whether a number is one of its pupils' own."""

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session
from stdnum import luhn

from payments.banking.rules import account_text
from payments.banking.standing import PublicAccount, Standing
from payments.banking.virtual_accounts import FEWEST_DRAWN, LONGEST
from payments.vietqr.bank_file import shipped

_APPROVED = text("""
    SELECT a.id, a.bin, coalesce(b.short_name, ''), a.number, a.holder_name, a.fund, a.usable_at, a.closed_at
    FROM receiving_account a LEFT JOIN bank b ON b.bin = a.bin
    WHERE a.school_id = :school_id AND a.approved_by IS NOT NULL
    ORDER BY a.closed_at DESC NULLS FIRST, a.id
""")
_ASSIGNED = text("SELECT EXISTS (SELECT FROM virtual_account WHERE school_id = :school_id AND number = :number)")
_PREFIXES = text("""
    SELECT DISTINCT listed.identifier, listed.school_id
    FROM connection_account listed JOIN connection c ON c.id = listed.connection_id
    WHERE listed.kind = 'virtual_prefix' AND c.active AND NOT c.sandbox AND starts_with(:number, listed.identifier)
""")


def public_accounts(session: Session, school_id: int, now: datetime) -> list[PublicAccount]:
    """The approved accounts of a school: those in use and coming first, then the ended ones, the latest end first."""
    found = []
    for account_id, bank_bin, name, number, holder, fund, usable_at, closed_at in session.execute(
        _APPROVED, {"school_id": school_id}
    ):
        standing = Standing.ENDED if closed_at else Standing.IN_USE if usable_at <= now else Standing.COMING
        listed = None if name else shipped().by_bin(bank_bin)
        bank = name or (listed.short_name if listed else "")
        found.append(PublicAccount(account_id, bank_bin, bank, number, holder, fund, standing, usable_at, closed_at))
    return found


def is_own_number(session: Session, school_id: int, number: str) -> bool:
    """Whether a number lies in a range from which the school's pupils get numbers of their own.

    Where the bank's range is listed, the answer does not depend on who has the number, or whether anybody has: asking
    can find out no child. A number that was given out before its range was listed is known as it stands.
    """
    number = account_text(number)
    listed = session.execute(_PREFIXES, {"number": number}).all()
    longest = max((len(prefix) for prefix, _ in listed), default=0)
    owners = {owner for prefix, owner in listed if len(prefix) == longest}
    if owners == {school_id} and _well_formed(number, longest):
        return True
    return bool(session.scalar(_ASSIGNED, {"school_id": school_id, "number": number}))


def _well_formed(number: str, prefix_length: int) -> bool:
    digits = "".join(character for character in number if character.isdigit())
    return prefix_length + FEWEST_DRAWN < len(number) <= LONGEST and luhn.is_valid(digits)
