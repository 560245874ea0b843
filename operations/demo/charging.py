"""Write the fee catalogue of each school, who takes part in what, and who pays less."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from operations.demo import fees
from operations.demo.accounts import AccountPlan
from operations.demo.founding import FoundedSchool, at
from operations.demo.people import Pupil
from operations.demo.presets import CALENDAR
from payments.clock import turned_to
from payments.fees.checks import NewExemption, NewRegistration
from payments.fees.service import add_ceiling, add_fee_item, grant_exemptions, register, set_rate
from payments.fees.terms import Unit
from payments.schools.queries import pupil_ids


def set_ceilings(session: Session) -> None:
    """The ceilings of the invented resolutions, with their dates."""
    for ceiling in fees.CEILINGS:
        add_ceiling(
            session,
            fee_code=ceiling.code,
            unit=ceiling.unit,
            ceiling_vnd=ceiling.ceiling_vnd,
            valid_from=ceiling.valid_from,
            valid_to=ceiling.valid_to,
            document=ceiling.document,
        )


def set_up_fees(
    session: Session, school: FoundedSchool, plans: Sequence[AccountPlan], pupils: Sequence[Pupil], seed: int
) -> dict[str, int]:
    """The catalogue of a school with prices, registrations and reductions; returns the ids of the items by code."""
    accounts = {plan.fund: school.accounts[plan.account] for plan in plans if plan.account in school.accounts}
    with turned_to(at(CALENDAR.accounts_approved)):
        items = {fee.code: _add_fee(session, school, fee, accounts) for fee in fees.catalogue(school.size)}
        ids = pupil_ids(session, school.id, {pupil.sector_id for pupil in pupils})
        register(
            session,
            school.id,
            [
                NewRegistration(ids[one.sector_id], items[one.code], fees.YEAR_STARTS, None, one.quantity)
                for one in fees.participations(school.size, pupils, seed)
            ],
            actor_id=school.accountant.user_id,
        )
        _reduce(session, school, pupils, ids, seed)
    return items


def _add_fee(session: Session, school: FoundedSchool, fee: fees.Fee, accounts: dict[str, int]) -> int:
    actor_id = school.accountant.user_id
    item_id = add_fee_item(
        session,
        school.id,
        code=fee.code,
        name=fee.name,
        legal_group=fee.group,
        unit=fee.unit,
        mandatory=fee.mandatory,
        by_registration=fee.takes_part is not None,
        receiving_account_id=accounts[fee.account],
        legal_basis=fee.basis,
        valid_from=fees.YEAR_STARTS,
        actor_id=actor_id,
    )
    if fee.unit is not Unit.FREE_AMOUNT:
        set_rate(session, school.id, item_id, fee.price_vnd, fees.YEAR_STARTS, actor_id=actor_id)
    for grade, price_vnd in fee.by_grade:
        set_rate(session, school.id, item_id, price_vnd, fees.YEAR_STARTS, grade=grade, actor_id=actor_id)
    return item_id


def _reduce(session: Session, school: FoundedSchool, pupils: Sequence[Pupil], ids: dict[str, int], seed: int) -> None:
    grant_exemptions(
        session,
        school.id,
        [
            NewExemption(
                pupil_id=ids[one.sector_id],
                kind=one.kind,
                category=one.category,
                fee_codes=one.codes,
                valid_from=fees.YEAR_STARTS,
                valid_to=one.valid_to,
                document=one.document,
                percent=one.percent,
                fixed_vnd=one.fixed_vnd,
                approved_by=school.principal.user_id,
            )
            for one in fees.reductions(school.size, pupils, seed)
        ],
        actor_id=school.accountant.user_id,
    )
