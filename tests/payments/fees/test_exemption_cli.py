"""``hocphi exemption``: a reduction is granted once, listed, counted in a round and ended."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from operations.cli import hocphi
from payments import clock
from payments.db import session_scope
from payments.invoices.service import preview_round
from payments.schools.models import Pupil
from payments.settings import generated_environment
from tests.payments.invoices.rounds import drafted
from tests.payments.setting import SchoolSetting, make_school

pytestmark = pytest.mark.db
Run = Callable[..., Result]


@pytest.fixture
def school(engine: Engine) -> SchoolSetting:
    with session_scope(engine) as session:
        return make_school(session)


@pytest.fixture
def run(database_url: str, school: SchoolSetting) -> Run:
    environment = {**generated_environment(), "DATABASE_URL": database_url}

    def call(command: str, *more: object) -> Result:
        with clock.turned_to(datetime(2025, 9, 8, tzinfo=UTC)):
            arguments = ["exemption", command, "--school", school.code, *map(str, more)]
            return CliRunner().invoke(hocphi, arguments, env=environment)

    return call


@pytest.fixture
def waiver(engine: Engine, school: SchoolSetting) -> list[str]:
    with Session(engine) as session:
        code = session.get_one(Pupil, (school.id, school.pupil)).sector_id
    words = ["--pupil", code, "--kind", "waiver", "--category", "hộ nghèo", "--fee", "AN"]
    return [*words, "--document", "QĐ 12/2025"]


def amount(engine: Engine, school: SchoolSetting, code: str) -> int:
    """What the pupil's 22 days of meals at 30.000 đồng would cost in a round of October."""
    with Session(engine) as session:
        return preview_round(session, school.id, drafted(session, school, code)).amount_vnd


def test_a_reduction_is_granted_once_and_counts_to_the_dong_until_its_last_day(
    run: Run, waiver: list[str], engine: Engine, school: SchoolSetting
) -> None:
    first = run("grant", *waiver, "--percent", 33, "--json")
    assert first.exit_code == 0, first.output
    again = run("grant", *waiver, "--percent", 33, "--json")
    assert json.loads(again.output) == json.loads(first.output)
    (row,) = json.loads(run("list", "--json").output)["exemptions"]
    assert (row["kind"], row["percent"], row["fee_codes"], row["valid_from"]) == ("waiver", 33, ["AN"], "2025-09-08")
    assert "QĐ 12/2025" in run("list").output
    assert amount(engine, school, "A") == 660_000 - 217_800
    assert run("end", row["id"], "--last-day", "2025-09-30").exit_code == 0
    assert amount(engine, school, "B") == 660_000
    assert date.fromisoformat(json.loads(run("list", "--json").output)["exemptions"][0]["valid_to"]).day == 30


def test_a_fixed_sum_never_makes_a_line_negative(
    run: Run, waiver: list[str], engine: Engine, school: SchoolSetting
) -> None:
    assert run("grant", *waiver, "--fixed", 50_001).exit_code == 0
    assert amount(engine, school, "A") == 609_999
    assert run("grant", *waiver, "--fixed", 2_000_000).exit_code == 0
    assert amount(engine, school, "B") == 0


@pytest.mark.parametrize(
    ("more", "exit_code", "word"),
    [
        ((), 2, "--percent"),
        (("--percent", 50, "--fixed", 1), 2, "--fixed"),
        (("--percent", 0), 2, "--percent"),
        (("--percent", 50, "--kind", "exemption"), 1, "exemption_is_for_tuition"),
        (("--percent", 50, "--fee", "XX"), 1, "unknown_fee"),
        (("--percent", 50, "--pupil", "123"), 1, "not_found"),
        (("--percent", 50, "--to", "2025-09-01"), 1, "bad_dates"),
        (("--percent", 50, "--by", "ai.do"), 1, "not_found"),
    ],
)
def test_what_cannot_be_granted_is_refused(
    run: Run, waiver: list[str], more: tuple[object, ...], exit_code: int, word: str
) -> None:
    refused = run("grant", *waiver, *more)
    assert (refused.exit_code, word in refused.output) == (exit_code, True), refused.output


def test_an_unknown_reduction_cannot_be_ended(run: Run) -> None:
    assert run("end", 999, "--last-day", "2025-09-30").exit_code == 1
