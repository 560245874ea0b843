"""Bank holidays as data: read whole or not at all, honest about what is not certain, and what Tết shifts."""

import json
import math
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from click.testing import CliRunner

from operations.doctor import _holidays
from payments.errors import DomainError, NotFoundError
from payments.settings import generated_environment
from reconciliation.holidays import service
from reconciliation.holidays.cli import holiday_group
from reconciliation.holidays.service import Day

pytestmark = pytest.mark.db
TET = date(2026, 2, 17)
GOOD = "day,name\n2026-02-17,Tết Nguyên đán\n2026-09-02,Quốc khánh\n"


def new_moon(k: int) -> date:
    """The day in Viet Nam of the k-th new moon since 2000 (Meeus, Astronomical Algorithms, 49; largest terms)."""
    t = k / 1236.85
    jde = 2451550.09766 + 29.530588861 * k + 0.00015437 * t * t
    sun, moon, f = (
        math.radians(a + b * k) for a, b in ((2.5534, 29.10535670), (201.5643, 385.81693528), (160.7108, 390.67050284))
    )
    jde += -0.40720 * math.sin(moon) + 0.17241 * math.sin(sun) + 0.01608 * math.sin(2 * moon)
    jde += 0.01039 * math.sin(2 * f) + 0.00739 * math.sin(moon - sun) - 0.00514 * math.sin(moon + sun)
    moment = datetime(2000, 1, 1, 12, tzinfo=UTC) + timedelta(days=jde - 2451545.0)
    return moment.astimezone(timezone(timedelta(hours=7))).date()


def test_the_lunar_days_of_the_file_stand_on_new_moons():
    """Tết is a new moon between 21 January and 20 February; the tenth of the third month follows two moons later."""
    days = {day.day: day.name for day in service.read(service.packaged())}
    moons = [new_moon(k) for k in range(300, 400)]
    for year in range(2025, 2031):
        tet = next(moon for moon in moons if date(year, 1, 21) <= moon <= date(year, 2, 20))
        third = moons[moons.index(tet) + 2]
        assert days[tet] == "Tết Nguyên đán, mùng 1 (tính theo âm lịch)"
        assert days[third + timedelta(days=9)] == "Giỗ Tổ Hùng Vương (tính theo âm lịch)"
        assert days[tet - timedelta(days=1)].endswith("(chờ thông báo hằng năm)")
        assert {days[date(year, *fixed)] for fixed in ((1, 1), (4, 30), (5, 1), (9, 2))} == {
            "Tết Dương lịch",
            "Ngày Chiến thắng",
            "Quốc tế Lao động",
            "Quốc khánh",
        }


def test_days_are_entered_renamed_listed_and_removed(session):
    assert service.add(session, service.read(GOOD.encode())) == 2
    assert service.add(session, [Day(TET, "Mùng 1 Tết")]) == 0
    assert next((one.day, one.name) for one in service.listed(session, 2026)) == (TET, "Mùng 1 Tết")
    service.remove(session, TET)
    assert [one.day for one in service.listed(session)] == [date(2026, 9, 2)]
    with pytest.raises(NotFoundError):
        service.remove(session, TET)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("day,name\n17/02/2026,Tết\n", "Dòng 2, cột day"),
        ("day,name\n2026-02-17,Tết\n2026-02-17,Tết\n", "Dòng 3, cột day"),
        ("day,name\n2026-02-17,  \n", "Dòng 2, cột name"),
        ("day,name,mark\n2026-02-17,Tết,perhaps\n", "Dòng 2, cột mark"),
        ("ngày;tên\n", "Dòng 1, cột day,name"),
        ("day,name\n2026-02-30,x\n", "Dòng 2, cột day"),
    ],
)
def test_a_bad_file_is_refused_with_its_place(text, place):
    with pytest.raises(DomainError) as refused:
        service.read(text.encode())
    assert refused.value.vi.startswith(place)
    assert "Chưa nhập ngày nào" in refused.value.vi


def test_a_file_in_another_encoding_is_refused():
    with pytest.raises(DomainError, match="UTF-8"):
        service.read("day,name\n2026-02-17,Tết\n".encode("utf-16"))


def test_missing_years_are_told_from_october_on(session):
    assert service.missing_years(session, date(2026, 9, 30)) == [2026]
    service.add(session, [Day(TET, "Tết")])
    assert service.missing_years(session, date(2026, 9, 30)) == []
    assert service.missing_years(session, date(2026, 10, 1)) == [2027]
    assert "WARNING" in _holidays(session.connection())[1]


def test_the_command_enters_lists_and_removes(database_url, monkeypatch, tmp_path):
    for name, value in (generated_environment() | {"DATABASE_URL": database_url}).items():
        monkeypatch.setenv(name, value)

    def call(*words: str):
        return CliRunner().invoke(holiday_group, words)

    file = tmp_path / "nghi.csv"
    file.write_text(GOOD, encoding="utf-8")
    assert json.loads(call("import", str(file), "--json").stdout) == {"days": 2, "new": 2}
    assert json.loads(call("import", str(file), "--json").stdout) == {"days": 2, "new": 0}
    assert json.loads(call("import", "--vietnam", "--json").stdout) == {"days": 60, "new": 58}
    assert call("add", "--day", "2026-09-01", "--name", "Nghỉ liền kề Quốc khánh").exit_code == 0
    assert call("remove", "--day", "2026-09-02").exit_code == 0
    listed = json.loads(call("list", "--year", "2026", "--json").stdout)["holidays"]
    assert ["2026-09-01" in one["day"] for one in listed].count(True) == 1
    assert "2026-09-02" not in {one["day"] for one in listed}
    assert call("import").exit_code == 2
