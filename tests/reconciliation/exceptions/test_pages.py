"""The pages in a real browser: axe in both schemes and languages, and one case finished by keyboard alone."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import Engine, text

from payments.db import session_scope
from reconciliation.exceptions import service
from reconciliation.exceptions.rules import Resolution
from reconciliation.movements import PRECEDENCE
from reconciliation.panels import PANELS
from tests.payments.faces import Faces, faces
from tests.reconciliation.exceptions.setting import Nights
from tests.test_accessibility import enter, judge, seen
from tests.test_screenshots import served

pytestmark = [pytest.mark.browser, pytest.mark.db, pytest.mark.timeout(120)]


@pytest.fixture
def home(engine: Engine, database_url: str) -> Iterator[Faces]:
    """A school with an exception of every class, one of them proposed by the principal, one merged."""
    with faces(engine, database_url, PANELS) as made:
        with session_scope(engine) as session:
            nights = Nights(session, made.school)
            line, said = nights.line(115_000, "NGUYEN THI HOA chuyen tien an thang 9"), nights.said(115_000)
            items = [
                nights.item(key, lines=[nights.line(50_000 + place, f"Lớp 1A nộp {key}")], amount_vnd=50_000 + place)
                for place, key in enumerate(PRECEDENCE)
                if key != "balance_break"
            ]
            items.append(nights.item("balance_break", note="balance_gap; statement=7; expected=5; found=9"))
            parts = [nights.item("missing_gateway", lines=[line]), nights.item("missing_bank", said=[said])]
            nights.night(*items, *parts)
            service.propose(
                *(session, made.school.id, nights.ids()[0], made.school.principal),
                resolution=Resolution.OTHER,
                said="hỏi lại ngân hàng",
            )
            nights.night(*items, nights.item("amount_diff", lines=[line], said=[said], amount_vnd=115_000))
        yield made


def username(home: Faces) -> str:
    return f"ke.toan.{home.school.code[2:].lstrip('0')}"


def numbers(home: Faces, condition: str) -> list[int]:
    with home.engine.connect() as connection:
        return list(connection.scalars(text(f"SELECT id FROM reconcile_exception WHERE {condition} ORDER BY id")))


@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (1280, "dark")])
def test_the_pages_of_exceptions(home: Faces, chromium: Browser, width: int, scheme: str) -> None:
    proposed, merged = numbers(home, "state = 'proposed'"), numbers(home, "merged_into_id IS NOT NULL")
    with served(home) as base, seen(chromium, width, scheme) as page:
        enter(page, base, username(home))
        for path in ("", f"{proposed[0]}/", f"{merged[0]}/", "?state=all&q=lop+1a", "?age=0-1"):
            for language in ("", "lang=en"):
                page.goto(f"{base}/console/{home.school.code}/exceptions/{path}{'&' if '?' in path else '?'}{language}")
                judge(page, doubts=width > 1000)
        page.goto(f"{base}/console/{home.school.code}/exceptions/?lang=en")
        page.locator("[name=whole]").check()
        page.get_by_role("button", name="Preview the assignment").click()
        page.wait_for_url("**/exceptions/bulk**")
        judge(page, doubts=width > 1000)


def focused(page: Page) -> str:
    return str(page.evaluate("(document.activeElement.textContent || document.activeElement.name || '').trim()"))


def tab_to(page: Page, wanted: str) -> None:
    for _ in range(120):
        page.keyboard.press("Tab")
        if focused(page) == wanted:
            return
    raise AssertionError(f"never reached {wanted!r}")


def test_a_case_is_found_and_finished_by_keyboard_alone(home: Faces, chromium: Browser) -> None:
    [number] = numbers(home, "primary_class = 'missing_ledger' AND state = 'open'")
    with served(home) as base, seen(chromium, 1280, "light") as page:
        enter(page, base, username(home))
        page.goto(f"{base}/console/{home.school.code}/exceptions/")
        page.locator("#q").focus()
        page.keyboard.type("nop missing ledger")
        page.keyboard.press("Enter")
        page.wait_for_url("**q=nop**")
        tab_to(page, str(number))
        page.keyboard.press("Enter")
        page.wait_for_url(f"**/exceptions/{number}/")
        tab_to(page, "Xử lý xong")
        page.keyboard.press("Enter")
        expect(page.get_by_role("status")).to_contain_text("Đã xử lý xong")
        expect(page.get_by_role("heading", level=1)).to_contain_text("Đã xử lý")
    assert numbers(home, "resolution = 'booked'") == [number]
