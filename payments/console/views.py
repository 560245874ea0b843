"""The accountant's desk: one blueprint, a module of pages per subject."""

from flask import Blueprint

from payments.console.notices import campaigns, classes, preferences
from payments.console.notices import templates as notice_texts
from payments.console.pages import (
    accounts,
    api_keys,
    bank_apps,
    bulk,
    deciding,
    deeds,
    drafting,
    fees,
    home,
    invoices,
    links,
    paper,
    payouts,
    public,
    pupils,
    queue,
    reported,
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
    links,
    fees,
    drafting,
    rounds,
    invoices,
    queue,
    deciding,
    deeds,
    bulk,
    views,
    reported,
    payouts,
    paper,
    reports,
    accounts,
    public,
    bank_apps,
    api_keys,
    campaigns,
    notice_texts,
    classes,
    preferences,
):
    pages.add_to(blueprint)
