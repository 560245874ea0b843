"""Paying several items at once: what a visitor may choose, and the steps (one receiving account each) that pay it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from payments.bundles.service import Payer, make_bundle
from payments.errors import DomainError, NotFoundError
from payments.invoices.reference import LENGTH, is_valid
from payments.portal import families, queries
from payments.portal.families import Child, Home
from payments.portal.payable import Payable
from payments.portal.queries import Due

BETWEEN = "-"
"""Stands between the references of the steps in an address."""
MOST_STEPS = 12

# A bundle names invoices as they were: each is followed to what has replaced it. The payer is part of the question, so
# that somebody else's reference is as unknown as an invented one.
_LISTED = text("""
    WITH RECURSIVE mine AS (
        SELECT b.school_id, b.id, b.reference FROM bundle b
        WHERE b.reference = ANY(CAST(:references AS text[]))
          AND (CAST(:family_id AS bigint) IS NOT NULL AND b.family_id = :family_id
               OR CAST(:family_id AS bigint) IS NULL AND b.school_id = :school_id AND b.pupil_id = :pupil_id)
    ), landing AS (
        SELECT mine.school_id, mine.reference, line.position, i.id, i.pupil_id
        FROM mine
        JOIN bundle_line line ON line.school_id = mine.school_id AND line.bundle_id = mine.id
        JOIN invoice i ON i.school_id = mine.school_id AND i.id = line.invoice_id
        UNION ALL
        SELECT new.school_id, landing.reference, landing.position, new.id, new.pupil_id
        FROM landing
        JOIN invoice new ON new.school_id = landing.school_id AND new.pupil_id = landing.pupil_id
            AND new.replaces_id = landing.id
    )
    SELECT reference, school_id, pupil_id, id FROM landing ORDER BY reference, position, id
""")


@dataclass(frozen=True, slots=True)
class Item:
    """An invoice that counts now, and whose it is."""

    child: Child
    due: Due

    @property
    def is_payable(self) -> bool:
        """Whether something of it is owed and its round still takes money by QR."""
        return self.due.open_vnd > 0 and not self.due.round_closed


@dataclass(frozen=True, slots=True)
class Step:
    """One transfer: its reference, and what it is for as things stand now."""

    reference: str
    items: tuple[Item, ...]

    @property
    def amount_vnd(self) -> int:
        """What all of it comes to."""
        return sum(item.due.amount_vnd for item in self.items)

    @property
    def paid_vnd(self) -> int:
        """What has arrived for it, by whatever way."""
        return sum(item.due.paid_vnd for item in self.items)

    @property
    def open_vnd(self) -> int:
        """What is still to be paid: the amount of the QR."""
        return sum(item.due.open_vnd for item in self.items)

    @property
    def is_closed(self) -> bool:
        """Whether a round of it is closed: its money would pay that one too, so the code is not offered any more."""
        return any(item.due.open_vnd and item.due.round_closed for item in self.items)

    @property
    def account(self) -> Due:
        """An invoice that says into which account it is paid."""
        return self.items[0].due

    @property
    def school_name(self) -> str:
        """Whose account it is."""
        return self.items[0].child.who.school_name

    @property
    def payable(self) -> Payable:
        """What the QR of the step asks for."""
        return Payable(
            reference=self.reference,
            amount_vnd=self.open_vnd,
            bin=self.account.bin,
            bank_name=self.account.bank_name,
            account_number=self.account.account_number,
            holder_name=self.account.holder_name,
            memo_prefix=self.account.memo_prefix or "",
        )


def home_of(session: Session, token: str, now: datetime) -> Home | None:
    """Whose page a token opens; None for unknown, revoked and expired alike."""
    who = queries.holder(session, token, now)
    return Home((Child(who),)) if who is not None else families.family_of(session, token, now)


def items_of(session: Session, home: Home) -> list[Item]:
    """All invoices that count now of the children, in the order of the children and of the days they are due."""
    return [Item(child, due) for child in home.children for due in queries.dues(session, child.who)]


def by_account(items: Iterable[Item]) -> list[list[Item]]:
    """Open items that one transfer can pay, in the order in which they appear."""
    groups: dict[tuple[int, int], list[Item]] = {}
    for item in items:
        if item.is_payable:
            groups.setdefault((item.child.who.school_id, item.due.account_id), []).append(item)
    return list(groups.values())


def choose(session: Session, home: Home, references: Sequence[str]) -> str:
    """The name of the steps that pay these invoices; the same choice gives the same name.

    An item alone at its account keeps its own reference, several get one together. Raises DomainError
    ``nothing_chosen`` (also when all of it has been paid meanwhile) and what ``make_bundle`` raises.
    """
    wanted = set(references)
    chosen = [item for item in items_of(session, home) if item.due.reference in wanted]
    names = [_name(session, home, group) for group in by_account(chosen)]
    if not names:
        raise DomainError(
            "nothing_chosen",
            "Hãy chọn ít nhất một khoản còn phải nộp.",
            "Choose at least one item that is still to be paid.",
        )
    return BETWEEN.join(names[:MOST_STEPS])


def steps(session: Session, home: Home, name: str) -> list[Step]:
    """The steps of a name. Raises NotFoundError unless each is an item or a bundle of this very visitor, all of whose
    children the visitor may see today.
    """
    references = name.split(BETWEEN, MOST_STEPS)
    if not all(len(one) == LENGTH and is_valid(one) for one in references) or len(references) > MOST_STEPS:
        raise NotFoundError
    items = items_of(session, home)
    bundles = _bundles(session, home, references, items)
    payable: dict[str, tuple[Item, ...]] = {item.due.reference: (item,) for item in items} | bundles
    found = [Step(one, payable.get(one, ())) for one in dict.fromkeys(references)]
    if not all(step.items for step in found):
        raise NotFoundError
    return found


def _name(session: Session, home: Home, group: Sequence[Item]) -> str:
    if len(group) == 1:
        return group[0].due.reference
    who = group[0].child.who
    payer = Payer(pupil_id=who.pupil_id) if home.family_id is None else Payer(family_id=home.family_id)
    return make_bundle(session, who.school_id, payer, [item.due.invoice_id for item in group])


def _bundles(
    session: Session, home: Home, references: Sequence[str], items: Sequence[Item]
) -> dict[str, tuple[Item, ...]]:
    """Bundle reference -> what counts now of its list; one with a child that is not here any more is left out."""
    first = home.children[0].who
    values = {
        "references": list(references),
        "family_id": home.family_id,
        "school_id": first.school_id,
        "pupil_id": first.pupil_id,
    }
    here = {(child.who.school_id, child.who.pupil_id) for child in home.children}
    by_invoice = {(item.child.who.school_id, item.due.invoice_id): item for item in items}
    found: dict[str, list[Item]] = {}
    hidden: set[str] = set()
    for code, school_id, pupil_id, invoice_id in session.execute(_LISTED, values):
        if (school_id, pupil_id) not in here:
            hidden.add(code)
        item = by_invoice.get((school_id, invoice_id))
        if item is not None:
            found.setdefault(code, []).append(item)
    return {code: tuple(mine) for code, mine in found.items() if code not in hidden}
