"""Where everything stands in a picture, for the SVG and the PNG alike; all sizes in pixels."""

from dataclasses import dataclass

from payments.money import format_number
from payments.vietqr.payload import VietQR
from payments.vietqr.style import Style

QUIET_ZONE = 4  # modules of white around the QR; the standard's minimum
_LETTER = 0.62  # width of a letter in font sizes, on the safe side for capitals
_MARGIN = 20
_SMALLEST = 10
_MARK_STRIP = 34  # above the quiet zone, which stays white

_CANVAS = {"qr_only": (480, 480), "compact": (540, 640), "slip": (600, 776)}
_QR_SPACE = {"qr_only": (480, 0), "compact": (540, 0), "slip": (480, 50)}


@dataclass(frozen=True)
class Line:
    """Words centred on the picture; ``y`` is the base line, ``size`` the height of the font."""

    text: str
    y: int
    size: int


@dataclass(frozen=True)
class Layout:
    """A white sheet with the QR's first dark module at (left, top), ``scale`` pixels a module, and lines."""

    width: int
    height: int
    left: int
    top: int
    scale: int
    lines: tuple[Line, ...]


def arrange(qr: VietQR, style: Style, modules: int) -> Layout:
    """Place a QR of ``modules`` a side and the words of the template."""
    width, height = _CANVAS[style.template]
    space, above = _QR_SPACE[style.template]
    strip = _MARK_STRIP if style.mark and style.template != "slip" else 0
    scale = max(1, space // (modules + 2 * QUIET_ZONE))
    inset = (space - modules * scale) // 2
    words = ((_printable(text), y + strip, size) for text, y, size in _words(qr, style))
    lines = tuple(_fit(text, y, size, width) for text, y, size in words if text)
    return Layout(width, height + strip, (width - space) // 2 + inset, above + strip + inset, scale, lines)


def _words(qr: VietQR, style: Style) -> list[tuple[str, int, int]]:
    """The texts with base line and wished size."""
    memo = f"Nội dung: {qr.memo}" if qr.memo else ""
    amount = f"Số tiền: {format_number(qr.amount_vnd)} đồng" if qr.amount_vnd else ""
    mark = (style.mark, -10, 20)
    if style.template == "qr_only":
        return [mark]
    if style.template == "compact":
        return [mark, (amount, 576, 30), (memo, 614, 24)]
    account = qr.account or ""
    return [
        (" ".join(filter(None, ("Quét mã để chuyển khoản", style.mark))), 40, 28),
        (style.bank_name, 566, 22),
        (f"Số tài khoản: {account}" if account else "", 602, 26),
        (style.holder_name, 638, 24),
        (amount, 688, 34),
        (memo, 736, 28),
    ]


def _printable(text: str) -> str:
    """A QR of others may carry characters that no picture can show and no XML may hold."""
    return "".join(character for character in text if character.isprintable())


def _fit(text: str, y: int, size: int, width: int) -> Line:
    """Shrink words that would run over the edge."""
    widest = int((width - 2 * _MARGIN) / (_LETTER * len(text)))
    return Line(text, y, max(_SMALLEST, min(size, widest)))
