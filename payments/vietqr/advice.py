"""What is allowed but worth a look before a QR is used: warnings, never refusals."""

import re
from dataclasses import dataclass

from stdnum import luhn

from payments.vietqr.banks import Registry
from payments.vietqr.memo import SAFE_LENGTH
from payments.vietqr.payload import MAX_MEMO, VietQR

NAPAS247_LIMIT_VND = 500_000_000  # NAPAS v1.0 §8.1.1: one transfer is below this
_SAFE_MEMO = re.compile(r"[A-Za-z0-9 _.\\-]*")

SENTENCES: dict[str, tuple[str, str]] = {
    "unknown_bin": (
        "Chưa biết ngân hàng có BIN này; hãy kiểm tra lại hoặc cập nhật danh sách ngân hàng.",
        "No bank with this BIN is known; check it or update the list of banks.",
    ),
    "card_check_digit": (
        "Số thẻ sai số kiểm tra (Luhn); có thể đã gõ nhầm.",
        "The card number fails its check digit (Luhn); it may be mistyped.",
    ),
    "amount_over_limit": (
        "Số tiền từ 500.000.000 đồng trở lên không chuyển nhanh được trong một lần.",
        "Instant transfers are below 500,000,000 đồng each.",
    ),
    "memo_over_25": (
        "Nội dung dài quá 25 ký tự; nhiều ứng dụng sẽ cắt bớt.",
        "The memo has more than 25 characters; many apps will cut it.",
    ),
    "memo_over_19": (
        "Nội dung dài quá 19 ký tự; một số ứng dụng sẽ cắt bớt.",
        "The memo has more than 19 characters; some apps will cut it.",
    ),
    "memo_characters": (
        "Nội dung có dấu hoặc ký tự mà một số ứng dụng bỏ đi.",
        "The memo has diacritics or characters that some apps drop.",
    ),
}


@dataclass(frozen=True)
class Advice:
    """One warning about one field."""

    code: str
    path: str

    @property
    def vi(self) -> str:
        """The warning in Vietnamese."""
        return SENTENCES[self.code][0]

    @property
    def en(self) -> str:
        """The warning in English."""
        return SENTENCES[self.code][1]


def advise(qr: VietQR, registry: Registry) -> list[Advice]:
    """List what a careful person would check in this QR, in order of field."""
    found: list[Advice] = []
    if qr.bin is not None and registry.by_bin(qr.bin) is None:
        found.append(Advice("unknown_bin", "38.01.00"))
    if qr.service == "card" and not luhn.is_valid(qr.account or ""):
        found.append(Advice("card_check_digit", "38.01.01"))
    if qr.amount_vnd is not None and qr.amount_vnd >= NAPAS247_LIMIT_VND:
        found.append(Advice("amount_over_limit", "54"))
    found += [Advice(code, "62.08") for code in _memo_codes(qr.memo or "")]
    return found


def _memo_codes(memo: str) -> list[str]:
    codes = []
    if len(memo) > SAFE_LENGTH:
        codes.append("memo_over_25" if len(memo) > MAX_MEMO else "memo_over_19")
    if not _SAFE_MEMO.fullmatch(memo):
        codes.append("memo_characters")
    return codes
