"""Which text each sender signs, so that a bank's engineer can compare, and a stored request can be signed anew. Pure.

Written apart from the adapters' checks, like the senders: what stands on the page is compared with them by tests.
Schemes that only carry a key or a token sign no text and stand not here.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from bank_adapters.contract import Request

Secret = Mapping[str, str]
SECRET_STANDS_HERE: Final = "<secret>"  # noqa: S105 - shown in place of one
ACCESS_KEY_STANDS_HERE: Final = "<access_key>"


@dataclass(frozen=True, slots=True)
class Scheme:
    """How one sender signs; each function takes the request as it was sent."""

    key: str
    """The secret's field that signs."""
    text: Callable[[Request, Secret], str]
    """The text that is signed; where the secret is a part of it, it stands in it."""
    sign: Callable[[str, str], str] | None
    """(key, text) -> signature; None where only the bank can sign."""
    signature: Callable[[Request], str]
    """The signature as it was sent, without its prefix; empty: none."""


def scheme_of(adapter: str, request: Request, secret: Secret) -> Scheme | None:
    """The scheme by which this request is signed; None where it is not, or not so that we could show it."""
    scheme = SCHEMES.get(adapter)
    if scheme is None or scheme.key not in secret:
        return None
    try:
        return scheme if scheme.signature(request) else None
    except (ValueError, LookupError, TypeError, AttributeError):
        return None


def string_to_sign(adapter: str, request: Request, secret: Secret) -> str | None:
    """The signed text with placeholders for secrets; None as ``scheme_of``, or when the request cannot be read so."""
    scheme = scheme_of(adapter, request, secret)
    if scheme is None:
        return None
    hidden = {**dict.fromkeys(secret, SECRET_STANDS_HERE), "access_key": ACCESS_KEY_STANDS_HERE}
    try:
        return scheme.text(request, hidden)
    except (ValueError, LookupError, TypeError, AttributeError):
        return None


def signature_of(adapter: str, request: Request, secret: Secret) -> str | None:
    """The signature that the request must carry with this secret; None where we cannot sign."""
    scheme = scheme_of(adapter, request, secret)
    if scheme is None or scheme.sign is None:
        return None
    try:
        return scheme.sign(secret[scheme.key], scheme.text(request, secret))
    except (ValueError, LookupError, TypeError, AttributeError):
        return None


def signed_anew(adapter: str, request: Request, secret: Secret) -> Request | None:
    """The request with the signature that this secret gives it; None where we cannot sign."""
    scheme, signature = scheme_of(adapter, request, secret), signature_of(adapter, request, secret)
    if scheme is None or signature is None:
        return None
    old = scheme.signature(request)
    return replace(
        request,
        query=request.query.replace(old, signature),
        headers={name: value.replace(old, signature) for name, value in request.headers.items()},
        body=request.body.replace(old.encode(), signature.encode()),
    )


def _hmac(algorithm: str) -> Callable[[str, str], str]:
    return lambda key, text: hmac.digest(key.encode(), text.encode(), algorithm).hex()


