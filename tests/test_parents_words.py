"""What parents read: every pair of sentences on their pages, in both languages, against the words of the house."""

import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests import house

ROOMS = ("portal", "receipts", "transparency", "notifications", "access")
"""Rooms whose templates a parent can meet."""
STRING = r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'"
SAID = re.compile(rf"\b(?:say|Text)\(\s*({STRING})\s*,\s*({STRING})\s*,?\s*\)")
PLACEHOLDER = re.compile(r"\{\w+\}")
OPENED = re.compile(r"\bsay\(")
FORBIDDEN = re.compile(r"phiếu thu|h[óo]a đơn|hoá đơn|đóng tiền|học phí phải đóng", re.IGNORECASE)
"""Papers of the law that ours are not; and «nộp» is our word for paying."""
ENGLISH = re.compile(
    r"\b(?:the|and|of|your|you|please|pay|paid|payment|school|account|receipt|notice|fee|check|link|memo|copy|save)\b",
    re.IGNORECASE,
)
MARKS = re.compile(r"[àáảãạăâèéẻẽẹêìíỉĩịòóỏõọôơùúủũụưỳýỷỹỵđ]", re.IGNORECASE)
KEPT_CAPITALS = {"KHÔNG"}
"""The one word that shouts: «KHÔNG phải tài khoản của trường»."""
SHORTHAND = {
    "OTP",
    "PIN",
    "CVV",
    "QR",
    "PDF",
    "XLSX",
    "CSV",
    "STK",
    "SMS",
    "VNĐ",
    "MISA",
    "HP",
    "API",
    "A5",
    "A4",
    "FT",
}
TERMS = (
    ("thông báo thu tiền", r"notices?( of fees)?|invoices?"),
    ("xác nhận đã thu", r"receipts?"),
    (r"(?<!tài )khoản thu", r"fees?|fee items?"),
    ("đợt thu", r"rounds?"),
    ("mức trần", r"ceilings?|none in the catalogue"),
)
"""A word of the glossary and what stands for it in English."""


class Pair(NamedTuple):
    """One sentence in both languages, and where it stands."""

    place: str
    vi: str
    en: str


def templates() -> list[Path]:
    """The pages of these rooms, and their Python modules."""
    rooms = [house.ROOT / "payments" / room for room in ROOMS]
    return [path for room in rooms for kind in ("*.html", "*.py") for path in sorted(room.rglob(kind))]


def pairs_of(place: str, source: str) -> Iterator[Pair]:
    """The pairs of a source; a quoted string with a quote inside keeps its backslash out."""
    for both in SAID.findall(source):
        yield Pair(place, *(PLACEHOLDER.sub("0", side[1:-1].replace("\\'", "'")) for side in both))


def pairs() -> list[Pair]:
    """All pairs that parents can meet."""
    return [
        pair
        for path in templates()
        for pair in pairs_of(str(path.relative_to(house.ROOT)), path.read_text(encoding="utf-8"))
    ]


def empty(pair: Pair) -> bool:
    return not pair.vi.strip() or not pair.en.strip()


def english_in_vietnamese(pair: Pair) -> bool:
    """A Vietnamese side with an English word, or one that only repeats the English side though it has two words."""
    return bool(ENGLISH.search(pair.vi)) or (pair.vi == pair.en and " " in pair.vi)


def vietnamese_in_english(pair: Pair) -> bool:
    """Letters with Vietnamese marks in the English side; «đồng» is the currency's name."""
    return bool(MARKS.search(pair.en.replace("đồng", "")))


def forbidden(pair: Pair) -> bool:
    return bool(FORBIDDEN.search(pair.vi))


def decomposed(pair: Pair) -> bool:
    return not (unicodedata.is_normalized("NFC", pair.vi) and unicodedata.is_normalized("NFC", pair.en))


def shouting(pair: Pair) -> bool:
    """A Vietnamese word of two letters or more in capitals, but for shorthand and the one that must."""
    words = re.findall(r"[^\W\d_]{2,}", pair.vi)
    return any(word.isupper() and word not in KEPT_CAPITALS | SHORTHAND for word in words)


def badly_ended(pair: Pair) -> bool:
    """One side ends with a full stop and the other does not; or blanks stand before a stop or twice."""
    ends = [text.rstrip('»”")').endswith((".", "…")) for text in (pair.vi, pair.en)]
    return ends[0] != ends[1] or any(re.search(r" [.,;:?!](?!\.)|  ", text) for text in (pair.vi, pair.en))


def off_the_glossary(pair: Pair) -> bool:
    """A word of the glossary on the Vietnamese side without its partner on the English one."""
    return any(
        re.search(vi, pair.vi.lower()) and not re.search(rf"\b(?:{en})\b", pair.en, re.IGNORECASE)
        for vi, en in TERMS
        if len(pair.vi) < 60
    )


RULES = (
    empty,
    english_in_vietnamese,
    vietnamese_in_english,
    forbidden,
    decomposed,
    shouting,
    badly_ended,
    off_the_glossary,
)


@pytest.mark.parametrize("rule", RULES)
def test_every_pair_of_the_parents_pages(rule) -> None:
    assert [pair for pair in pairs() if rule(pair)] == []


def test_no_sentence_escapes_the_collection() -> None:
    """Each ``say(`` of a template is one that the test can read, or says what somebody else has written."""
    found = pairs()
    assert len(found) > 100
    unread = {}
    for path in templates():
        source = path.read_text(encoding="utf-8")
        read = len(re.findall(rf"\bsay\(\s*(?:{STRING})\s*,\s*(?:{STRING})\s*,?\s*\)", source))
        passed_on = len(re.findall(r"\bsay\(\s*(?:\*[\w.]+|\w+(?:\.\w+)+\s*,\s*\w+(?:\.\w+)+)\s*\)", source))
        unread[str(path.relative_to(house.ROOT))] = len(OPENED.findall(source)) - read - passed_on
    assert {path: count for path, count in unread.items() if count} == {}


@pytest.mark.parametrize(
    ("rule", "vi", "en"),
    [
        (empty, "", "Paid"),
        (empty, "Đã nộp", " "),
        (english_in_vietnamese, "Chép link này", "Copy this link"),
        (english_in_vietnamese, "Ways to go", "Ways to go"),
        (vietnamese_in_english, "Đã nộp", "Đã nộp"),
        (forbidden, "Không tìm thấy phiếu thu", "Not found"),
        (forbidden, "Hoá đơn của con", "Your notice"),
        (decomposed, unicodedata.normalize("NFD", "Đã nộp đủ"), "Paid"),
        (shouting, "ĐÃ NỘP", "Paid"),
        (badly_ended, "Đã nộp.", "Paid"),
        (badly_ended, "Đã nộp .", "Paid."),
        (badly_ended, "Đã  nộp", "Paid"),
        (off_the_glossary, "Thông báo thu tiền", "Bill"),
    ],
)
def test_each_rule_notices_what_it_forbids(rule, vi: str, en: str) -> None:
    assert rule(Pair("-", vi, en))


def test_the_glossary_holds_the_words_of_parents_pages() -> None:
    glossary = house.text_of("docs/glossary.md").lower()
    words = ("tra cứu", "công khai", "nộp gộp", "báo đã chuyển", "làm tròn xuống", "mã định danh", "xác nhận đã thu")
    assert [word for word in words if word not in glossary] == []
