"""Every picture reads back as the very same text."""

import io
import re
import xml.etree.ElementTree as ElementTree
from itertools import product

import pytest
import zxingcpp
from PIL import Image

from payments.errors import DomainError
from payments.vietqr import Style, VietQR, VietQRError, encode
from payments.vietqr.render import etag, render_png, render_svg
from payments.vietqr.style import BULK_MASK, LEVELS, TEMPLATES
from tests.payments.vietqr.support import vectors

PAYLOAD = encode(VietQR(bin="970436", account="0011001932418", amount_vnd=1_250_000, memo="HP7K3M9Q2XAT"))
LONGEST = encode(
    VietQR(
        bin="970436",
        account="A" * 19,
        amount_vnd=9_999_999_999_999,
        memo="HP7K3M9Q2XAT NGUYEN VAN A",
        merchant_name="TRUONG TIEU HOC HOA PHUON",
        city="HAI DUONG",
    )
)
FULL = {
    "bank_name": "Ngân hàng TMCP Mẫu A",
    "holder_name": "TRUONG TIEU HOC HOA PHUONG (MAU) & <CO>",
    "mark": "MẪU",
}
STYLES = [
    Style(template=template, level=level, mask=mask)
    for template, level, mask in product(TEMPLATES, LEVELS, (None, BULK_MASK))
]


def read_png(content):
    (code,) = zxingcpp.read_barcodes(Image.open(io.BytesIO(content)))
    return code.text


def rasterise(svg):
    """Draw the picture's runs as its attributes say, words left out."""
    root = ElementTree.fromstring(svg)
    path = root.findall("{*}path")[1].attrib
    left, top, scale = map(float, re.fullmatch(r"translate\((\S+) (\S+)\) scale\((\d+)\)", path["transform"]).groups())
    image = Image.new("1", (int(root.attrib["width"]), int(root.attrib["height"])), 1)
    x = y = 0
    for move_x, move_y, length in re.findall(r"m(-?\d+) (-?\d+)h(\d+)", path["d"]):
        x, y = x + int(move_x), y + int(move_y)
        box = (left + x * scale, top + (y - 0.5) * scale, left + (x + int(length)) * scale, top + (y + 0.5) * scale)
        image.paste(0, tuple(round(side) for side in box))
        x += int(length)
    return image


def read_svg(svg):
    (code,) = zxingcpp.read_barcodes(rasterise(svg))
    return code.text


@pytest.mark.parametrize("style", STYLES, ids=str)
@pytest.mark.parametrize("payload", [PAYLOAD, LONGEST], ids=["usual", "longest"])
def test_every_template_reads_back(style, payload):
    assert read_png(render_png(payload, style)) == payload
    assert read_svg(render_svg(payload, style)) == payload


@pytest.mark.parametrize("template", TEMPLATES)
def test_words_beside_the_code_do_not_disturb_it(template):
    style = Style(template=template, **FULL)
    assert read_png(render_png(PAYLOAD, style)) == PAYLOAD
    assert read_svg(render_svg(PAYLOAD, style)) == PAYLOAD


@pytest.mark.parametrize("vector", vectors("encode", "decode"), ids=lambda vector: vector["id"])
def test_every_valid_vector_is_drawn_and_reads_back(vector):
    for template in TEMPLATES:
        style = Style(template=template, mask=BULK_MASK)
        assert read_png(render_png(vector["payload"], style)) == vector["payload"]
        ElementTree.fromstring(render_svg(vector["payload"], style))


def test_svg_has_at_most_four_kilobytes():
    for payload, template, level in product((PAYLOAD, LONGEST), TEMPLATES, "LM"):
        assert len(render_svg(payload, Style(template=template, level=level, **FULL)).encode()) <= 4096
    assert len(render_svg(PAYLOAD, Style(template="slip", level="Q", **FULL)).encode()) <= 4096


def test_png_is_one_bit_and_small():
    for template in TEMPLATES:
        content = render_png(PAYLOAD, Style(template=template, **FULL))
        assert Image.open(io.BytesIO(content)).mode == "1"
        assert len(content) < 6_000


@pytest.mark.parametrize("style", [Style(), *(Style(template=template, **FULL) for template in TEMPLATES)], ids=str)
def test_four_modules_around_the_code_stay_white(style):
    image = Image.open(io.BytesIO(render_png(PAYLOAD, style)))
    (code,) = zxingcpp.read_barcodes(image)
    corners = code.position
    left, top, right, bottom = corners.top_left.x, corners.top_left.y, corners.bottom_right.x, corners.bottom_right.y
    quiet = 4 * (right - left) // 41
    assert left >= quiet
    for box in (
        (left - quiet, top - quiet, right + quiet, top - 1),
        (left - quiet, bottom + 2, right + quiet, bottom + quiet),
        (left - quiet, top, left - 1, bottom),
        (right + 2, top, right + quiet, bottom),
    ):
        assert image.crop(box).getextrema() == (255, 255), box


def test_slip_shows_what_the_payer_must_check():
    svg = render_svg(PAYLOAD, Style(template="slip", **FULL))
    words = ["".join(text.itertext()) for text in ElementTree.fromstring(svg).findall(".//{*}text")]
    assert words == [
        "Quét mã để chuyển khoản MẪU",
        FULL["bank_name"],
        "Số tài khoản: 0011001932418",
        FULL["holder_name"],
        "Số tiền: 1.250.000 đồng",
        "Nội dung: HP7K3M9Q2XAT",
    ]


def test_svg_needs_no_style_and_no_script():
    svg = render_svg(PAYLOAD, Style(template="slip", **FULL))
    assert not re.search("<script|<style|style=|href|http(?!://www.w3.org/2000/svg)", svg)


def test_picture_is_the_same_each_time():
    for template in TEMPLATES:
        style = Style(template=template, **FULL)
        assert render_png(PAYLOAD, style) == render_png(PAYLOAD, style)
        assert render_svg(PAYLOAD, style) == render_svg(PAYLOAD, style)


def test_etag_names_the_content():
    assert etag(PAYLOAD, Style()) == etag(PAYLOAD)
    tags = {etag(payload, style) for payload in (PAYLOAD, LONGEST) for style in [*STYLES, Style(**FULL)]}
    assert len(tags) == 2 * (len(STYLES) + 1)
    assert all(re.fullmatch("[0-9a-f]{32}", tag) for tag in tags)


@pytest.mark.parametrize("payload", ["", PAYLOAD[:-1], "https://example.com"])
def test_unreadable_payload_is_never_drawn(payload):
    with pytest.raises(VietQRError):
        render_svg(payload)
    with pytest.raises(VietQRError):
        render_png(payload)


@pytest.mark.parametrize(
    "wrong",
    [{"template": "compact2"}, {"level": "X"}, {"mask": 8}, {"mark": "a\nb"}, {"holder_name": "A" * 71}],
)
def test_unknown_style_is_refused(wrong):
    with pytest.raises(DomainError) as caught:
        Style(**wrong)
    assert caught.value.code == "bad_style"


def test_unprintable_memo_of_others_is_left_out_of_the_words():
    svg = render_svg(encode(VietQR(bin="970436", account="1", memo="A&<B>")), Style(template="slip"))
    assert "A&amp;&lt;B&gt;" in svg
