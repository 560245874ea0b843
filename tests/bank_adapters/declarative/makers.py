"""A sender that nobody has heard of, as a data file, and requests that it signs."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from bank_adapters.contract import Request
from bank_adapters.declarative import DeclarativeAdapter

ABOUT = """
[about]
authentication = "as written below"
retries = "none"
idempotency_key = "the id of the transaction"
amount_format = "integer đồng"
time_zone = "Viet Nam"
source = "invented for tests"
certified_by_the_bank = "no"
"""
ANSWERS = """
[answers]
accepted = { status = 200, body = { ma = "00", so_tham_chieu = "{field:ma_gd}" } }
bad_signature = { status = 401, body = { ma = "97" } }
malformed = { status = 400, body = { ma = "96" } }
internal = { status = 503, body = { ma = "99" } }
"""
BANK = f"""
name = "lotus"
interface = 1
sender = "Ngân hàng Hoa Sen"
{ABOUT}
[secrets]
fields = ["secret"]

[message]
from = "body"

[signature]
from = "header:x-lotus-sign"
algorithm = "hmac-sha256"
key = "secret"
text = "{{header:x-lotus-time}}|{{body}}"

[transaction]
id = "ma_gd"
amount = "so_tien"
direction = "credit"
occurred_at = "thoi_gian | receipt"
description = "noi_dung"
account_number = "tai_khoan"
key = "ma_gd"
{ANSWERS}"""
SECRET = {"secret": "k"}
PAID: Mapping[str, Any] = {
    "ma_gd": "L1",
    "so_tien": 1250000,
    "noi_dung": "HP7K3M9Q2XAT học phí",
    "tai_khoan": "0123499999",
    "thoi_gian": "2026-09-22 08:15:30",
}


def bank(*changes: tuple[str, str], text: str = BANK) -> DeclarativeAdapter:
    """The sender with texts of its file replaced; each must be there."""
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return DeclarativeAdapter(text, "lotus.toml")


def compact(document: Any) -> str:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def sign(text: str, key: str = "k", algorithm: str = "sha256") -> str:
    return hmac.new(key.encode(), text.encode(), algorithm).hexdigest()


def digest(text: str, algorithm: str = "sha256") -> bytes:
    return hashlib.new(algorithm, text.encode()).digest()


def post(body: str, **headers: str) -> Request:
    return Request("POST", "", "", {name.replace("_", "-"): value for name, value in headers.items()}, body.encode())


def signed(document: Mapping[str, Any] = PAID, stamp: str = "1790039730") -> Request:
    """A request as the sender of `BANK` makes it."""
    body = compact(document)
    return post(body, x_lotus_time=stamp, x_lotus_sign=sign(f"{stamp}|{body}"))
