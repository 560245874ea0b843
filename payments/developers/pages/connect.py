"""«Nối ngân hàng trong 30 phút»: what every sender must know, and a sheet per adapter."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from payments.developers import guide
from payments.errors import NotFoundError
from payments.inbox.sealing import MAX_BODY_BYTES
from payments.web.context import services


def add_to(blueprint: Blueprint) -> None:
    """Add the routes."""
    blueprint.add_url_rule("/connect/", "connect", connect)
    blueprint.add_url_rule("/connect/<name>/", "sheet", sheet)


def connect() -> ResponseReturnValue:
    """What holds for everybody, and the adapters."""
    sheets = [found for name in guide.names() if (found := guide.sheet(name)) is not None]
    return render_template("developers/connect.html", sheets=sheets, base_url=_base(), limit=MAX_BODY_BYTES // 1024)


def sheet(name: str) -> ResponseReturnValue:
    """One adapter: addresses, fields, signature, answers, vectors. Raises NotFoundError."""
    found = guide.sheet(name)
    if found is None:
        raise NotFoundError
    return render_template("developers/sheet.html", sheet=found, base_url=_base())


def _base() -> str:
    return services().settings.base_url
