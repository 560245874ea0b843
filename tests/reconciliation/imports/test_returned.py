"""Bad rows come back as the same workbook; the corrected file takes only what was missing, and only then vouches."""

import csv
import io
import zipfile
from functools import partial

import openpyxl
import pytest
from sqlalchemy import text

from bank_adapters.statements.errors import StatementError
from operations.sample_files import write_vietcombank
from payments.db import session_scope
from payments.errors import DomainError
from reconciliation import loading, service
from reconciliation.imports.models import JobState
from reconciliation.imports.returned import FIX, REASON
from reconciliation.school_ledgers.template import write_template
from tests.reconciliation.desk import DAY, OPENING, line, row, statement
from tests.reconciliation.imports.test_flow import paper
from tests.reconciliation.test_statement_import import balanced

AMOUNT, TEXT, DOCUMENT = 7, 4, 2
"""Columns of the template, counted from 1."""
HOSTILE = "=cmd|' /C calc'!A0"


def books(count: int = 5) -> bytes:
    """Rows of one document series; the account is clear, for one invoice's account takes them all."""
    return write_template([row(100_000 + n, f"Thu {n}", code="1121", document=f"00{n}") for n in range(count)])


def edited(data: bytes, **cells: object) -> bytes:
    """The workbook with cells changed and saved by another program."""
    book = openpyxl.load_workbook(io.BytesIO(data))
    for place, value in cells.items():
        book.worksheets[0][place].value = value
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def digits(cell) -> str:
    return "".join(filter(str.isdigit, str(cell.value)))


def returned(hall, job_id: int) -> bytes:
    answer = hall.faces.client.get(f"{hall.base}{job_id}/returned.xlsx")
    assert answer.status_code == 200
    return answer.data


def heads(sheet, number: int = 1) -> dict[str, int]:
    return {cell.value: cell.column for cell in sheet[number] if cell.value}


@pytest.fixture
def school(hall):
    hall.faces.log_in("accountant")
    with hall.sessions() as session:
        service.set_book_account(session, hall.school.id, "1121", hall.school.account)
    return hall


def vouched(hall) -> list[tuple]:
    return hall.rows("SELECT vouches, waiting_rows FROM ledger_import ORDER BY id")


def test_right_rows_are_written_bad_ones_wait_and_the_corrected_file_adds_only_them(school):
    bad = edited(books(), G3="12..34", A4="32/13/2025", G5="=1+1")
    job_id = school.send("ledger", bad)
    school.work()
    page = school.page(job_id)
    assert "Ghi 2 dòng đúng" in page
    assert "chưa được coi là đủ sổ" in page
    assert "200.004" in page, "money in of the two good rows"
    assert "Sổ chi tiết!G3" in page
    school.press(job_id, "write")
    school.work()
    assert school.count("ledger_row") == 2
    assert vouched(school) == [(False, 3)]

    back = returned(school, job_id)
    sheet = openpyxl.load_workbook(io.BytesIO(back)).worksheets[0]
    columns = heads(sheet)
    assert "12..34" in sheet.cell(3, columns[REASON]).value
    assert "ngày/tháng/năm" in sheet.cell(4, columns[FIX]).value
    assert [sheet.cell(number, columns[REASON]).value for number in (2, 6)] == [None, None]
    assert sheet["G3"].comment is not None
    assert sheet["G3"].fill.fgColor.rgb == "FFF8CBAD"
    assert {cell.data_type for line_ in sheet.iter_rows() for cell in line_} <= {"s", "n", "d"}
    assert [sheet.cell(number, DOCUMENT).value for number in range(2, 7)] == ["000", "001", "002", "003", "004"]

    fixed = edited(back, G3=100_001, A4=DAY, G5=100_003)
    assert school.bring("ledger", fixed).report["new_rows"] == 3
    assert school.count("ledger_row") == 5
    assert vouched(school) == [(False, 3), (True, 0)]
    again = school.bring("ledger", fixed)
    assert (again.report["new_rows"], school.count("ledger_row")) == (0, 5)
    assert school.bring("ledger", books()).report["new_rows"] == 0


