"""«Tôi đã chuyển» over HTTP: taken without a script, answered alike whatever the bank knows, and not a flood's door."""

import re
from datetime import timedelta

import pytest

from payments import clock
from payments.db import session_scope
from payments.payer_claims.rules import MOST_A_DAY
from payments.settlement.models import ExcludeReason
from payments.settlement.service import assign, exclude
from tests.payments.payer_claims.story import Story

pytestmark = pytest.mark.db
NUMBERS = {kind: f"FT26331{place:09d}" for place, kind in enumerate(("none", "waits", "theirs", "excluded"), 1)}
CHANGING = re.compile(r"FT26331\d{9}|TC\d+|v=\d+|data-version=\"[0-9a-f]+\"")

NUMBERED = re.compile(r'(id="|#|labelledby=")[a-z]+-?[0-9]+|voluntary/[0-9]+|data-version="[0-9a-f]+"')
"""What differs between the pages of any two notices."""


def alike(text: str) -> str:
    """A page without what the asker has typed and been given."""
    return CHANGING.sub("–", text)


def known_to_the_bank(told: Story) -> None:
    """Three transfers of 115,000 đồng: one waits, one was credited to a neighbour, one is no fee money."""
    _, theirs = told.neighbour()
    for kind in ("waits", "theirs", "excluded"):
        told.bank_tells(115_000, "chuyen tien hoc", NUMBERS[kind])
    told.settle()
    found = dict(told.rows("SELECT bank_reference, id FROM bank_transaction"))
    school = told.home.school
    with session_scope(told.home.engine) as session:
        assign(session, school.id, found[NUMBERS["theirs"]], [theirs.id], school.accountant)
        exclude(session, school.id, found[NUMBERS["excluded"]], ExcludeReason.OTHER_INCOME, school.accountant)


def test_the_answer_is_the_same_whatever_the_bank_knows(told: Story) -> None:
    with clock.turned_to(clock.now()):
        known_to_the_bank(told)
        answers = {kind: told.tell(number) for kind, number in NUMBERS.items()}
        told.settle()
        first = answers["none"]
        assert first.status_code == 303
        for answer in answers.values():
            assert (answer.status_code, answer.headers["Location"]) == (303, first.headers["Location"])
            assert answer.data == first.data
        confirmed = told.home.page(first.headers["Location"])
        assert "Đã nhận lời báo" in confirmed
        assert "FT26331" not in confirmed


def test_a_number_of_somebody_else_s_money_reveals_nothing_afterwards(told: Story) -> None:
    with clock.turned_to(clock.now()):
        known_to_the_bank(told)
        pages = {}
        for name, kind in (("Chi", "none"), ("Dũng", "theirs"), ("Giang", "excluded")):
            token, mine = told.neighbour(name)
            told.tell(NUMBERS[kind], token=token, invoice=mine.id)
            told.settle()
            page = told.page(token).split('id="live"')[1]
            pages[kind] = alike(page.replace(token, "–").replace(mine.reference, "–").replace(name, "–"))
            pages[kind] = re.sub(
                r'(id="|#|labelledby=")[a-z]+-?[0-9]+|voluntary/[0-9]+|data-version="[0-9a-f]+"', "–", pages[kind]
            )
            assert "Nhà trường đang kiểm tra" in page
            assert "Bình" not in page
        assert pages["none"] == pages["theirs"] == pages["excluded"]


def test_a_guessed_number_with_another_amount_is_as_if_it_did_not_exist(told: Story) -> None:
    with clock.turned_to(clock.now()):
        known_to_the_bank(told)
        told.tell(NUMBERS["waits"], amount="114.000")
        told.tell(NUMBERS["waits"], amount="115.000")  # once said, the amount stays: no trying
        told.settle()
        assert "Ngân hàng báo có tiền" not in told.page()
        told.tell(NUMBERS["none"])
    assert told.page().count("Nhà trường đang kiểm tra") == 2


def test_a_page_that_looked_only_at_the_number_would_tell(told: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    from payments.payer_claims import queries  # noqa: PLC0415 - the module itself is changed here

    text = queries.text
    careless = str(queries._OF_HOLDER).replace("waits AND amount_vnd = c.amount_vnd", "waits")
    monkeypatch.setattr(queries, "_OF_HOLDER", text(careless.replace("\\:", ":")))
    with clock.turned_to(clock.now()):
        known_to_the_bank(told)
        told.tell(NUMBERS["waits"], amount="114.000")
        assert "Ngân hàng báo có tiền" in told.page()


def test_what_is_wrong_is_told_in_place_and_what_was_typed_stays(told: Story) -> None:
    for reference, form, sentence in (
        ("x", {}, "Mã giao dịch gồm 6 đến 35"),
        (told.home.invoice.reference, {}, "Đây là nội dung chuyển khoản"),
        (NUMBERS["none"], {"amount": "nhiều"}, ""),
        (NUMBERS["none"], {"paid_on": "2020-01-01"}, "Ngày chuyển phải"),
        (NUMBERS["none"], {"invoice": "x"}, "Hãy chọn một khoản"),
    ):
        answer = told.tell(reference, **form)
        assert answer.status_code == 422
        assert sentence in answer.text
        assert f'value="{reference}"' in answer.text
    assert told.rows("SELECT count(*) FROM payer_claim") == [(0,)]


def test_a_flood_is_stopped_and_other_pupils_are_not(told: Story) -> None:
    codes = [told.tell(f"FT9{number:012d}").status_code for number in range(MOST_A_DAY + 2)]
    assert codes == [303] * MOST_A_DAY + [429] * 2
    assert "liên hệ nhà trường" in told.tell("FT9999999999999").text
    token, mine = told.neighbour()
    assert told.tell(token=token, invoice=mine.id).status_code == 303


def test_nothing_but_the_form_of_this_page_is_taken(told: Story) -> None:
    path = f"/p/{told.home.token}/claims"
    assert told.home.client.post(path, data={"bank_reference": NUMBERS["none"]}).status_code == 400
    unknown = f"/p/{'a' * 32}/claims"
    assert told.home.page(unknown, 404) == told.home.page(f"/p/{'a' * 32}", 404)
    _, theirs = told.neighbour()
    assert told.tell(invoice=theirs.id).status_code == told.tell(invoice=999_999).status_code == 404
    assert told.rows("SELECT count(*) FROM payer_claim") == [(0,)]


def test_the_version_of_the_notice_changes_with_a_claim(told: Story) -> None:
    tag = told.home.client.get(f"/p/{told.home.token}/status").headers["ETag"]
    told.tell()
    after = told.home.client.get(f"/p/{told.home.token}/status").headers["ETag"]
    told.bank_tells(115_000)
    told.settle()
    assert len({tag, after, told.home.client.get(f"/p/{told.home.token}/status").headers["ETag"]}) == 3


def test_after_sixty_days_a_claim_is_forgotten_on_the_page(told: Story) -> None:
    told.tell()
    with clock.turned_to(clock.now() + timedelta(days=61)):
        assert "Nhà trường đang kiểm tra" not in told.page()
