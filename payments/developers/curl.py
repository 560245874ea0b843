"""A request as a command for a POSIX shell: secrets as variables, all else quoted so that it cannot run. Pure."""

import base64
import re
import shlex
from collections.abc import Iterable
from typing import Final
from urllib.parse import quote

from bank_adapters.contract import Request

URL_VARIABLE: Final = "HOCPHI_URL"
"""Stands for the connection's address, whose token is a key."""
_LEFT_OUT: Final = frozenset({"host", "content-length", "connection", "transfer-encoding", "accept-encoding", "expect"})


def as_curl(request: Request, headers: Iterable[tuple[str, str | None]]) -> str:
    """The command; a header without value becomes a variable of the shell that its reader fills in.

    A body that is no plain text travels as base64, so that its bytes arrive unchanged.
    """
    url = f'"${URL_VARIABLE}"' + (shlex.quote("/" + quote(request.path)) if request.path else "")
    if request.query:
        url += shlex.quote(f"?{request.query}")
    parts = [f"curl -sS -i -g -X {shlex.quote(request.method)} {url}"]
    parts += [f"  -H {_header(name, value)}" for name, value in headers if name not in _LEFT_OUT and name.isprintable()]
    before = ""
    if request.body:
        if not request.header("content-type"):
            parts.append("  -H 'Content-Type:'")  # else curl names a kind of its own
        text = _plain(request.body)
        if text is None:
            before = f"printf %s {base64.b64encode(request.body).decode()} | base64 -d | "
            parts.append("  --data-binary @-")
        else:
            parts.append(f"  --data-binary {shlex.quote(text)}")
    return before + " \\\n".join(parts)


def variable(header: str) -> str:
    """The shell's variable for a header: ``x-sepay-signature`` -> HOCPHI_X_SEPAY_SIGNATURE."""
    return "HOCPHI_" + re.sub(r"[^A-Z0-9]", "_", header.upper())


def _header(name: str, value: str | None) -> str:
    if value is None:
        return shlex.quote(f"{name}: ") + f'"${variable(name)}"'
    return shlex.quote(f"{name}: {value}" if value else f"{name};")


def _plain(body: bytes) -> str | None:
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return None
    # curl reads a value that begins with @ as the name of a file of its reader's.
    return None if "\0" in text or text.startswith("@") else text
