"""The desk over HTTP: counts that are true, assign and undo, four eyes, and schools that do not see each other."""

import re
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, text

from payments.access.models import Role
from payments.access.service import create_user, grant_role
from payments.banking.models import ReceivingAccount
from payments.banking.virtual_accounts import assign, numbers_of_pupil
from payments.console.queue.conditions import SCORE
from payments.db import session_scope
from payments.inbox.models import HeldEvidence, HeldReason
from payments.inbox.service import record_statement_evidence
from payments.outbox import put
from payments.settlement.service import settle_school
from tests.payments.faces import PASSWORD, Faces, faces
from tests.payments.inbox.evidence import line, make_connection, tell
from tests.payments.setting import OPENED, make_school
from tests.payments.settlement.setting import PAID_ON, say, state_of

pytestmark = pytest.mark.db


@pytest.fixture
def desk(engine: Engine, database_url: str) -> Iterator[Faces]:
    with faces(engine, database_url) as made:
        yield made


def test_nobody_enters_without_a_log_in(desk: Faces) -> None:
    for path in ("/console/", f"/console/{desk.school.code}/", f"/console/{desk.school.code}/unmatched/"):
        answer = desk.client.get(path)
        assert answer.status_code == 303
        assert "/login" in answer.headers["Location"]


def test_a_log_in_leads_to_the_one_school_and_its_day(desk: Faces) -> None:
    desk.log_in("accountant")
    assert desk.client.get("/console/").headers["Location"].endswith(f"/console/{desk.school.code}/")
    assert "Việc hôm nay" in desk.page(f"/console/{desk.school.code}/")


def test_another_school_is_as_unknown_as_no_school(desk: Faces) -> None:
    with session_scope(desk.engine) as session:
        other = make_school(session)
    desk.log_in("accountant")
    for page in ("", "rounds/", "invoices/", "unmatched/", "accounts/"):
        foreign = desk.page(f"/console/{other.code}/{page}", 404)
        assert foreign == desk.page(f"/console/NOWHERE/{page}", 404)


def test_an_invoice_is_found_by_a_name_without_diacritics(desk: Faces) -> None:
    desk.log_in("accountant")
    base = f"/console/{desk.school.code}/invoices/"
    assert desk.invoice.reference in desk.client.get(base, query_string={"q": "nguyen mau"}).get_data(as_text=True)
    assert desk.invoice.reference in desk.client.get(base, query_string={"q": "MẪU An"}).get_data(as_text=True)
    assert desk.invoice.reference not in desk.client.get(base, query_string={"q": "tran"}).get_data(as_text=True)
    assert desk.invoice.reference not in desk.client.get(base, query_string={"state": "paid"}).get_data(as_text=True)


def test_an_invoice_shows_the_pupil_s_own_account_number(desk: Faces) -> None:
    desk.log_in("accountant")
    address = f"/console/{desk.school.code}/invoices/{desk.invoice.id}/"
    assert "số tài khoản riêng" not in desk.page(address)
    with session_scope(desk.engine) as session:
        assign(session, session.get_one(ReceivingAccount, (desk.school.id, desk.school.account)), prefix="96247")
        [(_, number)] = numbers_of_pupil(session, desk.school.id, desk.school.pupil).items()
    assert f"<code>{number}</code>" in desk.page(address)


def test_unknown_money_is_assigned_by_reference_and_undone(desk: Faces) -> None:
    desk.pay(115_000, "NGUYEN THI LAN chuyen tien")
    desk.log_in("accountant")
    queue = f"/console/{desk.school.code}/unmatched/"
    page = desk.page(queue)
    assert "NGUYEN THI LAN chuyen tien" in page
    waiting = page.split('<tr id="r')[1].split('"')[0]
    action = f"{queue}{waiting}/assign"
    assert desk.post(action, queue, references="HP 0000 khong co") == 422
    assert desk.post(action, queue, references=desk.invoice.reference.lower(), note="chị Lan gọi điện") == 303
    with session_scope(desk.engine) as session:
        assert state_of(session, desk.school, desk.invoice) == ("paid", 115_000)
    assert desk.post(action, queue, references=desk.invoice.reference) == 409
    assert "Mọi khoản tiền đã có chủ" in desk.page(queue)
    page = desk.client.get(queue, query_string={"tab": "assigned"}).get_data(as_text=True)
    undo = page.split("/decisions/")[1].split("/undo")[0]
    assert desk.post(f"/console/{desk.school.code}/decisions/{undo}/undo", queue) == 303
    with session_scope(desk.engine) as session:
        assert state_of(session, desk.school, desk.invoice) == ("open", 0)
    assert "NGUYEN THI LAN chuyen tien" in desk.page(queue)


