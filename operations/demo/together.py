"""Families who pay several bills in one transfer: the bundles that they make before the money comes."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import text
from sqlalchemy.orm import Session

from operations.demo.facts import Account, Bill, Together
from operations.demo.founding import FoundedSchool, at
from operations.demo.presets import CALENDAR
from payments.bundles.service import Payer, make_bundle
from payments.clock import turned_to
from payments.portal.families import family_for, family_of, member_of
from payments.portal.service import ensure_links, good_until
from payments.schools.queries import pupil_ids

INVOICES = text("SELECT id FROM invoice WHERE school_id = :school_id AND reference = ANY(:references)")


def make(
    session: Session,
    link_keys: Mapping[int, bytes],
    schools: Mapping[str, FoundedSchool],
    bills: Sequence[Bill],
    replaced: Collection[str],
) -> list[Together]:
    """Two bundles as two families make them: one that is paid as it is, one of which an item is paid meanwhile."""
    exact, other = pick([bill for bill in bills if bill.reference not in replaced])
    with turned_to(at(CALENDAR.invoices_corrected)):
        return [
            Together(_reference(session, link_keys, schools, exact), exact),
            Together(_reference(session, link_keys, schools, other), other[:2], other[2:]),
        ]


def pick(bills: Sequence[Bill]) -> tuple[tuple[Bill, ...], tuple[Bill, ...]]:
    """Two bills of a family on one account, and three of another; a neighbour helps where families are small."""
    households: dict[tuple[Account, int], list[Bill]] = defaultdict(list)
    for bill in bills:
        households[bill.account, bill.family].append(bill)
    several = [mine for mine in households.values() if len({bill.sector_id for bill in mine}) > 1]
    first = several[0][:2]
    second = next(mine for mine in several if mine[0].family != first[0].family)[:3]
    taken = {bill.sector_id for bill in (*first, *second)}
    neighbours = (bill for bill in bills if bill.account == second[0].account and bill.sector_id not in taken)
    while len(second) < 3:
        second = [*second, next(neighbours)]
    return tuple(first), tuple(second)


def _reference(
    session: Session, link_keys: Mapping[int, bytes], schools: Mapping[str, FoundedSchool], bills: Sequence[Bill]
) -> str:
    """Make the children one family, and a bundle of their bills."""
    school_id = schools[bills[0].account.school_code].id
    ensure_links(session, link_keys, school_id, good_until(session, school_id))
    home = family_of(session, family_token(session, link_keys, {school_id: bills}), at(CALENDAR.invoices_corrected))
    if home is None or home.family_id is None:
        raise ValueError("the family that was just made is not there")
    wanted = {"school_id": school_id, "references": [bill.reference for bill in bills]}
    ids = list(session.scalars(INVOICES, wanted))
    return make_bundle(session, school_id, Payer(family_id=home.family_id), ids)


def family_token(session: Session, link_keys: Mapping[int, bytes], by_school: Mapping[int, Sequence[Bill]]) -> str:
    """The link of the family of these bills' children; their own links exist."""
    members = [
        member_of(session, school_id, pupil_id)
        for school_id, bills in by_school.items()
        for pupil_id in pupil_ids(session, school_id, {bill.sector_id for bill in bills}).values()
    ]
    return family_for(session, link_keys, [one for one in members if one is not None])
