"""Keys for the school's software: made by the accountant in their own name, shown once, ended by either of the two."""

from datetime import timedelta

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from payments import clock
from payments.api.queries import keys_of
from payments.api.rules import Scope, state_of
from payments.api.service import add_key, revoke_key
from payments.console.desk import Desk, desk_of
from payments.errors import DomainError
from payments.i18n import Text
from payments.web.context import db_session, say

LIVES = (30, 90, 365)
"""Days to choose from."""
WORDS = {
    Scope.ROSTER_READ: Text("đọc học sinh và lớp", "read pupils and classes"),
    Scope.ROSTER_WRITE: Text("gửi danh sách học sinh", "send the roster"),
    Scope.REGISTRATIONS_READ: Text("đọc đăng ký", "read registrations"),
    Scope.REGISTRATIONS_WRITE: Text("gửi đăng ký", "send registrations"),
    Scope.FEES_READ: Text("đọc khoản thu", "read fee items"),
    Scope.ROUNDS_READ: Text("đọc đợt thu", "read rounds"),
    Scope.ROUNDS_WRITE: Text("soạn đợt thu và đề nghị duyệt", "draft rounds and propose them"),
    Scope.INVOICES_READ: Text("đọc thông báo thu", "read invoices"),
    Scope.LINKS_READ: Text("đọc đường dẫn của phụ huynh", "read the parents' links"),
    Scope.PAYMENTS_READ: Text("đọc tiền về và tiền dư", "read payments and credit"),
    Scope.RECEIPTS_READ: Text("đọc xác nhận đã thu", "read receipts"),
    Scope.LEDGER_WRITE: Text("gửi sổ kế toán để đối soát", "send the books for reconciliation"),
}
STATES = {
    "live": Text("đang dùng", "live"),
    "expired": Text("hết hạn", "expired"),
    "revoked": Text("đã thu hồi", "revoked"),
}


def add_to(blueprint: Blueprint) -> None:
    """Add the routes."""
    blueprint.add_url_rule("/<code>/api-keys/", "api_keys", api_keys)
    blueprint.add_url_rule("/<code>/api-keys/", "add_api_key", add, methods=["POST"])
    blueprint.add_url_rule("/<code>/api-keys/<int:key_id>/revoke", "revoke_api_key", revoke, methods=["POST"])


def api_keys(code: str) -> ResponseReturnValue:
    """The school's keys without their secrets."""
    with db_session() as session:
        return _page(session, desk_of(session, code))


def add(code: str) -> ResponseReturnValue:
    """Make a key; this answer is the only place where it is ever shown."""
    with db_session() as session:
        desk = desk_of(session, code, "accountant")
        chosen = [scope for scope in Scope if scope.value in request.form.getlist("scope")]
        try:
            _, key = add_key(
                session,
                desk.school_id,
                name=request.form.get("name", ""),
                scopes=chosen,
                user_id=desk.actor.user_id,
                lives=timedelta(days=_days(request.form.get("days", 0, type=int))),
            )
        except DomainError as error:
            return _page(session, desk, refusal=error), error.status
        return _page(session, desk, key=key)


def revoke(code: str, key_id: int) -> ResponseReturnValue:
    """End a key at once; one person is enough to stop."""
    with db_session() as session:
        desk = desk_of(session, code, "accountant", "principal")
        revoke_key(session, desk.school_id, key_id, desk.actor.user_id)
    flash(say("Đã thu hồi khóa.", "The key is revoked."), "ok")
    return redirect(url_for("console.api_keys", code=code), code=303)


def _days(wanted: int) -> int:
    """One of the days to choose from; what nobody can have chosen is none, and is refused."""
    return wanted if wanted in LIVES else 0


def _page(session: Session, desk: Desk, *, key: str | None = None, refusal: DomainError | None = None) -> str:
    now = clock.now()
    return render_template(
        "console/api_keys.html",
        desk=desk,
        rows=[
            (row, STATES[state_of(row["revoked_at"], row["expires_at"], now)])
            for row in keys_of(session, desk.school_id)
        ],
        words=WORDS,
        lives=LIVES,
        live=STATES["live"],
        key=key,
        refusal=refusal,
    )
