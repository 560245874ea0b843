"""The pages that reconciliation adds to the desk, for the composition root: each blueprint with who may enter."""

from flask import Blueprint

from reconciliation import views
from reconciliation.exceptions import views as exceptions
from reconciliation.imports import views as imports

PANELS: tuple[tuple[Blueprint, tuple[str, ...]], ...] = (
    (views.blueprint, views.ACCESS),
    (exceptions.blueprint, exceptions.ACCESS),
    (imports.blueprint, imports.ACCESS),
)
