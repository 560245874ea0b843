"""The QR of a payable as an answer: PNG to save from any chat app, SVG to show."""

from flask import Response, request

from payments.errors import NotFoundError
from payments.portal.payable import Payable
from payments.vietqr.render import etag, render_png, render_svg


def picture_of(payable: Payable, kind: str) -> Response:
    """The picture, 304 when the visitor has it; ``?save`` hands it over as a file. Raises NotFoundError."""
    if kind not in {"png", "svg"}:
        raise NotFoundError
    style = payable.style("slip" if kind == "png" else "qr_only")
    name = etag(payable.payload, style)
    if request.if_none_match.contains_weak(name):
        return Response(status=304, headers={"ETag": f'"{name}"'})
    body = render_png(payable.payload, style) if kind == "png" else render_svg(payable.payload, style)
    answer = Response(body, mimetype="image/png" if kind == "png" else "image/svg+xml")
    answer.set_etag(name)
    answer.headers["Cache-Control"] = "private, no-cache"
    if kind == "png" and "save" in request.args:
        answer.headers["Content-Disposition"] = f'attachment; filename="QR-{payable.reference}.png"'
    return answer
