"""Texts travel compressed: a parent's first load over a slow network is a third of its size.

BREACH: where an answer holds a secret of the visitor and something that an attacker chose, its compressed length tells
guesses apart. A cross-site attacker can make a browser send its cookies and any query. So an answer to a visitor with a
cookie is compressed only when the address holds no words to echo; without a cookie the answer holds nothing that
whoever asked did not bring along. The banks' door is outside: its answers are small and its senders are programs.
"""

import gzip
import re

from flask import Flask, request
from werkzeug.wrappers import Response

LEAST_BYTES = 700
"""Below it there is nothing to win; a look of a waiting page is far below."""
LEVEL = 6
NO_WORDS = re.compile(r"[a-z]{0,2}|[0-9]{1,19}", re.ASCII)
"""A language or the number of a row: no guess of a secret fits in."""
TYPED = frozenset({"q", "find", "code"})
"""What a person types stands on the page again: there digits are a guess as well, of an identifier or an account."""
TYPES = frozenset({"text/html", "text/css", "text/javascript", "image/svg+xml"})
"""What people wait for. JSON is for programs, and reflects what they sent."""


def install(app: Flask) -> None:
    """Compress answers on their way out, after all others have set their headers."""
    app.after_request_funcs.setdefault(None, []).insert(0, compressed)


def compressed(response: Response) -> Response:
    """The answer as gzip where the visitor takes it, it is worth it and it tells nothing by its length."""
    if response.mimetype not in TYPES or response.status_code != 200 or "Content-Encoding" in response.headers:
        return response
    response.vary.add("Accept-Encoding")
    if request.accept_encodings["gzip"] <= 0 or not _may_be_measured():
        return response
    response.direct_passthrough = False
    body = response.get_data()
    if len(body) < LEAST_BYTES:
        return response
    # No time in it: equal answers stay equal.
    response.set_data(gzip.compress(body, LEVEL, mtime=0))
    response.headers["Content-Encoding"] = "gzip"
    tag, is_weak = response.get_etag()
    if tag and not is_weak:
        response.set_etag(tag, weak=True)  # the same content in other bytes (RFC 9110, 8.8.1)
    return response


def _may_be_measured() -> bool:
    if request.endpoint == "static" or not request.cookies:
        return True
    return all(
        NO_WORDS.fullmatch(value) and (name not in TYPED or not value) for name, value in request.args.items(multi=True)
    )
