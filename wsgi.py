"""Composition root: the settings become the web application and Celery; nothing else happens here.

A WSGI server serves ``wsgi:app``; ``celery -A wsgi:celery`` runs the workers. ``hocphi serve`` and
``hocphi worker`` do both.
"""

from functools import partial

from bank_adapters import allow_only, load_all
from payments.api import openapi
from payments.app import BEAT, create_app
from payments.celery import make_celery
from payments.settings import Settings
from reconciliation import tasks
from reconciliation.imports import tasks as imports
from reconciliation.imports.push import OPERATIONS
from reconciliation.panels import PANELS

settings = Settings.from_env()
allow_only(settings.adapters, settings.adapter_files)
load_all()
celery = make_celery(settings, {**BEAT, **tasks.BEAT, **imports.BEAT})
app = create_app(settings, PANELS, partial(openapi.document, OPERATIONS), OPERATIONS)
