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
from tests.payments.settlement.setting import issue

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


def answer(home: Faces, line_id: int, **said: str) -> int:
    return home.post(f"/p/{home.token}/voluntary/{line_id}", f"/p/{home.token}", **(said or {"declined": "yes"}))


def paid_of(home: Faces) -> dict[object, object]:
    """Line -> đồng that stand on it."""
    found = rows(home, "SELECT line_id, sum(amount_vnd)::bigint FROM allocation GROUP BY 1 HAVING sum(amount_vnd) > 0")
    return {one[0]: one[1] for one in found}


def credit_of(home: Faces) -> object:
    return rows(home, "SELECT coalesce(sum(amount_vnd), 0)::bigint FROM pupil_credit")[0][0]


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
    home.log_in("accountant")
    desk = f"/console/{school.code}"
    assert home.invoice.reference not in home.page(f"{desk}/invoices/?state=partial"), "the list is what is counted"
    for listed in (f"{desk}/invoices/?state=nothing_owed", f"{desk}/invoices/{home.invoice.id}/"):
        read = home.page(listed).split('class="chip ok"')[1]
        assert read.startswith(">đủ phần bắt buộc")


def test_what_is_owed_of_an_unpaid_invoice_is_its_mandatory_part(home: Faces) -> None:
    school = home.school
    with session_scope(home.engine) as session:
        assert sum(open_vnd for _, _, open_vnd in ages(session, school.id, TODAY)) == 100_000
        assert counts(session, school.id, school.accountant, TODAY).overdue_vnd == 100_000
    home.pay(60_000, home.invoice.reference)
    with session_scope(home.engine) as session:
        assert counts(session, school.id, school.accountant, TODAY).short_vnd == 40_000


def test_voluntary_money_does_not_carry_the_curve_past_what_is_asked(home: Faces) -> None:
    assert answer(home, line_of(home), chosen="yes") == 303
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
    assert told == [("voluntary.declined",), ("voluntary.undecided",)]


def test_a_second_payment_of_what_is_owed_is_no_gift_to_what_nobody_chose(home: Faces) -> None:
    line = line_of(home)
    home.pay(100_000, home.invoice.reference)
    home.pay(100_000, home.invoice.reference)
    assert line not in paid_of(home)
    assert credit_of(home) == 100_000
    told = rows(home, "SELECT outcome, flags FROM settlement ORDER BY id")
    assert told == [("exact", []), ("twice", [])]
    page = home.page(f"/p/{home.token}")
    assert "Đã nhận hai lần" in page or "nộp trùng" in page.lower() or "hai lần" in page.lower()
    assert "/qr/" not in page


def test_who_gives_more_than_is_owed_and_chosen_keeps_the_rest(home: Faces) -> None:
    home.pay(112_000, home.invoice.reference)
    assert (set(paid_of(home)) & {line_of(home)}, credit_of(home)) == (set(), 12_000)
    assert rows(home, "SELECT outcome FROM settlement") == [("over",)]
    assert "thừa" in home.page(f"/p/{home.token}")


def test_who_pays_in_one_sum_all_that_is_printed_has_chosen_it(home: Faces) -> None:
    home.pay(115_000, home.invoice.reference)
    assert (paid_of(home)[line_of(home)], credit_of(home)) == (15_000, 0)
    assert rows(home, "SELECT outcome FROM settlement") == [("exact",)]


def test_what_was_chosen_is_asked_for_filled_and_then_rests(home: Faces) -> None:
    line = line_of(home)
    assert answer(home, line, chosen="yes") == 303
    page = home.page(f"/p/{home.token}")
    assert 'data-copy="115000"' in page
    assert "đang nộp thêm" in page
    home.pay(115_000, home.invoice.reference)
    assert paid_of(home)[line] == 15_000
    assert credit_of(home) == 0
    assert rows(home, "SELECT outcome FROM settlement") == [("exact",)]
    home.pay(115_000, home.invoice.reference)
    assert credit_of(home) == 115_000


def test_who_chose_and_pays_what_is_owed_only_is_not_short_and_may_change_the_mind(home: Faces) -> None:
    line = line_of(home)
    assert answer(home, line, chosen="yes") == 303
    home.pay(100_000, home.invoice.reference)
    assert rows(home, "SELECT outcome FROM settlement") == [("exact",)]
    assert 'data-copy="15000"' in home.page(f"/p/{home.token}")
    assert answer(home, line, chosen="no") == 303
    assert "/qr/" not in home.page(f"/p/{home.token}")
    home.pay(15_000, home.invoice.reference)
    assert credit_of(home) == 15_000, "the saved picture was of something that is not wanted any more"


