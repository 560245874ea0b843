"""Amounts in Vietnamese words, as receipts and vouchers want them: pure.

Accounting style: every group of three digits after the first is read in full («không trăm linh năm»), groups of zeros
are not read. Two ways of saying the same are at home in the country: «linh, nghìn» and «lẻ, ngàn».
"""

from typing import Final, NamedTuple


class Style(NamedTuple):
    """The words that differ between the regions."""

    zero_tens: str
    """Before the ones when the tens are zero."""
    thousand: str


STYLES: Final = {"north": Style("linh", "nghìn"), "south": Style("lẻ", "ngàn")}

_DIGITS: Final = ("không", "một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín")
_BILLION: Final = 10**9
LARGEST: Final = 10**18 - 1
"""Beyond it people would say «tỷ tỷ», which nobody reads as a number."""


def in_words(amount_vnd: int, style: Style = STYLES["north"]) -> str:
    """``1005`` -> «Một nghìn không trăm linh năm đồng». Raises ValueError below zero and beyond ``LARGEST``."""
    if not 0 <= amount_vnd <= LARGEST:
        raise ValueError("an amount in words is neither negative nor beyond reading")
    words = " ".join(_number(amount_vnd, style, full=False)) or _DIGITS[0]
    return f"{words[0].upper()}{words[1:]} đồng"


def _number(number: int, style: Style, *, full: bool) -> list[str]:
    """``full``: something stands before it, so its hundreds are read even when they are zero."""
    if number >= _BILLION:
        head, rest = divmod(number, _BILLION)
        return [*_number(head, style, full=full), "tỷ", *_number(rest, style, full=True)]
    words: list[str] = []
    for size, name in ((10**6, "triệu"), (10**3, style.thousand), (1, "")):
        group = number // size % 1000
        if group:
            words += _group(group, style, full=full or bool(words))
            words += [name] if name else []
    return words


def _group(group: int, style: Style, *, full: bool) -> list[str]:
    """Three digits that are not all zero."""
    hundreds, tens, ones = group // 100, group // 10 % 10, group % 10
    spoken = full or bool(hundreds)
    words = [_DIGITS[hundreds], "trăm"] if spoken else []
    if tens > 1:
        words += [_DIGITS[tens], "mươi"]
    elif tens:
        words.append("mười")
    elif ones and spoken:
        words.append(style.zero_tens)
    if ones == 1 and tens > 1:
        return [*words, "mốt"]
    if ones == 5 and tens:
        return [*words, "lăm"]
    return [*words, _DIGITS[ones]] if ones else words
