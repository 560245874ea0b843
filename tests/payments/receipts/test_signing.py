"""A signed file is the school's, byte for byte; anything else is not."""

import random
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pypdfium2 import PdfDocument

from payments.receipts import document, signing

CODE = "AbCdEfGhIjKlMnOpQrSt"
PRIVATE, PUBLIC = signing.new_key()
CONTENTS = document.Contents(
    school_name="Trường Tiểu học Hoa Phượng",
    number="XN-2026-000123",
    pupil_name="Nguyễn Thị Ánh Tuyết",
    class_name="3A2",
    amount_vnd=1_005_000,
    received_on=date(2026, 9, 5),
    issued_at=datetime(2026, 9, 5, 1, 15, tzinfo=UTC),
    bank_reference="FT26248123456",
    items=(document.Item('#import "x" $a$ *bán trú* <b>', 600_000), document.Item("Nước uống", 405_000)),
    words="north",
    revoked=False,
    verify_url=f"https://hocphi.example.vn/verify/{CODE}",
)
FILE = signing.sign(document.render(CONTENTS, "a5"), CODE, 7, PRIVATE)


def genuine(data: bytes) -> bool:
    signed = signing.read(data)
    return signed is not None and signed.code == CODE and signed.key_id == 7 and signed.holds(PUBLIC)


def test_the_file_is_genuine_and_another_library_s_verifier_agrees() -> None:
    assert genuine(FILE)
    pdf, _, line = FILE.rpartition(b"\n%hocphi-receipt 1 ")
    signature = signing.read(FILE)
    assert signature is not None
    Ed25519PublicKey.from_public_bytes(PUBLIC).verify(
        signature.signature, b"hocphi receipt 1\n" + CODE.encode() + b"\n" + pdf
    )
    assert line.startswith(CODE.encode() + b" 7 ")


def test_one_changed_byte_anywhere_makes_it_another_file() -> None:
    chance = random.Random(1)
    places = {
        0,
        1,
        len(FILE) - 1,
        *range(len(FILE) - 150, len(FILE)),
        *(chance.randrange(len(FILE)) for _ in range(400)),
    }
    for place in places:
        for bit in (1, 32):
            changed = bytearray(FILE)
            changed[place] ^= bit
            assert not genuine(bytes(changed)), place


@pytest.mark.parametrize(
    "changed",
    [
        FILE + b"\n",
        FILE[:-1],
        FILE[1:],
        FILE[: FILE.rindex(b"\n%hocphi")],
        FILE + FILE[FILE.rindex(b"\n%hocphi") :],
        FILE.replace(b" 7 ", b" 07 "),
        FILE.replace(CODE.encode() + b" 7", b"BbCdEfGhIjKlMnOpQrSt 7"),
        b"",
        b"%PDF-1.7",
    ],
)
def test_what_was_added_or_cut_makes_it_another_file(changed: bytes) -> None:
    assert not genuine(changed)


def test_another_school_s_key_does_not_vouch() -> None:
    _, other = signing.new_key()
    signed = signing.read(FILE)
    assert signed is not None
    assert not signed.holds(other)
    assert not signed.holds(b"short")


def test_the_same_receipt_is_the_same_file() -> None:
    assert document.render(CONTENTS, "a5") == document.render(CONTENTS, "a5")
    assert document.render(CONTENTS, "a4") != document.render(CONTENTS, "a5")


def test_a_receipt_whose_items_do_not_add_up_is_not_written() -> None:
    with pytest.raises(ValueError, match="add up"):
        document.render(replace(CONTENTS, amount_vnd=1), "a5")


def test_twelve_long_lines_and_billions_stand_on_the_paper_whole() -> None:
    items = [document.Item(f"Dịch vụ bán trú và bữa ăn tháng {n} cho em ở lại trường", 10**9) for n in range(1, 12)]
    long = replace(
        CONTENTS,
        school_name="Trường Phổ thông Dân tộc bán trú Tiểu học và Trung học cơ sở Nguyễn Bỉnh Khiêm (mẫu)",
        pupil_name="Công Tằng Tôn Nữ Nguyễn Phước Thị Hoàng Minh Ánh Tuyết",
        bank_reference="FT26248123456-0123456789012345678901234567890",
        amount_vnd=12_345_678_901,
        items=(*items, document.Item("Tiền thừa, giữ cho học sinh", 1_345_678_901)),
    )
    papers: tuple[tuple[document.Paper, int], ...] = (("a5", 2), ("a4", 1))
    for paper, sheets in papers:
        pdf = PdfDocument(document.render(long, paper))
        assert len(pdf) == sheets
        told = " ".join(page.get_textpage().get_text_range().replace("\r\n", " ") for page in pdf)
        assert told.count("1.000.000.000") == 11
        assert "12.345.678.901" in told
        assert ("trang 2/2" in told) == (sheets == 2), "a second sheet says whose it is"
        for page in pdf:
            texts = page.get_textpage()
            width, height = page.get_size()
            boxes = [texts.get_rect(index) for index in range(texts.count_rects())]
            assert all(left > 0 and right < width and low > 0 and up < height for left, low, right, up in boxes)