def test_a_choice_takes_no_credit_that_lies_there_already(home: Faces) -> None:
    line = line_of(home)
    home.page(f"/p/{home.token}")
    csrf = home.page(f"/p/{home.token}").split('name="csrf_token" value="')[1].split('"')[0]
    home.pay(130_000, home.invoice.reference)
    refused = home.client.post(f"/p/{home.token}/voluntary/{line}", data={"csrf_token": csrf, "chosen": "yes"})
    assert refused.status_code == 409
    assert (credit_of(home), rows(home, "SELECT count(*) FROM voluntary_choice")) == (30_000, [(0,)])


def test_money_that_stood_before_families_chose_stays_and_asks_for_no_more(home: Faces) -> None:
    line = line_of(home)
    assert answer(home, line, chosen="yes") == 303
    home.pay(110_000, home.invoice.reference)
    with session_scope(home.engine) as session:
        session.execute(text("UPDATE voluntary_choice SET chosen = false, kept = true"))
    assert "/qr/" not in home.page(f"/p/{home.token}"), "nobody chose the rest"
    home.pay(100_000, home.invoice.reference)
    assert paid_of(home)[line] == 15_000, "the line is filled as it always was"
    assert credit_of(home) == 95_000


def test_who_names_a_notice_of_voluntary_items_alone_has_chosen_it(home: Faces) -> None:
    with session_scope(home.engine) as session:
        club = issue(session, home.school, 0, 15_000, chosen=False)
    home.pay(15_000, club.reference)
    assert 15_000 in paid_of(home).values()
    home.pay(15_000, club.reference)
    assert credit_of(home) == 15_000
    assert rows(home, "SELECT outcome FROM settlement ORDER BY id") == [("exact",), ("twice",)]


def test_neither_a_mandatory_line_nor_one_of_another_pupil_can_be_declined(home: Faces) -> None:
    assert answer(home, line_of(home, mandatory=True)) == 404
    assert answer(home, 999_999) == 404
    assert home.client.post(f"/p/{home.token}/voluntary/{line_of(home)}").status_code == 400
    assert rows(home, "SELECT count(*) FROM voluntary_choice") == [(0,)]


def test_the_word_rests_once_money_has_reached_a_voluntary_line(home: Faces) -> None:
    line = line_of(home)
    assert answer(home, line, chosen="yes") == 303
    csrf = home.page(f"/p/{home.token}").split('name="csrf_token" value="')[1].split('"')[0]
    home.pay(110_000, home.invoice.reference)
    refused = home.client.post(f"/p/{home.token}/voluntary/{line}", data={"csrf_token": csrf, "declined": "yes"})
    assert refused.status_code == 409
    assert "Không tham gia" not in home.page(f"/p/{home.token}")


def test_money_for_the_second_voluntary_line_reaches_it_whatever_is_said_of_the_first(home: Faces) -> None:
    first, second = line_of(home), second_club(home)
    assert answer(home, second, chosen="yes") == 303
    assert 'data-copy="120000"' in home.page(f"/p/{home.token}")
    home.pay(120_000, home.invoice.reference)
    paid = paid_of(home)
    assert paid[second] == 20_000
    assert first not in paid
    assert answer(home, first, chosen="yes") == 303, "the other one may be chosen later"
    assert 'data-copy="15000"' in home.page(f"/p/{home.token}")


def test_an_address_chooses_nothing(home: Faces) -> None:
    assert 'data-copy="100000"' in home.page(f"/p/{home.token}?them={line_of(home)}")
    assert rows(home, "SELECT count(*) FROM voluntary_choice") == [(0,)]


def test_answers_about_one_pupil_have_a_limit_for_each_takes_the_school_s_lease(
    home: Faces, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "ANSWERS", Limit("voluntary.answers", 3, timedelta(hours=1)))
    line = line_of(home)
    assert [answer(home, line, declined=said) for said in ("yes", "no", "yes", "no")] == [303, 303, 303, 429]
    assert rows(home, "SELECT count(*) FROM audit_event WHERE action LIKE 'voluntary.%'") == [(3,)]
