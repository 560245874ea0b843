"""What a browser draws of our SVG reads back as well."""

import io

import pytest
import zxingcpp
from PIL import Image

from payments.vietqr import Style, VietQR, encode
from payments.vietqr.render import render_svg
from payments.vietqr.style import TEMPLATES

PAYLOAD = encode(VietQR(bin="970436", account="0011001932418", amount_vnd=1_250_000, memo="HP7K3M9Q2XAT"))


@pytest.mark.browser
@pytest.mark.parametrize("template", TEMPLATES)
def test_svg_in_a_browser_reads_back_and_words_stay_on_the_sheet(phone_page, template):
    style = Style(template=template, holder_name="TRUONG TIEU HOC HOA PHUONG VA TRUNG HOC CO SO", mark="MẪU")
    phone_page.set_content(f"<!doctype html><body style='margin:0'>{render_svg(PAYLOAD, style)}")
    (code,) = zxingcpp.read_barcodes(Image.open(io.BytesIO(phone_page.locator("svg").screenshot())))
    assert code.text == PAYLOAD
    outside = phone_page.evaluate(
        "() => { const sheet = document.querySelector('svg').getBoundingClientRect();"
        " return [...document.querySelectorAll('text')].map(text => text.getBoundingClientRect())"
        ".filter(box => box.left < sheet.left || box.right > sheet.right || box.bottom > sheet.bottom).length }"
    )
    assert outside == 0
