"""Voluntary items: chosen by nobody in advance, declined without shame, and no debt anywhere."""

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from sqlalchemy import Engine, text

from payments.console.aging import ages
from payments.console.collection import curve, rounds
from payments.console.timeline import timeline
from payments.console.today import counts
from payments.db import session_scope
from payments.portal import views
from payments.throttle.rules import Limit
from tests.payments.faces import Faces, faces

pytestmark = pytest.mark.db
TODAY = date(2025, 10, 1)


@pytest.fixture
def home(engine: Engine, database_url: str) -> Iterator[Faces]:
    with faces(engine, database_url) as made:
        yield made


def rows(home: Faces, statement: str) -> list[tuple[object, ...]]:
    with session_scope(home.engine) as session:
        return [tuple(row) for row in session.execute(text(statement))]


def line_of(home: Faces, *, mandatory: bool = False, name: str = "") -> int:
    wanted = f"SELECT id FROM invoice_line WHERE mandatory = {mandatory} AND description LIKE '{name}%' ORDER BY id"
    return int(str(rows(home, wanted)[0][0]))


def second_club(home: Faces) -> int:
    """Another voluntary line of the same invoice, after the first."""
    with session_scope(home.engine) as session:
        session.execute(text("ALTER TABLE invoice_line DISABLE TRIGGER USER"))
        session.execute(text("ALTER TABLE invoice DISABLE TRIGGER USER"))
        session.execute(
            text(
                "INSERT INTO invoice_line (school_id, invoice_id, line_no, fee_item_id, description, legal_group,"
                " mandatory, quantity, unit_price_vnd, relief_vnd, amount_vnd, legal_basis)"
                " SELECT school_id, invoice_id, 3, fee_item_id, 'Bơi', legal_group, false, 1, 20000, 0, 20000,"
                " legal_basis FROM invoice_line WHERE NOT mandatory"
            )
        )
        session.execute(text("UPDATE invoice SET amount_vnd = amount_vnd + 20000"))
        session.execute(text("UPDATE invoice_balance SET amount_vnd = amount_vnd + 20000"))
    return line_of(home, name="Bơi")


def answer(home: Faces, line_id: int, declined: str = "yes") -> int:
    return home.post(f"/p/{home.token}/voluntary/{line_id}", f"/p/{home.token}", declined=declined)


def test_who_paid_what_is_mandatory_owes_nothing_on_any_list(home: Faces) -> None:
    home.pay(100_000, home.invoice.reference)
    school = home.school
    with session_scope(home.engine) as session:
        assert sum(invoices for _, invoices, _ in ages(session, school.id, TODAY)) == 0
        told = counts(session, school.id, school.accountant, TODAY)
        assert (told.short, told.short_vnd, told.overdue, told.overdue_vnd) == (0, 0, 0, 0)
        [one] = rounds(session, school.id)
        assert one.asked_vnd == 100_000
        assert curve(session, school.id, one, TODAY).percents[-1] == 100.0
        found = timeline(session, school.id, school.pupil)
        assert found is not None
        assert found.pupil.open_vnd == 0
    page = home.page(f"/p/{home.token}")
    assert "Đã nộp đủ phần bắt buộc" in page
    assert "còn thiếu" not in page
    assert "/qr/" not in page


def test_what_is_owed_of_an_unpaid_invoice_is_its_mandatory_part(home: Faces) -> None:
    school = home.school
    with session_scope(home.engine) as session:
        assert sum(open_vnd for _, _, open_vnd in ages(session, school.id, TODAY)) == 100_000
        assert counts(session, school.id, school.accountant, TODAY).overdue_vnd == 100_000
    home.pay(60_000, home.invoice.reference)
    with session_scope(home.engine) as session:
        assert counts(session, school.id, school.accountant, TODAY).short_vnd == 40_000


def test_voluntary_money_does_not_carry_the_curve_past_what_is_asked(home: Faces) -> None:
    home.pay(115_000, home.invoice.reference)
    with session_scope(home.engine) as session:
        [one] = rounds(session, home.school.id)
        assert curve(session, home.school.id, one, TODAY).paid_vnd[-1] == 100_000


def test_a_declined_line_is_kept_taken_back_and_changes_no_invoice(home: Faces) -> None:
    line = line_of(home)
    before = rows(home, "SELECT * FROM invoice"), rows(home, "SELECT * FROM invoice_line")
    tag = home.client.get(f"/p/{home.token}/status").headers["ETag"]
    assert answer(home, line) == 303
    assert home.client.get(f"/p/{home.token}/status").headers["ETag"] != tag
    assert "không tham gia" in home.page(f"/p/{home.token}")
    assert answer(home, line, declined="no") == 303
    assert "Nộp thêm" in home.page(f"/p/{home.token}")
    assert (rows(home, "SELECT * FROM invoice"), rows(home, "SELECT * FROM invoice_line")) == before
    told = rows(home, "SELECT action FROM audit_event WHERE action LIKE 'voluntary.%' ORDER BY id")
    assert told == [("voluntary.declined",), ("voluntary.wanted",)]


def test_neither_a_mandatory_line_nor_one_of_another_pupil_can_be_declined(home: Faces) -> None:
    assert answer(home, line_of(home, mandatory=True)) == 404
    assert answer(home, 999_999) == 404
    assert home.client.post(f"/p/{home.token}/voluntary/{line_of(home)}").status_code == 400
    assert rows(home, "SELECT count(*) FROM voluntary_choice") == [(0,)]


def test_the_word_rests_once_money_has_reached_a_voluntary_line(home: Faces) -> None:
    line = line_of(home)
    home.page(f"/p/{home.token}")
    csrf = home.page(f"/p/{home.token}").split('name="csrf_token" value="')[1].split('"')[0]
    home.pay(110_000, home.invoice.reference)
    refused = home.client.post(f"/p/{home.token}/voluntary/{line}", data={"csrf_token": csrf, "declined": "yes"})
    assert refused.status_code == 409
    assert "Không tham gia" not in home.page(f"/p/{home.token}")


def test_money_for_the_second_voluntary_line_reaches_it_when_the_first_is_declined(home: Faces) -> None:
    first, second = line_of(home), second_club(home)
    page = home.page(f"/p/{home.token}?them={second}")
    assert 'data-copy="100000"' in page, "the money would fill the first line"
    assert answer(home, first) == 303
    assert 'data-copy="120000"' in home.page(f"/p/{home.token}?them={second}")
    home.pay(120_000, home.invoice.reference)
    paid = rows(home, "SELECT line_id, sum(amount_vnd)::bigint FROM allocation GROUP BY line_id")
    assert dict(paid)[second] == 20_000  # type: ignore[index]  # two columns
    assert first not in dict(paid)  # type: ignore[arg-type]  # two columns


@pytest.mark.parametrize("typed", ["abc", "-1", "999999999999999999999", "0", "7&them=8"])
def test_an_address_that_adds_nonsense_adds_nothing(home: Faces, typed: str) -> None:
    assert 'data-copy="100000"' in home.page(f"/p/{home.token}?them={typed}")


def test_answers_about_one_pupil_have_a_limit_for_each_takes_the_school_s_lease(
    home: Faces, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "ANSWERS", Limit("voluntary.answers", 3, timedelta(hours=1)))
    line = line_of(home)
    assert [answer(home, line, said) for said in ("yes", "no", "yes", "no")] == [303, 303, 303, 429]
    assert rows(home, "SELECT count(*) FROM audit_event WHERE action LIKE 'voluntary.%'") == [(3,)]
