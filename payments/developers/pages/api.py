"""The API for school software: the server's own rendering of its OpenAPI document, and Swagger UI where it was brought.

The document comes from a function that the composition gives (``create_app``), so this room knows no other's routes.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, cast

from flask import Blueprint, current_app, make_response, render_template
from flask.typing import ResponseReturnValue

from payments.developers import openapi
from payments.errors import NotFoundError
from payments.web.security import CSP

DOCUMENT: Final = "hocphi api document"
"""Under this name of ``app.extensions`` stands the function that gives the OpenAPI document, or None."""
SWAGGER: Final = ("vendor/swagger-ui-bundle.js", "vendor/swagger-ui.css")
SWAGGER_CSP: Final = CSP.replace("img-src 'self'", "img-src 'self' data:")
"""Its stylesheet draws its icons inline; nothing else is let in, and on no other page."""

Document = Mapping[str, Any]


def add_to(blueprint: Blueprint) -> None:
    """Add the routes."""
    blueprint.add_url_rule("/api/", "api", page)
    blueprint.add_url_rule("/api/openapi.json", "api_document", document)
    blueprint.add_url_rule("/api/try/", "api_try", swagger)


def page() -> ResponseReturnValue:
    """Every call on one page of plain HTML."""
    found = _document()
    return render_template(
        "developers/api.html",
        document=found,
        operations=openapi.operations(found) if found is not None else [],
        swagger=_swagger_is_there(),
    )


def document() -> ResponseReturnValue:
    """The document itself. Raises NotFoundError where this installation has no API."""
    found = _document()
    if found is None:
        raise NotFoundError
    return dict(found)


def swagger() -> ResponseReturnValue:
    """Swagger UI. Raises NotFoundError where it was not brought (npm was absent when this was built)."""
    if _document() is None or not _swagger_is_there():
        raise NotFoundError
    response = make_response(render_template("developers/swagger.html"))
    response.headers["Content-Security-Policy"] = SWAGGER_CSP
    return response


def _document() -> Document | None:
    give = cast("Callable[[], Document] | None", current_app.extensions.get(DOCUMENT))
    return None if give is None else give()


def _swagger_is_there() -> bool:
    folder = Path(current_app.static_folder or "")
    return all((folder / name).is_file() for name in SWAGGER)
