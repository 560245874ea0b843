"""The desk's pages: who enters, filters in the address, counts that equal the database, deeds, a workbook."""

import io
import re
from datetime import datetime

import openpyxl
import pytest
from sqlalchemy import text

from payments import clock
from payments.db import session_scope
from reconciliation.exceptions import service
from reconciliation.exceptions.filters import Filter, read
from reconciliation.exceptions.rules import Resolution
from reconciliation.panels import PANELS
from tests.payments.faces import faces
from tests.payments.setting import make_school
from tests.reconciliation.exceptions.setting import DAY, Nights

HOSTILE = "=cmd|' /C calc'!A0 <script>alert(1)</script>"


@pytest.fixture
def desk(engine, database_url):
    """A school with one exception of each of four classes."""
    with faces(engine, database_url, PANELS) as made:
        with session_scope(engine) as session:
            nights = Nights(session, made.school)
            nights.night(
                nights.item(
                    "missing_gateway", lines=[nights.line(5_000, f"Nguyễn Văn Ấn {HOSTILE}")], amount_vnd=5_000
                ),
                nights.item("missing_bank", said=[nights.said(7_000, "Trần Thị Bình")], amount_vnd=7_000),
                nights.item("only_ledger", rows=[nights.row(11_000, cash=True)], amount_vnd=11_000, flags=["cash"]),
                nights.item(
                    "missing_ledger", lines=[nights.line(13_000)], said=[nights.said(13_000)], amount_vnd=13_000
                ),
            )
        yield made


def base(desk, rest: object = "") -> str:
    return f"/console/{desk.school.code}/exceptions/{rest}"


def numbers(page: str) -> list[int]:
    """The exceptions of a list, in its order."""
    return [int(number) for number in re.findall(r'name="id" value="(\d+)"', page)]


def ids(desk) -> list[int]:
    with desk.engine.connect() as connection:
        return list(connection.scalars(text("SELECT id FROM reconcile_exception ORDER BY id")))


def states(desk) -> list[str]:
    with desk.engine.connect() as connection:
        return list(connection.scalars(text("SELECT state FROM reconcile_exception ORDER BY id")))


def send(desk, path: str, token_from: str, **form: object) -> tuple[int, str]:
    token = desk.page(token_from).split('name="csrf_token" value="')[1].split('"')[0]
    answer = desk.client.post(path, data={"csrf_token": token, **form})
    return answer.status_code, answer.get_data(as_text=True)


def test_only_the_schools_own_people_enter_and_forms_need_their_token(desk):
    number = ids(desk)[0]
    assert desk.client.get(base(desk)).status_code == 303
    desk.log_in("accountant")
    assert base(desk) in desk.page(f"/console/{desk.school.code}/")
    with session_scope(desk.engine) as session:
        other = make_school(session)
        foreign = Nights(session, other)
        foreign.night(foreign.item("missing_bank", said=[foreign.said()]))
        [strange] = foreign.ids()
    for path in ("", f"{strange}/", "export.xlsx"):
        assert desk.client.get(f"/console/{other.code}/exceptions/{path}").status_code == 404
    desk.page(base(desk, f"{strange}/"), status=404)
    assert send(desk, base(desk, f"{strange}/note"), base(desk), note="x")[0] == 404
    assert send(desk, base(desk, "bulk"), base(desk), deed="assign", id=str(strange), assignee="me")[0] == 404
    for path in (f"{number}/note", f"{number}/approve", "bulk", "bulk/apply"):
        assert desk.client.post(base(desk, path), data={"note": "x"}).status_code == 400
    assert send(desk, base(desk, f"{number}/destroy"), base(desk))[0] == 404
    assert states(desk) == ["open"] * 4 + ["open"]


def test_filters_live_in_the_address_and_counts_equal_the_database(desk):
    desk.log_in("accountant")
    first, second, third, fourth = ids(desk)
    assert numbers(desk.page(base(desk))) == [first, second, third, fourth]
    for query, expected in {
        "class=missing_bank": [second],
        "owner=operator": [first],
        "q=nguyen+van+an": [first],
        "q=NGUYỄN+ấn": [first],
        "q=13000": [fourth],
        "q=x%25": [],
        "sort=amount": [fourth, third, second, first],
        "age=31-": [first, second, third, fourth],
        "age=0-1": [],
        "assignee=none&class=only_ledger": [third],
        "assignee=me": [],
        "due=overdue": [first, second, third, fourth],
        "state=resolved": [],
        f"account={desk.school.account}": [first, second, third, fourth],
        f"account={desk.school.other_account}": [],
        "class=unheard_of&age=old&due=never&state=&account=x&sort=y": [first, second, third, fourth],
    }.items():
        assert numbers(desk.page(f"{base(desk)}?{query}")) == expected, query
    page = desk.page(base(desk))
    assert "<script>alert" not in page
    assert "36.000" in page
    assert re.search(r"trên 30 ngày.*?4<br>", page, re.DOTALL)
    assert "Leave out one condition" in desk.page(f"{base(desk)}?age=0-1&lang=en")
    told = desk.page(f"{base(desk)}?page=3")
    assert "Hết việc" in told or numbers(told) == []


