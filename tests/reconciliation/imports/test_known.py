"""Known lines add nothing however a file comes again, equal ones stay two; without its parts the key is noticed."""

import io
import random
from dataclasses import replace
from datetime import date

import openpyxl
import pytest

from operations.sample_files import write_camt053, write_vietcombank
from reconciliation import ledger_import, service, statement_proving
from reconciliation.school_ledgers.template import write_template
from tests.reconciliation.desk import DAY, OPENING, line, row, statement
from tests.reconciliation.imports.test_returned import edited
from tests.reconciliation.test_statement_import import balanced

NEXT = date(2025, 9, 11)


@pytest.fixture
def school(hall):
    hall.faces.log_in("accountant")
    with hall.sessions() as session:
        service.set_book_account(session, hall.school.id, "1121", hall.school.account)
    return hall


def shuffled(data: bytes, first: int, seed: int = 7) -> bytes:
    """The workbook with its rows from ``first`` on in another order, saved by another program."""
    book = openpyxl.load_workbook(io.BytesIO(data))
    sheet = book.worksheets[0]
    rows = [[cell.value for cell in one] for one in sheet.iter_rows(min_row=first)]
    random.Random(seed).shuffle(rows)
    for number, cells in enumerate(rows, start=first):
        for column, value in enumerate(cells, start=1):
            sheet.cell(number, column).value = value
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def counts(hall) -> tuple[int, int, int]:
    return hall.count("bank_line"), hall.count("evidence"), hall.count("ledger_row")


def test_a_file_again_saved_by_another_program_sorted_otherwise_or_overlapping_adds_nothing(school):
    same = line(100_000, "Thu tien an", None)
    lines = [same, same, *(line(200_000 + n, f"CT {n}", f"FT{n}") for n in range(3))]
    data = write_vietcombank(balanced(school.number, lines))
    school.bring("statement", data)
    posting = row(100_000, "Thu tiền ăn", code="1121", document="BK01")
    books = write_template([posting, posting, *(row(5_000 + n, f"Thu {n}", code="1121") for n in range(4))])
    school.bring("ledger", books)
    assert counts(school) == (5, 5, 6)
    more = balanced(school.number, [*lines, line(7_000, "mới", "FT9", day=NEXT)], days=(DAY, NEXT))
    for kind, again in (
        ("statement", data),
        ("statement", edited(data)),
        ("statement", write_camt053([balanced(school.number, lines)])),
        ("ledger", books),
        ("ledger", shuffled(books, 2)),
    ):
        assert school.bring(kind, again).report["new_lines" if kind == "statement" else "new_rows"] == 0
    assert school.bring("statement", write_vietcombank(more)).report["new_lines"] == 1
    assert counts(school) == (6, 6, 6)


def test_without_the_number_of_an_occurrence_two_true_rows_would_become_one(school, monkeypatch):
    real = ledger_import.natural_keys
    monkeypatch.setattr(ledger_import, "natural_keys", lambda rows: [(key, 1) for key, _ in real(rows)])
    posting = row(100_000, "Thu tiền ăn", code="1121", document="BK01")
    school.bring("ledger", write_template([posting, posting]))
    assert school.count("ledger_row") == 1, "the suite tells two from one: the first test would fail"


def test_with_the_place_in_the_file_as_key_a_sorted_file_would_add_rows(school, monkeypatch):
    real = ledger_import.natural_keys

    def by_place(rows):
        return [(f"{key}@{one.line_no}", number) for one, (key, number) in zip(rows, real(rows), strict=True)]

    monkeypatch.setattr(ledger_import, "natural_keys", by_place)
    books = write_template([row(5_000 + n, f"Thu {n}", code="1121") for n in range(4)])
    school.bring("ledger", books)
    assert school.bring("ledger", shuffled(books, 2)).report["new_rows"] > 0


def test_without_the_number_of_an_occurrence_two_true_payments_would_become_one(school, monkeypatch):
    real = statement_proving.natural_keys
    monkeypatch.setattr(statement_proving, "natural_keys", lambda lines: [(key, 1) for key, _ in real(lines)])
    same = line(100_000, "Thu tien an", None)
    lost = statement(school.number, [same, replace(same, line_no=2)], opening=OPENING)
    school.bring("statement", write_camt053([lost]))
    assert school.count("bank_line") == 1, "the suite tells two from one: the first test would fail"


def test_codes_of_the_books_get_their_account_on_the_page_and_the_file_is_read_again(hall):
    hall.faces.log_in("accountant")
    job_id = hall.send("ledger", write_template([row(5_000, "Thu", code="1121.07")]))
    hall.work()
    assert "Chưa rõ tài khoản sổ" in hall.page(job_id)
    assert hall.press(job_id, "account", book_code="1121.07", account="999999") == 404
    assert hall.press(job_id, "account", book_code="5311", account=str(hall.school.account)) == 422
    assert hall.press(job_id, "account", book_code="1121.07", account=str(hall.school.account)) == 303
    hall.work()
    assert "Chưa rõ tài khoản sổ" not in hall.page(job_id)
    hall.press(job_id, "write")
    hall.work()
    assert hall.rows("SELECT account_id FROM ledger_row") == [(hall.school.account,)]
