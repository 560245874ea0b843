"""``hocphi chart``: the mapping is edited, and the trial balance told in the school's codes."""

import json

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import Engine

from operations.cli import hocphi
from payments.access.models import User
from payments.db import session_scope
from payments.settings import generated_environment
from tests.payments.invoices import rounds
from tests.payments.setting import SchoolSetting, make_school

pytestmark = pytest.mark.db


class Terminal:
    """Commands against one database with one school that has issued a round."""

    def __init__(self, engine: Engine, environment: dict[str, str]) -> None:
        self.environment = environment
        with session_scope(engine) as session:
            self.school: SchoolSetting = make_school(session)
            rounds.issued(session, self.school)
            self.accountant = session.get_one(User, self.school.accountant).username

    def run(self, command: str, *more: str) -> Result:
        return CliRunner().invoke(hocphi, ["chart", command, "--school", self.school.code, *more], env=self.environment)

    def trial(self, *more: str) -> dict[str, int]:
        result = self.run("trial", "--json", *more)
        assert result.exit_code == 0, result.output
        told = json.loads(result.stdout)
        assert told["difference_vnd"] == 0
        return {row["account"]: row["debit_vnd"] - row["credit_vnd"] for row in told["accounts"]}


@pytest.fixture
def terminal(engine: Engine, database_url: str) -> Terminal:
    return Terminal(engine, generated_environment() | {"DATABASE_URL": database_url})


def test_the_trial_balance_speaks_the_schools_codes(terminal: Terminal) -> None:
    assert terminal.run("load").exit_code == 0
    assert terminal.trial() == {"131": 660_000, "3381": -660_000}
    assert terminal.trial("--to", "2020-01-01") == {}
    assert "Chênh lệch (difference): 0" in terminal.run("trial").stdout


def test_an_item_gets_an_account_of_its_own(terminal: Terminal) -> None:
    terminal.run("load")
    own = ("--role", "income", "--account", "3381.04", "--fee", "AN", "--by", terminal.accountant)
    assert terminal.run("set", *own).exit_code == 0
    assert terminal.trial() == {"131": 660_000, "3381.04": -660_000}


def test_excluded_money_gets_an_account_for_each_reason(terminal: Terminal) -> None:
    own = ("--account", "515.01", "--reason", "bank_interest", "--by", terminal.accountant)
    assert terminal.run("set", "--role", "excluded", *own).exit_code == 0
    assert terminal.run("set", "--role", "income", *own).exit_code == 2


def test_a_gap_and_an_unknown_item_end_with_status_1(terminal: Terminal) -> None:
    assert terminal.run("trial").exit_code == 1
    unknown = ("--role", "income", "--account", "531", "--fee", "XX", "--by", terminal.accountant)
    assert terminal.run("set", *unknown).exit_code == 1


def test_a_group_and_an_item_at_once_are_wrong_use(terminal: Terminal) -> None:
    both = ("--role", "income", "--account", "531", "--fee", "AN", "--group", "agency", "--by", terminal.accountant)
    assert terminal.run("set", *both).exit_code == 2
