"""The matching queue: bank credits under tabs, narrowed by filters that live in the address."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from payments import clock
from payments.console import queries
from payments.console.desk import Desk, desk_of
from payments.console.queue import reading, saved, words
from payments.console.queue.filters import NAMES, OUTCOMES, SORTS, TABS, Filters, read
from payments.console.queue.lines import lines
from payments.console.queue.preferences import shortcuts_on
from payments.errors import DomainError
from payments.inbox.queries import other_amounts
from payments.settlement.queries import EXCLUDE_REASONS, REFUND_WORDS, proposed_transfers, refunds
from payments.settlement.service import place_held
from payments.web.context import db_session, language, row_id, say

NEW = "new"
"""The choice that says: this is a transfer that we have not seen yet."""
MOST_DONE = 200
"""So many deeds are told above the queue after a page was loaded anew."""


def add_to(blueprint: Blueprint) -> None:
    """Add the routes."""
    blueprint.add_url_rule("/<code>/unmatched/", "unmatched", unmatched)
    blueprint.add_url_rule("/<code>/held/<int:evidence_id>/", "place_held", place, methods=["POST"])
    blueprint.app_context_processor(lambda: {"has_page": has_page})


def unmatched(code: str) -> ResponseReturnValue:
    """One tab of the queue. A fixed number of statements, however many rows there are."""
    filters = read(request.args)
    with db_session() as session:
        desk = desk_of(session, code)
        shown = {
            "views": saved.views(session, desk.school_id, desk.actor.user_id),
            "shortcuts": shortcuts_on(session, desk.actor.user_id),
            "counts": reading.counts(session, desk.school_id),
            "deeds": reading.decided(session, desk.school_id, _done()),
            **_content(session, desk, filters),
        }
    return render_template(
        "console/unmatched.html", desk=desk, filters=filters, has_vendor=has_htmx(), **(vocabulary() | shown)
    )


def place(code: str, evidence_id: int) -> ResponseReturnValue:
    """Say of which transfer held evidence tells: a known one (its number), or one of its own («new»)."""
    with db_session() as session:
        desk = desk_of(session, code, "accountant", "principal")
        place_held(session, desk.school_id, evidence_id, _told_of(request.form), desk.actor.user_id)
    flash(say("Đã ghi nhận quyết định.", "The decision is recorded."), "ok")
    return redirect(url_for("console.unmatched", code=code, tab="held"), code=303)


def vocabulary() -> dict[str, Any]:
    """The words that the templates of the queue use, in the language of the page."""

    def told(known: Mapping[str, Any]) -> Any:
        return lambda key: words.word(known, key, language())

    return {
        "tabs": TABS,
        "sorts": SORTS,
        "outcomes": OUTCOMES,
        "names": NAMES,
        "chip_keys": {**words.CHIPS, **words.AGAINST},
        "exclusions": EXCLUDE_REASONS,
        "exclusion_word": lambda reason: say(*EXCLUDE_REASONS[reason]),
        "refund_word": lambda state: say(*REFUND_WORDS[state]),
        "account_word": str,
        "this_year": clock.today().year,
        "chip_word": told(words.CHIPS),
        "outcome_word": told(words.OUTCOMES),
        "deed_word": told(words.DEEDS),
        "tail": "?lang=en" if language() == "en" else "",
        "more": "&lang=en" if language() == "en" else "",
    }


def address(code: str, query: str, **more: object) -> str:
    """The queue's address with some filters, in the language of this page."""
    parts = [query, urlencode({key: value for key, value in more.items() if value not in (None, "")})]
    parts += ["lang=en"] if language() == "en" else []
    found = "&".join(part for part in parts if part)
    return url_for("console.unmatched", code=code) + (f"?{found}" if found else "")


def has_page(endpoint: str) -> bool:
    """Whether this installation has a page; other parts of the desk may be absent."""
    return endpoint in current_app.view_functions


def has_htmx() -> bool:
    """Whether the file has been fetched at build time; without it screens reload whole pages."""
    return Path(current_app.static_folder or "", "vendor", "htmx.min.js").is_file()


def _content(session: Session, desk: Desk, filters: Filters) -> dict[str, Any]:
    """What stands under a tab."""
    if filters.tab == "held":
        return {"held": queries.held(session, desk.school_id), "other_amounts": other_amounts(session, desk.school_id)}
    if filters.tab == "astray":
        return {"astray": proposed_transfers(session, desk.school_id)}
    if filters.tab == "refunds":
        return {"refunds": refunds(session, desk.school_id)}
    page = reading.page(session, desk.school_id, filters)
    choices = reading.choices(session, desk.school_id)
    accounts = {one["value"]: one["label"] for one in choices.accounts}
    return {
        "page": page,
        "lines": lines(page),
        "choices": choices,
        "account_word": lambda value: accounts.get(str(value), value),
        "killers": [] if page.rows else reading.killers(session, desk.school_id, filters),
    }


def _done() -> list[int]:
    """The decisions that the last form made, as its redirect names them."""
    given = request.args.get("done", "").split(",")[:MOST_DONE]
    return [int(one) for one in given if one.isascii() and one.isdigit() and len(one) < 19]


def _told_of(form: Any) -> int | None:
    """The number of the chosen transfer, None for a new one: money comes into being only by an express choice."""
    chosen: str = form.get("transaction", "")
    if chosen == NEW:
        return None
    try:
        return row_id(chosen)
    except ValueError:
        raise DomainError(
            "nothing_chosen", "Hãy chọn tin này báo về giao dịch nào.", "Choose which transfer it tells of."
        ) from None
