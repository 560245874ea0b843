"""Vietnamese words on a PNG without a font file: Pillow's own font for the letters, the marks drawn by hand.

Pillow's built-in font has no Vietnamese letters and the repository carries no third-party files, so ế is e,
a circumflex and an acute: strokes whose places are fractions of the font size.
"""

import unicodedata
from functools import lru_cache

from PIL import Image, ImageDraw, ImageFont

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
Point = tuple[float, float]

_ABOVE = 0.08  # gap between a letter and its mark
_STEP = 0.17  # height of a mark
# Strokes around (0, 0) = middle of the letter's top edge plus the gap; x right, y up.
_MARKS: dict[str, tuple[Point, ...]] = {
    "\u0300": ((-0.12, 0.14), (0.04, 0.0)),
    "\u0301": ((-0.04, 0.0), (0.12, 0.14)),
    "\u0302": ((-0.15, 0.0), (0.0, 0.12), (0.15, 0.0)),
    "\u0303": ((-0.16, 0.02), (-0.09, 0.09), (0.0, 0.05), (0.09, 0.01), (0.16, 0.09)),
    "\u0306": ((-0.14, 0.11), (-0.08, 0.02), (0.0, 0.0), (0.08, 0.02), (0.14, 0.11)),
    "\u0309": ((-0.06, 0.16), (0.04, 0.17), (0.07, 0.12), (0.0, 0.07), (0.0, 0.0)),
}
_HORN, _DOT_BELOW, _BAR = "\u031b", "\u0323", "\u0335"


def write_line(sheet: Image.Image, text: str, y: int, size: int) -> None:
    """Write one line of black text, centred, with its base line at ``y``."""
    _Writer(ImageDraw.Draw(sheet), y, size).write(text, sheet.width / 2)


@lru_cache(maxsize=32)
def _font(size: int) -> Font:
    return ImageFont.load_default(size)


class _Writer:
    def __init__(self, draw: ImageDraw.ImageDraw, y: int, size: int) -> None:
        self._draw = draw
        self._y = y
        self._size = size
        self._font = _font(size)
        self._stroke = max(1, size // 12)

    def write(self, text: str, middle: float) -> None:
        letters = [_take_apart(character) for character in unicodedata.normalize("NFC", text)]
        pen = middle - sum(self._font.getlength(base) for base, _ in letters) / 2
        for base, marks in letters:
            self._draw.text((pen, self._y), base, font=self._font, fill=0, anchor="ls")
            left, top, right, _ = self._box(pen, base)
            if base == "i" and any(mark in _MARKS for mark in marks):
                _, stem_top, _, _ = self._box(pen, "x")
                self._draw.rectangle((left, top, right, stem_top - 1), fill=1)  # the mark replaces the dot
                top = stem_top
            self._mark(base, marks, (left, top, right))
            pen += self._font.getlength(base)

    def _box(self, pen: float, letter: str) -> tuple[float, float, float, float]:
        return self._draw.textbbox((pen, self._y), letter, self._font, anchor="ls")

    def _mark(self, base: str, marks: str, box: tuple[float, float, float]) -> None:
        left, top, right = box
        middle, level, em = (left + right) / 2, top - _ABOVE * self._size, self._size
        for mark in marks:
            if mark in _MARKS:
                self._line([(middle + dx * em, level - dy * em) for dx, dy in _MARKS[mark]])
                level -= _STEP * em
            elif mark == _HORN:
                tip = right + 0.03 * em
                self._line([(right - 0.08 * em, top + 0.07 * em), (tip, top + 0.03 * em), (tip, top - 0.08 * em)])
            elif mark == _DOT_BELOW:
                radius, down = 0.05 * em, self._y + 0.15 * em
                self._draw.ellipse((middle - radius, down - radius, middle + radius, down + radius), fill=0)
            elif mark == _BAR:
                start, height = (left + 0.04 * em, 0.37 * em) if base == "D" else (middle, 0.58 * em)
                self._line([(start, self._y - height), (start + 0.26 * em, self._y - height)])

    def _line(self, points: list[Point]) -> None:
        self._draw.line(points, fill=0, width=self._stroke, joint="curve")


def _take_apart(character: str) -> tuple[str, str]:
    """The letter that the font has, and the marks it needs."""
    if character in "Đđ":
        return ("D" if character == "Đ" else "d"), _BAR
    decomposed = unicodedata.normalize("NFD", character)
    return decomposed[0], decomposed[1:]