def held_page(desk: Faces) -> str:
    answer = desk.client.get(f"/console/{desk.school.code}/unmatched/", query_string={"tab": "held"})
    return answer.get_data(as_text=True)


def test_held_evidence_brings_money_once_a_person_says_so(desk: Faces) -> None:
    with session_scope(desk.engine) as session:
        evidence = say(session, desk.school, 115_000, desk.invoice.reference)
        session.add(
            HeldEvidence(school_id=desk.school.id, evidence_id=evidence, reason=HeldReason.AMBIGUOUS, held_at=OPENED)
        )
    desk.log_in("accountant")
    queue = f"/console/{desk.school.code}/unmatched/"
    assert "Báo có cần người quyết định" in held_page(desk)
    assert desk.post(f"/console/{desk.school.code}/held/{evidence}/", queue, transaction="999999") == 422
    assert "<b>1</b> báo có cần bạn quyết định" in desk.page(f"/console/{desk.school.code}/")
    for nothing in ("", "abc", "-1", "²"):
        assert desk.post(f"/console/{desk.school.code}/held/{evidence}/", queue, transaction=nothing) == 422
    assert desk.post(f"/console/{desk.school.code}/held/{evidence}/", queue, transaction="new") == 303
    with session_scope(desk.engine) as session:
        assert state_of(session, desk.school, desk.invoice) == ("paid", 115_000)
    assert "Báo có cần người quyết định" not in held_page(desk)


def choices_of(desk: Faces) -> list[str]:
    return [part.split("</select>")[0] for part in held_page(desk).split('name="transaction"')[1:]]


def test_each_candidate_of_held_evidence_is_told_by_its_day_and_text(desk: Faces) -> None:
    """Only what another source told of: what would be refused is not offered."""
    desk.pay(115_000, "NGUYEN THI LAN chuyen tien")
    with session_scope(desk.engine) as session:
        pushed = tell(session, desk.school, make_connection(session), amount_vnd=115_000, day=PAID_ON)
        for evidence in (say(session, desk.school, 115_000, desk.invoice.reference), pushed):
            session.add(
                HeldEvidence(
                    school_id=desk.school.id, evidence_id=evidence, reason=HeldReason.AMBIGUOUS, held_at=OPENED
                )
            )
            session.flush()
    desk.log_in("accountant")
    called, stated = choices_of(desk)
    told = r"<option value=.\d+.>\d\d/\d\d/\d{4} .*NGUYEN THI LAN chuyen tien</option>"
    assert re.search(told, called)
    assert not re.search(told, stated), "a statement has told of that one already"


def test_a_second_amount_for_one_movement_is_shown_beside_the_first(desk: Faces) -> None:
    """A spreadsheet program took the zeros from the bank's number; it is the same movement all the same."""
    with session_scope(desk.engine) as session:
        memo, connection = desk.invoice.reference, make_connection(session)
        pushed = tell(session, desk.school, connection, memo=memo, amount_vnd=115_000, bank_reference="0077001")
        put(session, "settlement", "evidence", school_id=desk.school.id, subject_id=pushed)
        settle_school(session, desk.school.id)
        told = line(memo, amount_vnd=11_500, bank_reference="77001")
        record_statement_evidence(session, desk.school.id, desk.school.account, [told])
        settle_school(session, desk.school.id)
    desk.log_in("accountant")
    page = held_page(desk)
    assert ">11.500\xa0₫</h3>" in page
    assert "<strong>115.000\xa0₫</strong>" in page


def test_the_invoice_page_shows_lines_and_money(desk: Faces) -> None:
    desk.pay(115_000, desk.invoice.reference)
    desk.log_in("principal")
    page = desk.page(f"/console/{desk.school.code}/invoices/{desk.invoice.id}/")
    assert "Nghị quyết mẫu" in page
    assert "115.000" in page
    assert "đã nộp" in page


def test_a_new_account_needs_a_second_person(desk: Faces) -> None:
    desk.log_in("accountant")
    base = f"/console/{desk.school.code}/accounts/"
    form = {"bin": "970999", "number": "123456789", "holder": "TRUONG MAU", "fund": "Thu hộ BHYT"}
    assert desk.post(base, base, **form) == 303
    page = desk.page(base)
    assert "chờ duyệt" in page
    assert "/approve" not in page
    desk.log_in("principal")
    assert f'action="{base}3/approve"' in desk.page(base)
    assert desk.post(f"{base}3/approve", base) == 303
    assert "đang chờ 24 giờ" in desk.page(base)


def test_the_accountant_cannot_approve_by_hand_made_request(desk: Faces) -> None:
    desk.log_in("accountant")
    base = f"/console/{desk.school.code}/accounts/"
    form = {"bin": "970999", "number": "123456789", "holder": "TRUONG MAU", "fund": "Thu hộ BHYT"}
    desk.post(base, base, **form)
    assert desk.post(f"{base}3/approve", base) == 404


