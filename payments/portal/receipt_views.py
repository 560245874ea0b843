"""A receipt as a page that prints on A5 or A4, next to its PDF; what counts is written in Vietnamese always."""

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from payments.errors import NotFoundError
from payments.portal.paid import contents_of
from payments.portal.views import checked_token, known_holder
from payments.receipts.queries import by_name
from payments.receipts.words import STYLES, in_words
from payments.vietqr.render import address_svg
from payments.web.context import db_session, services
from payments.web.security import Open

blueprint = Blueprint("receipt_page", __name__, template_folder="templates")
ACCESS = Open.PUBLIC


@blueprint.get("/p/<token>/receipt/<number>")
def show(token: str, number: str) -> ResponseReturnValue:
    """One receipt of the pupil, A5 unless ``?paper=a4``; a revoked one says so. Raises NotFoundError."""
    with db_session() as session:
        who = known_holder(session, checked_token(token))
        kept = by_name(session, who.school_id, who.pupil_id, number)
        if kept is None:
            raise NotFoundError
        contents = contents_of(session, who, kept, services().settings.base_url)
    return render_template(
        "portal/receipt.html",
        token=token,
        receipt=contents,
        revoked_at=kept.revoked_at,
        words=in_words(contents.amount_vnd, STYLES[contents.words]),
        paper="a4" if request.args.get("paper") == "a4" else "a5",
        # Drawn by us from an address of ours: no value in it needs escaping.
        square=Markup(address_svg(contents.verify_url)),  # noqa: S704 - see above
    )
