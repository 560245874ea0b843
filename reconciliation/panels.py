"""The pages that reconciliation adds to the desk, for the composition root: each blueprint with who may enter."""

from flask import Blueprint

from reconciliation import views
from reconciliation.imports import views as imports

PANELS: tuple[tuple[Blueprint, tuple[str, ...]], ...] = (
    (views.blueprint, views.ACCESS),
    (imports.blueprint, imports.ACCESS),
)
