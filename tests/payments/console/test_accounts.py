"""Receiving accounts on the desk: what a notice tells the principal to do can be done there, and costs are shown."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, text

from payments.db import session_scope
from tests.payments.faces import Faces, faces

pytestmark = pytest.mark.db


@pytest.fixture
def desk(engine: Engine, database_url: str) -> Iterator[Faces]:
    with faces(engine, database_url) as made:
        made.log_in("principal")
        yield made


def accounts(desk: Faces) -> str:
    return f"/console/{desk.school.code}/accounts/"


def state(desk: Faces, account_id: int) -> str:
    with session_scope(desk.engine) as session:
        found = session.execute(text("SELECT state FROM receiving_account WHERE id = :id"), {"id": account_id})
        return str(found.scalar_one())


def test_the_principal_stops_an_account_alone_and_for_good(desk: Faces) -> None:
    one = f"{accounts(desk)}{desk.school.account}/"
    assert "Đóng tài khoản này" in desk.page(accounts(desk))
    assert desk.post(f"{one}close", accounts(desk)) == 303
    assert state(desk, desk.school.account) == "closed"
    assert f"{one}close" not in desk.page(accounts(desk))
    assert desk.post(f"{one}close", accounts(desk)) == 409


def test_a_proposal_is_refused_by_the_second_person(desk: Faces) -> None:
    form = {"bin": "970436", "number": "0011 002 233", "holder": "TRUONG MAU", "fund": "Thu hộ BHYT"}
    desk.log_in("accountant")
    assert desk.post(accounts(desk), accounts(desk), **form) == 303
    desk.log_in("principal")
    page = desk.page(accounts(desk))
    assert "Từ chối tài khoản này" in page
    assert "Vietcombank" in page
    assert desk.post(f"{accounts(desk)}3/close", accounts(desk)) == 303
    with session_scope(desk.engine) as session:
        decided = session.execute(text("SELECT state, decided_by FROM approval WHERE subject_id = 3")).one()
    assert tuple(decided) == ("rejected", desk.school.principal)


def test_what_is_wrong_with_a_proposal_is_told_on_the_form_with_what_was_typed(desk: Faces) -> None:
    token = desk.page(accounts(desk)).split('name="csrf_token" value="')[1].split('"')[0]
    form = {"csrf_token": token, "bin": "97043", "number": "1", "holder": "TRUONG MAU", "fund": "BHYT"}
    answer = desk.client.post(accounts(desk), data=form)
    assert answer.status_code == 422
    page = answer.get_data(as_text=True)
    assert "gồm đúng 6 chữ số" in page
    assert 'value="TRUONG MAU"' in page


def test_a_channel_shows_its_cost_and_who_bears_it_and_is_switched(desk: Faces) -> None:
    one = f"{accounts(desk)}{desk.school.account}/"
    form = {"name": "Ví Mẫu", "kind": "wallet", "cost": "2.200", "borne_by": "payer"}
    assert desk.post(f"{one}channels", accounts(desk), **form) == 303
    assert "phí 2.200\u00a0₫, người nộp chịu" in desk.page(accounts(desk))
    assert desk.post(f"{one}channels", accounts(desk), **form) == 409
    assert desk.post(f"{one}channels/switch", accounts(desk), name="VietQR") == 303
    assert "Chưa có kênh nào miễn phí cho người nộp" in desk.page(accounts(desk))
    assert desk.post(f"{one}channels/switch", accounts(desk), name="VietQR", active="1") == 303
    assert "Chưa có kênh nào miễn phí" not in desk.page(accounts(desk))


@pytest.mark.parametrize("other", [{"kind": "gold"}, {"borne_by": ""}, {"cost": "-1"}, {"cost": "ba"}, {"name": " "}])
def test_a_channel_without_sense_is_refused(desk: Faces, other: dict[str, str]) -> None:
    form = {"name": "Thẻ", "kind": "card", "cost": "", "borne_by": "school"} | other
    assert desk.post(f"{accounts(desk)}{desk.school.account}/channels", accounts(desk), **form) == 422


def test_the_page_is_there_in_english(desk: Faces) -> None:
    assert "Close this account" in desk.page(accounts(desk), language="en")
