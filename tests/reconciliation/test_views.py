"""The pages of a night: who sees them, what they show, and files that are taken or refused in words."""

import io
import re

import openpyxl
import pytest

from operations.sample_files import write_camt053
from payments.banking.models import ReceivingAccount
from payments.db import session_scope
from payments.ledger.chart_service import load_chart_preset
from reconciliation import service, views
from reconciliation.panels import PANELS
from reconciliation.school_ledgers.template import write_template
from tests.payments.faces import faces
from tests.payments.setting import make_school
from tests.reconciliation.desk import DAY, line, row, statement

X_VND = 115_000
HOSTILE = "=cmd|' /C calc'!A0 <script>alert(1)</script>"


@pytest.fixture
def desk(engine, database_url):
    with faces(engine, database_url, PANELS) as made:
        yield made


def base(desk, *more: object) -> str:
    return "/".join([f"/console/{desk.school.code}/reconciliation", *map(str, more)]) + ("" if more else "/")


def number_of(desk) -> str:
    with session_scope(desk.engine) as session:
        return session.get_one(ReceivingAccount, (desk.school.id, desk.school.account)).number


def paper(desk, text: str = HOSTILE) -> bytes:
    return write_camt053([statement(number_of(desk), [line(X_VND, text, "FT25253000001")])])


def night(desk) -> int:
    with session_scope(desk.engine) as session:
        return service.reconcile_day(session, desk.school.id, desk.school.account, DAY).id


def test_the_page_stands_in_the_navigation_and_only_the_school_enters(desk):
    assert desk.client.get(base(desk)).status_code == 303
    desk.log_in("accountant")
    assert base(desk) in desk.page(f"/console/{desk.school.code}/")
    assert "Chưa có đêm đối soát nào" in desk.page(base(desk))
    with session_scope(desk.engine) as session:
        other = make_school(session)
    assert desk.client.get(f"/console/{other.code}/reconciliation/").status_code == 404


def test_an_imported_statement_becomes_a_night_with_its_proof_and_exceptions(desk):
    desk.log_in("accountant")
    with session_scope(desk.engine) as session:
        service.import_statement(session, desk.school.id, desk.school.account, paper(desk), "saoke.xml")
    run_id = night(desk)
    today = desk.page(f"/console/{desk.school.code}/")
    assert f'<a href="{base(desk, run_id)}/"><b>1</b> ngoại lệ của lần đối soát mới nhất' in today
    assert "khớp 0 · đã chứng minh" in today
    listed = desk.page(base(desk))
    assert "đã chứng minh" in listed.lower()
    assert "Thiếu báo có 1" in listed
    page = desk.page(base(desk, run_id) + "/")
    assert "115.000" in page
    assert "kiểm tra kết nối báo có" in page
    assert "<script>alert" not in page
    assert "Đầu kỳ + phát sinh có" in page
    assert "Không có dòng nào" in desk.page(base(desk, run_id) + "/?class=matched")


def test_a_night_without_a_statement_does_not_say_that_all_is_well(desk):
    desk.log_in("accountant")
    page = desk.page(base(desk, waiting(desk)) + "/", language="en")
    assert "No statement" in page
    assert "Nothing has been judged yet" in page
    assert "There is no exception" not in page
    assert "<b>0</b> matched" not in page
    listed = desk.page(base(desk))
    assert "chưa xét" in listed
    assert "không có</span>" not in listed
    today = desk.page(f"/console/{desk.school.code}/")
    assert "chưa xét · chờ sao kê" in today
    assert "khớp 0" not in today


def test_a_long_night_is_read_page_by_page_and_nothing_falls_between(desk, monkeypatch):
    monkeypatch.setattr(views, "ENTRIES_SHOWN", 2)
    desk.log_in("accountant")
    said = [f"FT2525300000{number}" for number in range(5)]
    lines = [line(X_VND + n, "nop", reference) for n, reference in enumerate(said)]
    with session_scope(desk.engine) as session:
        data = write_camt053([statement(number_of(desk), lines)])
        service.import_statement(session, desk.school.id, desk.school.account, data, "saoke.xml")
    address = base(desk, night(desk)) + "/"
    pages = [desk.page(f"{address}?page={number}") for number in (1, 2, 3)]
    found = [[reference for reference in said if reference in page] for page in pages]
    assert [len(some) for some in found] == [2, 2, 1]
    assert sorted(reference for some in found for reference in some) == said
    assert "Trang 2/3" in pages[1]
    assert ("Trang trước" in pages[0], "Trang sau" in pages[0]) == (False, True)
    assert ("Trang trước" in pages[2], "Trang sau" in pages[2]) == (True, False)
    assert not any(reference in desk.page(f"{address}?page=4") for reference in said)
    for odd in ("0", "x", "-1", "9" * 30):
        assert desk.client.get(f"{address}?page={odd}").status_code in {200, 404}


def waiting(desk) -> int:
    with session_scope(desk.engine) as session:
        return service.reconcile_day(session, desk.school.id, desk.school.other_account, DAY).id


