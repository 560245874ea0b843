"""The accountant's desk: one blueprint, a module of pages per subject."""

from flask import Blueprint

from payments.console.pages import (
    accounts,
    api_keys,
    bulk,
    deciding,
    deeds,
    drafting,
    fees,
    home,
    invoices,
    paper,
    payouts,
    pupils,
    queue,
    reports,
    roster,
    rounds,
    search,
    views,
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
    deciding,
    deeds,
    bulk,
    views,
    payouts,
    paper,
    reports,
    accounts,
    api_keys,
):
    pages.add_to(blueprint)
