"""Pictures for the README, taken from the real pages: ``make screenshots`` keeps them, every run takes them."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from sqlalchemy import Engine
from werkzeug.serving import make_server

from payments.developers.rules import Scenario
from tests.payments.developers.desks import body_of, developer_desk, play
from tests.payments.faces import PASSWORD, Faces, faces

pytestmark = [pytest.mark.browser, pytest.mark.db]
KEPT = Path(__file__).parents[1] / "docs" / "screenshots"


@contextmanager
def served(home: Faces) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, home.client.application, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def database_url(furnished_url: str) -> str:
    """Databases of this module hold the usual school."""
    return furnished_url


@pytest.fixture
def home(engine: Engine, database_url: str) -> Iterator[Faces]:
    with faces(engine, database_url) as made:
        made.pay(50_000, made.invoice.reference)
        made.pay(115_000, "NGUYEN THI LAN chuyen tien")
        made.pay(65_000, f"LOP 1A {made.invoice.reference[:10]}")
        yield made


def keep(page: Page, name: str, tmp_path: Path) -> None:
    folder = KEPT if os.environ.get("SCREENSHOTS") else tmp_path
    folder.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=folder / f"{name}.png", full_page=True)
    assert (folder / f"{name}.png").stat().st_size > 5_000


def test_the_parents_page_on_a_phone(home: Faces, chromium: Browser, tmp_path: Path) -> None:
    with served(home) as base:
        for name, scheme, query in (("pay", "light", ""), ("pay-dark-en", "dark", "?lang=en")):
            context = chromium.new_context(
                viewport={"width": 360, "height": 740}, device_scale_factor=2, color_scheme=scheme
            )
            page = context.new_page()
            page.goto(f"{base}/p/{home.token}{query}")
            keep(page, name, tmp_path)
            context.close()


def test_the_accountants_desk(home: Faces, desk_page: Page, tmp_path: Path) -> None:
    with served(home) as base:
        desk_page.goto(f"{base}/login")
        desk_page.fill("#username", f"ke.toan.{home.school.code[2:].lstrip('0')}")
        desk_page.fill("#password", PASSWORD)
        desk_page.click("form button")
        desk_page.wait_for_url(f"**/console/{home.school.code}/")
        keep(desk_page, "desk-today", tmp_path)
        for name, path in (("desk-unmatched", "unmatched/"), ("desk-invoice", f"invoices/{home.invoice.id}/")):
            desk_page.goto(f"{base}/console/{home.school.code}/{path}")
            keep(desk_page, name, tmp_path)


def test_the_developers_desk(engine: Engine, database_url: str, desk_page: Page, tmp_path: Path) -> None:
    with developer_desk(engine, database_url) as desk:
        desk.receive(desk.live, body_of(desk.live))
        desk.receive(desk.live, body_of(desk.live), secret="another-secret")
        play(desk, Scenario.DUPLICATE)
        desk_page.goto(f"{desk.base_url}/login")
        desk_page.fill("#username", "ky.su")
        desk_page.fill("#password", PASSWORD)
        with desk_page.expect_navigation():
            desk_page.click("form button")
        desk_page.goto(f"{desk.base_url}/developers/sandbox/")
        desk_page.select_option("#scenario", "short")
        with desk_page.expect_navigation():
            desk_page.click("main form button")
        desk_page.click("article summary")
        keep(desk_page, "developers", tmp_path)
