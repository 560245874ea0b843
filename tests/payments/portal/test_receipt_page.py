"""A receipt as a page: what it says, in both languages, on both papers, and when it was revoked."""

import re
from collections.abc import Iterator

import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import Browser
from pypdfium2 import PdfDocument
from sqlalchemy import Engine, text

from payments.db import session_scope
from payments.inbox.models import Direction
from payments.settlement.settling import settle_transactions
from tests.payments.faces import Faces, faces
from tests.payments.settlement.setting import arrive
from tests.test_accessibility import judge, seen
from tests.test_screenshots import served

pytestmark = pytest.mark.db


@pytest.fixture
def paid(engine: Engine, database_url: str) -> Iterator[Faces]:
    """The parent has paid five thousand too much."""
    with faces(engine, database_url) as made:
        made.pay(120_000, made.invoice.reference)
        yield made


def path(home: Faces) -> str:
    found = re.search(r'href="(/p/[^"]+/receipt/XN-[0-9]{4}-[0-9]{6})"', home.page(f"/p/{home.token}"))
    assert found, "the pay page leads to it"
    return found[1]


def take_back(home: Faces) -> None:
    with session_scope(home.engine) as session:
        taken = session.scalar(text("SELECT transaction_id FROM receipt"))
        debit = arrive(session, home.school, 120_000, "thu hoi", reverses=taken, direction=Direction.DEBIT)
        settle_transactions(session, home.school.id, [debit])


def test_the_page_says_what_the_pdf_says_and_keeps_vietnamese_where_it_counts(paid: Faces) -> None:
    for language in ("vi", "en"):
        page = paid.page(path(paid), language=language)
        for words in ("Xác nhận đã thu", "Nguyễn Mẫu An", "120.000", "Một trăm hai mươi nghìn đồng", "Tiền thừa"):
            assert words in page, (language, words)
        assert "Không thay hóa đơn" in page
    assert "Amount" in page
    assert f"{paid.settings.base_url}/verify/" in page
    assert "Nguyễn" not in page.split("</title>")[0]


def test_words_follow_the_school_s_way_of_speaking(paid: Faces) -> None:
    with session_scope(paid.engine) as session:
        session.execute(text("UPDATE school SET number_words = 'south'"))
    assert "Một trăm hai mươi ngàn đồng" in paid.page(path(paid))


def test_a_revoked_receipt_says_so_on_the_page_and_the_pay_page_still_leads_to_it(paid: Faces) -> None:
    assert "Đã thu hồi" not in paid.page(path(paid))
    take_back(paid)
    assert "Đã thu hồi" in paid.page(path(paid))
    assert "revoked" in paid.page(path(paid), language="en")


@pytest.mark.browser
def test_it_prints_on_one_sheet_of_its_paper_and_the_square_leads_to_the_check(paid: Faces, chromium: Browser) -> None:
    where = path(paid)
    with served(paid) as base:
        page = chromium.new_page()
        for paper, size in (("a5", (595, 420)), ("a4", (595, 842))):
            page.goto(f"{base}{where}?paper={paper}")
            sheet = PdfDocument(page.pdf(prefer_css_page_size=True))
            assert len(sheet) == 1, paper
            assert tuple(round(side) for side in sheet[0].get_size()) == pytest.approx(size, abs=2), paper
            picture: Image.Image = sheet[0].render(scale=3).to_pil()
            [square] = zxingcpp.read_barcodes(picture)
            assert square.text.startswith(f"{paid.settings.base_url}/verify/")
        page.close()


@pytest.mark.browser
def test_receipts_look_ups_and_dead_ends_are_readable_by_everybody(
    paid: Faces, chromium: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Axe, both schemes and languages, a narrow phone: receipt, look-up and refusal, unknown link, 404, 429, 500."""
    receipt = path(paid)
    take_back(paid)
    monkeypatch.setattr("payments.receipts.views.queries.by_code", lambda *_: 1 / 0)
    paid.client.application.config["PROPAGATE_EXCEPTIONS"] = False
    with served(paid) as base:
        for scheme in ("light", "dark"):
            with seen(chromium, 320, scheme) as page:
                for language in ("", "?lang=en"):
                    for where, status in (
                        (receipt, 200),
                        (f"/p/{'a' * 32}", 404),
                        ("/no-such-page", 404),
                        (f"/verify/{'A' * 20}", 500),
                    ):
                        answer = page.goto(f"{base}{where}{language}")
                        assert answer is not None
                        assert answer.status == status
                        judge(page)
                    page.goto(f"{base}/tra-cuu{language}")
                    judge(page)
                    for born, role in (("03/03/2019", "alert"), ("02/03/2019", "")):
                        page.fill("#code", paid.invoice.reference)
                        page.fill("#born", born)
                        page.click("form button")
                        assert (page.locator("[role=alert]").count() == 1) == bool(role)
                        judge(page)
        with seen(chromium, 320, "light") as page:
            monkeypatch.setattr("payments.portal.lookup_views.network_is_tired", lambda _: True)
            page.goto(f"{base}/tra-cuu")
            page.fill("#code", "x")
            page.fill("#born", "02/03/2019")
            page.click("form button")
            assert "đợi 2 phút" in page.inner_text("main")
            judge(page)
