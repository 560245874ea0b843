"""Every page against WCAG 2.2 AA by axe-core, in both colour schemes and both languages, on a phone and on a desk."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import Engine

from payments.access.models import Role
from payments.access.service import create_user, grant_role
from payments.db import session_scope
from reconciliation.panels import PANELS
from tests.payments.clearing.street import Street
from tests.payments.faces import PASSWORD, Faces, faces
from tests.test_screenshots import served

pytestmark = [pytest.mark.browser, pytest.mark.db, pytest.mark.timeout(120)]
AXE = (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")
EACH_COLOUR_ONCE = """
(() => {
  const colour = axe.commons.color.Color.prototype, parse = colour.parseString, known = new Map();
  colour.parseString = function (text) {
    if (!known.has(text)) {
      parse.call(this, text);
      known.set(text, [this.r, this.g, this.b, this.alpha]);
    }
    [this.r, this.g, this.b, this.alpha] = known.get(text);
    return this;
  };
})()
"""
"""axe reads the same few colours anew for each text and each layer below it: a third of its time."""
RULES = """{
    runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
    resultTypes: ['violations', 'incomplete'],
}"""
DESK = (
    *("", "roster/", "fees/", "rounds/", "rounds/new", "invoices/", "unmatched/", "accounts/", "reconciliation/"),
    *("api-keys/", "reports/", "search?q=nguyen", "paper/", "unmatched/?tab=held"),
)
SMALL = """
() => [...document.querySelectorAll('a, button, input, select, summary')]
  .filter(e => getComputedStyle(e).display !== 'inline' && e.type !== 'hidden' && e.getClientRects().length)
  .filter(e => e.getBoundingClientRect().height < 24 || e.getBoundingClientRect().width < 24).map(e => e.outerHTML)
"""


@pytest.fixture
def database_url(furnished_url: str) -> str:
    """Databases of this module hold the usual school."""
    return furnished_url


@pytest.fixture
def home(engine: Engine, database_url: str) -> Iterator[Faces]:
    with faces(engine, database_url, PANELS) as made:
        yield made


@contextmanager
def seen(chromium: Browser, width: int, scheme: str) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": width, "height": 740}, color_scheme=scheme)
    yield context.new_page()
    context.close()


def judge(page: Page, *, doubts: bool = True) -> None:
    """No violation, no serious doubt, no sideways scrolling, nothing too small for a finger.

    Charts are left out: they are hidden from readers, who have the table below, and axe never judges text in pictures.

    ``doubts`` False where part of a table is scrolled out of sight: axe cannot see the colours there.
    """
    page.wait_for_load_state()  # with its style sheets
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), page.url
    assert page.evaluate(SMALL) == [], page.url
    _show_all(page)
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
        page.evaluate(EACH_COLOUR_ONCE)
    scope = "{exclude: [['.chart']]}"
    result = page.evaluate(f"() => axe.run({scope}, {RULES})")
    found = result["violations"] + [rule for rule in result["incomplete"] if doubts and rule["impact"] == "serious"]
    assert [(page.url, rule["id"], rule["nodes"][0]["html"]) for rule in found] == []


def _show_all(page: Page) -> None:
    """As high as the page: axe can tell no colours below the fold."""
    shown = page.viewport_size
    height = page.evaluate("document.documentElement.scrollHeight")
    if shown and height > shown["height"]:
        page.set_viewport_size({"width": shown["width"], "height": height})
        page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def pay_something(home: Faces, state: str) -> None:
    amount = {"waiting": 0, "partly": 50_000, "over": 150_000}[state]
    if amount:
        home.pay(amount, home.invoice.reference)


@pytest.mark.parametrize("state", ["waiting", "partly", "over"])
def test_the_parents_page(home: Faces, chromium: Browser, state: str) -> None:
    pay_something(home, state)
    with served(home) as base:
        for scheme in ("light", "dark"):
            with seen(chromium, 320, scheme) as page:
                check = ("/verify", "/verify?lang=en", f"/verify/{'A' * 20}")
                for path in (f"/p/{home.token}", f"/p/{home.token}?lang=en", f"/p/{'a' * 32}", "/", "/login", *check):
                    page.goto(base + path)
                    judge(page)


def enter(page: Page, base: str, username: str) -> None:
    """Log in and stand on the desk's first page; the form is sent without being drawn (test_screenshots.py types)."""
    form = page.request.get(f"{base}/login").text()
    token = form.split('name="csrf_token" value="')[1].split('"')[0]
    sent = {"csrf_token": token, "username": username, "password": PASSWORD}
    assert page.request.post(f"{base}/login", form=sent, max_redirects=0).status == 303
    page.goto(f"{base}/console/")


