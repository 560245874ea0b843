"""The parent's page in a real browser: live within five seconds, at once on coming back, and without scripts."""

import io
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import Engine
from werkzeug.serving import make_server

from payments.vietqr import decode
from tests.payments.faces import Faces, faces

pytestmark = [pytest.mark.browser, pytest.mark.db]
WITHIN_5_S = 5_000


@dataclass(frozen=True)
class Served:
    """The application behind a port."""

    home: Faces
    base: str

    @property
    def url(self) -> str:
        return f"{self.base}/p/{self.home.token}"


@pytest.fixture
def served(engine: Engine, database_url: str) -> Iterator[Served]:
    with faces(engine, database_url) as home:
        server = make_server("127.0.0.1", 0, home.client.application, threaded=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield Served(home, f"http://127.0.0.1:{server.server_port}")
        server.shutdown()
        thread.join()
        server.server_close()


def watched(page: Page) -> list[str]:
    """Console errors, among them broken CSP rules, and requests to other hosts."""
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.on("request", lambda sent: problems.append(sent.url) if "127.0.0.1" not in sent.url else None)
    return problems


def test_the_page_turns_to_paid_within_five_seconds(served: Served, phone_page: Page) -> None:
    problems = watched(phone_page)
    phone_page.goto(served.url)
    expect(phone_page.get_by_text("Vẫn nộp được như bình thường")).to_be_visible()
    served.home.pay(115_000, served.home.invoice.reference)
    expect(phone_page.locator("#shown").get_by_text("✓ Đã thanh toán 115.000")).to_be_visible(timeout=WITHIN_5_S)
    assert problems == []


def test_coming_back_from_the_bank_app_looks_at_once(served: Served, phone_page: Page) -> None:
    phone_page.clock.install()
    phone_page.goto(served.url)
    hide = "Object.defineProperty(document, 'visibilityState', {value: '%s', configurable: true});"
    tell = "document.dispatchEvent(new Event('visibilitychange'));"
    phone_page.evaluate(hide % "hidden" + tell)
    served.home.pay(115_000, served.home.invoice.reference)
    phone_page.clock.run_for(10_000)
    expect(phone_page.get_by_text("Vẫn nộp được như bình thường")).to_be_visible()
    phone_page.evaluate(hide % "visible" + tell)  # no time passes on the page's clock
    expect(phone_page.locator("#shown").get_by_text("✓ Đã thanh toán 115.000")).to_be_visible(timeout=WITHIN_5_S)


@pytest.mark.parametrize("paid_vnd", [0, 50_000])
def test_the_qr_on_the_screen_and_the_saved_one_say_what_the_page_says(
    served: Served, phone_page: Page, paid_vnd: int
) -> None:
    if paid_vnd:
        served.home.pay(paid_vnd, served.home.invoice.reference)
    phone_page.goto(served.url)
    expect(phone_page.locator(".qr img")).to_be_visible()
    seen = zxingcpp.read_barcodes(Image.open(io.BytesIO(phone_page.locator(".qr").screenshot())))
    qr = decode(seen[0].text)
    assert phone_page.locator(".amount").inner_text().startswith(f"{qr.amount_vnd:,}".replace(",", "."))
    copies = [button.get_attribute("data-copy") for button in phone_page.locator(".copy").all()]
    assert [qr.account, str(qr.amount_vnd), qr.memo] == [copies[0], copies[2], copies[3]]
    assert qr.amount_vnd == 100_000 - paid_vnd
    with phone_page.expect_download() as saved:
        phone_page.get_by_text("Lưu ảnh mã QR").click()
    assert decode(zxingcpp.read_barcodes(Image.open(saved.value.path()))[0].text) == qr


def test_without_scripts_the_page_works_by_reloading(served: Served, chromium: Browser) -> None:
    context = chromium.new_context(java_script_enabled=False, viewport={"width": 320, "height": 568})
    page = context.new_page()
    page.goto(served.url)
    expect(page.locator(".copy").first).to_be_hidden()
    served.home.pay(115_000, served.home.invoice.reference)
    page.get_by_text("Kiểm tra lại xem tiền đã đến chưa").click()
    expect(page.locator("#shown").get_by_text("✓ Đã thanh toán 115.000")).to_be_visible()
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_scrolls_sideways_at_320_pixels(served: Served, chromium: Browser, scheme: str) -> None:
    context = chromium.new_context(viewport={"width": 320, "height": 568}, color_scheme=scheme)
    page = context.new_page()
    page.goto(served.url)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    context.close()


def test_copy_puts_the_value_on_the_clipboard(served: Served, chromium: Browser) -> None:
    context = chromium.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.goto(served.url)
    page.locator(".copy").last.click()
    expect(page.locator(".copy").last).to_have_text("Đã chép")
    assert page.evaluate("navigator.clipboard.readText()") == served.home.invoice.reference
    context.close()


def test_the_first_load_is_light(served: Served, phone_page: Page) -> None:
    sizes: list[int] = []
    phone_page.on("response", lambda answer: sizes.append(len(answer.body())))
    phone_page.goto(served.url)
    phone_page.wait_for_load_state("networkidle")
    assert len(sizes) <= 5
    assert sum(sizes) < 30_000
