"""The pages that reconciliation adds to the desk, for the composition root: each blueprint with who may enter.

In the order in which they stand on the rail.
"""

from flask import Blueprint

from payments.web.security import Open
from reconciliation import views
from reconciliation.closing import public_views as closing_checks
from reconciliation.closing import views as closing
from reconciliation.exceptions import views as exceptions
from reconciliation.imports import views as imports

PANELS: tuple[tuple[Blueprint, Open | tuple[str, ...]], ...] = (
    (exceptions.blueprint, exceptions.ACCESS),
    (views.blueprint, views.ACCESS),
    (imports.blueprint, imports.ACCESS),
    (closing.blueprint, closing.ACCESS),
    (closing_checks.blueprint, closing_checks.ACCESS),
)
