"""``hocphi round`` from draft to issued, on a fresh database."""

import json

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import Engine, text

from operations.cli import hocphi
from payments.access.service import create_user
from payments.db import session_scope
from payments.schools.models import Pupil
from payments.settings import generated_environment
from tests.payments.setting import SchoolSetting, make_school

pytestmark = pytest.mark.db


class Terminal:
    """Commands against one database with one school."""

    def __init__(self, engine: Engine, environment: dict[str, str]) -> None:
        self.engine, self.environment = engine, environment
        with session_scope(engine) as session:
            self.school: SchoolSetting = make_school(session)
            self.accountant, self.principal = session.scalars(text("SELECT username FROM app_user ORDER BY id")).all()

    def run(self, command: str, *more: str) -> Result:
        return CliRunner().invoke(hocphi, ["round", command, "--school", self.school.code, *more], env=self.environment)

    def told(self, command: str, *more: str) -> dict[str, object]:
        result = self.run(command, *more, "--json")
        assert result.exit_code == 0, result.output
        found = json.loads(result.stdout)
        assert isinstance(found, dict)
        return found

    def draft(self) -> dict[str, object]:
        return self.told(
            *("draft", "--round", "T10", "--name", "Tháng 10/2025", "--fee", "AN=22", "--fee", "KNS"),
            *("--starts", "2025-10-01", "--due", "2025-10-20", "--by", self.accountant),
        )


@pytest.fixture
def terminal(engine: Engine, database_url: str) -> Terminal:
    return Terminal(engine, generated_environment() | {"DATABASE_URL": database_url})


def test_a_round_goes_from_draft_to_issued(terminal: Terminal) -> None:
    drafted = terminal.draft()
    assert (drafted["invoices"], drafted["amount_vnd"]) == (1, 660_000)
    assert terminal.told("approve", "--round", "T10", "--by", terminal.principal)["invoices"] == 1
    assert terminal.told("issue", "--round", "T10") == {"issued": 1, "planned": 1, "finished": True}
    assert terminal.told("issue", "--round", "T10")["issued"] == 1
    rounds = terminal.told("list")["rounds"]
    assert isinstance(rounds, list)
    assert (rounds[0]["state"], rounds[0]["invoiced_vnd"]) == ("issued", 660_000)


def test_a_pupils_own_quantity_is_set_before_the_approval_and_the_round_closed_at_the_end(terminal: Terminal) -> None:
    terminal.draft()
    with session_scope(terminal.engine) as session:
        sector_id = session.get_one(Pupil, (terminal.school.id, terminal.school.pupil)).sector_id
    own = ("--fee", "AN", "--quantity", "20", "--by", terminal.accountant)
    assert terminal.run("set-quantity", "--round", "T10", "--pupil", sector_id, *own).exit_code == 0
    assert terminal.run("set-quantity", "--round", "T10", "--pupil", "0", *own).exit_code == 1
    approved = terminal.told("approve", "--round", "T10", "--by", terminal.principal)
    assert approved["amount_vnd"] == 600_000
    assert terminal.run("close", "--round", "T10", "--by", terminal.accountant).exit_code == 1
    terminal.told("issue", "--round", "T10")
    assert terminal.run("close", "--round", "T10", "--by", terminal.accountant).exit_code == 0


def test_in_the_background_a_worker_is_asked(terminal: Terminal) -> None:
    terminal.draft()
    terminal.told("approve", "--round", "T10", "--by", terminal.principal)
    assert terminal.told("issue", "--round", "T10", "--background")["finished"] is False


def test_what_a_rule_refuses_ends_with_status_1(terminal: Terminal) -> None:
    terminal.draft()
    refused = terminal.run("approve", "--round", "T10", "--by", terminal.accountant)
    assert (refused.exit_code, "forbidden" in refused.stderr) == (1, True)
    assert terminal.run("issue", "--round", "T10").exit_code == 1
    assert terminal.run("issue", "--round", "T11").exit_code == 1


def test_a_wrong_quantity_is_wrong_use(terminal: Terminal) -> None:
    result = terminal.run(
        *("draft", "--round", "T10", "--name", "Tháng 10", "--fee", "AN=hai"),
        *("--starts", "2025-10-01", "--due", "2025-10-20", "--by", terminal.accountant),
    )
    assert result.exit_code == 2


def test_a_draft_is_thrown_away(terminal: Terminal) -> None:
    terminal.draft()
    assert terminal.run("discard", "--round", "T10", "--by", terminal.accountant).exit_code == 0
    assert terminal.told("list")["rounds"] == []
    terminal.draft()
    terminal.run("approve", "--round", "T10", "--by", terminal.principal)
    refused = terminal.run("discard", "--round", "T10", "--by", terminal.accountant)
    assert (refused.exit_code, "round_state" in refused.output) == (1, True)


def test_whoever_works_elsewhere_can_neither_draft_nor_approve_for_this_school(terminal: Terminal) -> None:
    with session_scope(terminal.engine) as session:
        create_user(session, username="nguoi.ngoai", full_name="Người Ngoài (mẫu)", password="mot-mat-khau-dai")
    terminal.draft()
    for command in ("approve", "discard", "close"):
        refused = terminal.run(command, "--round", "T10", "--by", "nguoi.ngoai")
        assert (refused.exit_code, "không phải kế toán hay hiệu trưởng" in refused.output) == (1, True), command
    assert terminal.told("approve", "--round", "T10", "--by", terminal.principal)["invoices"] == 1
