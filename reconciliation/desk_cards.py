"""What reconciliation shows on the desk's first page: what waits, and each account's night.

Every number is counted by the very condition of the page that its card leads to.
"""

from collections.abc import Iterator
from typing import Any

from flask import url_for
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from payments.console.desk import Desk
from payments.console.today import Card
from payments.i18n import Text
from payments.money import format_number
from payments.web.context import day, say
from reconciliation import words
from reconciliation.closing import reopening
from reconciliation.exceptions import queries
from reconciliation.imports.models import ImportJob, JobState
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
    """First what somebody must do, then how the nights stand."""
    yield from _exceptions(session, desk)
    yield from _imports(session, desk)
    yield from _reopening(session, desk)
    yield from _nights(session, desk)


def _exceptions(session: Session, desk: Desk) -> Iterator[Card]:
    """The four lists of exceptions that somebody may be asked about."""
    found = queries.counts(session, desk.school_id, desk.actor.user_id)
    to_decide = found["to_decide"] if desk.is_principal else 0

    def page(**query: Any) -> str:
        return url_for("exceptions.overview", code=desk.code, **query)

    yield Card(found["open"], Text("ngoại lệ đối soát chưa xong", "open exceptions"), page())
    yield Card(found["mine"], Text("ngoại lệ giao cho bạn", "exceptions assigned to you"), page(assignee="me"))
    yield Card(found["overdue"], Text("ngoại lệ quá hạn xử lý", "exceptions overdue"), page(due="overdue"), urgent=True)
    yield Card(
        found["second_person"],
        Text("đề nghị xử lý ngoại lệ chờ người thứ hai", "proposals that wait for the second person"),
        page(state="proposed"),
        urgent=to_decide > 0,
    )


def _imports(session: Session, desk: Desk) -> Iterator[Card]:
    """Files that were read and wait for a person."""
    counted = select(ImportJob.state, func.count()).where(ImportJob.school_id == desk.school_id)
    found = {row[0]: row[1] for row in session.execute(counted.group_by(ImportJob.state))}
    page = url_for("imports.jobs", code=desk.code)
    yield Card(found.get(JobState.READY, 0), Text("tệp chờ bạn bấm «Ghi»", "files that wait to be written"), page)
    yield Card(found.get(JobState.MAPPING, 0), Text("tệp chờ bạn chỉ cột", "files whose columns are unknown"), page)


def _reopening(session: Session, desk: Desk) -> Iterator[Card]:
    """The proposal to reopen a signed period, of which there is one at most."""
    waiting = reopening.pending(session, desk.school_id)
    yield Card(
        int(waiting is not None),
        Text("đề nghị mở lại kỳ đã khóa, chờ hiệu trưởng", "proposal to reopen a signed period"),
        url_for("closing.overview", code=desk.code),
        urgent=desk.is_principal,
    )


def _nights(session: Session, desk: Desk) -> Iterator[Card]:
    """One card for each account that has been reconciled: what its newest night found, and whether it proves."""
    for run in session.execute(_NEWEST, {"school_id": desk.school_id}):
        state = words.STATES[run.state]
        waits = run.state == RunState.WAITING_STATEMENT
        found = say("chưa xét", "not judged") if waits else f"{say('khớp', 'matched')} {format_number(run.matched)}"
        yield Card(
            count=run.exceptions,
            label=Text(
                f"ngoại lệ của lần đối soát mới nhất · {run.fund}", f"exceptions of the last night · {run.fund}"
            ),
            href=url_for("reconciliation.run", code=desk.code, run_id=run.id),
            detail=f"{say('đến', 'up to')} {day(run.day)} · {found} · {say(state.vi, state.en).lower()}",
            urgent=run.state == RunState.FAILED,
            work=run.state == RunState.FAILED,
        )
