"""The transfer memo: the reference first, then as many words as fit, and a list of what had to be changed.

Upper-case letters and digits make a smaller QR, banks' systems upper-case memos anyway, and diacritics,
«/» and «#» have broken scans. Some generators allow 19 characters only, so 19 is the default budget.
"""

import re
from dataclasses import dataclass

from payments.vietqr.errors import VietQRError
from payments.vietqr.payload import MAX_MEMO
from payments.vietqr.text import drop_marks

SAFE_LENGTH = 19
_CODE = re.compile("[A-Z0-9]+")
_FORBIDDEN = re.compile(r"[^A-Z0-9 ._-]")
_MEMO_PATH = "62.08"

CHANGES: dict[str, tuple[str, str]] = {
    "diacritics": ("Đã bỏ dấu tiếng Việt.", "Diacritics were dropped."),
    "upper_case": ("Đã đổi sang chữ hoa.", "Letters were made upper-case."),
    "removed": ("Đã thay ký tự không được phép bằng khoảng trắng.", "Characters that are not allowed became blanks."),
    "blanks": ("Đã gộp khoảng trắng.", "Blanks were joined."),
    "shortened": ("Đã bỏ bớt từ ở cuối cho vừa độ dài.", "Words at the end were left out to fit."),
}


@dataclass(frozen=True)
class MemoChange:
    """One kind of change, with the text before and after it."""

    kind: str
    before: str
    after: str

    @property
    def vi(self) -> str:
        """What was done, in Vietnamese."""
        return CHANGES[self.kind][0]

    @property
    def en(self) -> str:
        """What was done, in English."""
        return CHANGES[self.kind][1]


@dataclass(frozen=True)
class Memo:
    """The text for field 62.08 and what was changed to get it, in order."""

    text: str
    changes: tuple[MemoChange, ...]


def build_memo(reference: str, note: str = "", *, prefix: str = "", limit: int = SAFE_LENGTH) -> Memo:
    """Join prefix word (some senders need one, e.g. SEVQR), reference and note within ``limit`` characters.

    Only the note is ever changed, or shortened by whole words. Raises VietQRError ``memo_not_ascii`` when
    prefix or reference hold anything but A-Z and 0-9, ``memo_too_long`` when the two do not fit.
    """
    if not _CODE.fullmatch(reference) or (prefix and not _CODE.fullmatch(prefix)):
        raise VietQRError("memo_not_ascii", _MEMO_PATH)
    start = f"{prefix} {reference}" if prefix else reference
    if len(start) > min(limit, MAX_MEMO):
        raise VietQRError("memo_too_long", _MEMO_PATH)
    text, changes = _clean(note)
    fitting = _words_that_fit(text, min(limit, MAX_MEMO) - len(start) - 1)
    if fitting != text:
        changes.append(MemoChange("shortened", text, fitting))
    return Memo(f"{start} {fitting}" if fitting else start, tuple(changes))


def _clean(note: str) -> tuple[str, list[MemoChange]]:
    changes: list[MemoChange] = []
    text = note
    for kind, step in _STEPS:
        after = step(text)
        if after != text:
            changes.append(MemoChange(kind, text, after))
        text = after
    return text, changes


def _words_that_fit(text: str, room: int) -> str:
    return text if len(text) <= room else text[: max(room, 0) + 1].rpartition(" ")[0]


_STEPS = (
    ("diacritics", drop_marks),
    ("upper_case", str.upper),
    ("removed", lambda text: _FORBIDDEN.sub(" ", text)),
    ("blanks", lambda text: " ".join(text.split())),
)
