"""A school with a round of many pupils, and the public's look at it, for tests of this room."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from payments import clock
from payments.settlement.settling import settle_transactions
from payments.transparency import counting, queries
from payments.transparency.queries import PublishedItem
from payments.transparency.service import show_round
from tests.payments.setting import SchoolSetting, make_pupil, make_school
from tests.payments.settlement.setting import Issued, arrive, issue, open_round

MEALS_VND = 100_000


def day(number: int, hour: int = 3) -> datetime:
    """A moment of September 2025; three o'clock UTC is ten in the morning in Viet Nam."""
    return datetime(2025, 9, number, hour, tzinfo=UTC)


@dataclass
class Village:
    """One round of one mandatory item (and a club for the first ones) over some pupils."""

    session: Session
    school: SchoolSetting
    round_id: int
    invoices: list[Issued] = field(default_factory=list)

    def pay(self, first: int, last: int, on: datetime, amount_vnd: int = MEALS_VND) -> None:
        """The pupils from ``first`` to before ``last`` pay."""
        with clock.turned_to(on):
            made = [
                arrive(self.session, self.school, amount_vnd, invoice.reference, day=on.date())
                for invoice in self.invoices[first:last]
            ]
            settle_transactions(self.session, self.school.id, made)

    def publish(self, on: datetime, *, shown: bool = True) -> None:
        with clock.turned_to(on):
            show_round(self.session, self.school.id, self.round_id, shown=shown, actor_id=self.school.principal)

    def night(self, on: datetime) -> int:
        """The nightly work of a day."""
        with clock.turned_to(on):
            return counting.refresh(self.session, self.school.id)

    def seen(self) -> dict[str, PublishedItem]:
        """What the page shows, by fee code."""
        rounds = queries.published_rounds(self.session, self.school.id)
        figures = queries.kept_figures(self.session, self.school.id, [one.id for one in rounds])
        found = queries.with_items(self.session, self.school.id, rounds, figures)
        return {item.terms.code: item for one in found for item in one.items}


def village(session: Session, pupils: int, clubs: int = 0) -> Village:
    """A school whose round bills so many pupils 100,000 đồng of meals, and the first ``clubs`` a club of 15,000."""
    school = make_school(session)
    round_id = open_round(session, school)
    for item in (school.meals, school.club):
        session.execute(
            text("INSERT INTO round_fee (school_id, round_id, fee_item_id) VALUES (:school_id, :round_id, :item)"),
            {"school_id": school.id, "round_id": round_id, "item": item},
        )
    made = Village(session, school, round_id)
    for number in range(pupils):
        pupil = make_pupil(session, school.id, school.class_room, f"Em {number}")
        club_vnd = 15_000 if number < clubs else 0
        made.invoices.append(issue(session, school, MEALS_VND, club_vnd, pupil=pupil, round_id=round_id))
    return made
