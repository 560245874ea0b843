"""Several items in one transfer over HTTP: choosing, the code, what it pays, and who may see it."""

import io
from collections.abc import Iterator

import pytest
import zxingcpp
from PIL import Image
from sqlalchemy import Engine, text

from payments.bundles import rules
from payments.db import session_scope
from payments.portal.service import revoke_link
from payments.vietqr import VietQR, decode
from tests.payments.portal.homes import Homes, homes

pytestmark = pytest.mark.db


@pytest.fixture
def home(engine: Engine, database_url: str) -> Iterator[Homes]:
    with homes(engine, database_url) as made:
        yield made


def scanned(home: Homes, address: str) -> VietQR:
    answer = home.client.get(f"{address}/qr.png?save")
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"].startswith("attachment")
    return decode(zxingcpp.read_barcodes(Image.open(io.BytesIO(answer.data)))[0].text)


def test_what_is_owed_is_chosen_beforehand_and_what_is_voluntary_is_not_in_it(home: Homes) -> None:
    page = home.page(f"/p/{home.an}/together")
    boxes = {part.split('"')[0]: "checked" in part.split(">")[0] for part in page.split('name="item" value="')[1:]}
    dues = home.dues
    assert boxes == dict.fromkeys((dues[one].reference for one in ("an", "an2", "an_other")), True)
    assert page.count("không gồm phần tự nguyện") == 1
    assert "115.000" not in page
    assert "without what is voluntary" in home.page(f"/p/{home.an}/together", language="en")


def test_two_items_of_one_account_are_one_code_for_their_sum(home: Homes) -> None:
    address = home.together(home.an, home.dues["an"].reference, home.dues["an2"].reference)
    code = address.rsplit("/", 1)[1]
    qr = scanned(home, address)
    assert (qr.amount_vnd, qr.memo) == (180_000, code)
    page = home.page(address)
    assert "180.000" in page
    assert 'data-copy="180000"' in page
    assert f'data-copy="{code}"' in page
    assert "Bước" not in page
    assert home.client.get(f"{address}/qr.svg").mimetype == "image/svg+xml"
    # Once more, in another order and from the other's page: the same code.
    assert home.together(home.an, home.dues["an2"].reference, home.dues["an"].reference) == address


def test_it_is_for_what_is_open_when_it_is_looked_at(home: Homes) -> None:
    address = home.together(home.an, home.dues["an"].reference, home.dues["an2"].reference)
    code = address.rsplit("/", 1)[1]
    before = home.client.get(f"{address}/status")
    assert home.client.get(f"{address}/status", headers={"If-None-Match": before.headers["ETag"]}).status_code == 304
    home.pay(home.here, 80_000, home.dues["an2"].reference)
    assert scanned(home, address).amount_vnd == 100_000
    assert "✓ đã nộp" in home.page(address)
    home.pay(home.here, 50_000, code)
    assert "còn thiếu 50.000" in " ".join(home.page(address).split())
    home.pay(home.here, 50_000, code)
    page = home.page(address)
    assert "✓ Đã thanh toán 180.000" in " ".join(page.split())
    assert "/qr." not in page
    assert home.client.get(f"{address}/qr.png").status_code == 404
    assert home.client.get(f"{address}/status").headers["ETag"] != before.headers["ETag"]


def test_one_item_alone_keeps_its_own_reference_and_none_is_refused(home: Homes) -> None:
    alone = home.dues["an2"].reference
    address = home.together(home.an, alone)
    assert address.endswith(alone)
    assert scanned(home, address).amount_vnd == 80_000
    answer = home.send(f"/p/{home.an}/together", f"/p/{home.an}/together")
    assert answer.status_code == 422
    assert "Hãy chọn ít nhất một khoản" in answer.get_data(as_text=True)


def test_two_accounts_are_two_steps_and_each_has_its_own_picture(home: Homes) -> None:
    address = home.together(home.an, *(home.dues[one].reference for one in ("an", "an2", "an_other")))
    page = " ".join(home.page(address).split())
    assert "Bước 1/2" in page
    assert "Bước 2/2" in page
    codes = address.rsplit("/", 1)[1].split("-")
    amounts = [scanned(home, f"/p/{home.an}/together/{code}").amount_vnd for code in codes]
    assert amounts == [180_000, 25_000]
    assert home.client.get(f"{address}/qr.png").status_code == 404
    home.pay(home.here, 180_000, codes[0])
    assert "Còn 1 lần chuyển" in " ".join(home.page(address).split())
    home.pay(home.here, 25_000, codes[1], account=home.here.other_account)
    page = home.page(address)
    assert "<title>Đã thanh toán" in page
    assert "Step 1/2" in home.page(address, language="en")


