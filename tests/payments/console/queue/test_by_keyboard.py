"""The queue in a real browser: by keyboard alone, focus never lost, undo exact, sums that agree with SQL."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import Engine, text

from payments.db import session_scope
from tests.payments.console.queue.setting import busy_desk
from tests.payments.faces import Faces
from tests.payments.settlement.setting import Issued, ledger, state_of
from tests.test_accessibility import enter, judge
from tests.test_screenshots import served

pytestmark = [pytest.mark.browser, pytest.mark.db, pytest.mark.timeout(240)]
HAS_FOCUS = "document.activeElement.closest('#rows > tr')?.id"

Busy = tuple[Faces, list[Issued], list[int]]


@pytest.fixture
def busy(engine: Engine, database_url: str) -> Iterator[Busy]:
    with busy_desk(engine, database_url, 22) as made:
        yield made


def stands_on(page: Page, transfer: int) -> None:
    """The focus is in this row, or gets there: a row is marked as done a moment before the focus moves on."""
    expect(page.locator(f"#r{transfer}:focus-within")).to_have_count(1)


def open_queue(page: Page, base: str, home: Faces, query: str = "") -> None:
    enter(page, base, f"ke.toan.{home.school.code[2:].lstrip('0')}")
    page.goto(f"{base}/console/{home.school.code}/unmatched/{query}")


def noises(page: Page) -> list[str]:
    """What the browser complains of, the content policy above all."""
    heard: list[str] = []
    page.on("console", lambda said: heard.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: heard.append(str(error)))
    return heard


def facts(home: Faces, issued: list[Issued]) -> Any:
    with session_scope(home.engine) as session:
        return ledger(session, home.school), [state_of(session, home.school, one) for one in issued]


def test_twenty_rows_by_keyboard_alone_and_undone(busy: Busy, desk_page: Page) -> None:
    home, issued, transfers = busy
    before = facts(home, issued)
    heard = noises(desk_page)
    with served(home) as base:
        open_queue(desk_page, base, home)
        desk_page.keyboard.press("j")
        for number in range(20):
            stands_on(desk_page, transfers[number])
            desk_page.keyboard.press("a")
            desk_page.wait_for_selector(f"#r{transfers[number]}.done")
            stands_on(desk_page, transfers[number + 1])
        expect(desk_page.locator("#tabs [aria-current]")).to_contain_text("2")
        paid = facts(home, issued)[1]
        assert [state for state, _ in paid] == ["paid"] * 20 + ["open"] * 2
        desk_page.keyboard.press("u")
        desk_page.wait_for_selector(f"#r{transfers[19]}:not(.done)")
        stands_on(desk_page, transfers[19])
        for number in range(18, -1, -1):
            desk_page.keyboard.press("k")
            desk_page.keyboard.press("u")
            desk_page.wait_for_selector(f"#r{transfers[number]}:not(.done)")
            stands_on(desk_page, transfers[number])
        assert facts(home, issued) == before
    assert heard == []


def test_who_types_faster_than_the_server_answers_loses_nothing(busy: Busy, desk_page: Page) -> None:
    home, issued, transfers = busy
    with served(home) as base:
        open_queue(desk_page, base, home)
        desk_page.keyboard.type("jaaaaa")
        for transfer in transfers[:5]:
            desk_page.wait_for_selector(f"#r{transfer}.done")
        stands_on(desk_page, transfers[5])
        expect(desk_page.locator("#toast .danger")).to_have_count(0)
    assert [state for state, _ in facts(home, issued)[1]] == ["paid"] * 5 + ["open"] * 17


def test_many_are_accepted_after_a_preview_whose_sums_are_those_of_sql(busy: Busy, desk_page: Page) -> None:
    home, issued, transfers = busy
    with served(home) as base:
        open_queue(desk_page, base, home)
        desk_page.keyboard.press("j")
        desk_page.keyboard.type("xjxjjx")
        desk_page.keyboard.press("A")
        desk_page.wait_for_selector("#sheet[open] [data-sum]")
        chosen = [transfers[0], transfers[1], transfers[3]]
        with session_scope(home.engine) as session:
            query = text("SELECT count(*), sum(amount_vnd)::bigint FROM bank_transaction WHERE id = ANY(:ids)")
            count, sum_vnd = session.execute(query, {"ids": chosen}).one()
        assert desk_page.inner_text("[data-count]") == str(count)
        assert desk_page.inner_text("[data-sum]") == f"{sum_vnd:,}".replace(",", ".") + "\u00a0₫"
        expect(desk_page.locator("#sheet-body .candidates > li")).to_have_count(3)
        desk_page.focus("#sheet-body button")
        desk_page.keyboard.press("Enter")
        for transfer in chosen:
            desk_page.wait_for_selector(f"#r{transfer}.done")
        expect(desk_page.locator("#sheet")).to_be_hidden()
        assert desk_page.evaluate(HAS_FOCUS) is not None
    states = [state for state, _ in facts(home, issued)[1]]
    assert [number for number, state in enumerate(states) if state == "paid"] == [0, 1, 3]


def test_a_transfer_is_split_with_a_live_remainder(busy: Busy, desk_page: Page) -> None:
    home, issued, transfers = busy
    with served(home) as base:
        open_queue(desk_page, base, home)
        desk_page.keyboard.type("jjs")
        desk_page.wait_for_selector("#sheet[open] [data-part]")
        desk_page.fill("#find", "mau chau")
        desk_page.keyboard.press("Tab")
        desk_page.keyboard.press("Enter")
        desk_page.wait_for_selector(f"#i-{issued[11].id}")
        desk_page.fill(f"#i-{issued[1].id}", "105.000")
        assert desk_page.input_value(f"#i-{issued[21].id}") == "", "of several nobody gets what nobody typed for them"
        expect(desk_page.locator(".rest output")).to_have_text("Còn lại 100.000\u00a0₫")
        desk_page.get_by_role("button", name="Tách khoản tiền").click()
        expect(desk_page.locator("#sheet .problem")).not_to_be_empty()
        desk_page.focus(f"#i-{issued[11].id}")
        desk_page.keyboard.press("=")
        assert desk_page.input_value(f"#i-{issued[11].id}") == "100000"
        expect(desk_page.locator(".rest output")).to_have_text("Còn lại 0\u00a0₫")
        desk_page.get_by_role("button", name="Tách khoản tiền").click()
        desk_page.wait_for_selector(f"#r{transfers[1]}.done")
        stands_on(desk_page, transfers[2])
    states = facts(home, issued)[1]
    assert (states[1], states[11]) == (("partial", 105_000), ("partial", 100_000))


def test_each_key_opens_its_form_and_escape_returns_the_focus(busy: Busy, desk_page: Page) -> None:
    home, _, transfers = busy
    with served(home) as base:
        open_queue(desk_page, base, home)
        desk_page.keyboard.press("j")
        for key, action in {
            "f": "assign",
            "m": "assign",
            "s": "split",
            "r": "refund",
            "e": "exclude",
            "n": "note",
        }.items():
            desk_page.keyboard.press(key)
            desk_page.wait_for_selector(f"#sheet[open] form[action$='/{action}']")
            assert desk_page.evaluate("document.activeElement.closest('#sheet') !== null")
            desk_page.keyboard.press("Escape")
            expect(desk_page.locator("#sheet")).to_be_hidden()
            stands_on(desk_page, transfers[0])
        desk_page.keyboard.press("?")
        expect(desk_page.get_by_role("dialog", name="Phím tắt")).to_be_visible()
        desk_page.keyboard.press("a")
        desk_page.keyboard.press("Escape")
        stands_on(desk_page, transfers[0])
        desk_page.keyboard.press("e")
        desk_page.wait_for_selector("#sheet[open] input[type=radio]")
        desk_page.keyboard.press("Space")
        desk_page.keyboard.press("Enter")
        desk_page.wait_for_selector(f"#r{transfers[0]}.done")
        stands_on(desk_page, transfers[1])
        desk_page.keyboard.press("/")
        assert desk_page.evaluate("document.activeElement.id") == "q"
        desk_page.keyboard.type("ja?")
        assert desk_page.input_value("#q") == "ja?"
        desk_page.keyboard.press("Escape")
        desk_page.evaluate("document.activeElement.blur()")
        with desk_page.expect_navigation():
            desk_page.keyboard.press("]")
        assert desk_page.url.endswith("tab=sure")
        with desk_page.expect_navigation():
            desk_page.keyboard.press("[")
        desk_page.keyboard.press("Control+a")
        desk_page.keyboard.press("j")
        stands_on(desk_page, transfers[1])
        with desk_page.expect_navigation():
            desk_page.keyboard.press("Enter")
        assert desk_page.url.endswith(f"/unmatched/{transfers[1]}/")


def test_keys_that_are_switched_off_do_nothing(busy: Busy, desk_page: Page) -> None:
    home, issued, transfers = busy
    before = facts(home, issued)
    with served(home) as base:
        open_queue(desk_page, base, home)
        desk_page.keyboard.press("?")
        desk_page.get_by_role("link", name="Tắt hoặc bật phím tắt").click()
        desk_page.get_by_label("Dùng phím tắt một chữ").uncheck()
        with desk_page.expect_navigation():
            desk_page.get_by_role("button", name="Lưu").click()
        desk_page.goto(f"{base}/console/{home.school.code}/unmatched/")
        desk_page.locator(f"#r{transfers[0]} a").focus()
        desk_page.keyboard.type("jaxAfsmrneu/[]?")
        desk_page.wait_for_timeout(300)
        stands_on(desk_page, transfers[0])
        expect(desk_page.locator("dialog[open]")).to_have_count(0)
    assert facts(home, issued) == before


def test_without_script_everything_is_a_form_or_a_link(busy: Busy, chromium: Browser) -> None:
    home, issued, transfers = busy
    context = chromium.new_context(java_script_enabled=False, viewport={"width": 1280, "height": 800})
    page = context.new_page()
    with served(home) as base:
        open_queue(page, base, home, "?sort=oldest&q=mau")
        page.click(f"#r{transfers[0]} button")
        assert "q=mau" in page.url
        expect(page.locator("#toast")).to_contain_text("Đã gán: 200.000")
        page.click("#toast button")
        expect(page.locator("#toast")).to_contain_text("Đã hoàn tác")
        for transfer in transfers[:2]:
            page.check(f"#r{transfer} input[name=x]")
        page.click("[data-bulk]")
        expect(page.locator("[data-count]")).to_have_text("2")
        page.click("main form button")
        expect(page.locator("#toast")).to_contain_text("205.000")
        page.click(f"#r{transfers[2]} td a")
        page.click("text=Tách >> nth=0")
        page.fill("#find", "mau chau")
        page.click("[data-look]")
        page.fill(f"#i-{issued[2].id}", "110000")
        page.fill(f"#i-{issued[11].id}", "100.000")
        page.click("main form >> text=Tách khoản tiền")
        page.click(f"#r{transfers[3]} td a")
        page.click(".ways >> text=Loại")
        page.check("input[value=bank_interest]")
        page.click("main form >> text=Loại khỏi hàng đợi")
        page.click(f"#r{transfers[4]} td a")
        page.click(".ways >> text=Hoàn trả")
        page.click("main form >> text=Đề nghị hoàn trả")
        page.click(f"#r{transfers[5]} td a")
        page.click(".ways >> text=Ghi chú")
        page.fill("#note", "đã gọi phụ huynh")
        page.click("main form >> text=Lưu ghi chú")
        expect(page.locator(f"#r{transfers[5]}")).to_contain_text("đã gọi phụ huynh")
        page.click("text=Đã loại")
        expect(page.locator(f"#r{transfers[3]}")).to_contain_text("Đã loại")
        page.click(f"#r{transfers[3]} button")
        page.click("#tabs >> text=Hoàn trả")
        expect(page.locator("main table")).to_contain_text("220.000")
    context.close()
    states = facts(home, issued)[1]
    assert states[:4] == [("paid", 200_000), ("paid", 205_000), ("partial", 110_000), ("open", 0)]


@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (360, "light"), (1280, "dark"), (1280, "light")])
def test_every_part_of_the_queue_is_accessible(busy: Busy, chromium: Browser, width: int, scheme: str) -> None:
    home, _, transfers = busy
    home.pay(300_000, f"GVCN LOP 1A NOP HO {home.invoice.reference[:9]}")
    context = chromium.new_context(viewport={"width": width, "height": 740}, color_scheme=scheme)
    page = context.new_page()
    with served(home) as base:
        open_queue(page, base, home)
        stands_in_line_and_is_printed_whole(page, width)
        page.keyboard.press("j")
        page.keyboard.press("a")
        page.wait_for_selector(f"#r{transfers[0]}.done")
        for query in ("", "?lang=en"):
            judge_all(page, f"{base}/console/{home.school.code}", query, transfers, doubts=width > 1000)
    context.close()


def stands_in_line_and_is_printed_whole(page: Page, width: int) -> None:
    """Amounts end at one line, also of what cannot be ticked, and no column lies beside the paper."""
    ends = "[...document.querySelectorAll('.queue tbody tr')].map(row => row.cells[2].getBoundingClientRect().right)"
    assert len(set(page.evaluate(ends))) == 1
    page.set_viewport_size({"width": 718, "height": 1000})
    page.emulate_media(media="print")
    assert page.evaluate("document.querySelector('.queue').scrollWidth <= innerWidth")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.emulate_media(media="screen")
    page.set_viewport_size({"width": width, "height": 740})


def judge_all(page: Page, desk: str, query: str, transfers: list[int], *, doubts: bool) -> None:
    for path in ("unmatched/", "views/", "profile/", f"unmatched/{transfers[0]}/", f"unmatched/{transfers[1]}/"):
        page.goto(f"{desk}/{path}{query}")
        judge(page, doubts=doubts)
    more = "&lang=en" if query else ""
    for asked in ("tab=assigned", "tab=refunds", "tab=held", "tab=astray", "q=zzz&min=5", "class=1A&from=x&score=3"):
        page.goto(f"{desk}/unmatched/?{asked}{more}")
        judge(page, doubts=doubts)
    page.goto(f"{desk}/unmatched/{query}")
    page.locator("#rows a").nth(2).focus()
    for key in ("s", "e", "?"):
        page.keyboard.press(key)
        page.wait_for_selector("dialog[open]")
        judge(page, doubts=False)
        page.keyboard.press("Escape")