def test_a_filter_reads_back_what_it_wrote():
    for chosen in (Filter(), Filter("missing_bank", "all", "operator", "4-7", "me", "today", "12", "Ấn", "amount")):
        assert read(chosen.as_query()) == chosen
    assert read({"assignee": "٣", "account": "1" * 30, "q": "  "}) == Filter()


def test_one_case_shows_three_sources_grounds_history_and_what_to_do(desk):
    desk.log_in("accountant")
    first, second, *_ = ids(desk)
    page = desk.page(base(desk, f"{first}/"))
    for told in ("Nguyễn Văn Ấn", "Không có báo có", "Sổ chưa ghi", "kiểm tra kết nối", "Đêm đối soát phát hiện"):
        assert told in page
    assert "Ngân hàng đã xác nhận" in page
    page = desk.page(base(desk, f"{second}/"))
    assert "không đảo bút toán nếu chưa đủ hai người" in page
    assert "Xử lý xong</button>" not in page
    assert "Send the proposal" in desk.page(base(desk, f"{second}/"), language="en")


def test_work_is_taken_noted_proposed_by_one_and_approved_by_another(desk):
    _, second, *_ = ids(desk)
    one = base(desk, f"{second}/")
    desk.log_in("accountant")
    assert send(desk, f"{one}assign", one, assignee="me")[0] == 303
    assert send(desk, f"{one}note", one, note="<b>đã gọi</b>")[0] == 303
    status, told = send(desk, f"{one}resolve", one, resolution="bank_confirmed")
    assert (status, "cần hai người" in told) == (403, True)
    assert send(desk, f"{one}propose", one, resolution="reversed", note="công văn 12")[0] == 303
    page = desk.page(one)
    assert "&lt;b&gt;đã gọi&lt;/b&gt;" in page
    assert "Rút đề nghị" in page
    assert "Duyệt đề nghị" not in page
    read_one = re.search(r'name="proposal" value="(\d+)"', page)[1]
    assert send(desk, f"{one}approve", one, proposal=read_one)[0] == 403
    desk.log_in("principal")
    assert "chờ người thứ hai" in desk.page(base(desk))
    assert "Duyệt đề nghị" in desk.page(one)
    assert send(desk, f"{one}approve", one, proposal=str(int(read_one) + 1))[0] == 409
    assert send(desk, f"{one}approve", one, proposal=read_one, note="đồng ý")[0] == 303
    status, told = send(desk, f"{one}approve", one, proposal=read_one)
    assert (status, "đã được quyết định" in told) == (409, True)
    assert "Đảo bút toán" in desk.page(one)
    assert send(desk, f"{one}reopen", one, note="sao kê mới")[0] == 303
    assert states(desk)[1] == "assigned"


def test_many_are_previewed_and_done_in_one_go(desk):
    desk.log_in("accountant")
    first, second, third, fourth = ids(desk)
    listed = base(desk)
    ticked = {"id": [str(first), str(second)]}
    status, page = send(desk, base(desk, "bulk"), listed, deed="assign", assignee="me", **ticked)
    assert status == 200
    assert "12.000" in page
    assert states(desk) == ["open"] * 4
    form = dict(re.findall(r'name="(\w+)" value="([^"]*)"', page.split("bulk/apply")[1]))
    assert send(desk, base(desk, "bulk/apply"), listed, **(form | {"amount_vnd": "12001"}))[0] == 409
    assert send(desk, base(desk, "bulk/apply"), listed, **form)[0] == 303
    assert states(desk) == ["assigned", "assigned", "open", "open"]
    # What needs two people is left out, and said to be.
    status, page = send(desk, base(desk, "bulk"), listed, deed="resolve", resolution="other", note="hết", whole="1")
    assert (status, "3 ngoại lệ" in page, f"/exceptions/{second}/" in page) == (200, True, True)
    form = dict(re.findall(r'name="(\w+)" value="([^"]*)"', page.split("bulk/apply")[1]))
    assert form["ids"] == f"{first},{third},{fourth}"
    assert send(desk, base(desk, "bulk/apply"), listed, **(form | {"ids": f"{form['ids']},{second}"}))[0] == 409
    assert send(desk, base(desk, "bulk/apply"), listed, **form)[0] == 303
    assert states(desk) == ["resolved", "assigned", "resolved", "resolved"]
    for wrong, status in (({"deed": "resolve"}, 422), ({"deed": "burn"}, 422), ({"deed": "assign", "id": "x"}, 404)):
        assert send(desk, base(desk, "bulk"), listed, **wrong)[0] == status


