"""The page of a link that opens nothing: what a parent can do now. The same bytes for every cause."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from payments.portal.rules import UnknownLinkError
from payments.web.security import Open

blueprint = Blueprint("unknown_link", __name__, template_folder="templates")
ACCESS = Open.PUBLIC


@blueprint.app_errorhandler(UnknownLinkError)
def unknown(error: UnknownLinkError) -> ResponseReturnValue:
    """For every route below /p/ that was asked with such a token."""
    return render_template("portal/unknown.html", error=error), error.status