def test_two_equal_rows_stay_two_also_when_one_of_them_was_bad(school):
    same = row(100_000, "Thu tiền ăn", code="1121", document="BK01")
    bad = edited(write_template([same, same]), G3="x")
    job = school.bring("ledger", bad)
    assert school.count("ledger_row") == 1
    fixed = edited(returned(school, job.id), G3=100_000)
    school.bring("ledger", fixed)
    assert school.count("ledger_row") == 2
    school.bring("ledger", write_template([same, same]))
    assert school.count("ledger_row") == 2


def missing(hall) -> int:
    with session_scope(hall.faces.engine) as session:
        run = service.reconcile_day(session, hall.school.id, hall.school.account, DAY)
    found = f"'missing_ledger' = ANY(flags || primary_class) AND run_id = {run.id}"
    return hall.count(f"reconcile_item WHERE {found}")


def bank_day(hall) -> None:
    """A statement with two payments; the books hold the first, and the second on a bad row."""
    lines = [line(100_000, "Thu 0", "FT1"), line(100_001, "Thu 1", "FT2")]
    hall.bring("statement", write_vietcombank(balanced(hall.number, lines)))


def test_a_period_with_bad_rows_is_not_vouched_for_until_they_are_in(school):
    bank_day(school)
    job = school.bring("ledger", edited(books(2), G3="1.00.000"))
    assert missing(school) == 0
    school.bring("ledger", edited(returned(school, job.id), G3=100_001))
    assert missing(school) == 0
    bank_day_more = [line(55_000, "Thu 9", "FT9")]
    opening = OPENING + 200_001
    school.bring("statement", write_vietcombank(balanced(school.number, bank_day_more, opening=opening)))
    assert missing(school) == 1, "now the books are whole: what they lack is missing"


def test_without_the_rule_of_vouching_a_row_that_waits_would_be_a_false_alarm(school, monkeypatch):
    bank_day(school)
    school.bring("ledger", edited(books(2), G3="1.00.000"))
    assert " AND imported.vouches" in loading.BOOKS.text
    monkeypatch.setattr(loading, "BOOKS", text(loading.BOOKS.text.replace(" AND imported.vouches", "")))
    assert missing(school) == 1


def test_the_corrected_rows_alone_do_not_make_the_books_whole(school):
    school.bring("ledger", edited(books(), G3="x", G4="y"))
    school.bring("ledger", write_template([row(100_001, "Thu 1", code="1121", document="001")]))
    assert vouched(school) == [(False, 2), (False, 0)]
    school.bring("ledger", books())
    assert vouched(school)[-1] == (True, 0)


def test_deleting_the_bad_rows_makes_the_rest_whole(school):
    """A row of scribble that looked like money: the file without it is another import, of the same rows."""
    school.bring("ledger", edited(books(), G7="rác", A7=DAY))
    school.bring("ledger", books())
    assert vouched(school) == [(False, 1), (True, 0)]


def test_a_statement_with_a_bad_row_is_refused_whole_and_comes_back_too(school):
    data = paper(school, memo=HOSTILE)
    sheet = openpyxl.load_workbook(io.BytesIO(data)).worksheets[0]
    place = next(cell.coordinate for line_ in sheet.iter_rows() for cell in line_ if digits(cell) == "100001")
    job_id = school.send("statement", edited(data, **{place: "100.0O1"}))
    school.work()
    assert school.job(job_id).state is JobState.REFUSED
    assert school.press(job_id, "write") == 409
    back = returned(school, job_id)
    cells = [cell for line_ in openpyxl.load_workbook(io.BytesIO(back)).worksheets[0].iter_rows() for cell in line_]
    assert "f" not in {cell.data_type for cell in cells}
    assert any(str(cell.value).startswith(HOSTILE) for cell in cells)
    assert school.count("bank_line") == 0
    job = school.bring("statement", edited(back, **{place: 100_001}))
    assert (job.report["statements"][0]["proved"], school.count("bank_line")) == (True, 3)
    assert school.bring("statement", data).report["new_lines"] == 0