@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1280, "light")])
def test_the_accountants_desk(home: Faces, chromium: Browser, width: int, scheme: str) -> None:
    pay_something(home, "partly")
    home.pay(65_000, f"LOP 1A {home.invoice.reference[:10]}")
    with served(home) as base, seen(chromium, width, scheme) as page:
        enter(page, base, f"ke.toan.{home.school.code[2:].lstrip('0')}")
        for path in (*DESK, f"invoices/{home.invoice.id}/", f"pupils/{home.school.pupil}/"):
            for query in ("", "?lang=en"):
                page.goto(f"{base}/console/{home.school.code}/{path}{query}")
                judge(page, doubts=width > 1000)


@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1280, "light")])
def test_what_intermediaries_owe(home: Faces, chromium: Browser, width: int, scheme: str) -> None:
    """A payout, a line that a person must match, and a payment that is overdue."""
    with session_scope(home.engine) as session:
        street = Street(session, school=home.school)
        for day in (0, 2):
            street.pays(street.issue(), day=day)
        street.line(98_900, day=1)
        street.line(90_000, day=5)
        street.work()
        line_id = street.ids(owed=False)[1]
    with served(home) as base, seen(chromium, width, scheme) as page:
        enter(page, base, f"ke.toan.{home.school.code[2:].lstrip('0')}")
        for path in ("payouts/", f"payouts/lines/{line_id}/"):
            for query in ("", "?lang=en"):
                page.goto(f"{base}/console/{home.school.code}/{path}{query}")
                judge(page, doubts=width > 1000)
        with page.expect_navigation():
            page.get_by_role("button", name="Count again").click()
        judge(page, doubts=width > 1000)


@pytest.mark.parametrize("role", [Role.OFFICER, Role.OPERATOR])
@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (1280, "dark")])
def test_the_pages_of_the_province(home: Faces, chromium: Browser, role: Role, width: int, scheme: str) -> None:
    with session_scope(home.engine) as session:
        user = create_user(session, username="ai.do", full_name="Ai Đó (mẫu)", password=PASSWORD)
        grant_role(session, user, role, home.school.id if role is Role.OFFICER else None)
    with served(home) as base, seen(chromium, width, scheme) as page:
        enter(page, base, "ai.do")
        judge(page, doubts=width > 1000)


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until the element has the focus, as somebody without a mouse does."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    pytest.fail(f"no number of tabs leads to {selector}")


def test_the_accountant_places_a_transfer_and_takes_it_back_without_a_mouse(home: Faces, chromium: Browser) -> None:
    home.pay(115_000, f"LOP 1A {home.invoice.reference[:10]}")
    with served(home) as base, seen(chromium, 1280, "light") as page:
        enter(page, base, f"ke.toan.{home.school.code[2:].lstrip('0')}")
        tab_to(page, 'a[href$="/unmatched/"]')
        with page.expect_navigation():
            page.keyboard.press("Enter")
        tab_to(page, 'button[formaction$="/assign"]')
        page.keyboard.press("Enter")
        expect(page.get_by_role("status")).to_contain_text("Đã gán: 115.000")
        tab_to(page, 'button[formaction$="/undo"]')
        page.keyboard.press("Enter")
        expect(page.get_by_role("status")).to_contain_text("Đã hoàn tác")
        expect(page.locator("#rows tr:not(.done)")).to_have_count(1)
