"""What reconciliation shows on the desk's first page: the newest night of each account, judged in one line."""

from collections.abc import Iterator

from flask import url_for
from sqlalchemy import text
from sqlalchemy.orm import Session

from payments.console.desk import Desk
from payments.console.today import Card
from payments.i18n import Text
from payments.money import format_number
from payments.web.context import day, say
from reconciliation import words
from reconciliation.models import RunState

_NEWEST = text("""
    SELECT DISTINCT ON (held.account_id) run.id, run.day, run.state, run.matched, a.fund,
        (SELECT coalesce(sum(value::bigint), 0)::bigint FROM jsonb_each_text(run.exceptions)) AS exceptions
    FROM standing_run held
    JOIN reconcile_run run ON run.school_id = held.school_id AND run.id = held.run_id
    JOIN receiving_account a ON a.school_id = held.school_id AND a.id = held.account_id
    WHERE held.school_id = :school_id ORDER BY held.account_id, held.day DESC
""")


def cards(session: Session, desk: Desk) -> Iterator[Card]:
    """One card for each account that has been reconciled: its open exceptions, its day and whether it proves."""
    for run in session.execute(_NEWEST, {"school_id": desk.school_id}):
        state = words.STATES[run.state]
        yield Card(
            count=run.exceptions,
            label=Text(f"ngoại lệ đối soát · {run.fund}", f"reconciliation exceptions · {run.fund}"),
            href=url_for("reconciliation.run", code=desk.code, run_id=run.id),
            detail=f"{say('đến', 'up to')} {day(run.day)} · {say('khớp', 'matched')} {format_number(run.matched)}"
            f" · {say(state.vi, state.en).lower()}",
            urgent=run.state == RunState.FAILED,
        )
