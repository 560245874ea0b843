"""«Ngừng nhận thư»: the link under each letter, for a person and for the one click of a mail program (RFC 8058)."""

import hmac
import re

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from payments.errors import NotFoundError
from payments.notices.addresses import Reach, addresses, opt_in, opt_out
from payments.notices.models import Campaign, Notice
from payments.notices.outside import Outside
from payments.notices.writing import mark_of
from payments.schools.models import School
from payments.web.context import MAX_ID, db_session, services
from payments.web.security import Open, csrf

blueprint = Blueprint("notices", __name__, url_prefix="/notices", template_folder="templates")
ACCESS = Open.PUBLIC
_NAME = re.compile(r"(\d{1,18})\.(\d{1,18})\.([0-9a-f]{24})", re.ASCII)


@blueprint.get("/stop/<name>")
def stop(name: str) -> ResponseReturnValue:
    """Ask first: a mail scanner opens links, and must not silence a parent."""
    with db_session() as session:
        school = _found(session, _outside(), name)[0]
    return render_template("notices/stop.html", school=school, done=None)


@blueprint.post("/stop/<name>")
def stopped(name: str) -> ResponseReturnValue:
    """Stop, or begin again. The name in the address is the proof; a mail program's click carries no token of a form."""
    outside = _outside()
    with db_session() as session:
        school, reach = _found(session, outside, name)
        wanted = opt_in if request.form.get("again") else opt_out
        if reach is not None:
            wanted(session, outside.cipher, reach)
    return render_template("notices/stop.html", school=school, done="again" if request.form.get("again") else "stopped")


csrf.exempt(stopped)


def _outside() -> Outside:
    return Outside(services().settings, services().cipher)


def _found(session: Session, outside: Outside, name: str) -> tuple[str, Reach | None]:
    """The school's name, and the address that the letter went to while a guardian has it. Raises NotFoundError."""
    parts = _NAME.fullmatch(name)
    if parts is None or max(int(parts[1]), int(parts[2])) > MAX_ID:
        raise NotFoundError
    school_id, notice_id = int(parts[1]), int(parts[2])
    if not hmac.compare_digest(parts[3], mark_of(outside, school_id, notice_id)):
        raise NotFoundError
    notice = session.get(Notice, (school_id, notice_id))
    if notice is None:
        raise NotFoundError
    channel = session.get_one(Campaign, (school_id, notice.campaign_id)).channel
    known = addresses(session, outside.cipher, school_id, channel, notice.pupil_id)
    address = next((one.address for one in known if one.index == notice.address_index), None)
    school = session.get_one(School, school_id)
    return school.name, None if address is None else Reach(school_id, channel, address)
