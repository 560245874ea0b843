"""The desk of a bank's engineer: one blueprint, a module of pages per subject."""

from flask import Blueprint

from payments.developers.desk import DESK_ROLES
from payments.developers.pages import api, connect, events, home, play

blueprint = Blueprint("developers", __name__, url_prefix="/developers", template_folder="templates")
ACCESS = DESK_ROLES

for pages in (home, connect, api, events, play):
    pages.add_to(blueprint)
