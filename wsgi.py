"""Composition root: the settings become the web application and Celery; nothing else happens here.

A WSGI server serves ``wsgi:app``; ``celery -A wsgi:celery`` runs the workers. ``hocphi serve`` and
``hocphi worker`` do both.
"""

from functools import cache, partial
from typing import TYPE_CHECKING

from bank_adapters import allow_only, load_all
from payments.background import BEAT
from payments.celery import make_celery
from payments.settings import Settings
from reconciliation import tables, tasks  # noqa: F401 - foreign keys are named by table: a task needs them known
from reconciliation.imports import tasks as imports

if TYPE_CHECKING:
    from flask import Flask

settings = Settings.from_env()
allow_only(settings.adapters, settings.adapter_files)
load_all()
celery = make_celery(settings, {**BEAT, **tasks.BEAT, **imports.BEAT})


def __getattr__(name: str) -> "Flask":
    """``app``, composed when a web server asks for it: workers and beat have no use for pages, and start sooner."""
    if name != "app":
        raise AttributeError(name)
    return _app()


@cache
def _app() -> "Flask":
    from payments.api import openapi  # noqa: PLC0415 - pages are for those who ask for them, see above
    from payments.app import create_app  # noqa: PLC0415 - likewise
    from reconciliation.imports.push import OPERATIONS  # noqa: PLC0415 - likewise
    from reconciliation.panels import PANELS  # noqa: PLC0415 - likewise

    return create_app(settings, PANELS, partial(openapi.document, OPERATIONS), OPERATIONS)
