"""The commands of design.md §8: files in, nights out, reports again; in Vietnamese or as JSON."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import delete, update

from operations.cli import hocphi
from operations.sample_files import write_camt053, write_misa_ledger
from payments.banking.models import AccountState, ConnectionAccount, ReceivingAccount
from payments.settings import generated_environment
from reconciliation.school_ledgers.model import LedgerFile
from reconciliation.school_ledgers.template import write_template
from reconciliation.service import set_book_account
from tests.reconciliation.desk import DAY, OPENING, line, row, statement
from tests.reconciliation.test_doubts import bare

X_VND = 100_000
ROOT = Path(__file__).parents[2]


class Terminal:
    """Commands against the desk's database."""

    def __init__(self, desk, folder: Path) -> None:
        self.desk, self.folder = desk, folder
        url = desk.engine.url.render_as_string(hide_password=False)
        self.environment = generated_environment() | {"DATABASE_URL": url}
        self.account = f"970998:{desk.number}"

    def run(self, *arguments: str) -> Result:
        return CliRunner().invoke(hocphi, arguments, env=self.environment)

    def told(self, *arguments: str) -> dict:
        result = self.run(*arguments, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    def file(self, name: str, data: bytes) -> str:
        path = self.folder / name
        path.write_bytes(data)
        return str(path)


@pytest.fixture
def terminal(desk, tmp_path):
    return Terminal(desk, tmp_path)


@pytest.fixture
def paid(desk):
    """One payment by callback, one that only the statement knows; returns the lines of the statement."""
    one, two = desk.issue(X_VND), desk.issue(2 * X_VND)
    desk.pay(X_VND, one.reference, "FT25253000001")
    return [line(X_VND, one.reference, "FT25253000001"), line(2 * X_VND, two.reference, "FT25253000002")]


def test_lines_in_doubt_are_shown_and_wait_for_an_answer(terminal, desk):
    files = [terminal.file(f"{name}.xml", bare(desk.number, line(X_VND, name, None))) for name in ("mot", "hai")]
    order = ("statement", "import", files[1], "--account", terminal.account)
    assert terminal.told("statement", "import", files[0], "--account", terminal.account)["new_lines"] == 1
    looked = terminal.run(*order, "--dry-run")
    assert "có thể là dòng đã nhập 10/09/2025" in looked.stderr
    assert "hai" not in looked.stderr.replace("hai.xml", ""), "no memo on the terminal"
    [doubt] = terminal.told(*order, "--dry-run")["doubts"]
    assert doubt["amount_vnd"] == X_VND
    assert not any("description" in name for name in doubt), "nor in a log of a scheduled import"
    refused = terminal.run(*order)
    assert refused.exit_code == 1
    assert "--same-lines known" in refused.stderr
    assert desk.count("bank_line") == 1
    assert terminal.run(*order, "--except-line", "x").exit_code == 2
    assert terminal.told(*order, "--same-lines", "known")["new_lines"] == 0
    assert terminal.told(*order)["new_lines"] == 0, "the answer is remembered"
    other = terminal.file("ba.xml", bare(desk.number, line(X_VND, "ba", None)))
    order = ("statement", "import", other, "--account", terminal.account, "--same-lines", "known")
    assert terminal.told(*order, "--except-line", doubt["place"])["new_lines"] == 1


def test_a_statement_is_imported_once_and_a_night_reports_it_as_the_contract_says(terminal, desk, paid):
    file = terminal.file("saoke.xml", write_camt053([statement(desk.number, paid)]))
    first = terminal.told("statement", "import", file, "--account", terminal.account)
    again = terminal.told("statement", "import", file, "--account", terminal.account)
    assert (first["new_lines"], again["new_lines"], again["statements"][0]["already_imported"]) == (2, 0, True)
    # No worker runs here: the command settles what waits before it judges.
    [run, other] = terminal.told("reconcile", "--date", DAY.isoformat(), "--school", desk.school.code)["runs"]
    assert (run["school"], run["account"], run["state"]) == (desk.school.code, terminal.account, "PROVED")
    assert (run["matched"], run["exceptions"]) == (1, {"missing_gateway": 1})
    assert run["proof"] == {
        "opening_vnd": OPENING,
        "credits_vnd": 3 * X_VND,
        "debits_vnd": 0,
        "closing_vnd": OPENING + 3 * X_VND,
        "ok": True,
    }
    assert (other["state"], other["proof"]["ok"], isinstance(run["id"], int)) == ("WAITING_STATEMENT", False, True)
    assert desk.rows("SELECT state FROM invoice_balance ORDER BY invoice_id") == [("paid",), ("paid",)]


def test_money_on_an_account_that_nobody_has_approved_yet_is_judged_all_the_same(terminal, desk, paid):
    with desk.session() as session:
        session.execute(update(ReceivingAccount).values(state=AccountState.PROPOSED))
    runs = terminal.told("reconcile", "--date", DAY.isoformat())["runs"]
    assert {run["account"] for run in runs} >= {terminal.account}
    with desk.session() as session:
        session.execute(delete(ConnectionAccount))
    assert terminal.told("reconcile", "--date", DAY.isoformat())["runs"] == []
    file = terminal.file("saoke.xml", write_camt053([statement(desk.number, paid)]))
    terminal.told("statement", "import", file, "--account", terminal.account)
    [run] = terminal.told("reconcile", "--date", DAY.isoformat())["runs"]
    assert (run["account"], run["state"]) == (terminal.account, "PROVED")


def test_a_dry_run_writes_nothing(terminal, desk, paid):
    file = terminal.file("saoke.xml", write_camt053([statement(desk.number, paid)]))
    told = terminal.told("statement", "import", file, "--account", terminal.account, "--dry-run")
    assert (told["new_lines"], told["dry_run"]) == (2, True)
    books = terminal.file("so.xlsx", write_template([row(X_VND, "Thu")]))
    assert terminal.told("ledger", "import", books, "--school", desk.school.code, "--dry-run")["new_rows"] == 1
    counts = [desk.count(table) for table in ("bank_statement", "bank_line", "ledger_import", "ledger_row")]
    assert counts == [0, 0, 0, 0]
    assert desk.rows("SELECT count(*) FROM evidence WHERE source = 'statement'") == [(0,)]


def test_a_file_that_cannot_be_read_is_refused_in_words_and_imports_nothing(terminal, desk, paid):
    whole = write_camt053([statement(desk.number, paid)])
    file = terminal.file("nua.xml", whole[: len(whole) // 2])
    result = terminal.run("statement", "import", file, "--account", terminal.account)
    assert result.exit_code == 1
    assert "Chưa nhập dòng nào" in result.stderr
    assert desk.count("bank_line") == 0


def test_a_statement_of_another_account_is_refused(terminal, desk, paid):
    file = terminal.file("saoke.xml", write_camt053([statement("9999999999", paid)]))
    result = terminal.run("statement", "import", file, "--account", terminal.account)
    assert (result.exit_code, "other_account" in result.stderr) == (1, True)
    assert desk.number not in result.stderr


def test_misa_books_come_in_by_name_of_their_mapping(terminal, desk, paid):
    first = paid[0].description
    ledger = LedgerFile((row(X_VND, f"Thu {first}", code="1121.01"),), "1121.01", 0, None, None, None, "")
    file = terminal.file("so.xlsx", write_misa_ledger([ledger]))
    told = terminal.told("ledger", "import", file, "--school", desk.school.code, "--mapping", "misa")
    assert (told["new_rows"], told["accounts"]) == (1, {terminal.account: 1})
    result = terminal.run("ledger", "import", file, "--school", desk.school.code, "--mapping", "khong-co")
    assert (result.exit_code, "unknown_mapping" in result.stderr) == (1, True)


def test_codes_of_the_books_can_be_given_their_account(terminal, desk):
    file = terminal.file("so.xlsx", write_template([row(X_VND, "Thu bán trú", code="1121.07")]))
    command = ("ledger", "import", file, "--school", desk.school.code)
    assert terminal.told(*command)["unplaced"] == {"1121.07": 1}
    said = terminal.told(*command, "--account-code", f"1121.07={terminal.account}")
    assert said["unplaced"] == {}


def test_a_report_is_printed_again_byte_for_byte_by_other_processes(terminal, desk, paid, tmp_path):
    desk.state(*paid)
    desk.book(row(X_VND, paid[0].description), row(77_000, "Thu tiền mặt", code="1111"))
    run = desk.night()
    files = [tmp_path / name for name in ("a.xlsx", "b.xlsx")]
    printed = []
    for file in files:
        # No cache of another process and another order of hashes: stored inputs alone give the report.
        fresh = {"PYTHONHASHSEED": str(len(printed) + 1), "PYTHONPYCACHEPREFIX": str(tmp_path / f"cache{len(printed)}")}
        command = [
            sys.executable,
            "-m",
            "operations",
            "reconcile",
            "report",
            str(run.id),
            "--xlsx",
            str(file),
            "--json",
        ]
        done = subprocess.run(command, cwd=ROOT, env=terminal.environment | fresh, capture_output=True, check=True)
        printed.append(done.stdout)
    assert printed[0] == printed[1]
    assert files[0].read_bytes() == files[1].read_bytes()
    assert json.loads(printed[0])["exceptions"] == run.exceptions


def test_words_without_json_name_what_was_found(terminal, desk, paid):
    desk.state(*paid)
    result = terminal.run("reconcile", "--date", DAY.isoformat())
    assert result.exit_code == 0
    assert "Đã chứng minh; khớp 1, ngoại lệ: Thiếu báo có (missing_gateway) 1" in result.stdout
    number = result.stdout.split()[0].removeprefix("#")
    shown = terminal.run("reconcile", "report", number)
    assert "Thiếu báo có" in shown.stdout
    assert terminal.run("reconcile", "report", "999999").exit_code == 1


def test_facts_are_joined_and_undone_by_commands_and_older_reports_stay_as_they_were(terminal, desk, paid):
    desk.state(*paid)
    desk.book(row(X_VND, paid[0].description), row(2 * X_VND - 1, "Thu khác"))
    with desk.session() as session:
        set_book_account(session, desk.school.id, "1121", desk.school.account)
    run = desk.night()
    before = terminal.run("reconcile", "report", str(run.id), "--json").stdout
    apart = [one for one in json.loads(before)["entries"] if one["primary_class"] not in {"matched", "not_due"}]
    facts = [fact for one in apart for fact in one["facts"]]
    [(username,)] = desk.rows(f"SELECT username FROM app_user WHERE id = {desk.school.accountant}")
    who = ("--school", desk.school.code, "--by", username)
    made = terminal.told("reconcile", "join", *facts, *who, "--note", "một khoản")
    assert made["run"] != run.id
    told = terminal.told("reconcile", "report", str(made["run"]))
    assert (told["exceptions"], told["proof"]["decisions"]) == ({"amount_diff": 1}, {"lost": [], "replayed": 1})
    assert "ghép tay theo quyết định số" in next(one["why"] for one in told["entries"] if "person" in str(one["rule"]))
    refused = terminal.run("reconcile", "part", *facts, *who)
    assert (refused.exit_code, "hãy hoàn tác nó trước" in refused.output) == (1, True)
    undone = terminal.told("reconcile", "undo", str(made["decision"]), *who)
    assert undone["run"] == run.id, "the same inputs as before are the same run"
    kinds = [one["kind"] for one in terminal.told("reconcile", "decisions", "--school", desk.school.code)["decisions"]]
    assert kinds == ["undo", "join"]
    assert terminal.run("reconcile", "report", str(run.id), "--json").stdout == before
