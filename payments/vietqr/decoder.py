"""Read a payload: structure first, then the CRC, then the fields; every fault has a code and a place."""

import re
from typing import NoReturn

from payments.vietqr import tlv
from payments.vietqr.errors import VietQRError
from payments.vietqr.payload import (
    COUNTRY,
    CURRENCY,
    GUID,
    MAX_ACCOUNT,
    MAX_AMOUNT_DIGITS,
    MAX_MEMO,
    SERVICES,
    TEXTS,
    Service,
    VietQR,
)
from payments.vietqr.tlv import Field

_BIN = re.compile("[0-9]{6}")
_AMOUNT = re.compile(r"0*[1-9][0-9]*\.?")  # NAPAS v1.0: a final point is legal, decimals of đồng are not
_MERCHANT_TEMPLATES = frozenset(f"{number:02d}" for number in range(26, 52))
_MERCHANT_ACCOUNTS = frozenset(f"{number:02d}" for number in range(2, 52))
_TEMPLATES = _MERCHANT_TEMPLATES | {"62", "64"}
_REUSABLE = {None: None, "11": True, "12": False}


def decode(text: str, *, strict: bool = False) -> VietQR:
    """Read the exact text of a QR, also foreign ones (VNPay, MoMo, EVN); nothing is trimmed.

    Raises VietQRError, and nothing else, with the first fault found. A memo over 25 characters is read,
    as banks' apps read it, unless ``strict``; a new one is never written without being asked for.
    """
    root = tlv.read_root(text)
    leaves = [leaf for field in root for leaf in _leaves(field)]
    _check_crc(text, root[-1])
    reading = _Reading(root, leaves)
    reading.check_format()
    reading.check_receiver()
    amount_vnd = reading.amount_vnd()
    if strict:
        reading.check_memo()
    return reading.result(amount_vnd)


def _leaves(field: Field) -> list[Field]:
    """The values of a root field, templates taken apart."""
    if field.path not in _TEMPLATES:
        return [field]
    children = tlv.read_template(field)
    if field.path != "38" or not any(child.path == "38.00" and child.value == GUID for child in children):
        return children
    return [leaf for child in children for leaf in (tlv.read_template(child) if child.path == "38.01" else [child])]


def _check_crc(text: str, field: Field) -> None:
    try:
        right = tlv.crc(text[: -tlv.CRC_LENGTH]) == field.value.upper()
    except UnicodeEncodeError:  # half a surrogate pair has no bytes, so no CRC over it can be right
        right = False
    if not right:
        raise VietQRError("bad_crc", tlv.CRC_ID, field.offset)


class _Reading:
    """The root fields of one payload, its leaves, and the rules on them."""

    def __init__(self, root: list[Field], leaves: list[Field]) -> None:
        self._root = {field.path: field for field in root}
        self._values = {leaf.path: leaf.value for leaf in leaves}
        self._offsets = {field.path: field.offset for field in (*root, *leaves)}

    def check_format(self) -> None:
        if self._values["00"] != "01":
            self._fail("bad_version", "00")
        if self._values.get("01") not in _REUSABLE:
            self._fail("bad_init", "01")

    def check_receiver(self) -> None:
        if "38" in self._root:
            self._check_vietqr_receiver()
        elif _MERCHANT_ACCOUNTS.isdisjoint(self._root):
            self._fail("not_vietqr", "38")

    def _check_vietqr_receiver(self) -> None:
        if self._values.get("38.00") != GUID:
            self._fail("not_vietqr", "38.00")
        if not _BIN.fullmatch(self._values.get("38.01.00", "")):
            self._fail("bad_bin", "38.01.00")
        account = self._values.get("38.01.01", "")
        if len(account) > MAX_ACCOUNT:
            self._fail("account_too_long", "38.01.01")
        if not account.isascii() or not account.isprintable() or not account:
            self._fail("bad_account", "38.01.01")
        if "38.02" not in self._values:
            self._fail("bad_structure" if "38.01.02" in self._values else "missing_service", "38.02")
        if self._values["38.02"] not in SERVICES:
            self._fail("bad_service", "38.02")

    def amount_vnd(self) -> int | None:
        self._check_constant("53", CURRENCY, "currency")
        amount = self._values.get("54")
        if amount is not None:
            if len(amount) > MAX_AMOUNT_DIGITS:
                self._fail("amount_too_long", "54")
            if not _AMOUNT.fullmatch(amount):
                self._fail("bad_amount", "54")
        self._check_constant("58", COUNTRY, "country")
        return None if amount is None else int(amount.rstrip("."))

    def check_memo(self) -> None:
        if len(self._values.get("62.08", "")) > MAX_MEMO:
            self._fail("memo_too_long", "62.08")

    def result(self, amount_vnd: int | None) -> VietQR:
        values = self._values
        service: Service = SERVICES[values["38.02"]] if "38.02" in values else "account"
        texts = {name: values.get(path) for name, path, _ in TEXTS}
        return VietQR(
            bin=values.get("38.01.00"),
            account=values.get("38.01.01"),
            service=service,
            amount_vnd=amount_vnd,
            memo=values.get("62.08"),
            mcc=values.get("52"),
            reusable=_REUSABLE[values.get("01")],
            raw=dict(values),
            **texts,
        )

    def _check_constant(self, path: str, expected: str, name: str) -> None:
        value = self._values.get(path)
        if value is None:
            self._fail(f"missing_{name}", path)
        if value != expected:
            self._fail(f"bad_{name}", path)

    def _fail(self, code: str, path: str) -> NoReturn:
        """Name the field; one that is missing, by where it should have come: in its template or before the CRC."""
        places = (path, path[:2], tlv.CRC_ID)
        raise VietQRError(code, path, next(self._offsets[place] for place in places if place in self._offsets))
