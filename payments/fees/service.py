"""The catalogue of a school: fee items with dated prices, ceilings of the province, registrations and reductions.

What may never be charged is refused here already; a round checks every line again on its own day, because
ceilings and prices change.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from bank_adapters.statements.tables import Row
from payments.audit.service import record
from payments.banking.models import AccountState, ReceivingAccount
from payments.errors import ConflictError, DomainError, NotFoundError
from payments.fees import checks, queries, refusals, registration_file
from payments.fees.checks import NewExemption, NewRegistration
from payments.fees.models import Exemption, FeeCeiling, FeeItem, FeeRate, Registration
from payments.fees.registration_file import RegistrationReport
from payments.fees.rules import check_item, check_price
from payments.fees.terms import Item, LegalGroup, Unit
from payments.money import MAX_VND
from payments.schools.queries import pupil_ids
from payments.schools.rules import SchoolLevel
from payments.schools.sheets import Layout


@dataclass(frozen=True, slots=True)
class Registered:
    """What registering did."""

    new: int
    changed: int
    unchanged: int


def add_fee_item(
    session: Session,
    school_id: int,
    *,
    code: str,
    name: str,
    legal_group: LegalGroup,
    unit: Unit,
    mandatory: bool,
    by_registration: bool,
    receiving_account_id: int,
    legal_basis: str,
    valid_from: date,
    valid_to: date | None = None,
    actor_id: int | None = None,
) -> int:
    """Add an item to the catalogue and return its id.

    Raises DomainError ``bad_code``, ``missing_text``, ``parents_fund``, ``sponsorship_level``, ``bad_dates``,
    ConflictError ``code_taken``, NotFoundError when the account is not an open one of the school.
    """
    terms = Item(
        code=code,
        name=name.strip(),
        legal_group=legal_group,
        unit=unit,
        mandatory=mandatory,
        by_registration=by_registration,
        legal_basis=legal_basis.strip(),
        valid_from=valid_from,
        valid_to=valid_to,
    )
    checks.check_words(terms)
    checks.raise_if(check_item(terms))
    _require_open_account(session, school_id, receiving_account_id)
    item = FeeItem(
        school_id=school_id,
        code=code,
        name=terms.name,
        legal_group=legal_group,
        unit=unit,
        mandatory=mandatory,
        by_registration=by_registration,
        receiving_account_id=receiving_account_id,
        legal_basis=terms.legal_basis,
        valid_from=valid_from,
        valid_to=valid_to,
    )
    try:
        with session.begin_nested():
            session.add(item)
    except IntegrityError:
        raise ConflictError(
            "code_taken", f"Mã khoản thu «{code}» đã có.", f"The fee code «{code}» exists already."
        ) from None
    record(session, actor_id, "fee.added", subject_kind="fee_item", subject_id=item.id, school_id=school_id)
    return item.id


def set_rate(
    session: Session,
    school_id: int,
    fee_item_id: int,
    unit_price_vnd: int,
    valid_from: date,
    *,
    grade: int | None = None,
    actor_id: int | None = None,
) -> None:
    """Set the unit price of an item (đồng) from a day on, for one grade or for all; the same day again corrects it.

    Invoices that are issued keep the price they had. Raises DomainError ``above_ceiling``, ``ceiling_unit``,
    ``public_tuition``, ``sponsorship_level``, ``bad_price``, and NotFoundError.
    """
    row = session.get(FeeItem, (school_id, fee_item_id))
    if row is None:
        raise NotFoundError("Không tìm thấy khoản thu của trường.", "No such fee item of this school.")
    item = queries.item_terms(row, (), queries.ceilings_of(session, [row.code])[row.code])
    if item.unit is Unit.FREE_AMOUNT:
        checks.raise_if(refusals.per_head_level(item))
    if not 0 <= unit_price_vnd <= MAX_VND:
        raise DomainError("bad_price", "Đơn giá phải từ 0 đồng trở lên.", "The price must not be below zero.")
    checks.raise_if(check_price(item, queries.school_terms(session, school_id), unit_price_vnd, valid_from))
    statement = insert(FeeRate).values(
        school_id=school_id, fee_item_id=fee_item_id, grade=grade, unit_price_vnd=unit_price_vnd, valid_from=valid_from
    )
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["school_id", "fee_item_id", "grade", "valid_from"],
            set_={"unit_price_vnd": statement.excluded.unit_price_vnd},
        )
    )
    detail = {"unit_price_vnd": unit_price_vnd, "valid_from": valid_from.isoformat(), "grade": grade}
    record(
        session,
        actor_id,
        "fee.rate_set",
        subject_kind="fee_item",
        subject_id=fee_item_id,
        school_id=school_id,
        detail=detail,
    )


def add_ceiling(
    session: Session,
    *,
    fee_code: str,
    unit: Unit,
    ceiling_vnd: int,
    valid_from: date,
    document: str,
    level: SchoolLevel | None = None,
    area_group: str | None = None,
    valid_to: date | None = None,
    actor_id: int | None = None,
) -> int:
    """Add a ceiling of a resolution and return its id; the same one again changes nothing.

    Raises DomainError ``bad_ceiling``, ``missing_text``, and ConflictError ``ceiling_exists`` when another is known for
    the same code, unit, level, area group and first day.
    """
    checks.check_ceiling(unit, ceiling_vnd, valid_from, valid_to, document)
    key = {"fee_code": fee_code, "unit": unit, "level": level, "area_group": area_group, "valid_from": valid_from}
    known = session.scalars(select(FeeCeiling).filter_by(**key)).first()
    if known is not None:
        if (known.ceiling_vnd, known.valid_to, known.document) == (ceiling_vnd, valid_to, document.strip()):
            return known.id
        raise ConflictError(
            "ceiling_exists",
            f"Mức trần của «{fee_code}» từ {valid_from:%d/%m/%Y} đã có theo {known.document}.",
            f"A ceiling of «{fee_code}» from {valid_from:%d/%m/%Y} is known already, set by {known.document}.",
        )
    ceiling = FeeCeiling(**key, ceiling_vnd=ceiling_vnd, valid_to=valid_to, document=document.strip())
    session.add(ceiling)
    session.flush()
    record(session, actor_id, "fee.ceiling_added", subject_kind="fee_ceiling", subject_id=ceiling.id, school_id=None)
    return ceiling.id


def register(
    session: Session, school_id: int, registrations: Sequence[NewRegistration], *, actor_id: int | None = None
) -> Registered:
    """Register pupils for items, set-based; the same registrations again change nothing.

    A registration is known by pupil, item and first day; another quantity or last day changes it. Where two hold
    on one day the later one counts. Raises DomainError ``bad_dates``, ``bad_quantity``, ``registered_twice``.
    """
    wanted = {(row.pupil_id, row.fee_item_id, row.valid_from): row for row in registrations}
    checks.check_registrations(registrations, wanted)
    known = queries.registrations_of(session, school_id, {row.pupil_id for row in registrations})
    new = [row for key, row in wanted.items() if key not in known]
    changed = [row for key, row in wanted.items() if key in known and known[key] != (row.quantity, row.valid_to)]
    if new or changed:
        values = [
            {
                "school_id": school_id,
                "pupil_id": row.pupil_id,
                "fee_item_id": row.fee_item_id,
                "valid_from": row.valid_from,
                "valid_to": row.valid_to,
                "quantity": row.quantity,
            }
            for row in [*new, *changed]
        ]
        statement = insert(Registration)
        fresh = {name: statement.excluded[name] for name in ("valid_to", "quantity")}
        keys = ["school_id", "pupil_id", "fee_item_id", "valid_from"]
        statement = statement.on_conflict_do_update(index_elements=keys, set_=fresh)
        session.execute(statement.returning(Registration.id), values)
        detail = {"new": len(new), "changed": len(changed)}
        record(
            session,
            actor_id,
            "fee.registered",
            subject_kind="school",
            subject_id=school_id,
            school_id=school_id,
            detail=detail,
        )
    return Registered(len(new), len(changed), len(wanted) - len(new) - len(changed))


def import_registrations(
    session: Session, school_id: int, data: bytes, filename: str, *, actor_id: int | None = None
) -> RegistrationReport:
    """Import registrations from XLSX or CSV; refused rows change nothing, the same file again changes nothing.

    Raises DomainError when the file as a whole cannot be read.
    """
    return _import(session, school_id, registration_file.read_table(data, filename), filename, actor_id)


def import_registration_records(
    session: Session, school_id: int, records: Sequence[Mapping[str, str]], *, sender: str, actor_id: int
) -> RegistrationReport:
    """Import registrations that a program tells by the keys of the columns, judged as rows of a file are."""
    return _import(session, school_id, registration_file.table_of_records(records), sender, actor_id)


def _import(
    session: Session, school_id: int, tables: Sequence[tuple[Layout, list[Row]]], filename: str, actor_id: int | None
) -> RegistrationReport:
    pupils = pupil_ids(session, school_id, registration_file.named_pupils(tables))
    rows = registration_file.read_registrations(tables, pupils, queries.found_items(session, school_id))
    accepted = [row.registration for row in rows if row.registration]
    done = register(session, school_id, accepted, actor_id=actor_id)
    return RegistrationReport(
        file_name=filename,
        rows=len(rows),
        refused=sum(row.registration is None for row in rows),
        new=done.new,
        changed=done.changed,
        unchanged=done.unchanged,
        problems=tuple(problem for row in rows for problem in row.problems),
    )


def grant_exemption(session: Session, school_id: int, exemption: NewExemption, *, actor_id: int | None = None) -> int:
    """Grant one reduction and return its id; the same one again changes nothing.

    Raises what ``grant_exemptions`` raises.
    """
    checks.check_exemption(exemption, queries.legal_groups(session, school_id))
    known = queries.equal_exemption(session, school_id, _columns(exemption))
    return known or grant_exemptions(session, school_id, [exemption], actor_id=actor_id)[0]


def grant_exemptions(
    session: Session, school_id: int, exemptions: Sequence[NewExemption], *, actor_id: int | None = None
) -> list[int]:
    """Grant reductions, set-based, and return their ids in order.

    Exemptions by law cover tuition only; other fees are waived by the school or supported by somebody
    (facts: exemption, waiver, support). Raises DomainError ``bad_relief``, ``bad_dates``, ``missing_text``,
    ``unknown_fee``, ``exemption_is_for_tuition``.
    """
    groups = queries.legal_groups(session, school_id)
    for exemption in exemptions:
        checks.check_exemption(exemption, groups)
    if not exemptions:
        return []
    values = [{"school_id": school_id, **_columns(row)} for row in exemptions]
    statement = insert(Exemption).returning(Exemption.id, sort_by_parameter_order=True)
    ids = list(session.scalars(statement, values))
    record(
        session,
        actor_id,
        "fee.exempted",
        subject_kind="school",
        subject_id=school_id,
        school_id=school_id,
        detail={"exemptions": len(ids)},
    )
    return ids


def _columns(row: NewExemption) -> dict[str, object]:
    return {
        "pupil_id": row.pupil_id,
        "kind": row.kind,
        "category": row.category.strip(),
        "percent": row.percent,
        "fixed_vnd": row.fixed_vnd,
        "fee_codes": list(row.fee_codes),
        "valid_from": row.valid_from,
        "valid_to": row.valid_to,
        "document": row.document.strip(),
        "approved_by": row.approved_by,
    }


def end_exemption(
    session: Session, school_id: int, exemption_id: int, last_day: date, *, actor_id: int | None = None
) -> None:
    """Let a reduction end with a day: a status may end between two semesters. Raises NotFoundError, ``bad_dates``."""
    exemption = session.get(Exemption, (school_id, exemption_id))
    if exemption is None:
        raise NotFoundError("Không tìm thấy quyết định miễn giảm.", "No such reduction.")
    if last_day < exemption.valid_from:
        raise checks.bad_dates()
    exemption.valid_to = last_day
    session.flush()
    record(
        session,
        actor_id,
        "fee.exemption_ended",
        subject_kind="exemption",
        subject_id=exemption_id,
        school_id=school_id,
    )


def _require_open_account(session: Session, school_id: int, account_id: int) -> None:
    account = session.get(ReceivingAccount, (school_id, account_id))
    if account is None or account.state is AccountState.CLOSED:
        raise NotFoundError(
            "Không tìm thấy tài khoản nhận tiền đang dùng của trường.", "No open receiving account of this school."
        )
