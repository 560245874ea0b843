"""The desk's page of what everybody sees: contact, preview, and the principal's switch."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, text

from payments.db import session_scope
from tests.payments.faces import Faces, faces
from tests.payments.transparency.publishing import day, village

pytestmark = pytest.mark.db


@pytest.fixture
def desk(engine: Engine, database_url: str) -> Iterator[Faces]:
    with faces(engine, database_url) as made:
        yield made


def round_of(desk: Faces) -> int:
    with session_scope(desk.engine) as session:
        return session.execute(
            text("SELECT id FROM collection_round WHERE school_id = :id"), {"id": desk.school.id}
        ).scalar_one()


def test_the_contact_of_the_desk_stands_on_the_public_page(desk: Faces) -> None:
    base = f"/console/{desk.school.code}/public/"
    desk.log_in("accountant")
    told = {"phone": "0220 3123 456", "email": "vanthu@truong.example", "hours": "Phòng 2,  thứ hai"}
    assert desk.post(f"{base}contact", base, **told) == 303
    page = desk.page(f"/s/{desk.school.code}")
    assert "0220 3123 456" in page
    assert "Phòng 2, thứ hai" in page
    assert desk.post(f"{base}contact", base, phone="gọi tôi") == 422
    assert "0220 3123 456" in desk.page(f"/s/{desk.school.code}")


def test_only_the_principal_publishes(desk: Faces) -> None:
    base, round_id = f"/console/{desk.school.code}/public/", round_of(desk)
    desk.log_in("accountant")
    assert f"{round_id}/switch" not in desk.page(base)
    assert desk.post(f"{base}{round_id}/switch", base, shown="1") == 404
    assert "Đợt thu tháng 9" not in desk.page(f"/s/{desk.school.code}/cong-khai")
    desk.log_in("principal")
    assert desk.post(f"{base}{round_id}/switch", base, shown="1") == 303
    assert "Đợt thu tháng 9" in desk.page(f"/s/{desk.school.code}/cong-khai")
    assert desk.post(f"{base}{round_id}/switch", base) == 303
    assert "Đợt thu tháng 9" not in desk.page(f"/s/{desk.school.code}/cong-khai")


def test_the_preview_shows_what_will_be_public_beside_the_exact_sums(desk: Faces) -> None:
    with session_scope(desk.engine) as session:
        town = village(session, 12)
        town.pay(0, 12, day(8))
        town.publish(day(9))
        town.pay(0, 1, day(10))
        session.execute(
            text(
                "INSERT INTO user_grant (user_id, role, organisation_id, valid_from)"
                " VALUES (:user, 'principal', :school, '2025-09-01')"
            ),
            {"user": desk.school.principal, "school": town.school.id},
        )
    desk.log_in("principal")
    page = desk.page(f"/console/{town.school.code}/public/{town.round_id}/")
    public, exact = page.split("Số đúng", 1)
    assert "1.000.000" in public
    assert "đến 08/09/2025" in public, "what is public already stays until five pupils have changed"
    assert "1.200.000" in exact
    assert "1.200.000" not in public
