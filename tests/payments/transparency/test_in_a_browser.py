"""The public pages in chromium: WCAG, 320 pixels, both schemes, both languages, no script; on paper A4."""

from collections.abc import Iterator

import pypdfium2
import pytest
from playwright.sync_api import Browser
from sqlalchemy import Engine, text

from payments.banking.service import close_account
from payments.db import session_scope
from payments.transparency.service import set_contact
from tests.payments.faces import Faces, faces
from tests.payments.transparency.publishing import day, village
from tests.test_accessibility import enter, judge, seen
from tests.test_screenshots import served

pytestmark = [pytest.mark.browser, pytest.mark.db, pytest.mark.timeout(120)]
CEILING = (
    "INSERT INTO fee_ceiling (fee_code, unit, level, area_group, ceiling_vnd, valid_from, document)"
    " VALUES ('AN', 'day', 'primary', NULL, 28000, '2025-09-01', 'Nghị quyết mẫu 07/2025/NQ-HĐND của HĐND tỉnh')"
)


@pytest.fixture
def town(engine: Engine, database_url: str) -> Iterator[tuple[Faces, str]]:
    """A school with a contact, a closed account, and a published round with a price above its ceiling."""
    with faces(engine, database_url, HOCPHI_BASE_URL="https://hocphi.example") as home:
        with session_scope(engine) as session:
            made = village(session, 12, clubs=6)
            made.pay(0, 12, day(8))
            made.publish(day(9))
            session.execute(text(CEILING))
            close_account(session, made.school.id, made.school.other_account, made.school.principal)
            set_contact(
                session,
                made.school.id,
                phone="0220 3123 456",
                email="vanthu@truong-tieu-hoc-hoa-phuong.example",
                hours="Phòng 2, thứ hai đến thứ sáu, 8:00 đến 11:00",
                actor_id=made.school.principal,
            )
        yield home, made.school.code


@pytest.mark.parametrize(("width", "scheme"), [(320, "dark"), (1280, "light")])
def test_everybody_can_read_the_public_pages(
    town: tuple[Faces, str], chromium: Browser, width: int, scheme: str
) -> None:
    home, code = town
    with served(home) as base, seen(chromium, width, scheme) as page:
        hosts: set[str] = set()
        page.on("request", lambda request: hosts.add(request.url.partition("://")[2].partition("/")[0]))
        for path in ("/s/", f"/s/{code}", f"/s/{code}/cong-khai"):
            for query in ("", "?lang=en"):
                page.goto(f"{base}{path}{query}")
                judge(page)
        for number in ("123456789", "hỏi"):
            page.goto(f"{base}/s/{code}")
            page.fill("#account", number)
            page.click("main form button")
            page.wait_for_selector("#answer")
            judge(page)
        assert hosts == {base.partition("://")[2]}


@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1280, "light")])
def test_the_principal_looks_before_publishing(
    town: tuple[Faces, str], chromium: Browser, width: int, scheme: str
) -> None:
    home, code = town
    with session_scope(home.engine) as session:
        session.execute(
            text(
                "INSERT INTO user_grant (user_id, role, organisation_id, valid_from)"
                " SELECT :user, 'principal', id, '2025-09-01' FROM school WHERE code = :code"
            ),
            {"user": home.school.principal, "code": code},
        )
    with served(home) as base, seen(chromium, width, scheme) as page:
        enter(page, base, f"hieu.truong.{home.school.code[2:].lstrip('0')}")
        for language in ("", "?lang=en"):
            page.goto(f"{base}/console/{code}/public/{language}")
            judge(page, doubts=width > 1000)
        page.get_by_role("link", name="Preview").click()
        page.wait_for_selector("table.fees")
        judge(page, doubts=width > 1000)


def test_without_a_script_a_number_is_judged_and_the_table_fits_on_a4(
    town: tuple[Faces, str], chromium: Browser
) -> None:
    home, code = town
    with served(home) as base:
        context = chromium.new_context(java_script_enabled=False)
        page = context.new_page()
        page.goto(f"{base}/s/{code}")
        page.fill("#account", "0000 1111 2222")
        page.click("main form button")
        assert "KHÔNG phải tài khoản của trường" in page.inner_text("#answer + p, #answer + div")
        assert context.cookies() == []
        page.goto(f"{base}/s/{code}/cong-khai")
        paper = pypdfium2.PdfDocument(page.pdf(prefer_css_page_size=True))
        assert [round(side) for side in paper[0].get_size()] == [595, 842]
        words = paper[0].get_textpage().get_text_range()
        assert "Mức trần" in words
        assert "English" not in words
        context.close()
