"""A round on the desk: drafted by one, looked at and approved by another, issued in sight of both."""

import io
from collections.abc import Iterator

import openpyxl
import pytest
from sqlalchemy import Engine, text

from payments import outbox
from payments.celery import make_celery
from payments.db import session_scope
from payments.invoices.tasks import issue_due
from tests.payments.faces import Faces, faces
from tests.payments.invoices.rounds import approved, drafted, register_for_club
from tests.payments.setting import make_pupils

pytestmark = pytest.mark.db


@pytest.fixture
def desk(engine: Engine, database_url: str) -> Iterator[Faces]:
    with faces(engine, database_url) as made:
        with session_scope(engine) as session:
            make_pupils(session, made.school, 3)
            register_for_club(session, made.school, made.school.pupil)
        made.log_in("accountant")
        yield made


def rounds(desk: Faces) -> str:
    return f"/console/{desk.school.code}/rounds/"


def particulars(desk: Faces, **other: str) -> dict[str, str]:
    form = {"round": "T10", "name": "Tháng 10/2025", "starts": "2025-10-01", "due": "2025-10-20"}
    form |= {f"fee-{desk.school.meals}": "1", f"quantity-{desk.school.meals}": "22", f"fee-{desk.school.club}": "1"}
    return form | other


def submit(desk: Faces, **other: str) -> tuple[int, str]:
    """Send the form of a new round; status, and where it leads or what the page says."""
    token = desk.page(f"{rounds(desk)}new").split('name="csrf_token" value="')[1].split('"')[0]
    answer = desk.client.post(f"{rounds(desk)}new", data=particulars(desk, **other) | {"csrf_token": token})
    return answer.status_code, answer.headers.get("Location") or answer.get_data(as_text=True)


def state(desk: Faces) -> str:
    with session_scope(desk.engine) as session:
        return str(session.execute(text("SELECT state FROM collection_round ORDER BY id DESC LIMIT 1")).scalar_one())


def test_a_round_goes_from_the_form_to_parents_in_sight_of_two_people(desk: Faces) -> None:
    status, page = submit(desk)
    assert status == 303
    shown = desk.page(page)
    for told in ("2.700.000", "2.640.000", "60.000", "Chờ hiệu trưởng duyệt"):
        assert told in shown
    assert desk.post(f"{page}approve", page, seen="x") == 404
    desk.log_in("principal")
    shown = desk.page(page)
    seen = shown.split('name="seen" value="')[1].split('"')[0]
    assert desk.post(f"{page}approve", page, seen=seen) == 303
    desk.log_in("accountant")
    assert "Phát hành thông báo thu" in desk.page(page)
    assert desk.post(f"{page}issue", page) == 303
    for role in ("accountant", "principal"):
        desk.log_in(role)
        running = desk.page(page)
        assert "Đã phát hành 0 / 4" in " ".join(running.split())
        assert 'http-equiv="refresh"' in running
    make_celery(desk.settings, {})
    assert issue_due() == 1
    shown = desk.page(page)
    assert "http-equiv" not in shown
    assert "2.700.000" in shown
    desk.log_in("accountant")
    assert desk.post(f"{page}close", page) == 303
    assert state(desk) == "closed"


def test_what_is_approved_is_what_the_principal_has_seen(desk: Faces) -> None:
    _, page = submit(desk)
    desk.log_in("principal")
    seen = desk.page(page).split('name="seen" value="')[1].split('"')[0]
    with session_scope(desk.engine) as session:
        session.execute(text("UPDATE fee_rate SET unit_price_vnd = 30001 WHERE unit_price_vnd = 30000"))
    assert desk.post(f"{page}approve", page, seen=seen) == 409
    assert desk.post(f"{page}approve", page) == 409
    assert state(desk) == "draft"


def test_a_change_after_the_approval_is_told_and_approved_again(desk: Faces) -> None:
    with session_scope(desk.engine) as session:
        round_id = approved(session, desk.school)
        session.execute(text("UPDATE fee_rate SET unit_price_vnd = 31000 WHERE unit_price_vnd = 30000"))
    page = f"{rounds(desk)}{round_id}/"
    shown = desk.page(page)
    assert "đã thay đổi sau khi duyệt" in shown
    assert f"{page}issue" not in shown
    assert desk.post(f"{page}issue", page) == 409
    desk.log_in("principal")
    seen = desk.page(page).split('name="seen" value="')[1].split('"')[0]
    assert desk.post(f"{page}approve", page, seen=seen) == 303
    assert f"{page}issue" in desk.page(page)


