"""The pages that reconciliation adds to the desk, for the composition root: each blueprint with who may enter."""

from flask import Blueprint

from reconciliation import views

PANELS: tuple[tuple[Blueprint, tuple[str, ...]], ...] = ((views.blueprint, views.ACCESS),)
