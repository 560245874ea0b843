"""What families and schools do beside paying: a family's page, claims, notices, a trust page, links into bank apps.

All of it happens after the night: nothing of it is money.
"""

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy.orm import Session

from operations.demo.facts import Bill, Plan, Together
from operations.demo.founding import FoundedSchool, Province
from operations.demo.rounds import ROUND_CODE
from operations.demo.together import family_token
from operations.demo.world import World
from payments import clock
from payments.db import session_scope
from payments.invoices.queries import round_by_code
from payments.notices import service as notices
from payments.notices.outside import Outside
from payments.notices.rules import Channel, Kind
from payments.payer_claims.service import claim
from payments.portal.service import ensure_links, good_until
from payments.schools.bank_apps import switch_bank_apps
from payments.schools.queries import pupil_id_by_sector_id
from payments.transparency.service import set_contact, show_round

UNKNOWN_NUMBER = "FT999999999999"
"""A number that no bank has told us: a person has to look."""


def live(world: World, province: Province, plan: Plan, together: Sequence[Together], bills: Sequence[Bill]) -> str:
    """Do all of it; returns the token of the family whose page a visitor is shown."""
    first = next(iter(province.schools.values()))
    with session_scope(world.engine) as session:
        for school in province.schools.values():
            ensure_links(session, world.settings.link_keys, school.id, good_until(session, school.id))
        _report(session, first, plan)
        _tell(session, first, Outside(world.settings, world.cipher))
        _show(session, first)
        switch_bank_apps(session, first.id, on=True, actor_id=first.principal.user_id)
        by_school: dict[int, list[Bill]] = defaultdict(list)
        for bill in household(bills) or together[0].bills:
            by_school[province.schools[bill.account.school_code].id].append(bill)
        return family_token(session, world.settings.link_keys, by_school)


def household(bills: Sequence[Bill]) -> list[Bill]:
    """A bill each of two children of one family at two schools; nothing where no family has them."""
    known: dict[int, Bill] = {}
    for bill in bills:
        other = known.setdefault(bill.family, bill)
        if other.account.school_code != bill.account.school_code:
            return [other, bill]
    return []


def _report(session: Session, school: FoundedSchool, plan: Plan) -> None:
    """«Tôi đã chuyển», today, of a transfer that names nobody; the payer's bank numbers it otherwise than the school's.

    Claims live for weeks, so one of the month itself would be forgotten already.
    """
    here = [one for one in plan.movements if one.account.school_code == school.size.code]
    paid = next((one for one in here if one.kind == "nameless"), here[0])
    pupil_id = pupil_id_by_sector_id(session, school.id, paid.bills[0].sector_id)
    claim(session, school.id, pupil_id, UNKNOWN_NUMBER, amount_vnd=paid.amount_vnd, paid_on=clock.today())


def _tell(session: Session, school: FoundedSchool, outside: Outside) -> None:
    """A reminder of the round by e-mail that waits for the accountant's word: nothing leaves the demo."""
    round_id = round_by_code(session, school.id, ROUND_CODE).id
    choice = notices.Choice(round_id=round_id, kind=Kind.OVERDUE, channel=Channel.EMAIL)
    campaign = notices.start(session, outside, school.id, school.accountant.user_id, choice)
    notices.pause(session, school.id, campaign.id, school.accountant.user_id)


def _show(session: Session, school: FoundedSchool) -> None:
    """The school's trust page says how to reach it and how the round goes."""
    actor_id = school.principal.user_id
    hours = "Phòng tài vụ, 7:30–16:30, thứ Hai đến thứ Sáu"
    set_contact(session, school.id, phone="0000 000 001", email="van.phong@mau.example", hours=hours, actor_id=actor_id)
    round_id = round_by_code(session, school.id, ROUND_CODE).id
    show_round(session, school.id, round_id, shown=True, actor_id=actor_id)
