"""The accountant's desk: one blueprint, a module of pages per subject."""

from flask import Blueprint

from payments.console.pages import (
    accounts,
    api_keys,
    drafting,
    fees,
    home,
    invoices,
    payouts,
    pupils,
    queue,
    reports,
    roster,
    rounds,
    search,
)

blueprint = Blueprint("console", __name__, url_prefix="/console", template_folder="templates")
ACCESS = ("accountant", "principal", "officer", "operator")

for pages in (
    home,
    search,
    roster,
    pupils,
    fees,
    drafting,
    rounds,
    invoices,
    queue,
    payouts,
    reports,
    accounts,
    api_keys,
):
    pages.add_to(blueprint)
