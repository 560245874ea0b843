"""A server on this machine that takes orders as the five services document it, or misbehaves as told.

It signs and checks by itself: nothing here calls the code under test.
"""

import base64
import hmac
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SECRETS = {
    "payos": {"client_id": "client-1", "api_key": "api-1", "checksum_key": "payos-checksum"},
    "momo": {"partner_code": "MOMOTEST", "access_key": "momo-access", "secret_key": "momo-secret"},
    "zalopay": {"app_id": "2553", "key1": "zalo-key-1", "key2": "zalo-key-2"},
    "vnpay": {"tmn_code": "HOCPHI01", "hash_secret": "vnpay-secret"},
    "sepay_pg": {"merchant_id": "SP-TEST-1", "secret_key": "sepay-secret"},
}
RECEIVER = {"momo": "MOMOTEST", "zalopay": "2553", "vnpay": "HOCPHI01"}
"""What a callback names as the receiver, where it is not the account."""


def hexmac(key: str, text: str, algorithm: str = "sha256") -> str:
    return hmac.new(key.encode(), text.encode(), algorithm).hexdigest()


class Service:
    """Orders that were opened, what was paid of them, and how to behave."""

    def __init__(self) -> None:
        self.orders: dict[str, dict[str, Any]] = {}
        self.paid: dict[str, list[dict[str, Any]]] = {}
        self.cancelled: set[str] = set()
        self.calls: list[str] = []
        self.behaviour = "good"
        self.account = ""
        self.delay_s = 0.0
        self.url = ""

    def pay(self, order_ref: str, amount_vnd: int, txn_id: str, memo: str, at: str = "2025-09-10 08:00:00") -> None:
        one = {"amount": amount_vnd, "txn_id": txn_id, "memo": memo, "at": at}
        self.paid.setdefault(order_ref, []).append(one)

    def answer(self, method: str, path: str, headers: Any, body: bytes) -> tuple[int, dict[str, str], bytes]:
        self.calls.append(f"{method} {path}")
        match self.behaviour:
            case "garbage":
                return 200, {}, b"<html>oops"
            case "500":
                return 500, {}, b"{}"
            case "429":
                return 429, {}, b'{"code":"429","resultCode":429,"return_code":2}'
            case "redirect":
                return 302, {"Location": f"{self.url}/elsewhere"}, b""
            case "slow":
                time.sleep(self.delay_s)
        document = json.loads(body) if body else {}
        status, found = self.route(path, headers, document)
        return status, {"Content-Type": "application/json"}, json.dumps(found).encode()

    def route(self, path: str, headers: Any, document: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if path.startswith("/v2/payment-requests"):
            return self.payos(path, headers, document)
        if path == "/v2/gateway/api/create":
            return self.momo_create(document)
        if path == "/v2/gateway/api/query":
            return self.momo_query(document)
        if path == "/v2/create":
            return self.zalopay_create(document)
        if path == "/v2/query":
            return self.zalopay_query(document)
        if path == "/merchant_webapi/api/transaction":
            return self.vnpay_query(document)
        return self.sepay(path, headers, document)

    def signed(self, data: dict[str, Any], key: str) -> str:
        text = "&".join(f"{name}={'' if data[name] is None else _plain(data[name])}" for name in sorted(data))
        return hexmac("wrong" if self.behaviour == "wrong signature" else key, text)

    # payOS

    def payos(self, path: str, headers: Any, document: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        secret = SECRETS["payos"]
        assert headers["x-client-id"] == secret["client_id"]
        assert headers["x-api-key"] == secret["api_key"]
        parts = path.split("/")
        if len(parts) == 3:
            text = "&".join(
                f"{name}={document[name]}" for name in ("amount", "cancelUrl", "description", "orderCode", "returnUrl")
            )
            if document["signature"] != hexmac(secret["checksum_key"], text):
                return 200, {"code": "201", "desc": "Mã kiểm tra(signature) không hợp lệ"}
            return self.payos_open(document)
        order_ref = parts[3]
        if order_ref not in self.orders:
            return 404, {"code": "101", "desc": "Mã thanh toán không tồn tại"}
        if path.endswith("/cancel"):
            self.cancelled.add(order_ref)
        return self.payos_told(order_ref)

    def payos_open(self, document: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        order_ref = str(document["orderCode"])
        if order_ref in self.orders or self.behaviour == "duplicate":
            return 200, {"code": "231", "desc": "Đơn thanh toán đã tồn tại"}
        assert len(document["description"]) <= 25
        self.orders[order_ref] = document
        data = {
            "bin": "970998",
            "accountNumber": self.account,
            "accountName": "TRUONG MAU",
            "amount": document["amount"],
            "description": document["description"],
            "orderCode": document["orderCode"],
            "currency": "VND",
            "paymentLinkId": f"link{order_ref}",
            "status": "PENDING",
            "checkoutUrl": "https://evil.example/web" if self.behaviour == "foreign" else f"{self.url}/web/{order_ref}",
            "qrCode": "",
        }
        return 200, {"code": "00", "desc": "success", "data": data, "signature": self.signed(data, "payos-checksum")}

    def payos_told(self, order_ref: str) -> tuple[int, dict[str, Any]]:
        paid = self.paid.get(order_ref, [])
        total = sum(one["amount"] for one in paid)
        amount = self.orders[order_ref]["amount"]
        data = {
            "id": f"link{order_ref}",
            "orderCode": int(order_ref),
            "amount": amount,
            "amountPaid": total,
            "amountRemaining": amount - total,
            "status": "PAID" if total >= amount else "CANCELLED" if order_ref in self.cancelled else "PENDING",
            "createdAt": "2025-09-10T08:00:00+07:00",
            "transactions": [
                {
                    "reference": one["txn_id"],
                    "amount": one["amount"],
                    "accountNumber": self.account,
                    "description": one["memo"],
                    "transactionDateTime": one["at"],
                    "virtualAccountName": None,
                    "virtualAccountNumber": None,
                }
                for one in paid
            ],
            "cancellationReason": None,
            "canceledAt": None,
        }
        return 200, {"code": "00", "desc": "success", "data": data, "signature": self.signed(data, "payos-checksum")}

    # MoMo

    def momo_create(self, document: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        names = [
            "amount",
            "extraData",
            "ipnUrl",
            "orderId",
            "orderInfo",
            "partnerCode",
            "redirectUrl",
            "requestId",
            "requestType",
        ]
        text = "&".join(["accessKey=momo-access", *(f"{name}={document[name]}" for name in names)])
        order_ref = document["orderId"]
        code = 0
        if document["signature"] != hexmac("momo-secret", text):
            code = 11007
        elif order_ref in self.orders or self.behaviour == "duplicate":
            code = 41
        self.orders.setdefault(order_ref, document)
        return 200, {
            "partnerCode": "MOMOTEST",
            "requestId": document["requestId"],
            "orderId": order_ref,
            "amount": document["amount"],
            "responseTime": 1757466000000,
            "message": "-",
            "resultCode": code,
            "payUrl": "https://evil.example/pay" if self.behaviour == "foreign" else f"{self.url}/pay/{order_ref}",
        }

    def momo_query(self, document: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        text = (
            f"accessKey=momo-access&orderId={document['orderId']}&partnerCode=MOMOTEST"
            f"&requestId={document['requestId']}"
        )
        assert document["signature"] == hexmac("momo-secret", text)
        order_ref = document["orderId"]
        paid = self.paid.get(order_ref, [])
        answer = {"partnerCode": "MOMOTEST", "orderId": order_ref, "responseTime": 1757466000000, "message": "-"}
        if not paid:
            return 200, answer | {"resultCode": 1000 if order_ref in self.orders else 42, "amount": 0, "transId": 0}
        one = paid[0]
        return 200, answer | {"resultCode": 0, "amount": one["amount"], "transId": int(one["txn_id"])}

    # ZaloPay

    def zalopay_create(self, document: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        names = ["app_id", "app_trans_id", "app_user", "amount", "app_time", "embed_data", "item"]
        if document["mac"] != hexmac("zalo-key-1", "|".join(str(document[name]) for name in names)):
            return 200, {"return_code": 2, "return_message": "-", "sub_return_code": -402}
        order_ref = document["app_trans_id"]
        if order_ref in self.orders or self.behaviour == "duplicate":
            return 200, {"return_code": 2, "return_message": "-", "sub_return_code": -68}
        self.orders[order_ref] = document
        host = "https://evil.example" if self.behaviour == "foreign" else self.url
        return 200, {
            "return_code": 1,
            "return_message": "-",
            "sub_return_code": 1,
            "zp_trans_token": "token",
            "order_url": f"{host}/openinapp?order={order_ref}",
            "qr_code": "",
        }

    def zalopay_query(self, document: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        order_ref = document["app_trans_id"]
        assert document["mac"] == hexmac("zalo-key-1", f"2553|{order_ref}|zalo-key-1")
        paid = self.paid.get(order_ref, [])
        if not paid:
            return 200, {"return_code": 3, "return_message": "-", "is_processing": False, "amount": 0, "zp_trans_id": 0}
        one = paid[0]
        return 200, {
            "return_code": 1,
            "return_message": "-",
            "amount": one["amount"],
            "zp_trans_id": int(one["txn_id"]),
            "server_time": 1757466000000,
        }

    # VNPAY

    def vnpay_query(self, document: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        names = [
            "RequestId",
            "Version",
            "Command",
            "TmnCode",
            "TxnRef",
            "TransactionDate",
            "CreateDate",
            "IpAddr",
            "OrderInfo",
        ]
        asked = "|".join(document[f"vnp_{name}"] for name in names)
        assert document["vnp_SecureHash"] == hexmac("vnpay-secret", asked, "sha512")
        paid = self.paid.get(document["vnp_TxnRef"], [])
        one = paid[0] if paid else None
        told = {
            "vnp_ResponseId": "r1",
            "vnp_Command": "querydr",
            "vnp_ResponseCode": "00" if one else "91",
            "vnp_Message": "-",
            "vnp_TmnCode": "HOCPHI01",
            "vnp_TxnRef": document["vnp_TxnRef"],
            "vnp_Amount": str(one["amount"] * 100) if one else "",
            "vnp_BankCode": "NCB",
            "vnp_PayDate": "20250910080000",
            "vnp_TransactionNo": one["txn_id"] if one else "",
            "vnp_TransactionType": "01",
            "vnp_TransactionStatus": "00" if one else "",
            "vnp_OrderInfo": document["vnp_OrderInfo"],
            "vnp_PromotionCode": "",
            "vnp_PromotionAmount": "",
        }
        key = "wrong" if self.behaviour == "wrong signature" else "vnpay-secret"
        return 200, told | {"vnp_SecureHash": hexmac(key, "|".join(told.values()), "sha512")}

    # SePay PG

    def sepay(self, path: str, headers: Any, document: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        pair = base64.b64encode(b"SP-TEST-1:sepay-secret").decode()
        assert headers["Authorization"] == f"Basic {pair}"
        if path == "/v1/order/cancel":
            self.cancelled.add(document["order_invoice_number"])
            return 200, {"message": "ok"}
        order_ref = path.rpartition("/")[2]
        paid = self.paid.get(order_ref, [])
        transactions = [
            {
                "id": f"transaction-{one['txn_id']}",
                "transaction_id": one["txn_id"],
                "transaction_status": "APPROVED",
                "transaction_amount": f"{one['amount']}.00",
                "transaction_currency": "VND",
                "transaction_date": one["at"],
            }
            for one in paid
        ]
        status = "CAPTURED" if paid else "PENDING"
        return 200, {"data": {"order_invoice_number": order_ref, "order_status": status, "transactions": transactions}}


def _plain(value: Any) -> str:
    """As JavaScript writes it: a list is JSON of items with sorted keys."""
    if isinstance(value, list):
        return json.dumps([dict(sorted(one.items())) for one in value], ensure_ascii=False, separators=(",", ":"))
    return str(value)


@contextmanager
def service() -> Iterator[Service]:
    """A running service on loopback."""
    told = Service()

    class Handler(BaseHTTPRequestHandler):
        def handle_one(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            status, headers, body = told.answer(self.command, self.path, self.headers, self.rfile.read(length))
            try:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            except OSError:
                return

        do_GET = do_POST = handle_one  # noqa: N815 - the library asks for these names

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    told.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield told
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
