"""Pages as pictures: every code reads at two resolutions, asks for the right money, and stands whole within its cut."""

from dataclasses import replace

import pytest

from payments.paper.document import join, pages_of, payable_of, set_poster, set_slips
from payments.paper.rules import Kind, Line, is_tight, slips
from payments.receipts.words import in_words
from payments.vietqr import decode
from tests.payments.paper.invented import ACCOUNTS, CLUB, MEALS, ROUND, a_class, around, invoice, worst
from tests.payments.paper.reading import Seen, codes, lines, overlaps, texts

LONG_NAMED = replace(
    around(),
    round=replace(ROUND, school_name="Trường Tiểu học và Trung học cơ sở Nguyễn Bỉnh Khiêm, phường Hoa Lư (mẫu)"),
)
PUPILS = 11
WIDTH, HEIGHT = 210.0, 297.0


def money(found: list[Seen]) -> list[Seen]:
    return [code for code in found if not code.text.startswith("https://")]


@pytest.fixture(scope="module")
def made():
    return slips(a_class(PUPILS))


@pytest.fixture(scope="module")
def slip_pdf(made) -> bytes:
    return set_slips(Kind.SLIPS, around(), "3A", made)


@pytest.fixture(scope="module")
def sheet_pdf(made) -> bytes:
    return set_slips(Kind.SHEETS, around(), "3A", made)