def test_a_csv_comes_back_as_a_workbook(school):
    source = openpyxl.load_workbook(io.BytesIO(edited(books(3), G3="hai mươi"))).worksheets[0]
    out = io.StringIO()
    writer = csv.writer(out)
    for cells in source.iter_rows(values_only=True):
        writer.writerow([f"{cell:%d/%m/%Y}" if hasattr(cell, "year") else cell for cell in cells])
    job_id = school.send("ledger", ("\ufeff" + out.getvalue()).encode(), "so.csv")
    school.work()
    back = returned(school, job_id)
    sheet = openpyxl.load_workbook(io.BytesIO(back)).worksheets[0]
    assert sheet.cell(3, heads(sheet)[REASON]).value
    assert [sheet.cell(number, DOCUMENT).value for number in (2, 3, 4)] == ["000", "001", "002"]
    job = school.bring("ledger", edited(back, G3=100_001))
    assert (job.report["new_rows"], job.bad_rows) == (3, 0)


def test_a_second_return_replaces_the_columns_of_the_first(school):
    job_id = school.send("ledger", edited(books(3), G3="x", G4="y"))
    school.work()
    second = school.send("ledger", edited(returned(school, job_id), G3=100_001))
    school.work()
    sheet = openpyxl.load_workbook(io.BytesIO(returned(school, second))).worksheets[0]
    titles = [cell.value for cell in sheet[1]]
    assert (titles.count(REASON), titles.count(FIX)) == (1, 1)
    assert sheet.cell(3, heads(sheet)[REASON]).value is None
    assert sheet.cell(4, heads(sheet)[REASON]).value


def test_a_file_cut_after_any_row_leaves_nothing_half_written(school):
    """Each cut of a statement is refused, or taken whole as what it is; the counts of the database say which."""
    whole = balanced(school.number, [line(100_000 + n, f"CT {n}", f"FT{n}") for n in range(4)])
    data = write_vietcombank(whole)
    rows = openpyxl.load_workbook(io.BytesIO(data)).worksheets[0].max_row
    for kept in range(1, rows):
        book = openpyxl.load_workbook(io.BytesIO(data))
        book.worksheets[0].delete_rows(kept + 1, rows)
        out = io.BytesIO()
        book.save(out)
        with partial(session_scope, school.faces.engine)() as session:
            before = school.count("bank_line"), school.count("bank_statement")
            try:
                report = service.import_statement(
                    session, school.school.id, school.school.account, out.getvalue(), "cat.xlsx", dry_run=True
                )
            except (StatementError, DomainError):
                report = None
        assert (school.count("bank_line"), school.count("bank_statement")) == before
        if report is not None:
            assert report.statements[0].period_to <= DAY
    assert statement(school.number, ()).closing_vnd == OPENING


def test_oversized_files_and_bombs_are_refused_and_nothing_is_kept(school):
    big = b"x" * (13 * 2**20)
    token = school.token(school.base)
    form = {"csrf_token": token, "account": str(school.school.account), "file": (io.BytesIO(big), "to.csv")}
    answer = school.faces.client.post(school.base + "statement", data=form)
    assert answer.status_code == 413
    assert "Tệp quá lớn" in answer.get_data(as_text=True)
    assert school.count("import_job") == 0
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("xl/workbook.xml", b"<workbook>" + b" " * (80 * 2**20))
    job_id = school.send("statement", bomb.getvalue())
    school.work()
    assert school.job(job_id).state is JobState.REFUSED
    assert "không an toàn" in school.page(job_id)
