"""«Phụ huynh báo đã chuyển»: counted in the day's work, listed with their age, closed with a note."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Engine

from payments import clock
from tests.payments.payer_claims.story import TOLD, Story, story

pytestmark = pytest.mark.db
CARD = "<b>1</b> lời báo đã chuyển của phụ huynh"


@pytest.fixture
def told(engine: Engine, database_url: str) -> Iterator[Story]:
    with story(engine, database_url) as made:
        made.home.log_in("accountant")
        yield made


def test_a_claim_waits_in_the_day_s_work_until_its_money_is_matched(told: Story) -> None:
    base = f"/console/{told.home.school.code}/"
    assert "Không có lời báo nào" in told.home.page(f"{base}reported/")
    with clock.turned_to(clock.now() - timedelta(days=3)):
        told.tell(paid_on=(clock.today()).isoformat())
    assert CARD in told.home.page(base)
    listed = told.home.page(f"{base}reported/")
    for shown in (TOLD, "Nguyễn Mẫu An", "1A", "115.000", "3 ngày", "chưa báo có", told.home.invoice.reference):
        assert shown in listed
    assert "3 days" in told.home.page(f"{base}reported/", language="en")
    told.bank_tells(115_000)
    told.settle()
    [(transfer,)] = told.rows("SELECT id FROM bank_transaction")
    assert f"unmatched/{transfer}/" in told.home.page(f"{base}reported/")
    assert "Phụ huynh báo mã giao dịch" in told.home.page(f"{base}unmatched/")
    one = told.home.page(f"{base}unmatched/{transfer}/")
    assert "Phụ huynh báo mã giao dịch này:" in one
    assert TOLD in one
    assert (
        told.home.post(f"{base}unmatched/{transfer}/assign", f"{base}unmatched/", hint=str(told.home.invoice.id)) == 303
    )
    assert CARD not in told.home.page(base)
    assert TOLD not in told.home.page(f"{base}reported/")


def test_the_accountant_closes_what_never_came_and_the_parent_reads_no_note(told: Story) -> None:
    base = f"/console/{told.home.school.code}/reported/"
    told.tell()
    [(claim,)] = told.rows("SELECT id FROM payer_claim")
    assert told.home.post(f"{base}{claim}/close", base, note="") == 422
    assert told.home.post(f"{base}{claim}/close", base, note="chuyển nhầm vào tài khoản khác") == 303
    assert "Không có lời báo nào" in told.home.page(base)
    page = told.page()
    assert "Nhà trường đã xem lời báo này" in page
    assert "chuyển nhầm" not in page
    assert told.home.post(f"{base}{claim}/close", f"/console/{told.home.school.code}/accounts/", note="lần nữa") == 409