def _md5(_key: str, text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _webhook(key: str, text: str) -> str:
    secret = base64.b64decode(key.removeprefix("whsec_"))
    return base64.b64encode(hmac.digest(secret, text.encode(), "sha256")).decode()


def _body(request: Request) -> str:
    return request.body.decode()


def _document(request: Request) -> dict[str, Any]:
    """The body with numbers as they were written."""
    found: dict[str, Any] = json.loads(request.body, parse_int=str, parse_float=str)
    return found


def _in_body(name: str) -> Callable[[Request], str]:
    return lambda request: str(_document(request).get(name) or "")


def _sepay(request: Request, _secret: Secret) -> str:
    return f"{request.header('x-sepay-timestamp')}.{_body(request)}"


def _casso_parts(request: Request) -> dict[str, str]:
    pairs = (part.partition("=") for part in request.header("x-casso-signature").split(","))
    return {name.strip(): value.strip() for name, _, value in pairs}


def _casso(request: Request, _secret: Secret) -> str:
    document = json.loads(request.body)
    ordered = json.dumps(document, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return f"{_casso_parts(request)['t']}.{ordered}"


def _payos(request: Request, _secret: Secret) -> str:
    data = json.loads(request.body)["data"]
    return "&".join(f"{name}={_payos_text(data[name])}" for name in sorted(data))


def _payos_text(value: Any) -> str:
    """As JavaScript writes it; what says nothing is empty, items of a list are sorted by key."""
    if value in (None, "null", "undefined"):
        return ""
    return (
        value
        if isinstance(value, str)
        else json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    )


def _vietqr(request: Request, _secret: Secret) -> str:
    fields = {name.lower(): value for name, value in _document(request).items()}
    amount = int(str(fields["amount"]).partition(".")[0])
    return f"{fields['transactionid']}{amount:010d}{fields['transactiontime']}{fields.get('orderid') or ''}"


def _standard_webhooks(request: Request, _secret: Secret) -> str:
    return f"{request.header('webhook-id')}.{request.header('webhook-timestamp')}.{_body(request)}"


def _webhook_signature(request: Request) -> str:
    listed = request.header("webhook-signature").split()
    return next((one.removeprefix("v1,") for one in listed if one.startswith("v1,")), "")


def _vnpay(request: Request, _secret: Secret) -> str:
    unsigned = ("vnp_SecureHash", "vnp_SecureHashType")
    return "&".join(sorted(part for part in request.query.split("&") if part.partition("=")[0] not in unsigned))


def _vnpay_signature(request: Request) -> str:
    pairs = (part.partition("=") for part in request.query.split("&"))
    return next((value for name, _, value in pairs if name == "vnp_SecureHash"), "")


_MOMO: Final = (
    *("amount", "extraData", "message", "orderId", "orderInfo", "orderType", "partnerCode", "payType", "requestId"),
    *("responseTime", "resultCode", "transId"),
)


def _momo(request: Request, secret: Secret) -> str:
    document = _document(request)
    return "&".join([f"accessKey={secret['access_key']}", *(f"{name}={document[name]}" for name in _MOMO)])


def _zalopay(request: Request, _secret: Secret) -> str:
    return str(_document(request)["data"])


def _mb_mms(request: Request, secret: Secret) -> str:
    document = _document(request)
    return (
        "".join(document[name] for name in ("traceTransfer", "billNumber", "payDate", "debitAmount"))
        + secret["access_key"]
    )


def _bidv(request: Request, secret: Secret) -> str:
    names = ("service_id", "customer_id") if request.path == "getbill" else ("trans_id", "bill_id", "amount")
    return secret["secret"] + "".join(_document(request)[name] for name in names)


def _vietinbank(request: Request, _secret: Secret) -> str:
    document = _document(request)
    data = {**document.get("header", {}), **document.get("data", {})} or document
    return "".join(data.get(name) or "" for name in _VIETINBANK)


_VIETINBANK: Final = ("transId", "transTime", "custCode", "amount", "bankTransId", "remark")

SCHEMES: Final[Mapping[str, Scheme]] = {
    "sepay": Scheme(
        "secret", _sepay, _hmac("sha256"), lambda request: request.header("x-sepay-signature").removeprefix("sha256=")
    ),
    "casso_v2": Scheme("checksum_key", _casso, _hmac("sha512"), lambda request: _casso_parts(request).get("v1", "")),
    "payos": Scheme("checksum_key", _payos, _hmac("sha256"), _in_body("signature")),
    "vietqr_vn": Scheme("secret", _vietqr, _hmac("sha256"), _in_body("sign")),
    "mb": Scheme("secret", _vietqr, _hmac("sha256"), _in_body("sign")),
    "standard_webhooks": Scheme("secret", _standard_webhooks, _webhook, _webhook_signature),
    "vnpay": Scheme("hash_secret", _vnpay, _hmac("sha512"), _vnpay_signature),
    "momo": Scheme("secret_key", _momo, _hmac("sha256"), _in_body("signature")),
    "zalopay": Scheme("key2", _zalopay, _hmac("sha256"), _in_body("mac")),
    "mb_mms": Scheme("access_key", _mb_mms, _md5, _in_body("checkSum")),
    "bidv_biller": Scheme("secret", _bidv, _md5, _in_body("checksum")),
    "vietinbank": Scheme("public_pem", _vietinbank, None, _in_body("signature")),
}
"""Adapters whose sender signs a text, by name."""
