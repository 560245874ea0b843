"""What each service is told about an order, and what is believed of its answer: recomputed here by other means."""

import base64
import hashlib
import hmac
import json
import re
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, quote_plus, urlsplit

import pytest

from bank_adapters import get_adapter
from bank_adapters.contract import (
    BrowserOrders,
    CancellableOrders,
    MalformedCallbackError,
    OpenedOrders,
    Order,
    OrderRefusedError,
    OrderState,
    OutgoingResponse,
)
from bank_adapters.orders import common
from payments.invoices import reference

ADAPTERS = ("payos", "vnpay", "momo", "zalopay", "sepay_pg")
NOW = datetime(2026, 9, 22, 17, 30, tzinfo=UTC)
SECRET = {
    "payos": {"client_id": "c", "api_key": "a", "checksum_key": "k"},
    "vnpay": {"tmn_code": "HOCPHI01", "hash_secret": "h"},
    "momo": {"partner_code": "MOMO", "access_key": "F8", "secret_key": "K9"},
    "zalopay": {"app_id": "2553", "key1": "one", "key2": "two"},
    "sepay_pg": {"merchant_id": "SP-1", "secret_key": "s"},
}
FORMS = {
    "payos": r"[1-9][0-9]{15}",
    "vnpay": r"[0-9A-Z]{24}",
    "momo": r"[0-9a-zA-Z]([-_.]*[0-9a-zA-Z]+)*",
    "zalopay": r"260923_[0-9A-Z]{24}",
    "sepay_pg": r"[0-9A-Z]{24}",
}


def channel(name: str):
    return get_adapter(name).ORDERS


def order(name: str, **changed: object) -> Order:
    values = {
        "order_ref": channel(name).order_ref(2**127 + 12345, NOW),
        "amount_vnd": 1_250_000,
        "memo": "HP7K3M9Q2XAT",
        "return_url": "https://hoc.example/o/1-X",
        "notify_url": "https://hoc.example/callbacks/TOKEN",
        "created_at": NOW,
        "expires_at": NOW + timedelta(minutes=30),
        "payer_address": "203.0.113.9",
    }
    return Order(**values | changed)


def mac(key: str, text: str, algorithm: str = "sha256") -> str:
    return hmac.new(key.encode(), text.encode(), algorithm).hexdigest()


def answer(document: object, status: int = 200) -> OutgoingResponse:
    return OutgoingResponse(status, {}, json.dumps(document).encode())


@pytest.mark.parametrize("name", ADAPTERS)
def test_references_have_the_senders_form_and_never_look_like_ours(name: str) -> None:
    drawn = [
        channel(name).order_ref(int(hashlib.sha256(bytes([seed])).hexdigest()[:32], 16), NOW) for seed in range(99)
    ]
    assert len(set(drawn)) == len(drawn)
    assert all(re.fullmatch(FORMS[name], one) for one in drawn)
    assert not any(reference.find(one) for one in drawn)
    assert all(int(one) <= 2**53 - 1 for one in drawn if name == "payos")
    assert all(len(one) <= 40 for one in drawn)


@pytest.mark.parametrize("name", ADAPTERS)
def test_an_order_is_opened_by_exactly_one_of_the_two_ways(name: str) -> None:
    assert isinstance(channel(name), BrowserOrders) != isinstance(channel(name), OpenedOrders)
    assert isinstance(channel(name), CancellableOrders) == (name in {"payos", "sepay_pg"})
    assert set(channel(name).ORDER_FIELDS) <= set(get_adapter(name).SECRET_FIELDS)


@pytest.mark.parametrize("name", ADAPTERS)
def test_old_secrets_still_open_the_door(name: str) -> None:
    assert not set(get_adapter(name).SECRET_CHOICES[0]) >= set(channel(name).ORDER_FIELDS)


def test_payos_signs_five_fields() -> None:
    asked = order("payos")
    request = channel("payos").open_order(asked, SECRET["payos"])
    sent = json.loads(request.body)
    text = (
        f"amount=1250000&cancelUrl={asked.return_url}&description=HP7K3M9Q2XAT"
        f"&orderCode={asked.order_ref}&returnUrl={asked.return_url}"
    )
    assert sent["signature"] == mac("k", text)
    assert (sent["orderCode"], sent["expiredAt"]) == (int(asked.order_ref), int(asked.expires_at.timestamp()))
    assert request.url == "https://api-merchant.payos.vn/v2/payment-requests"
    assert (request.headers["x-client-id"], request.headers["x-api-key"]) == ("c", "a")


def test_vnpay_signs_the_sorted_query() -> None:
    url = channel("vnpay").checkout(order("vnpay"), SECRET["vnpay"]).url
    query, _, signature = urlsplit(url).query.rpartition("&vnp_SecureHash=")
    named = dict(parse_qsl(query, strict_parsing=True))
    again = "&".join(f"{name}={quote_plus(value)}" for name, value in sorted(named.items()))
    assert signature == mac("h", again, "sha512")
    assert (named["vnp_Amount"], named["vnp_CreateDate"], named["vnp_ExpireDate"]) == (
        "125000000",
        "20260923003000",
        "20260923010000",
    )
    assert named["vnp_OrderInfo"].startswith("HP7K3M9Q2XAT")


