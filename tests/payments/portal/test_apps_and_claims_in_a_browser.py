"""On a phone: the link into a bank's app agrees with the QR on the screen; a claim turns to seen, then to paid."""

import io
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

from payments.db import session_scope
from payments.schools.bank_apps import switch_bank_apps
from payments.vietqr import decode
from tests.payments.payer_claims.story import TOLD, Story, owe_at_vietcombank
from tests.payments.portal.test_page_in_a_browser import WITHIN_5_S, watched
from tests.test_accessibility import enter, judge, seen
from tests.test_screenshots import served

pytestmark = [pytest.mark.browser, pytest.mark.db, pytest.mark.timeout(240)]


@pytest.fixture
def base(told: Story) -> Iterator[str]:
    with served(told.home) as address:
        yield address


def on(told: Story) -> None:
    with session_scope(told.home.engine) as session:
        switch_bank_apps(session, told.home.school.id, on=True, actor_id=told.home.school.principal)


def notice_with_apps(page: Page) -> Locator:
    """The one notice whose account has a code at the service (the demo's bank has none), unfolded."""
    notice = page.locator(".due", has=page.locator(".apps"))
    assert notice.count() == 1
    notice.locator("summary").first.click()
    return notice


def test_the_link_asks_for_what_the_qr_on_the_screen_asks_for(told: Story, base: str, phone_page: Page) -> None:
    invoice = owe_at_vietcombank(told.home)
    on(told)
    left: list[str] = []
    phone_page.context.route("https://dl.vietqr.io/**", lambda route: (left.append(route.request.url), route.abort()))
    problems = watched(phone_page)
    phone_page.goto(f"{base}/p/{told.home.token}")
    due = notice_with_apps(phone_page)
    [code] = zxingcpp.read_barcodes(Image.open(io.BytesIO(due.locator(".qr").screenshot())))
    qr = decode(code.text)
    due.locator(".apps summary").click()
    link = due.get_by_role("link", name="Mở MBBank (tự điền)")
    told_to = {key: value for key, [value] in parse_qs(urlsplit(link.get_attribute("href") or "").query).items()}
    assert told_to == {"app": "mb", "ba": f"{qr.account}@vcb", "am": str(qr.amount_vnd), "tn": qr.memo}
    assert (qr.memo, qr.amount_vnd) == (invoice.reference, 230_000)
    assert problems == [], "nothing is asked of the third party until somebody taps"
    link.click()
    phone_page.wait_for_timeout(300)
    assert [urlsplit(one).netloc for one in left] == ["dl.vietqr.io"]
    phone_page.goto(f"{base}/p/{told.home.token}")
    notice_with_apps(phone_page)
    first = phone_page.locator(".apps a").first
    expect(first).to_have_text("Mở MBBank (tự điền)")
    expect(first).to_be_visible()


def test_without_a_script_the_list_opens_and_the_form_is_taken(told: Story, base: str, chromium: Browser) -> None:
    owe_at_vietcombank(told.home)
    on(told)
    context = chromium.new_context(java_script_enabled=False, viewport={"width": 320, "height": 568})
    page = context.new_page()
    page.goto(f"{base}/p/{told.home.token}?lang=en")
    notice_with_apps(page).locator(".apps summary").click()
    expect(page.get_by_role("link", name="Open Vietcombank (scan the saved picture)")).to_be_visible()
    page.get_by_role("link", name="Tell the bank's number").click()
    page.get_by_label("The bank's number of the transfer").fill("not one")
    page.get_by_role("button", name="Tell the school").click()
    expect(page.get_by_role("alert")).to_contain_text("6 to 35 letters and digits")
    page.get_by_label("The bank's number of the transfer").fill(TOLD.lower())
    page.get_by_label("Amount paid").fill("115.000")
    page.get_by_role("button", name="Tell the school").click()
    expect(page.get_by_role("status")).to_contain_text("Your word is taken")
    page.get_by_role("link", name="Back to the notice").click()
    expect(page.get_by_text("The school is checking.")).to_be_visible()
    context.close()


def test_a_claim_is_seen_within_five_seconds_and_paid_by_one_key_of_the_accountant(
    told: Story, base: str, phone_page: Page, desk_page: Page
) -> None:
    problems = watched(phone_page)
    phone_page.goto(f"{base}/p/{told.home.token}")
    phone_page.get_by_role("link", name="Báo mã giao dịch").click()
    phone_page.get_by_label("Mã giao dịch của ngân hàng").fill(f" {TOLD[:8]} {TOLD[8:]}")
    expect(phone_page.get_by_label("Số tiền đã chuyển")).to_have_value("100.000")
    phone_page.get_by_label("Số tiền đã chuyển").fill("115.000")
    phone_page.get_by_role("button", name="Báo nhà trường").click()
    phone_page.get_by_role("link", name="Về thông báo").click()
    expect(phone_page.get_by_text("Nhà trường đang kiểm tra.")).to_be_visible()
    told.bank_tells(115_000, "NGUYEN THI LAN chuyen tien")
    told.settle()
    shown = phone_page.locator("#shown")
    expect(shown.get_by_text("Ngân hàng báo có tiền, đang kiểm tra.")).to_be_visible(timeout=WITHIN_5_S)
    expect(phone_page.get_by_text("Số tiếp nhận")).to_be_visible()
    enter(desk_page, base, f"ke.toan.{told.home.school.code[2:].lstrip('0')}")
    desk_page.goto(f"{base}/console/{told.home.school.code}/unmatched/")
    expect(desk_page.locator("#rows .chip").first).to_have_text("Phụ huynh báo mã giao dịch")
    desk_page.keyboard.press("j")
    desk_page.keyboard.press("a")
    expect(shown.get_by_text("✓ Đã thanh toán")).to_be_visible(timeout=WITHIN_5_S)
    assert problems == []
    told.settle()


def test_both_schemes_and_languages_are_readable_by_everybody(told: Story, base: str, chromium: Browser) -> None:
    owe_at_vietcombank(told.home)
    on(told)
    told.tell()
    told.bank_tells(115_000)
    told.settle()
    told.tell("FT26331000000099")
    school = told.home.school
    for scheme in ("light", "dark"):
        with seen(chromium, 320, scheme) as page:
            for tail in ("", "?lang=en"):
                page.goto(f"{base}/p/{told.home.token}{tail}")
                notice_with_apps(page).locator(".apps summary").click()
                judge(page)
                for path in ("claims", "claims?told=1"):
                    page.goto(f"{base}/p/{told.home.token}/{path}{tail.replace('?', '&' if '?' in path else '?')}")
                    judge(page)
        with seen(chromium, 1366, scheme) as page:
            enter(page, base, f"hieu.truong.{school.code[2:].lstrip('0')}")
            for path in ("reported/", "reported/?lang=en", "accounts/"):
                page.goto(f"{base}/console/{school.code}/{path}")
                judge(page)