def test_officers_see_sums_and_operators_see_senders(desk: Faces) -> None:
    with session_scope(desk.engine) as session:
        officer = create_user(session, username="so.gd", full_name="Chuyên viên (mẫu)", password=PASSWORD)
        grant_role(session, officer, Role.OFFICER, desk.school.id)
        operator = create_user(session, username="van.hanh", full_name="Vận hành (mẫu)", password=PASSWORD)
        grant_role(session, operator, Role.OPERATOR, None)
    desk.post("/login", "/login", username="so.gd", password=PASSWORD)
    overview = desk.page("/console/overview")
    assert desk.school.code in overview
    assert "115.000" in overview
    assert "Nguyễn" not in overview
    assert desk.client.get("/console/senders").status_code == 403
    assert desk.client.get(f"/console/{desk.school.code}/").status_code == 404
    desk.client.delete_cookie("hocphi")
    desk.post("/login", "/login", username="van.hanh", password=PASSWORD)
    assert "Kết nối ngân hàng" in desk.page("/console/senders")
    assert desk.client.get("/console/overview").status_code == 403


def test_every_page_is_there_in_english(desk: Faces) -> None:
    desk.pay(5_000, "khong ro")
    desk.log_in("accountant")
    for page in ("", "rounds/", "invoices/", f"invoices/{desk.invoice.id}/", "unmatched/", "accounts/"):
        assert '<html lang="en">' in desk.page(f"/console/{desk.school.code}/{page}", language="en")


def test_work_that_failed_for_good_is_tried_again_by_an_operator_alone(desk: Faces) -> None:
    with session_scope(desk.engine) as session:
        operator = create_user(session, username="truc.ca", full_name="Trực ca (mẫu)", password=PASSWORD)
        grant_role(session, operator, Role.OPERATOR, None)
        say(session, desk.school, 115_000, desk.invoice.reference)
        session.execute(text("UPDATE outbox SET dead = true, attempts = 12, problem = 'KeyError'"))
    with session_scope(desk.engine) as session:
        row_id = session.scalar(text("SELECT id FROM outbox"))
        assert settle_school(session, desk.school.id).taken == 0
    retry = f"/console/senders/work/{row_id}/retry"
    desk.log_in("accountant")
    assert desk.post(retry, f"/console/{desk.school.code}/") == 403
    desk.client.delete_cookie("hocphi")
    desk.post("/login", "/login", username="truc.ca", password=PASSWORD)
    assert "KeyError" in desk.page("/console/senders")
    assert desk.post(retry, "/console/senders") == 303
    assert desk.post(retry, "/console/senders") == 404
    with session_scope(desk.engine) as session:
        assert settle_school(session, desk.school.id).outcomes == {"exact": 1}
        assert state_of(session, desk.school, desk.invoice) == ("paid", 115_000)
        done = session.execute(text("SELECT actor_id, subject_id FROM audit_event WHERE action = 'work.retried'")).all()
    assert done == [(operator, row_id)]


def test_the_desk_gives_links_to_parents_and_takes_them_back(desk: Faces) -> None:
    desk.log_in("accountant")
    page = f"/console/{desk.school.code}/invoices/{desk.invoice.id}/"
    assert f"/p/{desk.token}" in desk.page(page)
    assert desk.post(f"{page}renew", page) == 303
    assert f"/p/{desk.token}" not in desk.page(page)
    assert desk.client.get(f"/p/{desk.token}").status_code == 404
    with session_scope(desk.engine) as session:
        session.execute(text("DELETE FROM parent_link"))
    assert "Chưa có đường dẫn" in desk.page(page)
    assert desk.post(f"{page}links", page) == 303
    link = desk.page(page).split("/p/")[1].split('"')[0]
    assert desk.client.get(f"/p/{link}").status_code == 200
    with session_scope(desk.engine) as session:
        deeds = session.scalars(text("SELECT action FROM audit_event WHERE action LIKE 'link%' ORDER BY id")).all()
    assert deeds == ["link.renewed", "links.made"]


def test_money_without_any_hint_has_no_score_and_is_not_sure(desk: Faces) -> None:
    desk.pay(77_000, "TRAN VAN LA chuyen tien")
    desk.log_in("accountant")
    queue = f"/console/{desk.school.code}/unmatched/"
    assert "TRAN VAN LA" in desk.page(queue)
    answer = desk.client.get(queue, query_string={"tab": "sure"})
    assert "TRAN VAN LA" not in answer.get_data(as_text=True)
    with session_scope(desk.engine) as session:
        assert session.scalar(text(f"SELECT {SCORE} FROM settlement s WHERE s.suggestions = '[]'")) == 0
