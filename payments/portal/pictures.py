"""The QR of a payable as an answer: PNG to save from any chat app, SVG to show."""

from flask import Response, request

from payments.errors import NotFoundError
from payments.portal.payable import Payable
from payments.vietqr.render import render_png, render_svg


def picture_of(payable: Payable, kind: str) -> Response:
    """The picture; ``?save`` hands it over as a file. Raises NotFoundError.

    It holds what a family owes, so like every page it is kept nowhere (``no-store``, by the house): a shared computer
    would show it to whoever looks into the browser's cache.
    """
    if kind not in {"png", "svg"}:
        raise NotFoundError
    style = payable.style("slip" if kind == "png" else "qr_only")
    body = render_png(payable.payload, style) if kind == "png" else render_svg(payable.payload, style)
    answer = Response(body, mimetype="image/png" if kind == "png" else "image/svg+xml")
    if kind == "png" and "save" in request.args:
        answer.headers["Content-Disposition"] = f'attachment; filename="QR-{payable.reference}.png"'
    return answer
