"""Bad files of every kind, end to end: a person reads what is wrong, where and what to do; nothing is written."""

from click.testing import CliRunner

from operations.cli import hocphi
from operations.sample_files import write_camt053
from payments.settings import generated_environment
from reconciliation import service
from reconciliation.imports.models import JobState
from reconciliation.school_ledgers.template import write_template
from tests.reconciliation.desk import DAY, OPENING, line, row, statement
from tests.reconciliation.imports.bad_files import bad_files
from tests.reconciliation.test_statement_import import balanced

TABLES = ("bank_statement", "bank_line", "evidence", "ledger_import", "ledger_row", "bank_transaction")


def contents(hall) -> list[int]:
    return [hall.count(table) for table in TABLES]


def filled(hall) -> list[int]:
    """A school that has a statement and books already."""
    with hall.sessions() as session:
        service.set_book_account(session, hall.school.id, "1121", hall.school.account)
    hall.bring("statement", write_camt053([statement(hall.number, [line(5_000, "x", "FT0")], opening=OPENING)]))
    hall.bring("ledger", write_template([row(5_000, "x", code="1121", document="BC")]))
    return contents(hall)


def test_every_bad_file_is_refused_on_the_command_line_in_words_and_changes_nothing(hall, database_url, tmp_path):
    hall.faces.log_in("accountant")
    before = filled(hall)
    environment = generated_environment() | {"DATABASE_URL": database_url}
    [(account_bin,)] = hall.rows(f"SELECT bin FROM receiving_account WHERE id = {hall.school.account}")
    targets = {"statement": ["--account", f"{account_bin}:{hall.number}"], "ledger": ["--school", hall.school.code]}
    for name, bad in bad_files(hall.number):
        path = tmp_path / bad.file_name
        path.write_bytes(bad.data)
        done = CliRunner().invoke(hocphi, [bad.kind, "import", str(path), *targets[bad.kind]], env=environment)
        assert (done.exit_code, done.stdout) == (1, ""), name
        assert "Chưa nhập dòng nào" in done.stderr or "Hãy xuất" in done.stderr, name
        assert [said for said in bad.said if said not in done.stderr] == [], (name, done.stderr)
        assert contents(hall) == before, name


def test_every_bad_file_is_refused_on_the_desk_in_words_and_changes_nothing(hall):
    hall.faces.log_in("accountant")
    before = filled(hall)
    for name, bad in bad_files(hall.number):
        if not bad.data:
            continue  # The form itself asks for a file that holds something.
        job_id = hall.send(bad.kind, bad.data, bad.file_name)
        hall.work()
        job = hall.job(job_id)
        page = hall.page(job_id)
        assert [said for said in bad.said if said not in page] == [], (name, job.state)
        # Right rows of books may go ahead where a person says so; here each file has a bad row, and nobody does.
        assert job.state is JobState.REFUSED or (bad.kind, job.state, job.bad_rows > 0) == (
            "ledger",
            JobState.READY,
            True,
        ), name
        assert contents(hall) == before, name


def test_a_statement_that_does_not_add_up_is_shown_with_row_and_figures_and_brings_no_money(hall):
    hall.faces.log_in("accountant")
    whole = balanced(hall.number, [line(100_000 + n, f"CT {n}", f"FT{n}") for n in range(3)])
    head = f"Số tài khoản {hall.number}\nNgày giao dịch,Số tham chiếu,Số tiền ghi nợ,Số tiền ghi có,Số dư,Mô tả\n"
    rows = [f"{DAY:%d/%m/%Y},FT{n},,{one.amount_vnd},{one.balance_after_vnd},x\n" for n, one in enumerate(whole.lines)]
    gap = head + rows[0] + rows[2] + f"Số dư cuối kỳ,,,,{whole.closing_vnd},\n"
    job_id = hall.send("statement", gap.encode(), "x.csv")
    hall.work()
    assert "dòng 4" in hall.page(job_id)
    hall.press(job_id, "write")
    hall.work()
    assert (hall.count("bank_line"), hall.count("evidence")) == (2, 0)
