"""Paying through a service from the parent's page: cost first, one form, no script, and never the browser's word."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, text

from payments import clock
from payments.app import create_app
from payments.banking.models import BorneBy
from payments.db import session_scope
from payments.portal.service import ensure_links, tokens
from payments.web.security import CSP
from tests.payments.orders.desk import Desk
from tests.payments.orders.service_server import Service, service
from tests.payments.setting import make_school

pytestmark = pytest.mark.db


@pytest.fixture
def provider() -> Iterator[Service]:
    with service() as running:
        yield running


@pytest.fixture
def desk(engine: Engine, database_url: str, provider: Service) -> Iterator[Desk]:
    made = Desk(engine, provider, database_url)
    yield made
    made.close()


class Home:
    """A parent's browser."""

    def __init__(self, desk: Desk, client: FlaskClient) -> None:
        self.desk, self.client = desk, client
        self.invoice = desk.invoice()
        with desk.session() as session:
            ensure_links(session, desk.settings.link_keys, desk.school.id, clock.now() + timedelta(days=9))
            self.token = dict(tokens(session, desk.settings.link_keys, desk.school.id))[desk.school.pupil]

    def page(self, path: str = "", status: int = 200, **query: str) -> str:
        answer = self.client.get(path or f"/p/{self.token}", query_string=query or None)
        assert answer.status_code == status
        return answer.get_data(as_text=True)

    def choose(self, adapter: str, **query: str) -> str:
        """Press the button of a service; the address that the browser is sent to."""
        page = self.page(**query)
        forms = re.findall(r'<form method="post" action="([^"]+)"><input[^>]*value="([^"]+)"', page)
        action, csrf = next(form for form in forms if form[0].split("?")[0].endswith(f"/{self.desk.channels[adapter]}"))
        answer = self.client.post(action, data={"csrf_token": csrf})
        assert answer.status_code == 303, answer.get_data(as_text=True)
        return str(answer.headers["Location"])


@pytest.fixture
def home(desk: Desk) -> Iterator[Home]:
    app = create_app(desk.settings)
    with app.test_client() as client:
        yield Home(desk, client)
    app.extensions["hocphi"].engine.dispose()


def test_without_order_channels_the_page_offers_none_and_sets_no_cookie(home: Home) -> None:
    answer = home.client.get(f"/p/{home.token}")
    assert "Cách trả khác" not in answer.get_data(as_text=True)
    assert "Set-Cookie" not in answer.headers


def test_the_cost_stands_beside_each_way_before_it_is_chosen_the_free_ones_first(home: Home) -> None:
    home.desk.connect("momo", cost_vnd=1_000, cost_per_10000=110, borne_by=BorneBy.PAYER)
    home.desk.connect("payos", cost_vnd=500, borne_by=BorneBy.SCHOOL)
    page = home.page()
    assert page.index("/qr/") < page.index("Cách trả khác")
    assert page.index("miễn phí, nhà trường trả phí") < page.index("phụ huynh trả phí 2.100\u00a0₫")
    assert "costs you 2,100" in home.page(lang="en") or "costs you 2.100" in home.page(lang="en")


def test_one_form_opens_the_order_and_the_page_shows_where_to_pay_it(home: Home) -> None:
    home.desk.connect("payos")
    path = home.choose("payos")
    opening = home.page(path)
    assert "Đang mở lệnh" in opening
    assert '<meta http-equiv="refresh" content="2">' in opening
    home.desk.call_services()
    page = home.page(path)
    assert f'href="{home.desk.provider.url}/web/' in page
    assert "Lệnh có hiệu lực đến" in page
    assert "Đang chờ ngân hàng xác nhận" in page
    assert home.client.get(path).headers["Content-Security-Policy"] == CSP
    assert "Xem lệnh" in home.page()
    assert "Waiting for the bank" in home.page(path, lang="en")


def test_vnpay_needs_no_call_and_its_address_is_vnpays(home: Home) -> None:
    home.desk.connect("vnpay")
    page = home.page(home.choose("vnpay"))
    assert 'href="https://pay.vnpay.vn/vpcpay.html?vnp_Amount=10000000&amp;' in page
    assert "script" not in page.split("<body")[1]


def test_the_form_of_sepay_may_be_sent_to_sepay_from_this_page_alone(home: Home) -> None:
    home.desk.connect("sepay_pg")
    path = home.choose("sepay_pg")
    answer = home.client.get(path)
    assert '<form method="post" action="https://pay.sepay.vn/v1/checkout/init">' in answer.get_data(as_text=True)
    assert "form-action 'self' https://pay.sepay.vn;" in answer.headers["Content-Security-Policy"]
    assert home.client.get(f"/p/{home.token}").headers["Content-Security-Policy"] == CSP