def test_momo_signs_ten_fields_access_key_first() -> None:
    asked = order("momo")
    sent = json.loads(channel("momo").open_order(asked, SECRET["momo"]).body)
    text = (
        f"accessKey=F8&amount=1250000&extraData=&ipnUrl={asked.notify_url}&orderId={asked.order_ref}"
        f"&orderInfo=HP7K3M9Q2XAT&partnerCode=MOMO&redirectUrl={asked.return_url}&requestId={asked.order_ref}"
        "&requestType=captureWallet"
    )
    assert sent["signature"] == mac("K9", text)
    assert sent["orderExpireTime"] == 30


def test_zalopay_signs_seven_values() -> None:
    sent = json.loads(channel("zalopay").open_order(order("zalopay"), SECRET["zalopay"]).body)
    names = ["app_id", "app_trans_id", "app_user", "amount", "app_time", "embed_data", "item"]
    assert sent["mac"] == mac("one", "|".join(str(sent[name]) for name in names))
    assert json.loads(sent["embed_data"])["memo"] == "HP7K3M9Q2XAT"
    assert sent["app_user"] == "hocphi"


def test_sepay_signs_the_fields_in_the_order_of_the_form() -> None:
    checkout = channel("sepay_pg").checkout(order("sepay_pg"), SECRET["sepay_pg"])
    form = dict(checkout.fields)
    signature = form.pop("signature")
    text = ",".join(f"{name}={value}" for name, value in form.items())
    assert base64.b64decode(signature) == hmac.new(b"s", text.encode(), "sha256").digest()
    # The order that the service's two published libraries agree on.
    assert list(form)[:7] == [
        "merchant",
        "operation",
        "payment_method",
        "order_amount",
        "currency",
        "order_invoice_number",
        "order_description",
    ]


@pytest.mark.parametrize("name", ADAPTERS)
@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"null", b"<html>", b"\xff", b'{"a":1,"a":2}', b'{"data":[]}'])
@pytest.mark.parametrize("status", [200, 302, 400, 404, 500])
def test_whatever_is_answered_only_two_errors_are_raised(name: str, body: bytes, status: int) -> None:
    service, response = channel(name), OutgoingResponse(status, {}, body)
    readers = [service.asked]
    readers += [service.opened] if isinstance(service, OpenedOrders) else []
    readers += [service.cancelled] if isinstance(service, CancellableOrders) else []
    for read in readers:
        try:
            found = read(order(name), response, SECRET[name])
        except (MalformedCallbackError, OrderRefusedError):
            continue
        assert getattr(found, "transactions", ()) == ()


@pytest.mark.parametrize("name", ["momo", "zalopay"])
def test_an_amount_of_nothing_or_a_payment_without_a_number_is_no_money(name: str) -> None:
    asked = order(name)
    for amount, number in ((0, 5), (5000, 0 if name == "zalopay" else None)):
        document = {
            "orderId": asked.order_ref,
            "partnerCode": "MOMO",
            "resultCode": 0,
            "return_code": 1,
            "amount": amount,
            "transId": number,
            "zp_trans_id": number,
            "responseTime": 1757466000000,
            "server_time": 1757466000000,
        }
        with pytest.raises(MalformedCallbackError):
            channel(name).asked(asked, answer(document), SECRET[name])


def test_an_answer_about_another_order_is_not_believed() -> None:
    document = {"orderId": "OTHER", "resultCode": 0, "amount": 5000, "transId": 5, "responseTime": 1757466000000}
    with pytest.raises(MalformedCallbackError):
        channel("momo").asked(order("momo"), answer(document), SECRET["momo"])


@pytest.mark.parametrize(("code", "state"), [(1000, "pending"), (9000, "pending"), (42, "unknown"), (1006, "closed")])
def test_momos_codes(code: int, state: str) -> None:
    asked = order("momo")
    document = {"orderId": asked.order_ref, "resultCode": code}
    assert channel("momo").asked(asked, answer(document), SECRET["momo"]).state == OrderState(state)


@pytest.mark.parametrize(
    "url",
    [
        "http://pay.payos.vn/web/1",
        "https://pay.payos.vn.evil.example/",
        "https://evil.example/pay.payos.vn",
        "https://pay.payos.vn:8443/",
        "https://pay.payos.vn@evil.example/",
        "https://user@pay.payos.vn/",
        "javascript:alert(1)",
        "//pay.payos.vn/",
        "https://[::1",
        "https://pay.payos.vn/a b",
        17,
    ],
)
def test_a_payer_is_sent_to_the_services_own_hosts_only(url: object) -> None:
    with pytest.raises(MalformedCallbackError):
        common.checkout_url(url, ("pay.payos.vn",), "https://api-merchant.payos.vn")


def test_subdomains_are_allowed_where_a_whole_domain_is_named() -> None:
    hosts = (".zalopay.vn",)
    good = "https://qcgateway.zalopay.vn/openinapp?order=1"
    assert common.checkout_url(good, hosts, "https://openapi.zalopay.vn") == good
    with pytest.raises(MalformedCallbackError):
        common.checkout_url("https://evilzalopay.vn/", hosts, "https://openapi.zalopay.vn")
