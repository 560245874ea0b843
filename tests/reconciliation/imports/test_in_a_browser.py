"""Imports as an accountant sees them: with JavaScript and without, by keyboard, without an accessibility fault."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.bank_adapters.statements.test_survey import PLAIN
from tests.reconciliation.desk import line
from tests.reconciliation.imports.test_flow import paper
from tests.reconciliation.imports.test_layouts import unknown
from tests.reconciliation.imports.test_returned import books, edited
from tests.reconciliation.test_doubts import bare
from tests.test_accessibility import enter, judge
from tests.test_screenshots import served

pytestmark = [pytest.mark.browser, pytest.mark.db, pytest.mark.timeout(180)]


@pytest.fixture
def base(hall) -> Iterator[str]:
    with served(hall.faces) as address:
        yield address


@contextmanager
def working(hall) -> Iterator[None]:
    """A worker that looks for work, as beat would let it."""
    ended = threading.Event()

    def work_on() -> None:
        while not ended.wait(0.2):
            hall.work()

    thread = threading.Thread(target=work_on)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def keep(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def accountant(hall) -> str:
    return f"ke.toan.{hall.school.code[2:].lstrip('0')}"


def upload(page: Page, field: str, file: Path) -> None:
    page.set_input_files(f"#{field}", file)
    page.locator(f"#{field}").evaluate("field => field.form.querySelector('button').focus()")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/imports/\d+/"))


def test_upload_preview_and_write_with_progress_that_moves_by_itself(hall, base, desk_page: Page, tmp_path):
    enter(desk_page, base, accountant(hall))
    desk_page.goto(base + hall.base)
    upload(desk_page, "statement", keep(tmp_path, "sao-ke.xlsx", paper(hall)))
    expect(desk_page.get_by_text("Có thể đóng trang này")).to_be_visible()
    judge(desk_page)
    with working(hall):
        button = desk_page.get_by_role("button", name="Ghi 3 dòng")
        expect(button).to_be_visible(timeout=20_000)
        desk_page.screenshot(path=tmp_path / "preview.png", full_page=True)
        judge(desk_page)
        button.focus()
        desk_page.keyboard.press("Enter")
        expect(desk_page.get_by_text("Đã ghi 3 dòng mới")).to_be_visible(timeout=20_000)
    assert hall.count("bank_line") == 3


def test_the_wizard_by_keyboard_and_bad_rows_without_javascript(hall, base, chromium: Browser, tmp_path):
    context = chromium.new_context(java_script_enabled=False, viewport={"width": 1280, "height": 800}, locale="vi-VN")
    page = context.new_page()
    enter(page, base, accountant(hall))
    page.goto(base + hall.base)
    page.set_input_files("#statement", keep(tmp_path, "la.csv", unknown(hall, PLAIN)))
    page.focus("text=Đọc và xem trước >> nth=0")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/imports/\d+/"))
    hall.work()
    expect(page.get_by_role("link", name="Chọn cột")).to_be_visible(timeout=20_000)
    page.get_by_role("link", name="Chọn cột").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("đều khớp")).to_be_visible()
    page.screenshot(path=tmp_path / "wizard.png", full_page=True)
    role = page.locator("select[name='role-2']")
    role.focus()
    page.keyboard.type("Ghi có")
    page.get_by_role("button", name="Thử đọc").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Hai cột cùng được chọn")).to_be_visible()
    role.select_option("debit")
    page.locator("#name").focus()
    page.keyboard.type("Bông Sen")
    page.get_by_role("button", name="Thử đọc").click()
    page.get_by_role("button", name="Xác nhận mẫu cột").focus()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/imports/\d+/$"))
    hall.work()
    button = page.get_by_role("button", name="Ghi 3 dòng")
    expect(button).to_be_visible(timeout=20_000)
    button.click()
    expect(page.get_by_text("đang ghi").first).to_be_visible(timeout=20_000)
    hall.work()
    expect(page.get_by_text("Đã ghi 3 dòng mới")).to_be_visible(timeout=20_000)

    page.goto(base + hall.base)
    page.set_input_files("#ledger", keep(tmp_path, "so.xlsx", edited(books(3), G3="12..34")))
    page.locator("form:has(#ledger) button").click()
    page.wait_for_url(re.compile(r"/imports/\d+/"))
    hall.work()
    expect(page.get_by_role("button", name="Ghi 2 dòng đúng")).to_be_visible(timeout=20_000)
    page.screenshot(path=tmp_path / "bad.png", full_page=True)
    with page.expect_download() as got:
        page.get_by_role("link", name="Tải tệp có cột").click()
    assert Path(got.value.path()).read_bytes()[:2] == b"PK"
    context.close()


@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1280, "light")])
def test_every_page_of_imports_in_both_schemes_and_languages(hall, base, chromium, tmp_path, width, scheme):
    hall.faces.log_in("accountant")
    states = [
        hall.send("statement", paper(hall)),
        hall.send("statement", unknown(hall)),
        hall.send("ledger", edited(books(3), G3="x")),
    ]
    hall.work()
    states.append(hall.bring("statement", paper(hall)).id)
    hall.bring("statement", bare(hall.number, line(500_000, "NGUYEN VAN MAU chuyen tien", "FT25253000017")), "mot.xml")
    states.append(
        hall.send("statement", bare(hall.number, line(500_000, "MBVCB.1234.MAU CHUYEN TIEN", None)), "hai.xml")
    )
    hall.work()
    context = chromium.new_context(viewport={"width": width, "height": 740}, color_scheme=scheme)
    page = context.new_page()
    enter(page, base, accountant(hall))
    for path in ("", *(f"{job_id}/" for job_id in states), f"{states[1]}/layout"):
        for query in ("", "?lang=en"):
            page.goto(base + hall.base + path + query)
            judge(page, doubts=width > 1000)
    page.goto(f"{base}{hall.base}{states[-1]}/")
    page.screenshot(path=tmp_path / "doubts.png", full_page=True)
    page.get_by_role("button", name="Ghi", exact=True).click()
    assert page.evaluate("document.activeElement.name") == "same_lines", "the browser leads to what was not answered"
    page.keyboard.press("Space")
    page.get_by_role("button", name="Ghi", exact=True).click()
    expect(page.get_by_text("đang ghi").first).to_be_visible(timeout=20_000)
    hall.work()
    assert hall.job(states[-1]).report["new_lines"] == 0
    page.goto(f"{base}{hall.base}{states[1]}/layout")
    page.screenshot(path=tmp_path / "layout.png", full_page=True)
    context.close()
