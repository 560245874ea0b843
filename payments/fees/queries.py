"""Reads of fees: all that a collection round needs about a whole school, in a fixed number of statements."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from payments.errors import NotFoundError
from payments.fees import rules
from payments.fees.models import Exemption, FeeCeiling, FeeItem, FeeRate, Registration
from payments.fees.registration_file import FoundItem
from payments.fees.terms import Ceiling, Item, LegalGroup, Participation, Rate, Relief, ReliefKind, SchoolTerms
from payments.schools.models import ClassRoom, Enrollment, Pupil, School


class PupilOnDay(NamedTuple):
    """A pupil who studies on the day, with class and grade."""

    pupil_id: int
    class_id: int
    class_name: str
    grade: int | None


@dataclass(frozen=True, slots=True)
class Charges:
    """All that ``payments.fees.rules.compute_line`` needs for a round, read in seven statements whatever its size.

    ``items`` by fee item id, in the order asked for; ``pupils`` by grade, class and Vietnamese name order;
    ``participations`` by (pupil id, fee item id), ``reliefs`` by pupil id: those that hold on the day.
    """

    day: date
    school: SchoolTerms
    items: Mapping[int, Item]
    receiving_accounts: Mapping[int, int]
    """Fee item id -> receiving account id."""
    pupils: Sequence[PupilOnDay]
    participations: Mapping[tuple[int, int], Participation]
    reliefs: Mapping[int, tuple[Relief, ...]]


def charges_for_round(
    session: Session,
    school_id: int,
    *,
    day: date,
    year_id: int,
    fee_item_ids: Sequence[int],
    class_ids: Collection[int] | None = None,
) -> Charges:
    """Read what a round of ``fee_item_ids`` on ``day`` charges, for all classes of the year or the given ones.

    Raises NotFoundError when the school or one of the items does not exist.
    """
    rows = session.scalars(select(FeeItem).where(FeeItem.school_id == school_id, FeeItem.id.in_(fee_item_ids))).all()
    if {row.id for row in rows} != set(fee_item_ids):
        raise NotFoundError("Không tìm thấy khoản thu của trường.", "No such fee item of this school.")
    by_id = {row.id: row for row in rows}
    rates = rates_of(session, school_id, fee_item_ids)
    ceilings = ceilings_of(session, {row.code for row in rows})
    return Charges(
        day=day,
        school=school_terms(session, school_id),
        items={
            item_id: item_terms(by_id[item_id], rates[item_id], ceilings[by_id[item_id].code])
            for item_id in fee_item_ids
        },
        receiving_accounts={row.id: row.receiving_account_id for row in rows},
        pupils=pupils_on(session, school_id, year_id=year_id, day=day, class_ids=class_ids),
        participations=participations_on(session, school_id, fee_item_ids, day),
        reliefs=reliefs_on(session, school_id, day),
    )


def school_terms(session: Session, school_id: int) -> SchoolTerms:
    """Read level, ownership and area group of a school. Raises NotFoundError."""
    row = session.execute(
        select(School.level, School.ownership, School.area_group).where(School.id == school_id)
    ).first()
    if row is None:
        raise NotFoundError("Không tìm thấy trường.", "No such school.")
    return SchoolTerms(*row)


def item_terms(row: FeeItem, rates: Sequence[Rate], ceilings: Sequence[Ceiling]) -> Item:
    """Turn a stored fee item into the value that the rules judge."""
    return Item(
        code=row.code,
        name=row.name,
        legal_group=row.legal_group,
        unit=row.unit,
        mandatory=row.mandatory,
        by_registration=row.by_registration,
        legal_basis=row.legal_basis,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        rates=tuple(rates),
        ceilings=tuple(ceilings),
    )


def rates_of(session: Session, school_id: int, fee_item_ids: Collection[int]) -> defaultdict[int, list[Rate]]:
    """Read all dated prices of some items."""
    found: defaultdict[int, list[Rate]] = defaultdict(list)
    statement = select(FeeRate.fee_item_id, FeeRate.grade, FeeRate.unit_price_vnd, FeeRate.valid_from).where(
        FeeRate.school_id == school_id, FeeRate.fee_item_id.in_(fee_item_ids)
    )
    for fee_item_id, grade, price, valid_from in session.execute(statement):
        found[fee_item_id].append(Rate(grade, price, valid_from))
    return found


def ceilings_of(session: Session, fee_codes: Collection[str]) -> defaultdict[str, list[Ceiling]]:
    """Read all dated ceilings of some fee codes."""
    found: defaultdict[str, list[Ceiling]] = defaultdict(list)
    for row in session.scalars(select(FeeCeiling).where(FeeCeiling.fee_code.in_(fee_codes))):
        found[row.fee_code].append(
            Ceiling(row.unit, row.level, row.area_group, row.ceiling_vnd, row.valid_from, row.valid_to, row.document)
        )
    return found


def pupils_on(
    session: Session, school_id: int, *, year_id: int, day: date, class_ids: Collection[int] | None
) -> list[PupilOnDay]:
    """Read who studies in which class of a year on a day: by grade, class and Vietnamese name order."""
    statement = (
        select(Enrollment.pupil_id, ClassRoom.id, ClassRoom.name, ClassRoom.grade)
        .join(ClassRoom, (ClassRoom.school_id == Enrollment.school_id) & (ClassRoom.id == Enrollment.class_id))
        .join(Pupil, (Pupil.school_id == Enrollment.school_id) & (Pupil.id == Enrollment.pupil_id))
        .where(
            Enrollment.school_id == school_id,
            Enrollment.valid_from <= day,
            or_(Enrollment.valid_to.is_(None), Enrollment.valid_to > day),
            ClassRoom.year_id == year_id,
        )
        .order_by(ClassRoom.grade.asc().nulls_first(), ClassRoom.name, Pupil.sort_key.collate("C"), Pupil.id)
    )
    if class_ids is not None:
        statement = statement.where(ClassRoom.id.in_(class_ids))
    return [PupilOnDay(*row) for row in session.execute(statement)]


def participations_on(
    session: Session, school_id: int, fee_item_ids: Collection[int], day: date
) -> dict[tuple[int, int], Participation]:
    """Read the registrations that hold on a day; of two for one pupil and item the later one counts."""
    statement = (
        select(
            Registration.pupil_id,
            Registration.fee_item_id,
            Registration.quantity,
            Registration.valid_from,
            Registration.valid_to,
        )
        .where(
            Registration.school_id == school_id,
            Registration.fee_item_id.in_(fee_item_ids),
            Registration.valid_from <= day,
            or_(Registration.valid_to.is_(None), Registration.valid_to >= day),
        )
        .order_by(Registration.valid_from)
    )
    return {
        (pupil_id, fee_item_id): Participation(quantity, valid_from, valid_to)
        for pupil_id, fee_item_id, quantity, valid_from, valid_to in session.execute(statement)
    }


def reliefs_on(session: Session, school_id: int, day: date) -> dict[int, tuple[Relief, ...]]:
    """Read the reductions that hold on a day, by pupil, without their reasons."""
    statement = select(
        Exemption.pupil_id,
        Exemption.kind,
        Exemption.fee_codes,
        Exemption.valid_from,
        Exemption.valid_to,
        Exemption.percent,
        Exemption.fixed_vnd,
    ).where(
        Exemption.school_id == school_id,
        Exemption.valid_from <= day,
        or_(Exemption.valid_to.is_(None), Exemption.valid_to >= day),
    )
    found: defaultdict[int, tuple[Relief, ...]] = defaultdict(tuple)
    for pupil_id, kind, codes, valid_from, valid_to, percent, fixed_vnd in session.execute(statement):
        found[pupil_id] += (
            Relief(
                kind=kind,
                fee_codes=tuple(codes),
                valid_from=valid_from,
                valid_to=valid_to,
                percent=percent,
                fixed_vnd=fixed_vnd,
            ),
        )
    return dict(found)


class ExemptionRow(NamedTuple):
    """A reduction as the accountant sees it; ``category`` and ``document`` are for accountant and approver only."""

    id: int
    sector_id: str
    full_name: str
    kind: ReliefKind
    category: str
    percent: int | None
    fixed_vnd: int | None
    fee_codes: list[str]
    valid_from: date
    valid_to: date | None
    document: str


def exemptions_of(session: Session, school_id: int) -> list[ExemptionRow]:
    """List the reductions of a school, newest first."""
    statement = (
        select(
            Exemption.id,
            Pupil.sector_id,
            Pupil.full_name,
            Exemption.kind,
            Exemption.category,
            Exemption.percent,
            Exemption.fixed_vnd,
            Exemption.fee_codes,
            Exemption.valid_from,
            Exemption.valid_to,
            Exemption.document,
        )
        .join(Pupil, (Pupil.school_id == Exemption.school_id) & (Pupil.id == Exemption.pupil_id))
        .where(Exemption.school_id == school_id)
        .order_by(Exemption.id.desc())
    )
    return [ExemptionRow(*row) for row in session.execute(statement)]


def equal_exemption(session: Session, school_id: int, wanted: Mapping[str, object]) -> int | None:
    """Find the reduction that says exactly this already."""
    statement = select(Exemption.id).filter_by(school_id=school_id, **wanted)
    return session.scalar(statement.order_by(Exemption.id).limit(1))


def registrations_of(
    session: Session, school_id: int, pupil_ids: Collection[int]
) -> dict[tuple[int, int, date], tuple[int, date | None]]:
    """Read all registrations of some pupils: (pupil id, fee item id, first day) -> (quantity, last day)."""
    statement = select(
        Registration.pupil_id,
        Registration.fee_item_id,
        Registration.valid_from,
        Registration.quantity,
        Registration.valid_to,
    ).where(Registration.school_id == school_id, Registration.pupil_id.in_(list(pupil_ids)))
    return {
        (pupil_id, fee_item_id, valid_from): (quantity, valid_to)
        for pupil_id, fee_item_id, valid_from, quantity, valid_to in session.execute(statement)
    }


def legal_groups(session: Session, school_id: int) -> dict[str, LegalGroup]:
    """Read the legal group of every fee code of a school."""
    statement = select(FeeItem.code, FeeItem.legal_group).where(FeeItem.school_id == school_id)
    return {row.code: row.legal_group for row in session.execute(statement)}


def item_by_code(session: Session, school_id: int, code: str) -> FeeItem:
    """Find a fee item of a school by its code. Raises NotFoundError."""
    found = session.scalar(select(FeeItem).where(FeeItem.school_id == school_id, FeeItem.code == code))
    if found is None:
        raise NotFoundError(f"Không có khoản thu mã «{code}».", f"There is no fee item «{code}».")
    return found


@dataclass(frozen=True, slots=True)
class CatalogueRow:
    """A fee item as the desk shows it on a day."""

    id: int
    terms: Item
    receiving_account_id: int
    rates: Sequence[Rate]
    """The prices in force on the day."""
    ceiling: Ceiling | None
    registered: int
    """Pupils who are registered for it on the day."""


def catalogue(session: Session, school_id: int, day: date) -> list[CatalogueRow]:
    """List the fee items of a school with what holds on a day, by code, in five statements. Raises NotFoundError."""
    rows = list_items(session, school_id)
    rates = rates_of(session, school_id, [row.id for row in rows])
    ceilings = ceilings_of(session, {row.code for row in rows})
    school = school_terms(session, school_id)
    registered = registered_on(session, school_id, day)
    items = {row.id: item_terms(row, rates[row.id], ceilings[row.code]) for row in rows}
    return [
        CatalogueRow(
            id=row.id,
            terms=items[row.id],
            receiving_account_id=row.receiving_account_id,
            rates=rules.rates_on(items[row.id], day),
            ceiling=rules.ceiling_on(items[row.id], school, day),
            registered=registered.get(row.id, 0),
        )
        for row in rows
    ]


def registered_on(session: Session, school_id: int, day: date) -> dict[int, int]:
    """Count the pupils who are registered for each item on a day."""
    statement = (
        select(Registration.fee_item_id, func.count(Registration.pupil_id.distinct()))
        .where(
            Registration.school_id == school_id,
            Registration.valid_from <= day,
            or_(Registration.valid_to.is_(None), Registration.valid_to >= day),
        )
        .group_by(Registration.fee_item_id)
    )
    return {row[0]: row[1] for row in session.execute(statement)}


def found_items(session: Session, school_id: int) -> dict[str, FoundItem]:
    """Read id and unit of every fee item of a school, by code."""
    statement = select(FeeItem.code, FeeItem.id, FeeItem.unit).where(FeeItem.school_id == school_id)
    return {code: FoundItem(item_id, unit) for code, item_id, unit in session.execute(statement)}


def list_items(session: Session, school_id: int) -> Sequence[FeeItem]:
    """List the fee items of a school by code."""
    return session.scalars(select(FeeItem).where(FeeItem.school_id == school_id).order_by(FeeItem.code)).all()
