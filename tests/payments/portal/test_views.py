"""The parent's page over HTTP: what it shows, what it never shows, and pictures that agree with it."""

import io
from collections.abc import Iterator
from datetime import timedelta

import pytest
import zxingcpp
from PIL import Image
from sqlalchemy import Engine

from payments import clock
from payments.banking.models import ReceivingAccount
from payments.banking.virtual_accounts import assign, numbers_of_pupil, revoke
from payments.db import session_scope
from payments.portal.service import revoke_link, tokens
from payments.vietqr import VietQR, decode
from tests.payments.faces import Faces, faces

pytestmark = pytest.mark.db


@pytest.fixture
def home(engine: Engine, database_url: str) -> Iterator[Faces]:
    with faces(engine, database_url) as made:
        yield made


def scanned(home: Faces) -> VietQR:
    """What a bank app reads from the saved picture."""
    answer = home.client.get(f"/p/{home.token}/qr/{home.invoice.reference}.png?save")
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"].startswith("attachment")
    found = zxingcpp.read_barcodes(Image.open(io.BytesIO(answer.data)))
    return decode(found[0].text)


def test_the_page_the_picture_and_the_copy_fields_say_the_same(home: Faces) -> None:
    page = home.page(f"/p/{home.token}")
    qr = scanned(home)
    assert (qr.bin, qr.amount_vnd, qr.memo) == ("970998", 100_000, home.invoice.reference)
    assert "100.000" in page
    assert f'data-copy="{qr.account}"' in page
    assert 'data-copy="100000"' in page
    assert f'data-copy="{home.invoice.reference}"' in page


def test_the_pupil_s_own_account_number_stands_beside_the_qr_until_it_is_revoked(home: Faces) -> None:
    assert "tài khoản riêng" not in home.page(f"/p/{home.token}")
    with session_scope(home.engine) as session:
        assign(session, session.get_one(ReceivingAccount, (home.school.id, home.school.account)), prefix="96247")
        [(_, number)] = numbers_of_pupil(session, home.school.id, home.school.pupil).items()
    page = home.page(f"/p/{home.token}")
    assert f'data-copy="{number}"' in page
    assert "không cần ghi nội dung" in page
    assert "own account number" in home.page(f"/p/{home.token}?lang=en")
    assert scanned(home).account != number
    with session_scope(home.engine) as session:
        revoke(session, home.school.id, number)
    assert number not in home.page(f"/p/{home.token}")


def test_the_qr_of_a_partly_paid_invoice_is_for_the_rest(home: Faces) -> None:
    home.pay(60_000, home.invoice.reference)
    page = home.page(f"/p/{home.token}")
    assert "còn thiếu" in page
    assert 'data-copy="40000"' in page
    assert scanned(home).amount_vnd == 40_000


def test_a_paid_invoice_says_so_and_offers_no_way_to_pay_again(home: Faces) -> None:
    home.pay(115_000, f"MBVCB.123.{home.invoice.reference.lower()}.CT tu 0011")
    page = home.page(f"/p/{home.token}")
    assert "Đã thanh toán" in page
    assert "/qr/" not in page
    assert home.client.get(f"/p/{home.token}/qr/{home.invoice.reference}.png").status_code == 404


def test_what_was_paid_too_much_is_told_with_what_becomes_of_it(home: Faces) -> None:
    tag = home.client.get(f"/p/{home.token}/status").headers["ETag"]
    home.pay(150_000, home.invoice.reference)
    page = home.page(f"/p/{home.token}")
    assert "Đã thanh toán" in page
    assert "thừa 50.000\u00a0₫" in page
    assert "được giữ cho học sinh ở tài khoản «Dịch vụ và bán trú»" in page
    home.pay(20_000, home.invoice.reference)
    page = home.page(f"/p/{home.token}")
    assert "70.000\u00a0₫" in page
    # Its notice tells all of it, so it is not said once more below.
    assert "Tiền thừa đang giữ" not in page
    assert home.client.get(f"/p/{home.token}/status").headers["ETag"] != tag


def test_the_status_answers_304_until_money_arrives(home: Faces) -> None:
    first = home.client.get(f"/p/{home.token}/status")
    tag = first.headers["ETag"]
    assert home.client.get(f"/p/{home.token}/status", headers={"If-None-Match": tag}).status_code == 304
    home.pay(115_000, home.invoice.reference)
    after = home.client.get(f"/p/{home.token}/status", headers={"If-None-Match": tag})
    assert after.status_code == 200
    assert after.headers["ETag"] != tag


def test_a_picture_of_what_is_owed_is_kept_in_no_cache(home: Faces) -> None:
    for kind, mimetype in (("svg", "image/svg+xml"), ("png", "image/png")):
        answer = home.client.get(f"/p/{home.token}/qr/{home.invoice.reference}.{kind}")
        assert (answer.mimetype, answer.headers["Cache-Control"]) == (mimetype, "no-store")


def test_unknown_expired_revoked_and_misspelt_links_look_the_same(home: Faces) -> None:
    unknown = home.page("/p/" + "a" * 32, 404)
    assert home.page("/p/short", 404) == unknown
    with clock.turned_to(clock.now() + timedelta(days=365 * 200)):
        assert home.page(f"/p/{home.token}", 404) == unknown
    with session_scope(home.engine) as session:
        revoke_link(session, home.settings.link_keys, home.school.id, home.school.pupil)
    assert home.page(f"/p/{home.token}", 404) == unknown
    with session_scope(home.engine) as session:
        renewed = dict(tokens(session, home.settings.link_keys, home.school.id))[home.school.pupil]
    assert "100.000" in home.page(f"/p/{renewed}")


def test_a_link_of_one_child_opens_no_picture_of_another(home: Faces) -> None:
    assert home.client.get(f"/p/{'b' * 32}/qr/{home.invoice.reference}.png").status_code == 404
    assert home.client.get(f"/p/{home.token}/qr/HP7K3M9Q2XAT.png").status_code == 404


def test_a_preview_bot_learns_no_name_and_no_amount_from_the_head(home: Faces) -> None:
    answer = home.client.get(f"/p/{home.token}")
    head = answer.get_data(as_text=True).split("</head>")[0]
    assert "Nguyễn" not in head
    assert "100" not in head
    assert answer.headers["X-Robots-Tag"].startswith("noindex")
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store"
    assert [name.partition("=")[0] for name in answer.headers.getlist("Set-Cookie")] == ["hocphi_form"]
    assert "Set-Cookie" not in home.client.get(f"/p/{home.token}/status").headers


def test_the_page_speaks_english_when_asked(home: Faces) -> None:
    page = home.page(f"/p/{home.token}", language="en")
    assert "Save the QR picture" in page
    assert '<html lang="en">' in page
