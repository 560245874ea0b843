"""Every state of the parent's page in a real browser, driven by signed callbacks at the bank's own door."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pypdfium2
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from payments.db import make_engine
from payments.portal.states import State
from tests.conftest import Postgres
from tests.payments.portal.town import DUE, Family, Town, agrees, town
from tests.test_accessibility import judge
from tests.test_screenshots import keep

pytestmark = [pytest.mark.browser, pytest.mark.db, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def place(postgres: Postgres) -> Iterator[Town]:
    name = postgres.new_database()
    engine = make_engine(postgres.url(name))
    with town(engine, postgres.url(name)) as made:
        yield made
    engine.dispose()
    postgres.drop_database(name)


@contextmanager
def opened(chromium: Browser, *, width: int = 360, scheme: str = "light", script: bool = True) -> Iterator[Page]:
    context: BrowserContext = chromium.new_context(
        viewport={"width": width, "height": 740},
        device_scale_factor=2,
        color_scheme=scheme,
        java_script_enabled=script,
        timezone_id="Asia/Ho_Chi_Minh",
    )
    context.set_default_timeout(20_000)
    try:
        yield context.new_page()
    finally:
        context.close()


def waiting(place: Town) -> Family:
    return place.family()


def overdue(place: Town) -> Family:
    return place.family(due_on=DUE)


def partial(place: Town) -> Family:
    family = place.family(club_vnd=15_000)
    place.ring(60_000, family.invoice.reference)
    return family


def seen(place: Town) -> Family:
    family = place.family()
    reference = family.invoice.reference
    place.ring(100_000, f"NGUYEN VAN B nop tien {reference[:-2]}")
    return family


def paid(place: Town) -> Family:
    family = place.family()
    place.ring(100_000, family.invoice.reference)
    return family


def mandatory_paid(place: Town) -> Family:
    family = place.family(club_vnd=15_000)
    place.ring(100_000, family.invoice.reference)
    return family


def over(place: Town) -> Family:
    family = place.family()
    place.ring(130_000, family.invoice.reference)
    return family


def twice(place: Town) -> Family:
    family = paid(place)
    place.ring(100_000, family.invoice.reference)
    return family


def closed(place: Town) -> Family:
    family = place.family(due_on=DUE)
    place.close_round(family)
    return family


def cancelled(place: Town) -> Family:
    family = place.family()
    place.cancel(family)
    return family


def waived(place: Town) -> Family:
    family = place.family()
    place.run(
        "INSERT INTO exemption (school_id, pupil_id, kind, category, percent, fee_codes, valid_from, document)"
        " VALUES (:school, :pupil, 'exemption', 'mẫu', 100, '{AN}', '2025-09-01', 'Quyết định mẫu')",
        pupil=family.pupil,
    )
    place.cancel(family)
    return family


def replaced(place: Town) -> Family:
    family = place.family()
    place.replace(family, 80_000)
    return family


def reversed_(place: Town) -> Family:
    family = place.family()
    steps = place.pay_and_take_back(family, 100_000)
    next(steps)
    next(steps)
    return family


def voluntary(place: Town) -> Family:
    return place.family(meals_vnd=0, club_vnd=15_000)


STATES: dict[State, Callable[[Town], Family]] = {
    State.WAITING: waiting,
    State.OVERDUE: overdue,
    State.PARTIAL: partial,
    State.SEEN: seen,
    State.REVERSED: reversed_,
    State.CLOSED: closed,
    State.PAID: paid,
    State.MANDATORY_PAID: mandatory_paid,
    State.OVER: over,
    State.TWICE: twice,
    State.VOLUNTARY: voluntary,
    State.WAIVED: waived,
    State.CANCELLED: cancelled,
    State.REPLACED: replaced,
}
UNFOLD = "document.querySelectorAll('details').forEach(part => part.open = true)"
WANTED = os.environ.get("SCREENSHOTS")
"""Pictures of every state for somebody who asked for them."""
WITH_QR = {State.WAITING, State.OVERDUE, State.PARTIAL, State.SEEN, State.REVERSED}


def test_every_state_is_driven_here() -> None:
    assert set(STATES) == set(State)


@pytest.mark.parametrize("state", STATES)
def test_each_state_is_told_in_both_languages_and_schemes_and_asks_for_one_amount(
    place: Town, chromium: Browser, tmp_path: Path, state: State
) -> None:
    family = STATES[state](place)
    with opened(chromium) as page:
        for language in ("", "?lang=en"):
            page.goto(family.url + language)
            card = page.locator(f"#s{family.invoice.id}")
            expect(card).to_have_attribute("data-state", state)
            notice = f"#r{family.invoice.id}"
            page.evaluate(UNFOLD)
            for scheme in ("light", "dark"):
                page.emulate_media(color_scheme=scheme)
                judge(page)
            assert page.locator(f"{notice} .qr img").count() == (state in WITH_QR)
            if WANTED:
                page.emulate_media(color_scheme="dark" if language else "light")
                page.goto(family.url + language)
                keep(page, f"pay-{state}{'-dark-en' if language else ''}".replace("_", "-"), tmp_path)
        if state in WITH_QR:
            page.goto(family.url + language)
            page.evaluate(UNFOLD)
            amount = 40_000 if state is State.PARTIAL else 100_000
            agrees(page, notice, amount, family.invoice.reference)


def test_a_printed_notice_begins_on_the_first_page_and_shows_no_buttons(place: Town, chromium: Browser) -> None:
    family = partial(place)
    with opened(chromium) as page:
        page.goto(family.url)
        printed = pypdfium2.PdfDocument(page.pdf(format="A4"))
    first = printed[0].get_textpage().get_text_bounded()
    assert family.invoice.reference in first
    assert "40.000" in first
    said = " ".join(one.get_textpage().get_text_bounded() for one in printed)
    assert "Ngân hàng" in said
    for button in ("Chép", "chép từng mục", "Kiểm tra lại xem"):
        assert button not in said
