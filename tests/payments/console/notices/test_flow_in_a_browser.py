"""The accountant tells parents, from the choice to the last letter; every page of it without barriers."""

from datetime import UTC, datetime

import pytest
from playwright.sync_api import Browser, expect

from payments import clock
from payments.notices.tasks import send_due
from tests.payments.console.notices.conftest import parent
from tests.test_accessibility import enter, judge, seen
from tests.test_screenshots import served

pytestmark = [pytest.mark.browser, pytest.mark.db, pytest.mark.timeout(180)]
PAGES = ("", "new", "new?channel=chat", "classes/", "texts/", "texts/reminder/vi", "addresses/", "settings/")


def test_the_whole_way(desk, box, chromium: Browser, monkeypatch):
    noon = datetime(2025, 9, 10, 5, tzinfo=UTC)
    monkeypatch.setattr(clock, "now", lambda: noon)
    for name, mailbox in (("An", "a"), ("Bình", "khong"), ("Chi", "c")):
        parent(desk, name, f"{mailbox}@example.org")
    box.rcpt["khong@example.org"] = "550 5.1.1 no such user"
    username = f"ke.toan.{desk.school.code[2:].lstrip('0')}"
    with served(desk) as base, seen(chromium, 1280, "light") as page:
        page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=base)
        enter(page, base, username)
        page.get_by_role("link", name="Gửi phụ huynh").click()
        page.get_by_role("link", name="Tạo đợt gửi").click()
        page.get_by_label("Đợt thu").select_option(index=0)
        page.get_by_role("button", name="Xem trước").click()
        expect(page.get_by_role("row", name="thư điện tử")).to_contain_text("3 học sinh")
        expect(page.get_by_role("row", name="thư điện tử")).to_contain_text("1 không có địa chỉ")
        expect(page.get_by_role("row", name="Zalo ZNS")).to_contain_text("đang tắt")
        expect(page.locator(".case")).to_have_count(3)
        judge(page)
        page.get_by_role("button", name="Bắt đầu gửi").click()
        expect(page.get_by_role("status")).to_contain_text("Đã bắt đầu gửi")
        assert send_due() == 3
        page.reload()
        expect(page.get_by_role("heading", level=1)).to_contain_text("đã xong")
        expect(page.get_by_role("link", name="đã gửi 2")).to_be_visible()
        page.get_by_role("link", name="hỏng địa chỉ 1").click()
        expect(page.get_by_role("row", name="Bình")).to_contain_text("máy chủ thư từ chối (smtp_550)")
        judge(page)
        page.get_by_role("link", name="Việc hôm nay").click()
        expect(page.get_by_role("link", name="1 thông báo không đến được phụ huynh")).to_be_visible()
        page.get_by_role("link", name="Gửi phụ huynh").click()
        page.get_by_role("link", name="Địa chỉ lỗi").click()
        expect(page.get_by_role("row", name="khong@example.org")).to_contain_text("Nguyễn Mẫu Bình")
        page.get_by_role("link", name="Chép cho lớp").click()
        page.get_by_role("button", name="Chép tin nhóm").click()
        expect(page.get_by_role("button", name="Đã chép")).to_be_visible()
        copied = page.evaluate("navigator.clipboard.readText()")
        assert copied.startswith("Kính gửi phụ huynh lớp 1A")
    assert box.recipients == ["a@example.org", "c@example.org"]


@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1280, "light")])
def test_no_page_has_barriers(desk, chromium: Browser, width: int, scheme: str):
    parent(desk, "An", "a@example.org")
    with served(desk) as base, seen(chromium, width, scheme) as page:
        enter(page, base, f"hieu.truong.{desk.school.code[2:].lstrip('0')}")
        for path in PAGES:
            for lang in ("vi", "en"):
                page.goto(f"{base}/console/{desk.school.code}/notices/{path}{'&' if '?' in path else '?'}lang={lang}")
                # Letters of the preview may run below the fold, where axe cannot tell what is behind them.
                judge(page, doubts=width > 1000 and not path.startswith(("new", "texts/")))
