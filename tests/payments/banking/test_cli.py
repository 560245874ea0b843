"""``hocphi account`` and ``hocphi connection`` on a fresh database, as an operator types them."""

import csv
import io
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import Engine

from operations.cli import hocphi
from payments import clock
from payments.access.models import User
from payments.banking import key_pairs
from payments.banking.models import ReceivingAccount
from payments.banking.queries import connection_by_token
from payments.banking.rules import token_hash
from payments.crypto import FieldCipher
from payments.db import session_scope
from payments.settings import Settings, generated_environment
from tests.payments.setting import SchoolSetting, make_school

pytestmark = pytest.mark.db

ACCOUNT = "970436:0011002233"


class Terminal:
    """Commands against one database."""

    def __init__(self, engine: Engine, environment: dict[str, str], school: SchoolSetting) -> None:
        self.engine, self.environment, self.school = engine, environment, school

    def run(self, *arguments: str) -> Result:
        return CliRunner().invoke(hocphi, arguments, env=self.environment)

    def told(self, *arguments: str) -> dict[str, object]:
        result = self.run(*arguments, "--json")
        assert result.exit_code == 0, result.output
        found = json.loads(result.stdout)
        assert isinstance(found, dict)
        return found

    def add_account(self, *more: str) -> dict[str, object]:
        return self.told(
            *("account", "add", "--school", self.school.code, "--bin", "970436", "--number", "0011 002 233"),
            *("--holder", "TRUONG TIEU HOC HOA PHUONG", "--fund", "Bán trú", *more),
        )


@pytest.fixture
def terminal(engine: Engine, database_url: str) -> Terminal:
    with session_scope(engine) as session:
        school = make_school(session)
    return Terminal(engine, generated_environment() | {"DATABASE_URL": database_url}, school)


def test_an_added_account_waits_for_a_second_person(terminal: Terminal) -> None:
    told = terminal.add_account()
    assert (told["account"], told["state"], told["usable_at"]) == (ACCOUNT, "proposed", None)
    with session_scope(terminal.engine) as session:
        approver = session.get_one(User, terminal.school.principal).username
    approved = terminal.told("account", "approve", ACCOUNT, "--by", approver)
    assert approved["state"] == "cooling"


def test_an_unknown_approver_or_school_is_refused_with_status_1(terminal: Terminal) -> None:
    terminal.add_account()
    assert terminal.run("account", "approve", ACCOUNT, "--by", "nobody").exit_code == 1
    assert terminal.run("account", "list", "--school", "XX").exit_code == 1


def test_the_same_account_twice_is_refused(terminal: Terminal) -> None:
    terminal.add_account()
    again = terminal.run(
        *("account", "add", "--school", terminal.school.code, "--bin", "970436", "--number", "0011002233"),
        *("--holder", "KHAC", "--fund", "Khác"),
    )
    assert again.exit_code == 1
    assert "account_exists" in again.stderr


def test_an_unknown_bin_is_a_warning(terminal: Terminal) -> None:
    added = terminal.run(
        *("account", "add", "--school", terminal.school.code, "--bin", "111111", "--number", "1"),
        *("--holder", "TRUONG", "--fund", "Bán trú"),
    )
    assert (added.exit_code, "111111" in added.stderr) == (0, True)


def test_a_connection_may_report_at_once_on_an_account_in_any_state(terminal: Terminal, tmp_path: Path) -> None:
    terminal.add_account()
    secret = tmp_path / "secret.json"
    secret.write_text('{"api_key": "test-sepay-apikey"}')
    told = terminal.told("connection", "add", "--adapter", "sepay", "--account", ACCOUNT, "--secret-file", str(secret))
    token = str(told["url"]).rpartition("/callbacks/")[2]
    settings = Settings.from_env(terminal.environment)
    with session_scope(terminal.engine) as session:
        found = connection_by_token(session, FieldCipher(settings.field_keys), token_hash(token))
    assert found is not None
    assert found.secrets == ({"api_key": "test-sepay-apikey"},)
    named = found.accounts.resolve("0011002233", None)
    assert named is not None
    assert named[0] == terminal.school.id
    assert terminal.told("connection", "url", str(told["id"])) == told


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"test-sepay-secret\n", 0),
        (b'\xef\xbb\xbf{"secret": "saved by Notepad"}', 0),
        (b"", 1),
        (b"{", 1),
        (b'["secret"]', 1),
        (b'{"secret": 5}', 1),
        (b'{"secret": "  "}', 1),
        (b'{"sectret": "x"}', 1),
        (b"\xff", 1),
    ],
)
def test_a_secret_file_is_json_or_one_bare_secret(
    terminal: Terminal, tmp_path: Path, content: bytes, status: int
) -> None:
    terminal.add_account()
    secret = tmp_path / "secret"
    secret.write_bytes(content)
    result = terminal.run("connection", "add", "--adapter", "sepay", "--account", ACCOUNT, "--secret-file", str(secret))
    assert result.exit_code == status, result.output
    assert ("bad_secret" in result.stderr) == bool(status)


