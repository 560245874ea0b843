"""Who sees the links of a class is on record: once for each look, with numbers and no names."""

import json

import pytest
from sqlalchemy import select

from payments.audit.models import AuditEvent
from payments.db import session_scope
from payments.invoices.models import Invoice
from tests.payments.console.notices.conftest import parent

pytestmark = pytest.mark.db


def deeds(desk) -> list[tuple[str, int | None, int | None, str | None, int | None, dict]]:
    """Deeds about links, oldest first."""
    with session_scope(desk.engine) as session:
        asked = select(AuditEvent).where(AuditEvent.action.startswith("links.")).order_by(AuditEvent.id)
        return [
            (row.action, row.actor_id, row.school_id, row.subject_kind, row.subject_id, row.detail)
            for row in session.scalars(asked)
        ]


def test_each_look_at_the_links_of_a_class_is_one_deed_without_names_or_links(desk):
    parent(desk, "An", "a@example.org", meals_vnd=100_000)
    with session_scope(desk.engine) as session:
        round_id = session.get_one(Invoice, (desk.school.id, desk.invoice.id)).round_id
    address = f"/console/{desk.school.code}/notices/classes/"
    chosen = f"round={round_id}&class={desk.school.class_room}"
    page = desk.page(f"{address}?{chosen}")
    assert page.count("/p/") >= 2
    detail = {"round_id": round_id, "links": 2}
    about = (desk.school.accountant, desk.school.id, "class", desk.school.class_room, detail)
    assert deeds(desk) == [("links.viewed", *about)]
    desk.page(address)  # The first class of the newest round is shown at once.
    desk.client.get(f"{address}file.xlsx?{chosen}")
    assert deeds(desk)[1:] == [("links.viewed", *about), ("links.exported", *about)]
    desk.client.get(f"{address}file.txt?{chosen}")  # The group's text holds no family's link.
    desk.page(f"{address}?round={round_id}&class={desk.school.class_room + 999}", 404)
    assert len(deeds(desk)) == 3
    said = json.dumps(deeds(desk))
    assert "An" not in said
    assert "/p/" not in said
