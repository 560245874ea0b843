"""Fees on the desk: what holds today and why, registrations from a file, reductions that count in the next round."""

import io
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, text

from payments.db import session_scope
from payments.invoices.service import preview_round
from payments.schools.models import Pupil
from tests.payments.faces import Faces, faces
from tests.payments.invoices.rounds import drafted
from tests.payments.schools.roster.files import by_csv

pytestmark = pytest.mark.db
HEADER = ["Mã định danh", "Mã khoản thu", "Từ ngày", "Số lượng"]


@pytest.fixture
def desk(engine: Engine, database_url: str) -> Iterator[Faces]:
    with faces(engine, database_url) as made:
        made.log_in("accountant")
        yield made


def fees(desk: Faces) -> str:
    return f"/console/{desk.school.code}/fees/"


def pupil(desk: Faces) -> str:
    with session_scope(desk.engine) as session:
        return session.get_one(Pupil, (desk.school.id, desk.school.pupil)).sector_id


def send(desk: Faces, path: str, **form: object) -> tuple[int, str]:
    token = desk.page(fees(desk)).split('name="csrf_token" value="')[1].split('"')[0]
    answer = desk.client.post(f"{fees(desk)}{path}", data={"csrf_token": token, **form})
    return answer.status_code, answer.get_data(as_text=True)


def amount(desk: Faces, code: str) -> int:
    with session_scope(desk.engine) as session:
        return preview_round(session, desk.school.id, drafted(session, desk.school, code)).amount_vnd


def test_the_catalogue_shows_price_ceiling_and_legal_basis(desk: Faces) -> None:
    with session_scope(desk.engine) as session:
        session.execute(
            text(
                "INSERT INTO fee_ceiling (fee_code, unit, ceiling_vnd, valid_from, document)"
                " VALUES ('AN', 'day', 35000, '2025-01-01', 'Nghị quyết mẫu 02/2025')"
            )
        )
    page = desk.page(fees(desk))
    for told in ("30.000 / ngày", "35.000", "Nghị quyết mẫu 02/2025", "Nghị quyết mẫu 01/2025/NQ-HĐND"):
        assert told in page


def test_registrations_are_imported_and_wrong_rows_are_told(desk: Faces) -> None:
    rows = [[pupil(desk), "KNS", "01/09/2025", 4], [pupil(desk), "XX", "01/09/2025", 4]]
    for told in ("1 đăng ký mới", "1 giữ nguyên"):
        status, page = send(desk, "registrations", file=(io.BytesIO(by_csv(rows, HEADER)), "dang-ky.csv"))
        assert status == 200
        assert told in page
        assert "1 bị từ chối" in page
        assert "(B3)" in page
    assert amount(desk, "A") == 660_000 + 60_000
    assert send(desk, "registrations", file=(io.BytesIO(b"PK"), "x.xlsx"))[0] == 422
    assert send(desk, "registrations")[0] == 422


def test_a_reduction_is_granted_counts_and_ends(desk: Faces) -> None:
    form = {"pupil": pupil(desk), "kind": "waiver", "category": "hộ nghèo", "percent": "50 %", "fee": "AN"}
    form |= {"document": "QĐ 12/2025", "from": "2025-09-01"}
    assert send(desk, "exemptions", **form)[0] == 303
    assert amount(desk, "A") == 330_000
    assert "hộ nghèo" in desk.page(fees(desk))
    assert send(desk, "exemptions/1/end", last_day="2025-09-30")[0] == 303
    assert amount(desk, "B") == 660_000
    assert "30/09/2025" in desk.page(fees(desk))


@pytest.mark.parametrize(
    ("other", "status"),
    [
        ({"pupil": "123"}, 404),
        ({"kind": "exemption"}, 422),
        ({"kind": "gift"}, 422),
        ({"percent": ""}, 422),
        ({"percent": "12,5"}, 422),
        ({"fixed": "1000"}, 422),
        ({"from": "?"}, 422),
        ({"fee": "XX"}, 422),
    ],
)
def test_a_reduction_without_sense_is_told_on_the_form(desk: Faces, other: dict[str, str], status: int) -> None:
    form = {"pupil": pupil(desk), "kind": "waiver", "category": "hộ nghèo", "percent": "50", "fee": "AN"}
    form |= {"document": "QĐ 12/2025", "from": "2025-09-01"}
    told, page = send(desk, "exemptions", **form | other)
    assert told == status
    assert "Chưa ghi gì" in page
    assert 'value="QĐ 12/2025"' in page


def test_the_principal_reads_and_does_not_write(desk: Faces) -> None:
    desk.log_in("principal")
    assert "Căn cứ" in desk.page(fees(desk))
    assert send(desk, "exemptions")[0] == 404
    assert send(desk, "registrations")[0] == 404


def test_the_page_is_there_in_english(desk: Faces) -> None:
    assert "Grant a reduction" in desk.page(fees(desk), language="en")
