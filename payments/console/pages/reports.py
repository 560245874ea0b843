"""Reports of the desk: what is owed and since when, how a round is paid, by which channels money comes."""

from collections.abc import Sequence
from datetime import date, timedelta

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from payments import clock
from payments.console import aging, collection
from payments.console.collection import Curve, Round
from payments.console.desk import desk_of
from payments.money import format_number
from payments.web import charts
from payments.web.context import db_session, row_id, say

SHARE_DAYS = timedelta(days=29)
"""Channels are counted over thirty days."""
PURSES_SHOWN = 500
TABLE_ROWS = 12
"""The table under a curve shows about so many days; the last one always."""


def add_to(blueprint: Blueprint) -> None:
    """Add the routes."""
    blueprint.add_url_rule("/<code>/reports/", "reports", reports)


def reports(code: str) -> ResponseReturnValue:
    """All three reports; the round and the one beside it are chosen in the address."""
    today = clock.today()
    with db_session() as session:
        desk = desk_of(session, code)
        known = collection.rounds(session, desk.school_id)
        chosen = _named("round", known) or (known[0] if known else None)
        against = (_named("against", known) or collection.year_before(chosen, known)) if chosen else None
        lines = [collection.curve(session, desk.school_id, one, today) for one in (chosen, against) if one is not None]
        ages = aging.ages(session, desk.school_id, today)
        purses = aging.credits_of_pupils(session, desk.school_id, PURSES_SHOWN)
        shares = aging.shares(session, desk.school_id, today - SHARE_DAYS, today)
    return render_template(
        "console/reports.html",
        desk=desk,
        known=known,
        chosen=chosen,
        against=against,
        curves=charts.curves([(one.round.name, one.percents) for one in lines]) if lines else None,
        days=_days(lines),
        ages=ages,
        bucket_names=bucket_names(),
        age_bars=charts.bars([(bucket_names()[key], format_number(open_vnd), open_vnd) for key, _, open_vnd in ages]),
        purses=purses,
        shares=shares,
        shares_vnd=sum(row["amount_vnd"] for row in shares),
        since=today - SHARE_DAYS,
        until=today,
    )


def bucket_names() -> dict[str, str]:
    """Buckets of age in the language of the page."""
    return {
        "not_due": say("chưa đến hạn", "not due yet"),
        "d1_7": say("1–7 ngày", "1–7 days"),
        "d8_30": say("8–30 ngày", "8–30 days"),
        "d31_60": say("31–60 ngày", "31–60 days"),
        "over_60": say("trên 60 ngày", "over 60 days"),
    }


def _named(argument: str, known: Sequence[Round]) -> Round | None:
    wanted = request.args.get(argument, type=row_id)
    return next((one for one in known if one.id == wanted), None)


def _days(lines: Sequence[Curve]) -> list[tuple[int, date, list[tuple[int, float] | None]]]:
    """Rows of the table: day number, date of the chosen round, and (đồng, per cent) of each line."""
    longest = max((len(one.paid_vnd) for one in lines), default=0)
    step = max(1, longest // TABLE_ROWS)
    numbers = sorted({*range(0, longest, step), longest - 1} - {-1})
    return [
        (
            number,
            lines[0].round.starts_on + timedelta(days=number),
            [(one.paid_vnd[number], one.percents[number]) if number < len(one.paid_vnd) else None for one in lines],
        )
        for number in numbers
    ]