def test_a_family_pays_children_of_two_schools_in_two_steps(home: Homes) -> None:
    family = home.family(home.binh, home.chi)
    address = home.together(family, *(home.dues[one].reference for one in ("an2", "binh", "chi", "chi2")))
    here, there = address.rsplit("/", 1)[1].split("-")
    assert scanned(home, f"/p/{family}/together/{here}").amount_vnd == 140_000
    assert scanned(home, f"/p/{family}/together/{there}").amount_vnd == 100_000
    home.pay(home.here, 140_000, here)
    home.pay(home.there, 100_000, there)
    page = home.page(address)
    assert page.count("✓ Đã thanh toán") == 2
    # One receipt for each child, each to be had from the family's page and from nobody else's.
    shown = home.page(f"/p/{family}")
    links = [part.split('"')[0] for part in shown.split('href="')[1:] if "/receipt/" in part.split('"')[0]]
    pages, links = ([link for link in links if (".pdf" in link) is is_file] for is_file in (False, True))
    assert len(pages) == len(links) == 3
    for link, other in zip(pages, links, strict=True):
        shown = home.page(link)
        assert other in shown
        assert f'/p/{family}?{link.split("?")[1]}"' in shown
    for link in links:
        answer = home.client.get(link)
        assert (answer.status_code, answer.mimetype) == (200, "application/pdf")
        assert home.client.get(link.split("?")[0]).status_code == 404
        assert home.client.get(f"{link}1").status_code == 404


def test_nobody_else_s_code_can_be_looked_at(home: Homes) -> None:
    family = home.family(home.binh)
    mine = home.together(home.an, home.dues["an"].reference, home.dues["an2"].reference).rsplit("/", 1)[1]
    ours = home.together(family, home.dues["an2"].reference, home.dues["binh"].reference).rsplit("/", 1)[1]
    unknown = home.client.get(f"/p/{home.chi}/together/HP7K3M9Q2XAT")
    assert unknown.status_code == 404
    stranger = home.family(home.chi, mine=home.binh)
    for token, code in (
        (home.chi, mine),
        (home.chi, ours),
        (home.binh, ours),
        (home.binh, mine),
        (home.an, ours),
        (family, mine),
        (stranger, ours),
        (home.chi, home.dues["an"].reference),
        (home.chi, f"{home.dues['chi'].reference}-{mine}"),
    ):
        for tail in ("", "/status", "/qr.png", "/qr.svg"):
            answer = home.client.get(f"/p/{token}/together/{code}{tail}")
            assert answer.status_code == 404
            assert answer.data == home.client.get(f"/p/{token}/together/HP7K3M9Q2XAT{tail}").data
    for name in ("x", "HP", "HP7K3M9Q2XAT-", "-".join([mine] * 40), "HP7K3M9Q2XAU", mine.lower()):
        assert home.client.get(f"/p/{home.an}/together/{name}").status_code == 404
    for token in ("a" * 32, "x", "../x"):
        assert home.client.get(f"/p/{token}/together").status_code == 404


def test_items_of_others_cannot_be_chosen(home: Homes) -> None:
    answer = home.send(
        f"/p/{home.an}/together",
        f"/p/{home.an}/together",
        item=[home.dues["binh"].reference, home.dues["chi"].reference, "nonsense"],
    )
    assert answer.status_code == 422
    address = home.together(home.an, home.dues["an2"].reference, home.dues["binh"].reference)
    assert address.endswith(home.dues["an2"].reference)


def test_a_form_without_its_token_or_too_many_choices_are_refused(home: Homes, monkeypatch) -> None:
    items = [home.dues["an"].reference, home.dues["an2"].reference]
    assert home.client.post(f"/p/{home.an}/together", data={"item": items}).status_code == 400
    monkeypatch.setattr(rules, "MOST_IN_A_DAY", 0)
    answer = home.send(f"/p/{home.an}/together", f"/p/{home.an}/together", item=items)
    assert answer.status_code == 422
    assert "quá nhiều mã nộp gộp" in answer.get_data(as_text=True)


def test_a_code_with_a_child_that_left_shows_nothing_and_still_takes_money(home: Homes) -> None:
    family = home.family(home.binh)
    address = home.together(family, home.dues["an2"].reference, home.dues["binh"].reference)
    code = address.rsplit("/", 1)[1]
    with session_scope(home.faces.engine) as session:
        revoke_link(session, home.faces.settings.link_keys, home.here.id, home.binh_id)
    assert home.client.get(address).status_code == 404
    home.pay(home.here, 140_000, code)
    with session_scope(home.faces.engine) as session:
        paid = session.scalar(text("SELECT count(*) FROM invoice_balance WHERE state = 'paid'"))
    assert paid == 2


def test_the_page_of_one_pupil_offers_it_and_sets_no_cookie(home: Homes) -> None:
    answer = home.client.get(f"/p/{home.chi}")
    assert f"/p/{home.chi}/together" in answer.get_data(as_text=True)
    assert "Set-Cookie" not in answer.headers
    assert "/together" not in home.page(f"/p/{home.binh}")
