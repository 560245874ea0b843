"""``hocphi fee`` from an empty catalogue to registered pupils."""

import json
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner
from sqlalchemy.orm import Session

from operations.cli import hocphi
from payments import clock
from payments.banking.models import ReceivingAccount
from payments.db import session_scope
from payments.schools.models import Pupil
from payments.settings import generated_environment
from tests.payments.schools.roster.files import by_csv
from tests.payments.setting import make_school


@pytest.fixture
def school(engine):
    """A committed school."""
    with session_scope(engine) as session:
        return make_school(session)


@pytest.fixture
def run(database_url):
    """Run ``hocphi fee`` against the fresh database."""
    environment = {**generated_environment(), "DATABASE_URL": database_url}

    def call(*arguments):
        with clock.turned_to(datetime(2025, 10, 8, tzinfo=UTC)):
            return CliRunner().invoke(hocphi, ["fee", *map(str, arguments)], env=environment)

    return call


@pytest.fixture
def account(engine, school):
    """The school's account as BIN:NUMBER."""
    with Session(engine) as session:
        found = session.get(ReceivingAccount, (school.id, school.account))
        return f"{found.bin}:{found.number}"


def add(run, school, account, *other):
    words = ["--code", "CSBT", "--name", "Chăm sóc bán trú", "--group", "service", "--unit", "month", "--mandatory"]
    return run("add", "--school", school.code, *words, "--account", account, "--basis", "NQ mẫu", *other)


def test_an_item_is_added_priced_and_kept_below_its_ceiling(run, school, account):
    assert add(run, school, account, "--from", "2025-09-01").exit_code == 0
    terms = ["--fee", "CSBT", "--unit", "month", "--most", 235_000, "--document", "NQ mẫu", "--from", "2025-09-01"]
    assert run("ceiling", *terms).exit_code == 0
    too_much = run("rate", "--school", school.code, "--fee", "CSBT", "--price", 240_000)
    assert (too_much.exit_code, "above_ceiling" in too_much.output) == (1, True)
    assert run("rate", "--school", school.code, "--fee", "CSBT", "--price", 200_000).exit_code == 0
    listed = json.loads(run("list", "--school", school.code, "--json").output)["fees"]
    assert [row["code"] for row in listed] == ["AN", "CSBT", "KNS"]
    assert "CSBT" in run("list", "--school", school.code).output


def test_an_account_of_another_school_is_refused(run, school, account, engine):
    with session_scope(engine) as session:
        other = make_school(session)
    refused = add(run, other, account)
    assert (refused.exit_code, "not_found" in refused.output) == (1, True)


def test_registrations_are_imported(run, school, engine, tmp_path):
    with Session(engine) as session:
        code = session.get(Pupil, (school.id, school.pupil)).sector_id
    file = tmp_path / "dang-ky.csv"
    header = ["Mã định danh", "Mã khoản thu", "Từ ngày", "Số lượng"]
    file.write_bytes(by_csv([[code, "KNS", "01/09/2025", 4], [code, "XX", "01/09/2025", 4]], header))
    first = run("register", file, "--school", school.code, "--json")
    report = json.loads(first.output)
    assert (first.exit_code, report["new"], report["refused"]) == (0, 1, 1)
    again = run("register", file, "--school", school.code)
    assert "0 mới" in again.output
    assert "dòng 3, cột «Mã khoản thu»" in again.output
    file.write_bytes(by_csv([[code, "XX", "01/09/2025", 4]], header))
    assert run("register", file, "--school", school.code).exit_code == 1
