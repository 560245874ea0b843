"""Pictures of a payload: SVG of a few kilobytes and 1-bit PNG, from the same matrix and layout.

``qrcode`` makes the matrix (its segments keep upper-case payloads small); the writers are ours, because its
own SVG is five to twenty times as large.
"""

import io
from collections.abc import Iterator
from hashlib import sha256
from xml.sax.saxutils import escape

from PIL import Image
from qrcode import constants
from qrcode.main import QRCode

from payments.vietqr.decoder import decode
from payments.vietqr.layout import Layout, arrange
from payments.vietqr.lettering import write_line
from payments.vietqr.style import Style

# Part of every ETag: raise it when the same payload and style give another picture.
VERSION = 2

_LEVELS = {
    "L": constants.ERROR_CORRECT_L,
    "M": constants.ERROR_CORRECT_M,
    "Q": constants.ERROR_CORRECT_Q,
    "H": constants.ERROR_CORRECT_H,
}
_PLAIN = Style()
QUIET = 4
"""Modules of white around a code (ISO/IEC 18004)."""

Matrix = list[list[bool]]


def render_svg(payload: str, style: Style = _PLAIN) -> str:
    """Draw the payload as SVG without styles or scripts; raises VietQRError when no bank could read it."""
    matrix, layout = _draw(payload, style)
    half = layout.scale / 2
    words = "".join(
        f'<text x="50%" y="{line.y}" font-size="{line.size}">{escape(line.text)}</text>' for line in layout.lines
    )
    if words:
        words = f'<g font-family="sans-serif" text-anchor="middle">{words}</g>'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{layout.width}" height="{layout.height}" '
        f'viewBox="0 0 {layout.width} {layout.height}"><path fill="#fff" d="M0 0h{layout.width}v{layout.height}H0z"/>'
        f'<path transform="translate({layout.left} {layout.top + half:g}) scale({layout.scale})" stroke="#000" '
        f'shape-rendering="crispEdges" d="{_path(matrix)}"/>{words}</svg>'
    )


def render_png(payload: str, style: Style = _PLAIN) -> bytes:
    """Draw the payload as black-and-white PNG; raises VietQRError when no bank could read it."""
    matrix, layout = _draw(payload, style)
    sheet = Image.new("1", (layout.width, layout.height), 1)
    side = len(matrix)
    code = Image.new("1", (side, side))
    code.putdata([not dark for row in matrix for dark in row])
    size = side * layout.scale
    sheet.paste(code.resize((size, size), Image.Resampling.NEAREST), (layout.left, layout.top))
    for line in layout.lines:
        write_line(sheet, line.text, line.y, line.size)
    stream = io.BytesIO()
    sheet.save(stream, "PNG", optimize=True)
    return stream.getvalue()


def address_svg(address: str) -> str:
    """Draw an address (a link on paper) as SVG, with the quiet zone of four modules that readers need."""
    matrix = _matrix(address, _PLAIN)
    side = len(matrix) + 2 * QUIET
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{side}" height="{side}" viewBox="0 0 {side} {side}">'
        f'<path fill="#fff" d="M0 0h{side}v{side}H0z"/><path transform="translate({QUIET} {QUIET + 0.5:g})" '
        f'stroke="#000" shape-rendering="crispEdges" d="{_path(matrix)}"/></svg>'
    )


def etag(payload: str, style: Style = _PLAIN) -> str:
    """Name the picture by its content: equal for equal payload and style, without drawing it."""
    return sha256(f"{VERSION}\n{style!r}\n{payload}".encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _draw(payload: str, style: Style) -> tuple[Matrix, Layout]:
    qr = decode(payload)
    matrix = _matrix(payload, style)
    return matrix, arrange(qr, style, len(matrix))


def _matrix(text: str, style: Style) -> Matrix:
    code = QRCode(error_correction=_LEVELS[style.level], border=0, mask_pattern=style.mask)
    code.add_data(text)
    code.make(fit=True)
    return [[bool(dark) for dark in row] for row in code.modules]


def _path(matrix: Matrix) -> str:
    """One line per run of dark modules, in relative moves: about five characters a run."""
    parts: list[str] = []
    pen_x = pen_y = 0
    for x, y, length in runs(matrix):
        parts.append(f"m{x - pen_x} {y - pen_y}h{length}")
        pen_x, pen_y = x + length, y
    return "".join(parts)


def runs(matrix: Matrix) -> Iterator[tuple[int, int, int]]:
    """Runs of dark modules as (column, row, length), row by row."""
    for y, row in enumerate(matrix):
        start = None
        for x, dark in enumerate([*row, False]):
            if dark and start is None:
                start = x
            elif not dark and start is not None:
                yield start, y, x - start
                start = None
