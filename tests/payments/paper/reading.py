"""Paper as a printer, a phone and an eye get it: pages as pictures, the codes on them, and where each word stands."""

from dataclasses import dataclass

import pypdfium2
import zxingcpp

POINT_MM = 25.4 / 72


@dataclass(frozen=True)
class Seen:
    """A code or a line of text on a page, in millimetres from the top left corner."""

    page: int
    text: str
    left: float
    top: float
    right: float
    bottom: float


def pictures(pdf: bytes, dpi: int) -> list:
    """The pages in grey, as most schools print them."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        return [page.render(scale=dpi / 72, grayscale=True).to_pil() for page in document]
    finally:
        document.close()


def codes(pdf: bytes, dpi: int) -> list[Seen]:
    """Every code of every page, from top to bottom and left to right."""
    found = []
    for number, picture in enumerate(pictures(pdf, dpi)):
        for code in zxingcpp.read_barcodes(picture):
            corners = [
                getattr(code.position, name) for name in ("top_left", "top_right", "bottom_left", "bottom_right")
            ]
            across, down = [[getattr(corner, axis) * 25.4 / dpi for corner in corners] for axis in "xy"]
            found.append(Seen(number, code.text, min(across), min(down), max(across), max(down)))
    return sorted(found, key=lambda one: (one.page, round(one.top), one.left))


def texts(pdf: bytes) -> list[str]:
    """The words of every page, as a search or a screen reader finds them."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        return [page.get_textpage().get_text_range() for page in document]
    finally:
        document.close()


def lines(pdf: bytes, number: int) -> list[Seen]:
    """The pieces of text of a page with their places."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        page = document[number]
        height = page.get_height()
        text = page.get_textpage()
        found = []
        for at in range(text.count_rects()):
            left, bottom, right, top = text.get_rect(at)
            words = text.get_text_bounded(left, bottom, right, top).strip()
            box = [left, height - top, right, height - bottom]
            found.append(Seen(number, words, *(side * POINT_MM for side in box)))
        return found
    finally:
        document.close()


def overlaps(one: Seen, other: Seen) -> bool:
    """Whether two things stand on the same spot of the page, by more than a hair."""
    hair = 0.3
    return (
        one.page == other.page
        and min(one.right, other.right) - max(one.left, other.left) > hair
        and min(one.bottom, other.bottom) - max(one.top, other.top) > hair
    )
