"""The school's chart of accounts is data: a preset to begin with, the accountant's word after that."""

import pytest
from sqlalchemy.orm import Session

from payments.errors import DomainError
from payments.ledger.chart_service import PRESETS, load_chart_preset, map_account
from payments.ledger.models import LedgerRole
from payments.ledger.queries import chart_codes
from tests.payments.setting import SchoolSetting

pytestmark = pytest.mark.db


def test_the_preset_of_tt107_gives_the_known_accounts(session: Session, school: SchoolSetting) -> None:
    load_chart_preset(session, school.id, "TT107")
    codes = chart_codes(session, school.id, "TT107")
    assert codes.code(LedgerRole.BANK) == "112"
    found = {
        group: codes.code(LedgerRole.INCOME, legal_group=group)
        for group in ("tuition", "service", "agency", "sponsorship")
    }
    assert found == {"tuition": "531", "service": "531", "agency": "3381", "sponsorship": "3388"}


@pytest.mark.parametrize("chart", PRESETS)
def test_a_preset_has_an_account_for_every_role(session: Session, school: SchoolSetting, chart: str) -> None:
    load_chart_preset(session, school.id, chart)
    codes = chart_codes(session, school.id, chart)
    assert all(codes.code(role, legal_group="agency") for role in LedgerRole)


def test_nothing_of_tt24_is_confirmed_before_the_accountant_says_so(session: Session, school: SchoolSetting) -> None:
    load_chart_preset(session, school.id, "TT24")
    codes = chart_codes(session, school.id, "TT24")
    assert codes.unconfirmed == frozenset(codes.codes.values())


def test_the_account_of_a_fee_item_goes_before_that_of_its_group(session: Session, school: SchoolSetting) -> None:
    load_chart_preset(session, school.id, "TT107")
    map_account(
        session,
        school.id,
        "TT107",
        LedgerRole.INCOME,
        "3381.04",
        actor_id=school.accountant,
        fee_item_id=school.meals,
    )
    codes = chart_codes(session, school.id, "TT107")
    assert codes.code(LedgerRole.INCOME, legal_group="agency", fee_item_id=school.meals) == "3381.04"
    assert codes.code(LedgerRole.INCOME, legal_group="agency", fee_item_id=school.club) == "3381"


def test_loading_the_preset_again_leaves_edited_rows_alone(session: Session, school: SchoolSetting) -> None:
    load_chart_preset(session, school.id, "TT107")
    map_account(session, school.id, "TT107", LedgerRole.BANK, "1121.02", actor_id=school.accountant)
    assert load_chart_preset(session, school.id, "TT107") == 0
    assert chart_codes(session, school.id, "TT107").code(LedgerRole.BANK) == "1121.02"


@pytest.mark.parametrize("code", ["", "11", "112 ", "112.", "=1+1", "một"])
def test_an_impossible_account_code_is_refused(session: Session, school: SchoolSetting, code: str) -> None:
    with pytest.raises(DomainError, match="bad_account_code"):
        map_account(session, school.id, "TT107", LedgerRole.BANK, code, actor_id=school.accountant)


def test_an_unknown_chart_is_refused(session: Session, school: SchoolSetting) -> None:
    with pytest.raises(DomainError, match="unknown_chart"):
        load_chart_preset(session, school.id, "TT200")


def test_a_gap_in_the_mapping_is_told(session: Session, school: SchoolSetting) -> None:
    with pytest.raises(DomainError, match="no_account_code"):
        chart_codes(session, school.id, "TT107").code(LedgerRole.BANK)


@pytest.mark.parametrize("chart", PRESETS)
def test_excluded_money_goes_by_its_reason_and_else_to_the_role_s_account(
    session: Session, school: SchoolSetting, chart: str
) -> None:
    load_chart_preset(session, school.id, chart)
    codes = chart_codes(session, school.id, chart)
    assert codes.code(LedgerRole.EXCLUDED, legal_group="bank_interest") == "515"
    assert codes.code(LedgerRole.EXCLUDED, legal_group="mistaken") == codes.code(LedgerRole.EXCLUDED) == "3388"
    assert {"515", "3388"} <= codes.unconfirmed, "proposals until the accountant confirms them"
