"""A family in a real browser: two schools in two steps, QR codes on the screen, signed callbacks, any phone."""

import io
import threading
from collections.abc import Iterator

import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import Engine
from werkzeug.serving import make_server

from payments.db import session_scope
from payments.settlement.service import settle_school
from payments.vietqr import decode
from tests.payments.inbox.callers import Sender, WsgiShell, make_sender, sepay_body, sepay_request
from tests.payments.portal.homes import Homes, homes
from tests.payments.portal.test_page_in_a_browser import WITHIN_5_S, watched
from tests.test_accessibility import judge

pytestmark = [pytest.mark.browser, pytest.mark.db]


@pytest.fixture
def home(engine: Engine, database_url: str) -> Iterator[Homes]:
    with homes(engine, database_url) as made:
        yield made


@pytest.fixture
def base(home: Homes) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, home.client.application, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def scanned(page: Page, step: int):
    """What a bank app reads from the screen."""
    figure = page.locator("article.due").nth(step).locator(".qr")
    figure.scroll_into_view_if_needed()
    expect(figure.locator("img")).to_be_visible()
    return decode(zxingcpp.read_barcodes(Image.open(io.BytesIO(figure.screenshot())))[0].text)


def bank_tells(home: Homes, sender: Sender, shell: WsgiShell, txn_id: int, amount_vnd: int, memo: str) -> None:
    """A signed callback, and the worker that it wakes."""
    body = sepay_body(sender.number, txn_id, amount_vnd, f"MBVCB.9.{memo}.CT DI", transactionDate="2025-09-10 08:15:30")
    assert shell.call(sender.url, sepay_request(body)).status == 200
    with session_scope(home.faces.engine) as session:
        assert settle_school(session, sender.school.id).taken == 1


def test_a_mother_of_two_pays_both_schools_and_sees_it_within_five_seconds(
    home: Homes, base: str, phone_page: Page
) -> None:
    problems = watched(phone_page)
    phone_page.goto(f"{base}/p/{home.binh}")
    phone_page.get_by_text("Thêm con khác").click()
    phone_page.get_by_label("Đường dẫn của con còn lại").fill(f"{base}/p/{home.chi}")
    phone_page.get_by_role("button", name="Gộp vào một trang").click()
    expect(phone_page.get_by_text("Hãy lưu đường dẫn này.")).to_be_visible()
    assert phone_page.locator(".child").count() == 2
    phone_page.get_by_role("button", name="Nộp các khoản đã chọn").click()
    expect(phone_page.get_by_text("Bước 1/2")).to_be_visible()
    codes = [scanned(phone_page, step) for step in (0, 1)]
    assert [code.amount_vnd for code in codes] == [60_000, 100_000]
    shown = [text.replace("\N{NO-BREAK SPACE}", " ") for text in phone_page.locator(".amount").all_inner_texts()]
    assert [text.split()[0] for text in shown] == ["60.000", "100.000"]
    settings, engine = home.faces.settings, home.faces.engine
    shell = WsgiShell(settings)
    for txn_id, (school, code) in enumerate(zip((home.here, home.there), codes, strict=True), 1):
        sender = make_sender(engine, settings, school=school)
        bank_tells(home, sender, shell, txn_id, code.amount_vnd, code.memo)
        expect(phone_page.locator("#shown").get_by_text("✓ Đã thanh toán")).to_have_count(txn_id, timeout=WITHIN_5_S)
    shell.close()
    phone_page.get_by_text("Về trang gia đình").click()
    expect(phone_page.locator("#shown").get_by_text("✓ Hiện không có khoản nào cần nộp.")).to_have_count(2)
    assert problems == []


def test_without_scripts_on_the_smallest_phone_all_of_it_works(home: Homes, base: str, chromium: Browser) -> None:
    family = home.family(home.binh)
    context = chromium.new_context(java_script_enabled=False, viewport={"width": 320, "height": 568})
    page = context.new_page()
    page.goto(f"{base}/p/{family}")
    page.locator(f'input[value="{home.dues["an"].reference}"]').check()
    page.locator(f'input[value="{home.dues["an_other"].reference}"]').uncheck()
    page.get_by_role("button", name="Nộp các khoản đã chọn").click()
    expect(page.locator("article.due")).to_have_count(1)
    code = scanned(page, 0)
    assert code.amount_vnd == 240_000
    home.pay(home.here, 240_000, code.memo)
    page.get_by_text("Kiểm tra lại xem tiền đã đến chưa").click()
    expect(page.locator("#shown").get_by_text("✓ Đã thanh toán")).to_be_visible()
    context.close()


@pytest.mark.parametrize("language", ["", "?lang=en"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_can_be_used_by_everybody(
    home: Homes, base: str, chromium: Browser, scheme: str, language: str
) -> None:
    family = home.family(home.binh, home.chi)
    items = [home.dues[one].reference for one in ("an", "an2", "binh", "chi", "chi2")]
    steps = home.together(family, *items)
    home.pay(home.here, 60_000, home.dues["binh"].reference)
    context = chromium.new_context(viewport={"width": 320, "height": 740}, color_scheme=scheme)
    page = context.new_page()
    new = "?new&lang=en" if language else "?new"
    for path in (
        f"/p/{family}{new}",
        f"{steps}{language}",
        f"/p/{home.an}/together{language}",
        f"/p/{home.an}/family{language}",
        f"/p/{home.an}{language}",
    ):
        page.goto(f"{base}{path}")
        for details in page.locator("details").all():
            details.evaluate("one => { one.open = true; }")
        judge(page)
    context.close()


def test_the_family_s_page_is_light(home: Homes, base: str, phone_page: Page) -> None:
    family = home.family(home.binh, home.chi)
    sizes: list[int] = []
    phone_page.on("response", lambda answer: sizes.append(len(answer.body())))
    phone_page.goto(f"{base}/p/{family}")
    phone_page.wait_for_load_state("networkidle")
    assert len(sizes) <= 5
    assert sum(sizes) < 40_000