def test_a_secret_rotates_and_is_revoked(terminal: Terminal, tmp_path: Path) -> None:
    terminal.add_account()
    secret = tmp_path / "secret"
    secret.write_text("one")
    added = terminal.told(
        *("connection", "add", "--adapter", "sepay", "--account", ACCOUNT, "--secret-file", str(secret)),
        *("--virtual-prefix", f"{ACCOUNT}=962HP", "--merchant", f"{ACCOUNT}=TRUONGMAU", "--sandbox"),
    )
    connection_id = str(added["id"])
    secret.write_text("two")
    assert terminal.run("connection", "rotate", connection_id, "--secret-file", str(secret)).exit_code == 0
    assert terminal.run("connection", "rotate", connection_id, "--secret-file", str(secret)).exit_code == 1
    assert terminal.run("connection", "revoke", connection_id, "--old-secret", "--at-once").exit_code == 0
    assert terminal.run("connection", "revoke", connection_id).exit_code == 0
    listed = terminal.told("connection", "list")["connections"]
    assert isinstance(listed, list)
    assert [(row["active"], row["live_secrets"], row["sandbox"]) for row in listed] == [(False, 1, True)]


def test_a_key_of_ours_is_made_shown_and_put_to_use(terminal: Terminal, tmp_path: Path) -> None:
    terminal.add_account()
    secret = tmp_path / "secret.json"
    [theirs] = key_pairs.public_parts({"k": key_pairs.generate("rsa")}, "bank", clock.now())
    secret.write_text(json.dumps({"public_pem": theirs.pem}))
    arguments = ("connection", "add", "--adapter", "vietinbank", "--account", ACCOUNT, "--secret-file", str(secret))
    assert terminal.run(*arguments).exit_code == 1
    connection_id = str(terminal.told(*arguments, "--generate-key")["id"])
    shown = terminal.run("connection", "key", "new", connection_id)
    assert shown.exit_code == 0, shown.output
    assert "BEGIN CERTIFICATE" in shown.stdout
    assert "PRIVATE" not in shown.output
    assert terminal.run("connection", "key", "use", connection_id).exit_code == 0
    every = terminal.run("connection", "key", "show", connection_id).stdout
    assert every.count("BEGIN CERTIFICATE") == 2
    assert shown.stdout.strip() in every
    listed = terminal.told("connection", "secrets", connection_id)["secrets"]
    assert isinstance(listed, list)
    assert [(row["prepared"], row["last_used_at"], row["revoked_at"]) for row in listed] == [(False, None, None)] * 2
    assert "chưa dùng" in terminal.run("connection", "secrets", connection_id).stdout
    assert terminal.run("connection", "revoke", connection_id, "--new-secret").exit_code == 0
    assert terminal.run("connection", "secrets", "999").exit_code == 1


def test_channels_and_accounts_are_listed_and_closed(terminal: Terminal) -> None:
    terminal.add_account()
    assert terminal.run("account", "channel", ACCOUNT, "--borne-by", "bank").exit_code == 0
    assert terminal.run("account", "channel", ACCOUNT).exit_code == 1
    assert terminal.run("account", "switch-channel", ACCOUNT, "VietQR", "--off").exit_code == 0
    assert terminal.run("account", "switch-channel", ACCOUNT, "POS", "--off").exit_code == 1
    assert terminal.run("account", "close", ACCOUNT).exit_code == 0
    listed = terminal.told("account", "list", "--school", terminal.school.code)["accounts"]
    assert isinstance(listed, list)
    assert listed[-1]["state"] == "closed"


def test_the_list_of_banks_is_compared_then_loaded(terminal: Terminal) -> None:
    compared = terminal.told("account", "banks")
    assert compared == terminal.told("account", "banks", "--apply")
    assert terminal.told("account", "banks")["added"] == []


def test_a_misspelt_account_is_explained(terminal: Terminal) -> None:
    result = terminal.run("account", "close", "0011002233")
    assert (result.exit_code, "bad_account_name" in result.stderr) == (1, True)


def test_pupils_get_numbers_of_their_own_that_the_bank_is_given_as_a_list(terminal: Terminal) -> None:
    at_school = ("--school", terminal.school.code)
    with session_scope(terminal.engine) as session:
        found = session.get_one(ReceivingAccount, (terminal.school.id, terminal.school.account))
        account = f"{found.bin}:{found.number}"
    named = (*at_school, "--account", account, "--prefix", "96247")
    assert terminal.told("virtual-account", "assign", *named) == {"assigned": 1}
    assert terminal.told("virtual-account", "assign", *named) == {"assigned": 0}
    [row] = csv.DictReader(io.StringIO(terminal.run("virtual-account", "list", *at_school).stdout))
    [told] = terminal.told("virtual-account", "list", *at_school)["virtual_accounts"]  # type: ignore[misc]
    assert row == {key: value or "" for key, value in told.items()}
    assert (told["account"], told["revoked_on"]) == (account, None)
    assert terminal.told("virtual-account", "revoke", *at_school, told["number"]) == {"revoked": told["number"]}
    assert terminal.told("virtual-account", "list", *at_school) == {"virtual_accounts": []}
    [kept] = terminal.told("virtual-account", "list", *at_school, "--all")["virtual_accounts"]  # type: ignore[misc]
    assert kept["revoked_on"]
    with session_scope(terminal.engine) as session:
        elsewhere = make_school(session)
    assert terminal.run("virtual-account", "assign", "--school", elsewhere.code, *named[2:]).exit_code == 1
