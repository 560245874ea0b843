"""One bank credit: all that is known of it, and every decision a person may take about it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from payments.console import queries
from payments.console.desk import Desk, desk_of
from payments.console.pages.answering import back, decide, note, part, quick
from payments.console.pages.queue import vocabulary
from payments.console.queue import reading
from payments.console.queue.lines import line
from payments.errors import DomainError, NotFoundError
from payments.invoices.reference import find
from payments.payer_claims.queries import about
from payments.settlement.queries import debits_for, history, refunds
from payments.settlement.service import assign, undo
from payments.web.context import db_session, row_id

WAYS = ("assign", "split", "refund", "exclude", "note")
"""What a person may do with a transfer; ``do`` in the address says which form is shown first."""


def add_to(blueprint: Blueprint) -> None:
    """Add the routes."""
    base = "/<code>/unmatched/<int:transaction_id>"
    blueprint.add_url_rule(f"{base}/", "transfer", transfer)
    blueprint.add_url_rule(f"{base}/look", "look", look, methods=["POST"])
    blueprint.add_url_rule(f"{base}/assign", "assign", assign_to, methods=["POST"])
    blueprint.add_url_rule("/<code>/decisions/<int:decision_id>/undo", "undo", undo_decision, methods=["POST"])


@dataclass(frozen=True, slots=True)
class Candidate:
    """An invoice that a person may choose, with what the machine says for and against it."""

    invoice: reading.Row
    hint: reading.Hint | None
    picked: bool
    amount: str
    """As typed into the form for splitting."""


def transfer(code: str, transaction_id: int) -> ResponseReturnValue:
    """The page of a transfer; to htmx only the form that ``do`` names."""
    return _page(code, transaction_id, request.args)


def look(code: str, transaction_id: int) -> ResponseReturnValue:
    """Search for invoices; what was picked and typed so far stays."""
    return _page(code, transaction_id, request.form)


def assign_to(code: str, transaction_id: int) -> ResponseReturnValue:
    """Put the money on invoices, in the order they are named; what is left becomes the last pupil's credit."""

    def deed(session: Session, desk: Desk) -> list[int]:
        ids = _invoice_ids(session, desk.school_id)
        return [assign(session, desk.school_id, transaction_id, ids, desk.actor.user_id, note=note())]

    return decide(code, deed)


def undo_decision(code: str, decision_id: int) -> ResponseReturnValue:
    """Take a decision back by reversal; both stay on record."""

    def deed(session: Session, desk: Desk) -> list[int]:
        return [undo(session, desk.school_id, decision_id, desk.actor.user_id, note=note())]

    return decide(code, deed)


def _page(code: str, transaction_id: int, asked: Mapping[str, str]) -> ResponseReturnValue:
    with db_session() as session:
        desk = desk_of(session, code)
        found = reading.one(session, desk.school_id, transaction_id)
        if found is None:
            raise NotFoundError
        candidates = _candidates(session, desk.school_id, found, asked)
        invoices = reading.named(session, desk.school_id, [found])
        told = history(session, desk.school_id, transaction_id)[::-1]
        owed = refunds(session, desk.school_id, transaction_id=transaction_id)
        claims = about(session, desk.school_id, [transaction_id]).get(transaction_id, [])
        credit = reading.credits_of(session, desk.school_id, transaction_id)
        debits = {one.refund_id: debits_for(session, desk.school_id, one.refund_id) for one in owed}
    shown = {
        "desk": desk,
        "it": line(found, invoices),
        "candidates": candidates,
        "history": told,
        "refunds": owed,
        "credit": credit,
        "claims": claims,
        "debits": debits,
        "typed_parts": defaultdict(str, request.form),
        "do": asked.get("do") if asked.get("do") in WAYS else _first_way(found),
        "typed": asked.get("find", "").strip(),
        "back": back().query(),
        **vocabulary(),
    }
    if quick():
        return part(render_template("console/queue/act.html", **shown))
    return render_template("console/transfer.html", **shown)


def _first_way(found: reading.Row) -> str:
    """What is done most often with such a transfer: one for several pupils is split."""
    return "split" if found["outcome"] == "lump" else "assign"


def _candidates(session: Session, school_id: int, found: reading.Row, asked: Mapping[str, str]) -> Sequence[Candidate]:
    """What is picked already, then what the machine suggests, then what the search finds; each invoice once."""
    picked = _picked()
    hinted = {one: hint for hint in reversed(reading.hints(found)) for one in hint.invoice_ids}
    typed = asked.get("find", "").strip()
    searched = {row["id"]: row for row in reading.search(session, school_id, typed)} if typed else {}
    first = [one for hint in reading.hints(found) for one in hint.invoice_ids]
    known = reading.invoices(session, school_id, [*picked, *first]) | searched
    order = dict.fromkeys([*picked, *searched, *first])
    return [
        Candidate(known[one], hinted.get(one), one in picked, request.form.get(f"i-{one}", ""))
        for one in order
        if one in known
    ]


def _picked() -> list[int]:
    """The invoices that the form has ticked or given an amount."""
    typed = [key[2:] for key, value in request.form.items() if key.startswith("i-") and value.strip()]
    try:
        return [row_id(one) for one in [*request.form.getlist("invoice"), *typed]]
    except ValueError:
        return []


def _invoice_ids(session: Session, school_id: int) -> list[int]:
    """The chosen invoices in order, else the references typed in, in theirs."""
    form = request.form
    given = [one for value in form.getlist("hint")[:1] for one in value.split(",")] or form.getlist("invoice")
    try:
        chosen = [row_id(one) for one in given]
    except ValueError:
        chosen = []
    if chosen:
        return chosen
    references = find(form.get("references", ""))
    known = queries.ids_by_reference(session, school_id, references)
    ids = [known[reference] for reference in references if reference in known]
    if not ids:
        raise DomainError(
            "no_such_reference",
            "Hãy chọn ít nhất một thông báo thu, hoặc nhập mã thanh toán của trường (HP và 10 ký tự).",
            "Choose at least one invoice, or type a payment reference of this school (HP and 10 characters).",
        )
    return ids