def test_the_workbook_has_real_dates_and_numbers_a_sum_and_no_formula_of_others(desk):
    desk.log_in("principal")
    answer = desk.client.get(base(desk, "export.xlsx"))
    assert "ngoai-le-" in answer.headers["Content-Disposition"]
    sheet = openpyxl.load_workbook(io.BytesIO(answer.data))["Ngoại lệ"]
    heads = {cell.value: cell.column for cell in sheet[3]}
    rows = {sheet.cell(number, heads["Khóa"]).value: number for number in range(4, 8)}
    number = rows["missing_gateway"]
    memo = sheet.cell(number, heads["Nội dung"])
    assert (memo.value, memo.data_type) == (f"Nguyễn Văn Ấn {HOSTILE}", "s")
    assert sheet.cell(number, heads["Ngày"]).value.date() == DAY
    assert isinstance(sheet.cell(number, heads["Hạn xử lý"]).value, datetime)
    amounts = ("Số tiền (đồng)", "Sao kê (đồng)", "Báo có (đồng)", "Sổ kế toán (đồng)")
    assert [sheet.cell(number, heads[name]).value for name in amounts] == [5_000, 5_000, None, None]
    assert sheet.cell(8, 2).value == "Cộng"
    assert sheet.cell(8, heads["Số tiền (đồng)"]).value == "=SUBTOTAL(109,E4:E7)"
    shown = openpyxl.load_workbook(io.BytesIO(answer.data), data_only=True)["Ngoại lệ"]
    assert [shown.cell(8, heads[name]).value for name in amounts] == [36_000, 18_000, 20_000, 11_000]
    assert (sheet.freeze_panes, sheet.page_setup.orientation, sheet.page_setup.paperSize) == ("A4", "landscape", 9)
    filtered = desk.client.get(base(desk, "export.xlsx?class=only_ledger&q=khong+co"))
    assert openpyxl.load_workbook(io.BytesIO(filtered.data))["Ngoại lệ"].cell(4, 2).value == "Cộng"


def test_the_page_of_a_night_leads_to_its_exceptions(desk):
    desk.log_in("accountant")
    with desk.engine.connect() as connection:
        [run_id] = connection.scalars(text("SELECT run_id FROM standing_run"))
        proof = '{"opening_vnd": 0, "credits_vnd": 0, "debits_vnd": 0, "closing_vnd": 0, "ok": true, "checks": []}'
        connection.execute(text("ALTER TABLE reconcile_run DISABLE TRIGGER USER"))
        connection.execute(text("UPDATE reconcile_run SET proof = CAST(:proof AS jsonb)"), {"proof": proof})
        connection.commit()
    page = desk.page(f"/console/{desk.school.code}/reconciliation/{run_id}/")
    for number in ids(desk):
        assert base(desk, f"{number}/") in page


def test_who_has_what_and_how_it_ended_stand_in_the_list(desk):
    first, _, third, _ = ids(desk)
    with session_scope(desk.engine) as session, clock.turned_to(clock.now()):
        service.assign(session, desk.school.id, first, desk.school.accountant, desk.school.principal)
        service.resolve(session, desk.school.id, third, desk.school.accountant, resolution=Resolution.CASH)
    desk.log_in("principal")
    assert numbers(desk.page(f"{base(desk)}?assignee=me")) == [first]
    assert numbers(desk.page(f"{base(desk)}?assignee={desk.school.principal}")) == [first]
    assert "Tiền mặt" in desk.page(f"{base(desk)}?state=resolved")


def test_the_first_page_leads_to_each_list_and_calls_the_principal(desk):
    base = f"/console/{desk.school.code}"
    desk.log_in("accountant")
    page = desk.page(f"{base}/")
    assert f'<a href="{base}/exceptions/"><b>4</b>' in page
    assert f'<a href="{base}/exceptions/?due=overdue" class="urgent"><b>4</b>' in page
    for path in ("?assignee=me", "?state=proposed"):
        assert f'<a href="{base}/exceptions/{path}">' in page
    with session_scope(desk.engine) as session:
        one = session.scalar(text("SELECT id FROM reconcile_exception WHERE primary_class = 'missing_bank'"))
        service.propose(
            session, desk.school.id, one, desk.school.accountant, resolution=Resolution.BANK_CONFIRMED, said="Đã hỏi"
        )
    card = f'<a href="{base}/exceptions/?state=proposed"{{}}><b>1</b>'
    assert card.format("") in desk.page(f"{base}/")
    desk.log_in("principal")
    assert card.format(' class="urgent"') in desk.page(f"{base}/")