def test_the_workbook_has_numbers_as_numbers_and_no_formula(desk):
    desk.log_in("principal")
    with session_scope(desk.engine) as session:
        service.import_statement(session, desk.school.id, desk.school.account, paper(desk), "saoke.xml")
        service.import_ledger(session, desk.school.id, write_template([row(5_000, "Thu", code="1111")]), "so.xlsx")
    run_id = night(desk)
    files = [desk.client.get(base(desk, f"{run_id}.xlsx")) for _ in range(2)]
    assert files[0].data == files[1].data
    assert "doi-soat-" in files[0].headers["Content-Disposition"]
    book = openpyxl.load_workbook(io.BytesIO(files[0].data))
    assert book.sheetnames == ["Tổng hợp", "Khớp", "Ngoại lệ", "Chưa đến hạn"]
    sheet = book["Ngoại lệ"]
    heads = {cell.value: cell.column for cell in sheet[1]}
    texts = [sheet.cell(2, heads["Nội dung"]), sheet.cell(3, heads["Nội dung"])]
    assert HOSTILE in {cell.value for cell in texts}
    assert {cell.data_type for cell in texts} == {"s"}
    found = {sheet.cell(number, heads["Khóa"]).value: sheet.cell(number, heads["Số tiền (đồng)"]) for number in (2, 3)}
    assert {key: cell.value for key, cell in found.items()} == {"missing_gateway": X_VND, "only_ledger": 5_000}
    assert all(cell.number_format == "#,##0" for cell in found.values())
    assert book.properties.created is not None


def test_proposed_postings_are_offered_where_the_books_lack_something(desk):
    desk.log_in("accountant")
    with session_scope(desk.engine) as session:
        load_chart_preset(session, desk.school.id, "TT107")
        service.import_statement(session, desk.school.id, desk.school.account, paper(desk), "saoke.xml")
    run_id = night(desk)
    assert "postings.xlsx" not in desk.page(base(desk, run_id) + "/")
    with session_scope(desk.engine) as session:
        service.set_book_account(session, desk.school.id, "1121", desk.school.account)
        service.import_ledger(session, desk.school.id, write_template([row(5_000, "Thu", code="1121")]), "so.xlsx")
    run_id = night(desk)
    assert "Tải bút toán đề nghị" in desk.page(base(desk, run_id) + "/")
    got = desk.client.get(base(desk, f"{run_id}/postings.xlsx"))
    sheet = openpyxl.load_workbook(io.BytesIO(got.data)).worksheets[0]
    assert [sheet.cell(2, column).value for column in (5, 6, 7)] == ["1121", "3388", X_VND]


def test_a_run_of_another_school_is_as_unknown_as_none(desk):
    desk.log_in("accountant")
    with session_scope(desk.engine) as session:
        foreign = make_school(session)
    with session_scope(desk.engine) as session:
        run = service.reconcile_day(session, foreign.id, foreign.account, DAY)
    assert desk.client.get(base(desk, run.id) + "/").status_code == 404
    assert desk.client.get(base(desk, f"{run.id}.xlsx")).status_code == 404
    assert desk.client.get(base(desk, f"{run.id}/postings.xlsx")).status_code == 404


def test_the_accountant_is_led_to_where_files_are_imported(desk):
    link = f"/console/{desk.school.code}/imports/"
    desk.log_in("accountant")
    assert f'class="button" href="{link}"' in desk.page(base(desk))
    desk.log_in("principal")
    assert f'class="button" href="{link}"' not in desk.page(base(desk))


def test_facts_are_joined_and_the_decision_is_undone_on_the_page(desk):
    """Without script: a form with a box for each fact, two buttons, and what was decided below."""
    desk.log_in("accountant")
    with session_scope(desk.engine) as session:
        service.import_statement(session, desk.school.id, desk.school.account, paper(desk, "x"), "saoke.xml")
        service.set_book_account(session, desk.school.id, "1121", desk.school.account)
        books = write_template([row(X_VND - 5_000, "Thu một phần")])
        service.import_ledger(session, desk.school.id, books, "so.xlsx")
    page = desk.page(base(desk, night(desk)) + "/")
    assert all(name in page for name in ("Thiếu báo có", "Chỉ có trong sổ"))
    chosen = re.findall(r'name="fact" value="([a-z]+:\d+)"', page)
    assert sorted(name.split(":")[0] for name in chosen) == ["bank", "ledger"]
    said = post(desk, page, "join", fact=chosen, note="Nộp một phần <b>")
    assert "Đã ghi quyết định và đối soát lại" in said
    assert all(text in said for text in ("Lệch số tiền", "ghép tay theo quyết định số", "Nộp một phần &lt;b&gt;"))
    assert "Chỉ có trong sổ" not in said.partition("<tbody>")[2]
    assert "Thiếu báo có" in post(desk, said, "undo")
    refused = post(desk, page, "join", fact=chosen[:1])
    assert "Hãy chọn từ 2 đến" in refused


def post(desk, page: str, button: str, **fields: object) -> str:
    """Press a button of a page."""
    action = re.findall(rf'(?:form)?action="([^"]+/{button})"', page)[0]
    token = page.split('name="csrf_token" value="')[1].split('"', maxsplit=1)[0]
    answer = desk.client.post(action, data={"csrf_token": token, **fields}, follow_redirects=True)
    return answer.get_data(as_text=True)