def test_what_the_browser_brings_back_is_never_believed(home: Home) -> None:
    home.desk.connect("momo")
    path = home.choose("momo")
    home.desk.call_services()
    name = path.rpartition("/")[2]
    back = home.page(f"/o/{name}?resultCode=0&code=00&status=PAID&vnp_ResponseCode=00")
    assert "Đang chờ ngân hàng xác nhận" in back
    assert "Đã" not in back.split("<main")[1].split("<p>")[0]
    assert "Đang chờ" in home.page(path)
    with home.desk.session() as session:
        row = session.execute(text("SELECT id FROM payment_order")).scalar_one()
    order = home.desk.order(type("Key", (), {"school_id": home.desk.school.id, "id": row}))  # type: ignore[arg-type]
    home.desk.callback("momo", home.desk.paid(order, "momo"))
    home.desk.settle()
    assert "Nhà trường đã nhận được báo có" in home.page(f"/o/{name}")
    assert "Đã nhận được báo có" in home.page(path)


def test_the_page_that_a_service_sends_back_to_tells_nothing_of_the_pupil(home: Home) -> None:
    home.desk.connect("momo")
    name = home.choose("momo").rpartition("/")[2]
    page = home.page(f"/o/{name}")
    assert "Nguyễn" not in page
    assert home.token not in page
    assert home.invoice.reference not in page
    assert "100.000" not in page
    for wrong in ("1-NOBODY", "x-1", "1", "-", "9" * 40 + "-A", "²-A"):
        home.page(f"/o/{wrong}", 404)


def test_a_parent_cancels_and_chooses_another_way(home: Home) -> None:
    home.desk.connect("vnpay")
    path = home.choose("vnpay")
    csrf = re.findall(r'/cancel"><input[^>]*value="([^"]+)"', home.page(path))[0]
    answer = home.client.post(f"{path}/cancel", data={"csrf_token": csrf})
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/p/{home.token}")
    page = home.page(path)
    assert "không cần chuyển lại" in page
    assert "pay.vnpay.vn" not in page
    assert "Xem lệnh" not in home.page()


def test_a_form_of_another_page_opens_nothing(home: Home) -> None:
    home.desk.connect("vnpay")
    path = f"/p/{home.token}/pay/{home.invoice.reference}/{home.desk.channels['vnpay']}"
    assert home.client.post(path).status_code == 400
    form = {"csrf_token": re.findall(r'name="csrf_token" value="([^"]+)"', home.page())[0]}
    assert home.client.post(path, data=form, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert home.client.get(path).status_code == 405
    assert home.desk.rows("SELECT count(*) FROM payment_order") == [(0,)]


def test_one_parents_link_opens_no_order_of_another_pupil(home: Home) -> None:
    home.desk.connect("vnpay")
    path = home.choose("vnpay")
    with session_scope(home.desk.engine) as session:
        other = make_school(session)
        ensure_links(session, home.desk.settings.link_keys, other.id, clock.now() + timedelta(days=9))
        token = dict(tokens(session, home.desk.settings.link_keys, other.id))[other.pupil]
    home.page(path.replace(home.token, token), 404)
    home.page(path.replace(home.token, token) + "/qr.svg", 404)
    csrf = re.findall(r'name="csrf_token" value="([^"]+)"', home.page())[0]
    pay = f"/p/{token}/pay/{home.invoice.reference}/{home.desk.channels['vnpay']}"
    assert home.client.post(pay, data={"csrf_token": csrf}).status_code == 404
    assert home.client.post(path.replace(home.token, token) + "/cancel", data={"csrf_token": csrf}).status_code == 404


def test_a_service_that_cannot_be_reached_leads_back_to_the_free_code(home: Home) -> None:
    home.desk.connect("payos")
    home.desk.provider.behaviour = "500"
    path = home.choose("payos")
    home.desk.call_services()
    page = home.page(path)
    assert "Chưa mở được lệnh" in page
    assert "VietQR miễn phí" in page


def test_an_expired_order_is_offered_no_longer_even_before_the_clock_has_ended_it(home: Home) -> None:
    home.desk.connect("vnpay")
    path = home.choose("vnpay")
    with home.desk.session() as session:
        session.execute(text("UPDATE payment_order SET expires_at = created_at - interval '1 minute'"))
    page = home.page(path)
    assert "pay.vnpay.vn" not in page
    assert "Xem lệnh" not in home.page()
