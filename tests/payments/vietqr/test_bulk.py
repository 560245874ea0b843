"""Symbols for paper: two independent readers read from each exactly what was asked for."""

import random
import re

import pytest
import zxingcpp
from PIL import Image

from payments.invoices import reference
from payments.vietqr import VietQR, encode, encode_transfer
from payments.vietqr.bulk import symbol, symbol_svg
from payments.vietqr.render import QUIET
from tests.payments.vietqr import module_reader

DRAW = random.Random(35)
SYMBOLS = 40
TOKEN = "abcdefghijklmnopqrstuvwxyz234567"


def payload() -> str:
    account = "".join(DRAW.choice("0123456789") for _ in range(DRAW.randint(6, 19)))
    prefix = DRAW.choice(["", "SEVQR "])
    return encode_transfer("970436", account, DRAW.randint(1_000, 10**12 - 1), prefix + reference.generate())


def address() -> str:
    return "https://hocphi.example.vn/p/" + "".join(DRAW.choice(TOKEN) for _ in range(32))


def rows(text: str, level) -> list[list[bool]]:
    side, modules = symbol(text, level)
    return [[not modules[y * side + x] for x in range(side)] for y in range(side)]


def drawn(svg: str) -> list[list[bool]]:
    """The modules that the path of an SVG covers."""
    side = int(re.search(r'viewBox="0 0 (\d+) ', svg)[1])
    dark = [[False] * side for _ in range(side)]
    for start, y, end, back in re.findall(r"M(\d+) (\d+)H(\d+)v1H(\d+)z", svg):
        assert start == back
        for x in range(int(start), int(end)):
            dark[int(y)][x] = True
    return dark


def by_zxing(dark: list[list[bool]]) -> str:
    side = len(dark) + 2 * QUIET
    picture = Image.new("L", (side, side), 255)
    for y, row in enumerate(dark, QUIET):
        for x, one in enumerate(row, QUIET):
            if one:
                picture.putpixel((x, y), 0)
    [found] = zxingcpp.read_barcodes(picture.resize((side * 4, side * 4), Image.Resampling.NEAREST))
    return found.text


@pytest.mark.parametrize("level", ["L", "M"])
def test_two_readers_read_every_symbol_to_the_letter(level):
    static = encode(VietQR(bin="970436", account="1900000012"))
    for text in [static, *(make() for _ in range(SYMBOLS // 2) for make in (payload, address))]:
        dark = drawn(symbol_svg(text, level))
        assert dark == rows(text, level)
        assert module_reader.read(dark) == text
        assert by_zxing(dark) == text


def test_the_second_reader_notices_a_symbol_of_something_else():
    one, other = payload(), payload()
    assert module_reader.read(rows(one, "M")) != other
    wrong = rows(one, "M")
    wrong[20][-1] = not wrong[20][-1]
    assert module_reader.read(wrong) != one


def test_symbols_are_as_small_as_those_on_screen():
    for _ in range(20):
        text = payload()
        assert len(rows(text, "L")) <= len(rows(text, "M")) <= 41, text


def test_what_no_qr_code_holds_is_refused():
    with pytest.raises(ValueError, match="too long"):
        symbol("x" * 9000)
