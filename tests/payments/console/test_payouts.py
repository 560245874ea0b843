"""«Đối soát trung gian»: what is owed, a line that a person matches, a report, and what comes of a wrong choice."""

import io
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Engine

from payments.db import session_scope
from tests.payments.clearing.street import Street, fee
from tests.payments.faces import Faces, faces

pytestmark = pytest.mark.db


@pytest.fixture
def desk(engine: Engine, database_url: str) -> Iterator[Faces]:
    with faces(engine, database_url) as made:
        made.log_in("accountant")
        yield made


@contextmanager
def street(desk: Faces) -> Iterator[Street]:
    """The wallet of the desk's school; what is told is settled and committed at the end."""
    with session_scope(desk.engine) as session:
        made = Street(session, school=desk.school)
        yield made
        made.work()


def owed_and_line(desk: Faces, net_vnd: int) -> tuple[str, Street]:
    with street(desk) as made:
        for amount_vnd in (100_000, 300_000):
            made.pays(made.issue(amount_vnd), amount_vnd)
        made.line(net_vnd)
    return f"/console/{desk.school.code}/payouts/", made


def ids(desk: Faces, condition: str) -> list[int]:
    with session_scope(desk.engine) as session:
        return [row[0] for row in session.connection().exec_driver_sql(
            f"SELECT id FROM bank_transaction WHERE {condition} ORDER BY id"
        )]  # fmt: skip


def test_the_page_shows_what_is_owed_and_since_when(desk):
    base, _ = owed_and_line(desk, 380_000)
    page = desk.page(base)
    assert "400.000" in page
    assert "quá hạn" in page
    assert "QUYET TOAN VI" in page
    assert "overdue" in desk.page(base, language="en")


def test_a_person_chooses_sees_the_remainder_and_gives_a_reason(desk):
    base, _ = owed_and_line(desk, 380_000)
    [line_id] = ids(desk, "clearing_id IS NULL")
    items = [str(key) for key in ids(desk, "clearing_id IS NOT NULL")]
    page = f"{base}lines/{line_id}/"
    assert desk.page(page).count(" checked") == 2
    token = desk.page(page).split('name="csrf_token" value="')[1].split('"')[0]
    looked = desk.client.post(f"{page}match", data={"csrf_token": token, "item": items[:1], "look": "1"})
    assert "chọn thêm khoản" in looked.get_data(as_text=True)
    assert desk.client.post(f"{page}match", data={"csrf_token": token, "item": items}).status_code == 422
    told = {"csrf_token": token, "item": items, "note": "Phí tháng 9 theo phụ lục hợp đồng"}
    assert desk.client.post(f"{page}match", data=told).status_code == 303
    shown = desk.page(base)
    assert "Phí tháng 9 theo phụ lục hợp đồng" in shown
    assert "Không còn khoản nào chờ quyết toán" in shown


def test_a_payout_can_be_dissolved(desk):
    base, _ = owed_and_line(desk, 400_000 - fee(100_000, 300_000))
    with session_scope(desk.engine) as session:
        [payout_id] = [row[0] for row in session.connection().exec_driver_sql("SELECT id FROM payout")]
    assert desk.post(f"{base}{payout_id}/dissolve", base) == 303
    assert "đã hủy" in desk.page(base)
    assert len(ids(desk, "state = 'unmatched'")) == 1


def test_a_report_is_uploaded_and_what_does_not_agree_is_shown(desk):
    base, made = owed_and_line(desk, 395_000)
    content = 'Mã giao dịch,Số tiền giao dịch,Phí,Mã quyết toán\nNOBODY1,"400.000","5.000",QT20250909\n'
    token = desk.page(base).split('name="csrf_token" value="')[1].split('"')[0]
    answer = desk.client.post(
        f"{base}report",
        data={
            "csrf_token": token,
            "intermediary": f"{made.wallet}:{desk.school.account}",
            "file": (io.BytesIO(content.encode()), "doi-soat.csv"),
        },
    )
    assert answer.status_code == 303
    page = desk.page(base)
    assert "Báo cáo không khớp" in page
    assert "NOBODY1" in page
