"""The web application: rooms' blueprints with their guards on one Flask object."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from flask import Blueprint, Flask

from payments import tables
from payments.access import views as access
from payments.access.guards import current_actor, staff
from payments.api import description as api_description
from payments.api import openapi
from payments.api import views as api
from payments.api.operation import Operation
from payments.console import views as console
from payments.crypto import FieldCipher
from payments.db import make_engine
from payments.developers import views as developers
from payments.developers.pages.api import DOCUMENT
from payments.inbox.views import WsgiDoor
from payments.money import format_number, format_vnd
from payments.notices import views as stopping
from payments.portal import claim_views as claims
from payments.portal import family_views as family
from payments.portal import lookup_views as lookup
from payments.portal import order_views as paying
from payments.portal import previews, unknown
from payments.portal import receipt_views as receipt_page
from payments.portal import style_views as pay_styles
from payments.portal import together_views as together
from payments.portal import views as portal
from payments.receipts import views as receipts
from payments.settings import Settings
from payments.transparency import views as transparency
from payments.web import compression, errors, health, logs, security
from payments.web.context import Services, day, language, moment, say
from payments.web.proxies import TrustedProxies
from payments.web.security import Guard, Open, admit

MAX_UPLOAD_BYTES = 12 * 1024 * 1024
FACES = (
    *(health, access, receipts, portal, pay_styles, paying, claims, lookup, receipt_page, previews, unknown),
    *(together, family, stopping),
    *(transparency, console, developers, api, api_description),
)
"""Rooms with pages: each has a ``blueprint`` and says who may enter in ``ACCESS``."""

Panel = tuple[Blueprint, Open | tuple[str, ...]]
"""A blueprint of a package above, with the roles that may enter, or for everybody."""


ApiDocument = Callable[[], Mapping[str, Any]]
"""Gives the OpenAPI document of the API for school software."""


def create_app(
    settings: Settings,
    panels: Iterable[Panel] = (),
    api_document: ApiDocument | None = openapi.document,
    operations: Sequence[Operation] = (),
) -> Flask:
    """Build the application; ``panels`` (pages) and ``operations`` (of the API) come from the packages above.

    ``api_document`` None: this installation describes no API, and the developers' desk says so.
    """
    app = Flask("payments.web")
    app.config.update(SECRET_KEY=settings.secret_key, MAX_CONTENT_LENGTH=MAX_UPLOAD_BYTES)
    engine = make_engine(settings.database_url, pool_size=8)
    app.extensions["hocphi"] = Services(settings, engine, FieldCipher(settings.field_keys))
    app.extensions["hocphi tables"] = tables.METADATA
    app.extensions[DOCUMENT] = api_document
    security.install(app, settings)
    logs.install(app)
    compression.install(app)
    errors.install(app)
    for room in FACES:
        admit(app, room.blueprint, _guard(room.ACCESS))
    if operations:
        admit(app, api.blueprint_of(operations), _guard(api.ACCESS))
        app.extensions[api_description.SERVED] = openapi.written(operations).encode()
    for blueprint, roles in panels:
        admit(app, blueprint, _guard(roles))
    app.jinja_env.globals.update(say=say, language=language, current_actor=current_actor)
    app.jinja_env.filters.update(vnd=format_vnd, number=format_number, day=day, moment=moment)
    wrapped = WsgiDoor(TrustedProxies(app.wsgi_app, settings.trusted_proxies), settings)
    app.wsgi_app = wrapped  # type: ignore[method-assign]  # Flask documents this very assignment for middleware
    return app


def _guard(declared: Open | Guard | tuple[str, ...]) -> Guard | Open:
    return staff(*declared) if isinstance(declared, tuple) else declared
