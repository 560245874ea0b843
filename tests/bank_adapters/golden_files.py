"""The golden files: one vector of `bank_adapters.conformance` in each, in a folder per adapter."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bank_adapters import get_adapter
from bank_adapters.contract import Request

FOLDER = Path(__file__).parents[2] / "bank_adapters" / "samples"
PATHS = sorted(FOLDER.glob("*/*.json"))
MODULES = (
    "agribank_text",
    "bidv_biller",
    "bidv_openapi_jose",
    "casso_v1",
    "casso_v2",
    "mb_mms",
    "momo",
    "payos",
    "rfc9421",
    "sepay",
    "sepay_pg",
    "standard_webhooks",
    "vietinbank",
    "vietqr_vn",
    "vnpay",
    "zalopay",
)
DATA_FILES = (
    "appotapay",
    "baokim",
    "gpmpay",
    "hdbank",
    "neox",
    "ninepay",
    "pay2s",
    "tingee",
)
ADAPTERS = (*MODULES, *DATA_FILES)


def load(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))


def vector(name: str) -> dict[str, Any]:
    return load(next(path for path in PATHS if path.stem == name))


def request_of(vector: Mapping[str, Any], **changes: Any) -> Request:
    given = vector["request"]
    query = given.get("query") or ""
    path = query if query in get_adapter(vector["adapter"]).ROUTES else ""
    url = query if query.startswith("https://") else ""
    fields = {"path": path, "query": "" if path or url else query, "url": url, "headers": given["headers"]}
    return Request(method=given.get("method", "POST"), **{**fields, "body": (given["body"] or "").encode(), **changes})


def changed(vector: Mapping[str, Any], **fields: Any) -> Request:
    """The request with other values in its body (for schemes whose credentials do not cover the body)."""
    return request_of(vector, body=json.dumps({**json.loads(vector["request"]["body"]), **fields}).encode())
