"""Forms and files that no browser sends: an answer in words, never a fault of ours, nothing half-done."""

import io
import random
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, func, select

from payments.db import session_scope
from payments.schools.models import Pupil
from tests.payments.faces import Faces, faces
from tests.payments.schools.roster.files import by_csv, by_xlsxwriter, pupil

pytestmark = pytest.mark.db
ODD = "a\x00b"


@pytest.fixture
def desk(engine: Engine, database_url: str) -> Iterator[Faces]:
    with faces(engine, database_url) as made:
        made.log_in("accountant")
        yield made


def post(desk: Faces, path: str, **form: object) -> int:
    base = f"/console/{desk.school.code}/"
    token = desk.page(f"{base}rounds/new").split('name="csrf_token" value="')[1].split('"')[0]
    return desk.client.post(f"{base}{path}", data={"csrf_token": token, **form}).status_code


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("accounts/", {"bin": "970999", "number": "1", "holder": ODD, "fund": "x"}),
        ("accounts/", {"bin": ODD, "number": ODD, "holder": "x", "fund": ODD}),
        ("accounts/1/channels", {"name": ODD, "kind": "card", "cost": "9" * 400, "borne_by": "payer"}),
        ("accounts/1/channels/switch", {"name": ODD}),
        ("rounds/new", {"round": "T1", "name": ODD, "starts": "2025-10-01", "due": "2025-10-20", "fee-1": "1"}),
        ("rounds/new", {"round": "T1", "name": "x", "starts": "0001-01-01", "due": "9999-12-31", "fee-1": "1"}),
        (
            "rounds/new",
            {"round": "T1", "name": "x", "starts": "2025-10-01", "due": "2025-10-20", "quantity-1": "9" * 99},
        ),
        (
            "rounds/new",
            {"round": "T1", "name": "x", "starts": "2025-10-01", "due": "2025-10-20"}
            | {"fee-1": "1", "quantity-1": "00000009" + "9" * 20},
        ),
        ("fees/exemptions", {"pupil": ODD, "kind": "waiver"}),
        ("fees/exemptions", {"pupil": "0900000001", "kind": "waiver", "category": ODD, "document": ODD, "fee": ODD}),
        ("fees/exemptions/99999999999999999999/end", {"last_day": "2025-10-20"}),
    ],
)
def test_odd_values_are_refused(desk: Faces, path: str, form: dict[str, str]) -> None:
    assert 400 <= post(desk, path, **form) < 500


@pytest.mark.parametrize(
    "query", ["round=99999999999999999999", "page=99999999999999999999", "q=%00", "page=-1", "q=%FF"]
)
def test_odd_addresses_are_answered(desk: Faces, query: str) -> None:
    assert desk.client.get(f"/console/{desk.school.code}/invoices/?{query}").status_code in {200, 400}


@pytest.mark.parametrize("form", [{"hint": "99999999999999999999"}, {"hint": "x"}, {"references": ODD}])
def test_odd_choices_in_the_queue_are_refused(desk: Faces, form: dict[str, str]) -> None:
    desk.pay(115_000, "NGUYEN THI LAN chuyen tien")
    assert post(desk, "unmatched/1/assign", **form) in {400, 422}


def test_damaged_lists_are_looked_at_or_refused_and_write_nothing(desk: Faces) -> None:
    draw = random.Random(5)
    good = [by_xlsxwriter([pupil(5001), pupil(5002)]), by_csv([pupil(5001), pupil(5002)])]
    for _ in range(40):
        data = bytearray(draw.choice(good))
        for _ in range(draw.randint(1, 6)):
            data[draw.randrange(len(data))] = draw.randrange(256)
        name = draw.choice(["a.xlsx", "a.csv", "", "x" * 5_000, "../../a\x00.xlsx", "danh sách.xlsx"])
        assert post(desk, "roster/", file=(io.BytesIO(bytes(data)), name)) in {303, 400, 422}
    with session_scope(desk.engine) as session:
        assert session.scalar(select(func.count()).select_from(Pupil)) == 1
