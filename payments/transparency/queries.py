"""Reads of the public pages: schools, what a school has told of itself, and its published rounds item by item."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from payments.errors import NotFoundError
from payments.fees import queries as fees
from payments.fees import rules as fee_rules
from payments.fees.models import FeeItem
from payments.fees.terms import Ceiling, Item, LegalGroup, SchoolTerms, Unit
from payments.schools.rules import search_key
from payments.transparency.rules import Figure

PAGE = 50
MOST_SCHOOLS = 4096


@dataclass(frozen=True, slots=True)
class PublicSchool:
    """A school as everybody may see it; empty contact: not told."""

    id: int
    code: str
    name: str
    phone: str = ""
    email: str = ""
    hours: str = ""


@dataclass(frozen=True, slots=True)
class Published:
    """A round on the public page."""

    id: int
    year: str
    code: str
    name: str
    starts_on: date
    due_on: date
    items: tuple["PublishedItem", ...] = ()


@dataclass(frozen=True, slots=True)
class PublishedItem:
    """A fee item of a published round. Sums are rounded down; None: too few pupils, not shown."""

    round_id: int
    fee_item_id: int
    terms: Item
    prices_vnd: tuple[int, ...]
    ceiling: Ceiling | None
    counted_until: datetime | None
    grain_vnd: int
    billed_vnd: int | None
    collected_vnd: int | None

    @property
    def over_ceiling(self) -> bool:
        """Whether a price that was asked is above the ceiling of the catalogue."""
        return self.ceiling is not None and any(price > self.ceiling.ceiling_vnd for price in self.prices_vnd)


_SCHOOL = text("""
    SELECT s.id, s.code, s.name, coalesce(c.phone, ''), coalesce(c.email, ''), coalesce(c.hours, '')
    FROM school s LEFT JOIN public_contact c ON c.school_id = s.id WHERE s.code = :code
""")
_SCHOOLS = text("SELECT id, code, name FROM school ORDER BY name, code")
_ROUNDS = text("""
    SELECT r.id, y.code, r.code, r.name, r.starts_on, r.due_on
    FROM public_round p
    JOIN collection_round r ON r.school_id = p.school_id AND r.id = p.round_id
    JOIN school_year y ON y.school_id = r.school_id AND y.id = r.year_id
    WHERE p.school_id = :school_id AND p.shown AND r.state IN ('issued', 'closed')
    ORDER BY y.starts_on DESC, r.starts_on DESC, r.id DESC
""")
_FIGURES = text("""
    SELECT round_id, fee_item_id, grain_vnd, billed_vnd, collected_vnd, prices_vnd, counted_until FROM public_figure
    WHERE school_id = :school_id AND round_id = ANY(:round_ids)
""")
_FEES = text("SELECT round_id, fee_item_id FROM round_fee WHERE school_id = :school_id AND round_id = ANY(:round_ids)")


@lru_cache(maxsize=MOST_SCHOOLS)
def _folded(name: str) -> str:
    return search_key(name)


def school(session: Session, code: str) -> PublicSchool:
    """The school with this code. Raises NotFoundError."""
    row = session.execute(_SCHOOL, {"code": code}).first()
    if row is None:
        raise NotFoundError("Không có trường nào mang mã này.", "No school has this code.")
    return PublicSchool(*row)


def schools(session: Session, words: str, page: int) -> tuple[list[PublicSchool], int]:
    """A page (from 1) of the schools whose name or code holds all words, marks or not, and how many there are."""
    wanted = search_key(words[:100]).split()
    found = [
        PublicSchool(*row)
        for row in session.execute(_SCHOOLS)
        if all(word in f"{_folded(row.name)} {row.code.lower()}" for word in wanted)
    ]
    return found[(page - 1) * PAGE : page * PAGE], len(found)


def published_rounds(session: Session, school_id: int) -> list[Published]:
    """The rounds on a school's page without their items, newest first."""
    return [Published(*row) for row in session.execute(_ROUNDS, {"school_id": school_id})]


def kept_figures(
    session: Session, school_id: int, round_ids: Sequence[int]
) -> dict[tuple[int, int], tuple[Figure, datetime]]:
    """The figures in public by (round, fee item), each with the moment it is counted to."""
    rows = session.execute(_FIGURES, {"school_id": school_id, "round_ids": list(round_ids)})
    return {
        (round_id, fee_item_id): (Figure(round_id, fee_item_id, grain, billed, collected, tuple(prices)), until)
        for round_id, fee_item_id, grain, billed, collected, prices, until in rows
    }


def with_items(
    session: Session,
    school_id: int,
    rounds: Sequence[Published],
    figures: Mapping[tuple[int, int], tuple[Figure, datetime]],
) -> list[Published]:
    """The rounds with their fee items: price and ceiling as of each round's first day, and the figures given."""
    pairs = session.execute(_FEES, {"school_id": school_id, "round_ids": [one.id for one in rounds]}).all()
    items, terms = _catalogue(session, school_id, sorted({pair.fee_item_id for pair in pairs}))
    found: dict[int, list[PublishedItem]] = {one.id: [] for one in rounds}
    days = {one.id: one.starts_on for one in rounds}
    for round_id, fee_item_id in pairs:
        figure = figures.get((round_id, fee_item_id))
        found[round_id].append(_item((round_id, fee_item_id), items[fee_item_id], terms, days[round_id], figure))
    return [
        Published(
            one.id, one.year, one.code, one.name, one.starts_on, one.due_on, tuple(sorted(found[one.id], key=_place))
        )
        for one in rounds
    ]


def _catalogue(session: Session, school_id: int, ids: list[int]) -> tuple[dict[int, Item], SchoolTerms]:
    rows = session.scalars(select(FeeItem).where(FeeItem.school_id == school_id, FeeItem.id.in_(ids))).all()
    rates = fees.rates_of(session, school_id, ids)
    ceilings = fees.ceilings_of(session, {row.code for row in rows})
    items = {row.id: fees.item_terms(row, rates[row.id], ceilings[row.code]) for row in rows}
    return items, fees.school_terms(session, school_id)


def _item(
    key: tuple[int, int], terms: Item, school: SchoolTerms, day: date, kept: tuple[Figure, datetime] | None
) -> PublishedItem:
    figure, until = kept or (Figure(*key, 1, None, None, ()), None)
    return PublishedItem(
        round_id=key[0],
        fee_item_id=key[1],
        terms=terms,
        prices_vnd=_prices(terms, day, figure),
        ceiling=fee_rules.ceiling_on(terms, school, day),
        counted_until=until,
        grain_vnd=figure.grain_vnd,
        # What was asked for a voluntary item would tell how many took part: only what came in is shown.
        billed_vnd=figure.billed_vnd if terms.mandatory else None,
        collected_vnd=figure.collected_vnd,
    )


def _prices(terms: Item, day: date, figure: Figure) -> tuple[int, ...]:
    """What the catalogue asks on the round's first day, and what enough pupils were asked; none of a free amount."""
    if terms.unit is Unit.FREE_AMOUNT:
        return ()
    listed = {rate.unit_price_vnd for rate in fee_rules.rates_on(terms, day)}
    return tuple(sorted(listed | set(figure.prices_vnd)))


def _place(item: PublishedItem) -> tuple[int, bool, str]:
    return list(LegalGroup).index(item.terms.legal_group), not item.terms.mandatory, item.terms.name
