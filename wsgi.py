"""Composition root: the settings become the web application and Celery; nothing else happens here.

A WSGI server serves ``wsgi:application``; ``celery -A wsgi:celery`` runs the workers. ``hocphi serve`` and
``hocphi worker`` do both.
"""

from payments.app import BEAT, create_app
from payments.celery import make_celery
from payments.settings import Settings
from payments.web.proxies import TrustedProxies

settings = Settings.from_env()
celery = make_celery(settings, BEAT)
flask_app = create_app(settings)
application = TrustedProxies(flask_app.wsgi_app, settings.trusted_proxies)