@pytest.mark.parametrize("dpi", [150, 300])
def test_every_slip_has_two_codes_that_read_and_ask_for_its_invoice(made, slip_pdf, dpi):
    found = codes(slip_pdf, dpi)
    assert pages_of(slip_pdf) == -(-len(made) // 4)
    by_place = {(code.page, code.left > WIDTH / 2, code.top > HEIGHT / 2): code for code in money(found)}
    assert len(money(found)) == len(by_place) == len(made)
    for number, slip in enumerate(made):
        code = by_place[number // 4, bool(number % 2), bool(number // 2 % 2)]
        qr = decode(code.text)
        assert (qr.bin, qr.account, qr.amount_vnd) == (
            slip.invoice.bin,
            slip.invoice.account_number,
            slip.invoice.due_vnd,
        )
        assert qr.memo == payable_of(slip).memo
        assert slip.invoice.reference in qr.memo
        assert code.text == payable_of(slip).payload
    links = [code.text for code in found if code.text.startswith("https://")]
    assert sorted(links) == sorted(around().addresses[slip.invoice.pupil_id] for slip in made)


@pytest.mark.parametrize("dpi", [150, 300])
def test_a_class_sheet_has_a_code_for_every_invoice_in_class_order(made, sheet_pdf, dpi):
    found = codes(sheet_pdf, dpi)
    assert [code.text for code in found] == [payable_of(slip).payload for slip in made]
    assert pages_of(sheet_pdf) == -(-len(made) // 16)


def test_codes_are_large_enough_and_keep_their_quiet_zone_within_the_cut(slip_pdf, sheet_pdf):
    for code in money(codes(slip_pdf, 300)):
        assert 35 <= code.right - code.left <= 37
        assert_white_around(code, 105, 148.5, 0, 0)
    for code in codes(sheet_pdf, 300):
        assert 25 <= code.right - code.left <= 27
        assert_white_around(code, 95, 32, 10, 29)


def assert_white_around(code: Seen, wide: float, tall: float, from_left: float, from_top: float) -> None:
    """Four modules of a symbol of 37 at most stand between the code and the edges of its cell."""
    quiet = 4 * (code.right - code.left) / 37 - 0.4
    for low, high, size, origin in ((code.left, code.right, wide, from_left), (code.top, code.bottom, tall, from_top)):
        cell = (low - origin) // size
        assert low - origin - cell * size > quiet, code
        assert (cell + 1) * size + origin - high > quiet, code


def test_no_word_stands_in_a_code_or_its_quiet_zone_or_on_another(made, slip_pdf, sheet_pdf):
    for pdf in (slip_pdf, sheet_pdf):
        assert_nothing_overlaps(pdf)


def assert_nothing_overlaps(pdf: bytes) -> None:
    for page in range(pages_of(pdf)):
        words = [line for line in lines(pdf, page) if line.text]
        assert len(words) > 20
        for code in (code for code in codes(pdf, 150) if code.page == page):
            quiet = 3.4 * (code.right - code.left) / 37
            zone = Seen(page, "", code.left - quiet, code.top - quiet, code.right + quiet, code.bottom + quiet)
            assert [line.text for line in words if overlaps(zone, line)] == []
        for at, line in enumerate(words):
            assert [other.text for other in words[at + 1 :] if overlaps(line, other)] == [], line.text


def test_the_longest_of_everything_stays_on_its_slip_and_its_label():
    made = slips([worst(1), worst(2), invoice(3, "Nguyễn Thị Minh Anh", MEALS), worst(4)])
    for kind in Kind:
        pdf = set_slips(kind, around(), "12 Chuyên Tin – Toán", made)
        assert pages_of(pdf) == 1
        assert [decode(code.text).amount_vnd for code in money(codes(pdf, 150))] == [
            slip.invoice.due_vnd for slip in made
        ]
        assert_nothing_overlaps(pdf)
        for line in lines(pdf, 0):
            middle = WIDTH / 2
            assert not line.left < middle < line.right or line.top < 29, line
            assert 5 < line.left < line.right < WIDTH - 5, line
    assert "999.999.998.999" in texts(pdf)[0]


def test_slips_that_are_not_measured_have_room_for_all_they_tell():
    """At the edge of the estimate: as many rows as a slip may have before it is measured."""
    edge = [
        [MEALS] * 9,
        [MEALS] * 6 + [CLUB],
        [MEALS] * 3 + [CLUB] * 4,
        [Line("Dịch vụ chăm sóc bán trú, vệ sinh và nước uống cho trẻ", True, 123_456_789)] * 8,
    ]
    name = "Nguyễn Thị Phương Quỳnh Mai Trang"
    made = slips([invoice(number, name, *told) for number, told in enumerate(edge, 1)])
    assert [is_tight(slip, in_words(slip.invoice.due_vnd)) for slip in made] == [False] * 4
    assert_nothing_overlaps(set_slips(Kind.SLIPS, LONG_NAMED, "3A", made))


def test_without_measuring_the_longest_words_would_run_into_others(monkeypatch):
    monkeypatch.setattr("payments.paper.document.is_tight", lambda _slip, _words: False)
    pdf = set_slips(Kind.SLIPS, around(), "3A", slips([worst(1)]))
    with pytest.raises(AssertionError):
        assert_nothing_overlaps(pdf)


def test_words_are_text_with_every_mark_in_its_place(made, slip_pdf):
    pages = [" ".join(page.split()) for page in texts(slip_pdf)]
    for number, slip in enumerate(made):
        page = pages[number // 4]
        for words in (
            slip.invoice.pupil_name,
            slip.invoice.reference,
            slip.invoice.holder_name,
            in_words(slip.invoice.due_vnd),
            f"{slip.invoice.due_vnd:,}".replace(",", "."),
            "30/11/2025",
        ):
            assert words in page, words
        for line in slip.voluntary:
            assert f"{line.description} = {line.amount_vnd:,}".replace(",", ".") in page
    assert any(slip.voluntary for slip in made)
    assert "Nhà trường không bao giờ hỏi mã OTP" in pages[0]
    assert "không phải mã chuyển tiền" in pages[0]
    assert "Miễn phí khi chuyển khoản: VietQR." in pages[0]
    assert "phiếu thu" not in " ".join(pages).lower()


def test_markup_in_a_name_stays_text():
    hostile = "Nguyễn #panic() *A* $x$ \\ <b> @b"
    pdf = set_slips(Kind.SLIPS, around(), "#3A", slips([invoice(1, hostile, MEALS)]))
    assert hostile in texts(pdf)[0].replace("\r\n", " ")


def test_the_same_slips_are_the_same_file(made, slip_pdf, sheet_pdf):
    assert set_slips(Kind.SLIPS, around(), "3A", made) == slip_pdf
    assert join([slip_pdf, sheet_pdf]) == join([slip_pdf, sheet_pdf])
    assert set_slips(Kind.SLIPS, around(), "3A", made[:-1]) != slip_pdf


def test_joined_parts_keep_every_page_and_code(made, slip_pdf, sheet_pdf):
    whole = join([slip_pdf, sheet_pdf])
    assert pages_of(whole) == pages_of(slip_pdf) + pages_of(sheet_pdf)
    assert [code.text for code in codes(whole, 150)] == [
        code.text for part in (slip_pdf, sheet_pdf) for code in codes(part, 150)
    ]
    with pytest.raises(ValueError, match="no pages"):
        join([])


@pytest.mark.parametrize("paper", ["a4", "a3"])
@pytest.mark.parametrize("count", [1, 2, 5])
def test_the_poster_shows_every_account_with_a_code_without_amount(paper, count):
    accounts = [*ACCOUNTS, *ACCOUNTS, *ACCOUNTS][:count]
    pdf = set_poster(ROUND.school_name, accounts, "https://hocphi.example.vn/s/HP0001", paper)
    found = [decode(code.text) for code in money(codes(pdf, 100))]
    assert [(qr.bin, qr.account, qr.amount_vnd, qr.memo) for qr in found] == [
        (account.bin, account.number, None, None) for account in accounts
    ]
    assert all(qr.reusable is not False for qr in found)
    assert "https://hocphi.example.vn/s/HP0001" in [code.text for code in codes(pdf, 100)]
    words = " ".join(texts(pdf)).replace("\r\n", " ")
    assert ("Chỉ chuyển vào tài khoản này" if count == 1 else "Chỉ chuyển vào các tài khoản này") in words
    assert "không bao giờ hỏi mã OTP" in words
    assert pages_of(pdf) == (1 if count < 3 else 2)
