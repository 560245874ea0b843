"""The developers' desk in a real browser: WCAG 2.2 AA in both schemes and languages, the keyboard, no other host."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page, Request, expect

from payments.developers.rules import Scenario
from tests.payments.developers.desks import DeveloperDesk, body_of, play, share_live
from tests.payments.faces import PASSWORD
from tests.payments.inbox.callers import rows
from tests.test_accessibility import judge, seen, tab_to

pytestmark = [pytest.mark.browser, pytest.mark.db, pytest.mark.timeout(240)]


@contextmanager
def watched(page: Page, base_url: str) -> Iterator[None]:
    """Nothing is loaded from another host, and the console stays silent (a breach of the CSP is told there)."""
    elsewhere: list[str] = []
    told: list[str] = []

    def look(request: Request) -> None:
        if not request.url.startswith((base_url, "data:")):
            elsewhere.append(request.url)

    page.on("request", look)
    page.on("console", lambda message: told.append(message.text) if message.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: told.append(str(error)))
    yield
    assert elsewhere == []
    assert told == []


def enter(page: Page, base_url: str, username: str) -> None:
    page.goto(f"{base_url}/login")
    page.fill("#username", username)
    page.fill("#password", PASSWORD)
    with page.expect_navigation():
        page.press("#password", "Enter")


def something_of_everything(desk: DeveloperDesk) -> list[str]:
    """Deliveries of several kinds, and the addresses of every page."""
    desk.receive(desk.live, body_of(desk.live))
    desk.receive(desk.live, body_of(desk.live), secret="another-secret")
    desk.receive(desk.live, body_of(desk.live, txn_id=7, accountNumber="1900112233"))
    play(desk, Scenario.DUPLICATE)
    share_live(desk)
    events = [f"events/{event_id}/" for (event_id,) in rows(desk.engine, "SELECT id FROM raw_callback ORDER BY id")]
    fixed = ["", "connect/", "connect/sepay/", "connect/vnpay/", "connect/vietinbank/", "api/", "sandbox/", "events/"]
    found = ["events/?q=FT000000001", "events/?outcome=stale"]
    return [*fixed, *found, f"connections/{desk.live.connection_id}/", *events[:4]]


@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1280, "light")])
def test_every_page_is_held_to_wcag(desk: DeveloperDesk, chromium: Browser, width: int, scheme: str) -> None:
    paths = something_of_everything(desk)
    with seen(chromium, width, scheme) as page, watched(page, desk.base_url):
        enter(page, desk.base_url, "ky.su")
        for path in paths:
            for query in ("", "&lang=en" if "?" in path else "?lang=en"):
                page.goto(f"{desk.base_url}/developers/{path}{query}")
                page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
                judge(page, doubts=width > 1000)


@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (1280, "dark")])
def test_what_answers_a_form_is_held_to_wcag(desk: DeveloperDesk, chromium: Browser, width: int, scheme: str) -> None:
    desk.receive(desk.live, body_of(desk.live))
    with seen(chromium, width, scheme) as page, watched(page, desk.base_url):
        enter(page, desk.base_url, "quan.tri")
        page.goto(f"{desk.base_url}/developers/events/{desk.newest_event()}/")
        page.click("summary")
        page.click("form[action$='/open'] button")
        expect(page.get_by_text("NGUYEN THI BINH").first).to_be_visible()
        judge(page, doubts=width > 1000)
        page.goto(f"{desk.base_url}/developers/sandbox/")
        page.select_option("#scenario", "duplicate")
        page.click("main form button")
        expect(page.get_by_role("status")).to_be_visible()
        page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
        judge(page, doubts=width > 1000)


def test_a_message_is_sent_looked_at_and_replayed_without_a_mouse(desk: DeveloperDesk, chromium: Browser) -> None:
    with seen(chromium, 1280, "light") as page, watched(page, desk.base_url):
        enter(page, desk.base_url, "ky.su")
        tab_to(page, 'nav a[href$="/sandbox/"]')
        with page.expect_navigation():
            page.keyboard.press("Enter")
        expect(page.get_by_text("không ảnh hưởng tiền thật")).to_be_visible()
        tab_to(page, "#scenario")
        page.keyboard.press("ArrowDown")
        tab_to(page, "main form button")
        with page.expect_navigation():
            page.keyboard.press("Enter")
        expect(page.locator("#report")).to_contain_text("Chữ ký sai: đúng như mong đợi")
        tab_to(page, 'article a[href*="/events/"]')
        with page.expect_navigation():
            page.keyboard.press("Enter")
        expect(page.locator("main")).to_contain_text("bad_signature")
        tab_to(page, 'form[action$="/replay"] button')
        with page.expect_navigation():
            page.keyboard.press("Enter")
        expect(page.get_by_role("status")).to_contain_text("bad_signature")


def test_everything_works_without_javascript(desk: DeveloperDesk, chromium: Browser) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    enter(page, desk.base_url, "ky.su")
    page.goto(f"{desk.base_url}/developers/sandbox/")
    page.select_option("#scenario", "short")
    with page.expect_navigation():
        page.click("main form button")
    assert "Nếu là tiền thật" in page.content()
    page.goto(f"{desk.base_url}/developers/api/")
    assert "/api/v1/rounds/{id}/invoices" in page.content()
    context.close()


def test_swagger_ui_runs_under_the_strict_policy_and_asks_nobody_else(desk: DeveloperDesk, chromium: Browser) -> None:
    with seen(chromium, 1280, "dark") as page, watched(page, desk.base_url):
        enter(page, desk.base_url, "ky.su")
        page.goto(f"{desk.base_url}/developers/api/")
        page.click("text=Swagger UI")
        expect(page.locator(".opblock").first).to_be_visible(timeout=60_000)  # two megabytes of script
        assert page.locator(".opblock").count() >= 2
        policy = page.request.get(page.url).headers["content-security-policy"]
        assert "unsafe" not in policy
        assert "script-src 'self';" in policy


def test_the_pages_are_there_where_npm_was_not(desk: DeveloperDesk, chromium: Browser, tmp_path) -> None:
    desk.client.application.static_folder = str(tmp_path)
    desk.enter("ky.su")
    assert "Swagger" not in desk.home.page("/developers/api/")
    desk.home.page("/developers/api/try/", status=404)