def test_issuing_that_stopped_says_why_and_goes_on(desk: Faces) -> None:
    with session_scope(desk.engine) as session:
        round_id = approved(session, desk.school)
    page = f"{rounds(desk)}{round_id}/"
    assert desk.post(f"{page}issue", page) == 303
    with session_scope(desk.engine) as session:
        session.execute(text("UPDATE channel SET active = false"))
    make_celery(desk.settings, {})
    assert issue_due() == 1
    shown = desk.page(page)
    assert "chưa có kênh thu miễn phí cho người nộp" in shown
    assert "http-equiv" not in shown
    with session_scope(desk.engine) as session:
        session.execute(text("UPDATE channel SET active = true"))
    assert "Phát hành tiếp" in desk.page(page)
    assert desk.post(f"{page}issue", page) == 303
    assert issue_due() >= 1
    assert state(desk) == "issued"
    with session_scope(desk.engine) as session:
        assert outbox.dead_letters(session) == []


@pytest.mark.parametrize(
    ("other", "code"),
    [
        ({"due": "2025-09-01"}, "bad_round"),
        ({"due": ""}, "bad_day"),
        ({"round": "tháng mười"}, "bad_round"),
        ({"starts": "2031-01-01", "due": "2031-02-01"}, "no_year"),
    ],
)
def test_what_a_rule_refuses_is_told_on_the_form_with_what_was_typed(
    desk: Faces, other: dict[str, str], code: str
) -> None:
    status, page = submit(desk, **other)
    assert status == 422
    assert f"({code})" in page
    assert "Tháng 10/2025" in page
    assert 'value="22"' in page


def test_a_quantity_that_is_no_number_and_a_code_in_use_are_refused(desk: Faces) -> None:
    assert submit(desk, **{f"quantity-{desk.school.meals}": "22,5"})[0] == 422
    assert submit(desk)[0] == 303
    assert submit(desk)[0] == 409


def test_a_draft_above_its_ceiling_names_the_resolution_and_cannot_be_approved(desk: Faces) -> None:
    with session_scope(desk.engine) as session:
        round_id = drafted(session, desk.school)
        session.execute(
            text(
                "INSERT INTO fee_ceiling (fee_code, unit, ceiling_vnd, valid_from, document)"
                " VALUES ('AN', 'day', 25000, '2025-01-01', 'Nghị quyết mẫu 02/2025')"
            )
        )
    desk.log_in("principal")
    page = f"{rounds(desk)}{round_id}/"
    shown = desk.page(page)
    assert "Nghị quyết mẫu 02/2025" in shown
    assert 'name="seen"' not in shown
    assert desk.post(f"{page}approve", page, seen="x") == 422


def test_every_planned_line_is_in_the_workbook_and_adds_up(desk: Faces) -> None:
    with session_scope(desk.engine) as session:
        round_id = drafted(session, desk.school)
    data = desk.client.get(f"{rounds(desk)}{round_id}/plan.xlsx").data
    rows = list(openpyxl.load_workbook(io.BytesIO(data)).active.iter_rows(values_only=True))
    assert len(rows) == 1 + 5 + 1
    assert sum(row[8] for row in rows[1:-1]) == rows[-1][8] == 2_700_000
    assert rows[1][0] == "1A"


def test_a_draft_is_thrown_away_and_an_approved_round_is_not(desk: Faces) -> None:
    with session_scope(desk.engine) as session:
        gone, stays = drafted(session, desk.school), approved(session, desk.school, "T11")
    page = f"{rounds(desk)}{gone}/"
    assert desk.post(f"{page}discard", page) == 303
    desk.page(page, 404)
    page = f"{rounds(desk)}{stays}/"
    assert desk.post(f"{page}discard", page) == 409


def test_the_pages_are_there_in_english_and_the_form_is_the_accountants(desk: Faces) -> None:
    with session_scope(desk.engine) as session:
        round_id = drafted(session, desk.school)
    assert "Choose fee items" in desk.page(f"{rounds(desk)}new", language="en")
    assert "Throw the draft away" in desk.page(f"{rounds(desk)}{round_id}/", language="en")
    desk.log_in("principal")
    desk.page(f"{rounds(desk)}new", 404)
