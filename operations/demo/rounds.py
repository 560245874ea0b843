"""October's collection round of each school: drafted, approved by a second person, issued, a few invoices corrected."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from operations.demo import fees
from operations.demo.chance import generator
from operations.demo.draw import at_least
from operations.demo.facts import Account, Bill
from operations.demo.founding import FoundedSchool, at
from operations.demo.mix import REPLACED_OF_1000
from operations.demo.people import Pupil
from operations.demo.presets import CALENDAR, YEAR
from payments import clock
from payments.clock import turned_to
from payments.db import session_scope
from payments.invoices.issuing import issue_in_steps
from payments.invoices.service import FeeOfRound, approve_round, draft_round, set_quantity
from payments.schools.queries import pupil_ids
from payments.schools.service import ensure_year
from payments.settlement.service import replace_invoice

ROUND_CODE, ROUND_NAME = "2025-10", "Các khoản thu tháng 10/2025"
DAYS_TOO_MANY = 3
"""A pupil whose invoice is replaced was charged for so many days of meals too many."""

BILLS = text("""
    SELECT s.code, a.bin, a.number, i.reference, i.amount_vnd, i.due_on, p.sector_id, p.full_name, c.name,
        i.mandatory_vnd
    FROM invoice i
    JOIN school s ON s.id = i.school_id
    JOIN receiving_account a ON a.school_id = i.school_id AND a.id = i.receiving_account_id
    JOIN pupil p ON p.school_id = i.school_id AND p.id = i.pupil_id
    JOIN enrollment e ON e.school_id = p.school_id AND e.pupil_id = p.id
    JOIN class_room c ON c.school_id = e.school_id AND c.id = e.class_id
    WHERE i.replaces_id IS NULL
    ORDER BY s.code, a.bin, a.number, p.sector_id, i.group_key
""")

WITH_MEALS = text("""
    SELECT i.school_id, i.round_id, i.id AS invoice_id, i.reference, i.pupil_id, l.fee_item_id, l.quantity
    FROM invoice i
    JOIN invoice_line l ON l.school_id = i.school_id AND l.invoice_id = i.id
    JOIN fee_item f ON f.school_id = l.school_id AND f.id = l.fee_item_id
    JOIN pupil p ON p.school_id = i.school_id AND p.id = i.pupil_id
    WHERE f.code = :code AND l.quantity > :days
    ORDER BY p.sector_id
""")

# The month's transfers are for whole notices: these families take part in all that they are registered for.
CHOOSE = text("""
    INSERT INTO voluntary_choice (school_id, line_id, declined, chosen, changed_at)
    SELECT l.school_id, l.id, false, true, :moment
    FROM invoice i JOIN invoice_line l ON l.school_id = i.school_id AND l.invoice_id = i.id
    WHERE i.school_id = :school_id AND i.round_id = :round_id AND NOT l.mandatory
""")

AMOUNT = text("SELECT amount_vnd FROM invoice WHERE school_id = :school_id AND id = :id")


class _Charged(NamedTuple):
    """An invoice with meals on it."""

    school_id: int
    round_id: int
    invoice_id: int
    reference: str
    pupil_id: int
    fee_item_id: int
    quantity: int


def draft(session: Session, school: FoundedSchool, items: Mapping[str, int], pupils: Sequence[Pupil], seed: int) -> int:
    """Draft the round with each boarder's days of meals, and have the principal approve it; returns its id."""
    actor_id = school.accountant.user_id
    with turned_to(at(CALENDAR.round_starts)):
        round_id = draft_round(
            session,
            school.id,
            code=ROUND_CODE,
            name=ROUND_NAME,
            year_id=ensure_year(session, school.id, CALENDAR.round_starts, YEAR).id,
            starts_on=CALENDAR.round_starts,
            due_on=CALENDAR.due,
            fees=[FeeOfRound(items[fee.code], fee.round_quantity) for fee in fees.catalogue(school.size)],
            actor_id=actor_id,
        )
        for pupil_id, days in _absences(session, school, items, pupils, seed):
            set_quantity(
                session,
                school.id,
                round_id,
                pupil_id=pupil_id,
                fee_item_id=items[fees.MEALS.code],
                quantity=days,
                actor_id=actor_id,
            )
        approve_round(session, school.id, round_id, school.principal.user_id)
    return round_id


def _absences(
    session: Session, school: FoundedSchool, items: Mapping[str, int], pupils: Sequence[Pupil], seed: int
) -> list[tuple[int, int]]:
    """(pupil id, days charged) of boarders who were excused for some days last month."""
    if fees.MEALS.code not in items:
        return []
    chance = generator(seed, "absences", school.size.code)
    boarders = {one.sector_id for one in fees.participations(school.size, pupils, seed) if one.code == fees.MEALS.code}
    ids = pupil_ids(session, school.id, boarders)
    days = {pupil.sector_id: fees.meal_days(chance) for pupil in pupils if pupil.sector_id in boarders}
    return [(ids[sector_id], count) for sector_id, count in days.items() if count != fees.MEAL_DAYS]


def issue(engine: Engine, school: FoundedSchool, round_id: int, tell: Callable[[int], object]) -> None:
    """Issue the round in its committed steps; ``tell`` hears how many invoices each step wrote."""
    written = 0
    with turned_to(at(CALENDAR.round_issued)):
        for progress in issue_in_steps(partial(session_scope, engine), school.id, round_id):
            tell(progress.issued - written)
            written = progress.issued
        with session_scope(engine) as session:
            session.execute(CHOOSE, {"school_id": school.id, "round_id": round_id, "moment": clock.now()})


def bills(session: Session, pupils: Mapping[str, Sequence[Pupil]]) -> list[Bill]:
    """All invoices as parents got them, in a fixed order."""
    families = {pupil.sector_id: pupil.family.number for school in pupils.values() for pupil in school}
    return [
        Bill(Account(*row[:3]), row[3], row[4], row[5], row[6], row[7], row[8], families[row[6]], row[9])
        for row in session.execute(BILLS)
    ]


def correct(engine: Engine, schools: Mapping[str, FoundedSchool], invoices: int, seed: int) -> dict[str, int]:
    """Replace some invoices that charged too many days of meals: old reference -> what the successor asks for."""
    with session_scope(engine) as session:
        rows = session.execute(WITH_MEALS, {"code": fees.MEALS.code, "days": DAYS_TOO_MANY})
        charged = [_Charged(*row) for row in rows]
    wrong = generator(seed, "corrections").sample(charged, at_least(1, REPLACED_OF_1000, invoices))
    actors = {school.id: school.accountant.user_id for school in schools.values()}
    with turned_to(at(CALENDAR.invoices_corrected)):
        return {one.reference: _correct(engine, one, actors[one.school_id]) for one in wrong}


def _correct(engine: Engine, one: _Charged, actor_id: int) -> int:
    with session_scope(engine) as session:
        set_quantity(
            session,
            one.school_id,
            one.round_id,
            pupil_id=one.pupil_id,
            fee_item_id=one.fee_item_id,
            quantity=one.quantity - DAYS_TOO_MANY,
            actor_id=actor_id,
        )
        successor_id = replace_invoice(session, one.school_id, one.invoice_id, actor_id)
        return int(session.scalars(AMOUNT, {"school_id": one.school_id, "id": successor_id}).one())
