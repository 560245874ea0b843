"""Vietnamese text in the codes from before Unicode, TCVN3 (ABC) and VNI: recognised and explained, never stored.

Such text looks like «Sè tiÒn» or «Soá tieàn»: its letters are borrowed from Western Europe and right only in a font of
its own. A word is an old one when it holds letters, or pairs of them, that Vietnamese never writes, and spells a
Vietnamese syllable once it is read in the old code.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bank_adapters.statements.errors import StatementError
from bank_adapters.statements.model import Notice
from bank_adapters.statements.rows import Row, Sheet

TCVN3, VNI, WINDOWS = "TCVN3 (ABC)", "VNI", "Windows-1258"
MIN_WORDS = 2  # one word may be a foreign name
MAX_TEXTS = 5000  # looked at in a file
# Letter of TCVN3 -> the letter it stands for, without its marks: whether it spells a syllable is all that is asked.
_TCVN3_BASE = {
    old: base
    for base, letters in {
        "a": "µ¸¶·¹¨»¾¼½Æ©ÇÊÈÉË¡¢",
        "d": "®§",
        "e": "ÌÐÎÏÑªÒÕÓÔÖ£",
        "i": "×ÝØÜÞ",
        "o": "ßãáâä«åèæçé¬êíëìî¤¥",
        "u": "ïñóòô\xadõøö÷ù¦",
        "y": "úýûüþ",
    }.items()
    for old in letters
}
_VNI_BASE = {"ñ": "d", "ö": "u", "ô": "o", "æ": "i", "ó": "i", "ò": "i", "î": "y", "ì": "i", "í": "i"}
_VNI_MARKED = re.compile(r"([aeouyöô])[ùøûõïâáàåãäêéèúüë]", re.IGNORECASE)
_LETTER = re.compile("[A-Za-z]")
_WORD = re.compile("[A-Za-z\xa1-\uffff]+")
# What no Vietnamese word holds: these letters, a capital with a mark after a small letter, these pairs.
_NEVER = re.compile(
    "[\xad×÷µ¸¶·¹¨»¾¼½©®ª«¬¡¢£¤¥¦§ÆÇËÎÏÑÖØÜÞßäåæçëîïñöøûüþ]|[a-z][À-Þ]|[ae][âáàãêéè]|[áàâãèéêìíòóôõùúý]{2}"
)
_SYLLABLE = re.compile(r"(?:ngh|ng|nh|ch|gh|gi|kh|ph|qu|th|tr|[bcdghklmnprstvx])?[aeiouy]{1,3}(?:ch|ng|nh|[cmnpt])?")


@dataclass(slots=True)
class Count:
    """How many words of a file are in an old code, and how many are Vietnamese in Unicode."""

    tcvn3: int = 0
    vni: int = 0
    unicode: int = 0

    def add(self, text: str) -> bool:
        """Count the words of a text; tell whether one of them is in an old code."""
        before = self.tcvn3 + self.vni
        for run in _WORD.findall(text):
            word = run.strip("«»©")  # quotation marks around a word are no letters of it
            if word.isascii() or not _LETTER.search(word):
                continue
            if any(char > "\xff" for char in word):
                self.unicode += is_vietnamese(word)
            elif _NEVER.search(word):
                self.tcvn3 += is_syllable("".join(_TCVN3_BASE.get(char, char) for char in word))
                bare = _VNI_MARKED.sub(r"\1", word).lower()
                self.vni += is_syllable("".join(_VNI_BASE.get(char, char) for char in bare))
        return self.tcvn3 + self.vni > before

    @property
    def code(self) -> str | None:
        """The old code that most of the Vietnamese words are in, if any."""
        most = max(self.tcvn3, self.vni)
        if most < MIN_WORDS or most <= self.unicode:
            return None
        return TCVN3 if self.tcvn3 >= self.vni else VNI


def is_syllable(word: str) -> bool:
    """Tell whether a word of base letters may be a Vietnamese syllable."""
    return _SYLLABLE.fullmatch(word.lower()) is not None


def is_vietnamese(word: str) -> bool:
    """Tell whether a word in Unicode is a syllable with Vietnamese marks."""
    spread = unicodedata.normalize("NFD", word.lower()).replace("đ", "d")
    return is_syllable("".join(char for char in spread if not unicodedata.combining(char)))


def refuse_old_codes(sheets: Sequence[Sheet]) -> None:
    """Refuse a file whose Vietnamese is in an old code; raises StatementError that names the first such cell.

    A few such memos among others are no reason: payers write them, and the bank passes them on.
    """
    count = Count()
    first = ""
    for row, column, text in texts_of(sheets):
        if count.add(text) and not first:
            first = row.place(column)
    if count.code is not None:
        raise old_code(count.code, first)


def texts_of(sheets: Iterable[Sheet]) -> Iterable[tuple[Row, int, str]]:
    """Yield the first texts that are not plain ASCII, with their places."""
    seen = 0
    for sheet in sheets:
        for row in sheet:
            for column, cell in enumerate(row.cells):
                if isinstance(cell, str) and not cell.isascii():
                    seen += 1
                    if seen > MAX_TEXTS:
                        return
                    yield row, column, cell


def code_of_bytes(data: bytes) -> tuple[str, int] | None:
    """Name the code of a text file that is not UTF-8, with the line of its first such word; None if not known."""
    old, first_old = counted(data.decode("latin-1"), "old")
    windows, first_windows = counted(unicodedata.normalize("NFC", data.decode("cp1258", "replace")), "unicode")
    if old.code is not None and max(old.tcvn3, old.vni) >= windows.unicode:
        return old.code, first_old
    return (WINDOWS, first_windows) if windows.unicode >= MIN_WORDS else None


def counted(text: str, kind: str) -> tuple[Count, int]:
    """Count the words of a text, and name the first line with one of a kind (`old` or `unicode`)."""
    count = Count()
    first = 0
    for number, line in enumerate(text.split("\n")[:MAX_TEXTS], start=1):
        before = count.unicode
        is_old = count.add(line)
        if not first and (is_old if kind == "old" else count.unicode > before):
            first = number
    return count, first


def old_code(code: str, place: str) -> StatementError:
    """Build the error for a file in an old code; its text is not repeated, since it may name people."""
    return StatementError(
        "bad_encoding",
        place,
        f"Tệp dùng bảng mã {code}, ví dụ ở {place}. Hãy chuyển sang Unicode (Unikey: Ctrl+Shift+F6, nguồn {code}, "
        "đích Unicode) rồi lưu dạng XLSX hoặc CSV UTF-8 và nộp lại.",
        f"The file's text is in {code}, for instance at {place}. Convert it to Unicode (Unikey: Ctrl+Shift+F6), save "
        "it as XLSX or CSV UTF-8 and send it again.",
    )


def old_code_notice(text: str, place: str) -> Notice | None:
    """Say of the text of one row that it is in an old code; it stays as it was written. None where it is not."""
    count = Count()
    if text.isascii() or not count.add(text) or count.code is None:
        return None
    return Notice(
        "old_code",
        place,
        f"Nội dung dòng này viết bằng bảng mã {count.code} nên không đọc được thành chữ.",
        f"The text of this row is in {count.code} and does not read as words.",
    )
