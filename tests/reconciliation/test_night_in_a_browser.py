"""The night's page in a real browser: facts are chosen and joined with the keyboard, in both schemes and languages."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import Engine

from operations.sample_files import write_camt053
from payments.banking.models import ReceivingAccount
from payments.db import session_scope
from reconciliation import service
from reconciliation.panels import PANELS
from reconciliation.school_ledgers.template import write_template
from tests.payments.faces import Faces, faces
from tests.reconciliation.desk import DAY, line, row, statement
from tests.test_accessibility import enter, judge, seen
from tests.test_screenshots import served

pytestmark = [pytest.mark.browser, pytest.mark.db, pytest.mark.timeout(240)]
X_VND = 115_000
CUT = """[...document.querySelectorAll('.scroll')]
    .filter(part => part.querySelector('table').scrollWidth > part.clientWidth).length"""
"""Tables that are wider than their place."""
A4_PX = 718
"""What a sheet has between its margins."""


@pytest.fixture
def home(engine: Engine, database_url: str) -> Iterator[Faces]:
    with faces(engine, database_url, PANELS) as made:
        yield made


def night(home: Faces) -> int:
    """A line without callback and a row of the books with another amount: two exceptions that are one payment."""
    with session_scope(home.engine) as session:
        account = home.school.account
        number = session.get_one(ReceivingAccount, (home.school.id, account)).number
        service.set_book_account(session, home.school.id, "1121", account)
        paper = write_camt053([statement(number, [line(X_VND, "NGUYEN VAN MAU nop tien", "FT25253000001")])])
        service.import_statement(session, home.school.id, account, paper, "saoke.xml")
        service.import_ledger(session, home.school.id, write_template([row(X_VND - 5_000, "Thu một phần")]), "so.xlsx")
        return service.reconcile_day(session, home.school.id, account, DAY).id


@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1280, "light")])
def test_facts_are_joined_and_parted_with_the_keyboard(
    home: Faces, chromium: Browser, width: int, scheme: str, tmp_path
) -> None:
    run_id = night(home)
    with served(home) as base, seen(chromium, width, scheme) as page:
        enter(page, base, f"ke.toan.{home.school.code[2:].lstrip('0')}")
        for query in ("?lang=en", "?lang=vi"):
            page.goto(f"{base}/console/{home.school.code}/reconciliation/{run_id}/{query}")
            judge(page, doubts=width > 1000)
        for summary in page.locator("details summary").all():
            if summary.locator("xpath=..").locator("input[name=fact]").count():
                summary.press("Enter")
        for box in page.locator("input[name=fact]").all():
            box.press("Space")
        judge(page, doubts=width > 1000)
        page.screenshot(path=tmp_path / "night.png", full_page=True)
        page.get_by_role("button", name="Ghép các dòng đã chọn").press("Enter")
        expect(page.get_by_role("status").or_(page.locator(".flash, .notice")).first).to_be_visible()
        expect(page.locator("body")).to_contain_text("ghép tay theo quyết định số")
        judge(page, doubts=width > 1000)
        page.get_by_role("button", name="Hoàn tác").press("Enter")
        expect(page.locator("body")).to_contain_text("Chỉ có trong sổ")


def test_no_column_of_a_night_lies_beside_the_screen_or_the_paper(home: Faces, chromium: Browser) -> None:
    """Advice stands in the last column, and paper cannot be moved sideways."""
    run_id = night(home)
    with served(home) as base, seen(chromium, 1280, "light") as page:
        enter(page, base, f"ke.toan.{home.school.code[2:].lstrip('0')}")
        page.goto(f"{base}/console/{home.school.code}/reconciliation/{run_id}/")
        assert page.evaluate(CUT) == 0
        page.set_viewport_size({"width": A4_PX, "height": 1000})
        assert page.evaluate(CUT) > 0, "on a small screen the table is moved sideways"
        page.emulate_media(media="print")
        assert page.evaluate(CUT) == 0
