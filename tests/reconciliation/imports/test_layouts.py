"""A layout that nobody knows is learned by confirmation, kept for the school, used by the next file, and retired."""

import json
import re

import pytest

from reconciliation.imports import layouts
from reconciliation.imports.models import ImportKind, JobState
from tests.bank_adapters.statements.test_survey import PLAIN, SIGNED, choice, data
from tests.payments.setting import make_school
from tests.reconciliation.test_cli import Terminal


def unknown(hall, rows=PLAIN) -> bytes:
    """An export whose account is the school's."""
    return data([[hall.number if cell == "0123456789" else cell for cell in row] for row in rows])


def fields(page: str) -> dict[str, str]:
    """What the form of a page would send, as a browser without JavaScript reads it."""
    found = dict(re.findall(r'<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"', page))
    for name, options in re.findall(r'<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', page, re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', options)
        found[name] = chosen[1] if chosen else ""
    if not re.search(r'name="two_rows"[^>]*checked', page):
        found.pop("two_rows", None)
    return found


def answer(hall, job_id: int, **changes: str):
    form = fields(hall.page(job_id, "layout")) | changes
    return hall.faces.client.post(f"{hall.base}{job_id}/layout", data=form)


@pytest.fixture
def asked(hall):
    hall.faces.log_in("accountant")
    job_id = hall.send("statement", unknown(hall), "bong-sen.csv")
    hall.work()
    assert hall.job(job_id).state is JobState.MAPPING
    return job_id


def test_an_unknown_header_is_asked_about_and_what_is_confirmed_is_used_ever_after(hall, asked):
    assert "Chọn cột" in hall.page(asked)
    page = hall.page(asked, "layout")
    assert "số dư chạy đúng" in page
    assert "1.800.000" in page, "what would be read, before anything is confirmed"
    assert "đều khớp" in page
    assert answer(hall, asked, do="confirm", name="Bông Sen học phí").status_code == 303
    hall.work()
    job = hall.job(asked)
    assert (job.state, job.report["statements"][0]["format"]) == (JobState.READY, "Bông Sen học phí/1")
    hall.press(asked, "write")
    hall.work()
    assert hall.count("bank_line") == 3
    again = hall.send("statement", unknown(hall), "khac.csv")
    hall.work()
    assert hall.job(again).state is JobState.READY
    assert hall.job(again).report["new_lines"] == 0


def test_a_changed_choice_is_proved_live_and_a_wrong_one_shows_where_it_breaks(hall, asked):
    turned = answer(hall, asked, do="try", **{"role-2": "credit", "role-3": "debit"}).get_data(as_text=True)
    assert "Chỗ đầu tiên không khớp" in turned
    assert "dòng 5" in turned
    twice = answer(hall, asked, do="try", **{"role-2": "credit"}).get_data(as_text=True)
    assert "Hai cột cùng được chọn" in twice
    few = answer(hall, asked, do="confirm", name="x", **{"role-5": ""})
    assert few.status_code == 422
    assert "Hãy chọn đủ cột" in few.get_data(as_text=True)
    nameless = answer(hall, asked, do="confirm", name=" ")
    assert nameless.status_code == 422
    moved = answer(hall, asked, do="confirm", name="x", header="4")
    assert moved.status_code == 422, "another header is another choice, to be seen first"
    assert hall.count("import_layout") == 0


def test_a_layout_is_the_school_s_own_versioned_and_retired(session):
    school, other = make_school(session), make_school(session)
    kind = ImportKind.STATEMENT
    first = layouts.keep_layout(session, school.id, kind, choice(PLAIN), actor_id=school.accountant)
    second = layouts.keep_layout(session, school.id, kind, choice(SIGNED), actor_id=school.accountant)
    assert (first.version, second.version, first.retired_at is not None) == (1, 2, True)
    assert [one["version"] for one in layouts.in_use(session, school.id, kind)] == [2]
    assert layouts.in_use(session, other.id, kind) == layouts.in_use(session, school.id, ImportKind.LEDGER) == []
    layouts.retire_layout(session, school.id, kind, "bông sen", actor_id=None)
    assert layouts.in_use(session, school.id, kind) == []
    assert [one.version for one in layouts.listed(session, school.id, kind, retired=True)] == [1, 2]


def test_retiring_a_layout_on_the_desk_makes_its_files_unknown_again(hall, asked):
    answer(hall, asked, do="confirm", name="Bông Sen")
    hall.work()
    form = {"csrf_token": hall.token(hall.base), "kind": "statement", "name": "Bông Sen"}
    assert hall.faces.client.post(hall.base + "layouts/retire", data=form).status_code == 303
    again = hall.send("statement", unknown(hall))
    hall.work()
    assert hall.job(again).state is JobState.MAPPING


def test_books_of_an_unknown_program_are_learned_in_the_same_way(hall):
    hall.faces.log_in("accountant")
    rows = [
        ["Trường Hoa Phượng (mẫu)"],
        ["Tài khoản: 1121"],
        ["Ngày vào sổ", "Chứng từ số", "Giải thích", "Bên nợ", "Bên có"],
        ["05/10/2025", "BC01", "Thu học phí một", "1.500.000", ""],
        ["06/10/2025", "BC02", "Thu học phí hai", "300.000", ""],
        ["07/10/2025", "UNC1", "Nộp kho bạc ba", "", "500.000"],
    ]
    job_id = hall.send("ledger", data(rows), "so.csv")
    hall.work()
    assert hall.job(job_id).state is JobState.MAPPING
    assert answer(hall, job_id, do="confirm", name="Phần mềm Phượng").status_code == 303
    hall.work()
    hall.press(job_id, "write")
    hall.work()
    assert hall.rows("SELECT direction, amount_vnd::int, account_code FROM ledger_row ORDER BY id") == [
        ("credit", 1_500_000, "1121"),
        ("credit", 300_000, "1121"),
        ("debit", 500_000, "1121"),
    ]


def test_layouts_from_the_command_line(desk, tmp_path):
    terminal = Terminal(desk, tmp_path)
    file = tmp_path / "bong-sen.json"
    file.write_text(json.dumps(choice(PLAIN)), "utf-8")
    school = ("--school", desk.school.code)
    assert terminal.told("statement", "layouts", "add", str(file), *school)["version"] == 1
    assert terminal.told("statement", "layouts", "add", str(file), *school)["version"] == 2
    listed = terminal.told("statement", "layouts", "list", *school)
    assert [(one["version"], one["retired_at"] is None) for one in listed["own"]] == [(1, False), (2, True)]
    assert "vietcombank" in listed["built_in"]
    shown = terminal.run("statement", "layouts", "show", "bông sen", *school)
    assert json.loads(shown.stdout)["columns"] == choice(PLAIN)["columns"]
    statement = tmp_path / "sao-ke.csv"
    statement.write_bytes(data([[desk.number if cell == "0123456789" else cell for cell in row] for row in PLAIN]))
    report = terminal.told("statement", "import", str(statement), "--account", terminal.account)
    assert (report["new_lines"], report["statements"][0]["format"]) == (3, "bông sen/2")
    assert terminal.run("statement", "layouts", "retire", "bông sen", *school).exit_code == 0
    assert terminal.run("statement", "layouts", "retire", "bông sen", *school).exit_code == 1
    assert terminal.run("statement", "import", str(statement), "--account", terminal.account).exit_code == 1
    file.write_text('{"name": "x", "columns": {}}', "utf-8")
    assert terminal.run("ledger", "mappings", "add", str(file), *school).exit_code == 1
    assert "bang_ke_thu" in terminal.told("ledger", "mappings", "list", *school)["built_in"]


def test_a_refused_file_comes_back_from_the_command_line(desk, tmp_path):
    terminal = Terminal(desk, tmp_path)
    bad = tmp_path / "sao-ke.csv"
    rows = [["Ngày giao dịch", "Số tham chiếu", "Số tiền ghi nợ", "Số tiền ghi có", "Mô tả"]]
    rows += [["05/10/2025", f"R{n}", "", "x" if n % 2 else "5.000", "a b"] for n in range(120)]
    bad.write_bytes(data(rows))
    out = tmp_path / "sua.xlsx"
    done = terminal.run("statement", "import", str(bad), "--account", terminal.account, "--errors-to", str(out))
    assert done.exit_code == 1
    assert "10 chỗ nữa" in done.stderr
    assert out.read_bytes()[:2] == b"PK"
    assert desk.count("bank_line") == 0


def test_a_hostile_form_is_answered_and_shows_nothing_unescaped(hall):
    hall.faces.log_in("accountant")
    rows = [["<script>alert(1)</script>", "Mã", "Rút", "Gửi", "Còn", "=cmd|' /C calc'!A0"], *PLAIN[3:]]
    job_id = hall.send("statement", data(rows), "<b>tệp</b>.csv")
    hall.work()
    assert hall.job(job_id).state is JobState.MAPPING
    form = {"do": "try", "sheet": "99", "header": "9" * 30, "role-0": "balance", "role-77": "debit", "role-1": "secret"}
    got = answer(hall, job_id, **form, totals="x" * 5000, name="<i>")
    assert got.status_code == 200
    text = got.get_data(as_text=True) + hall.page(job_id) + hall.faces.page(hall.base)
    assert not {"<script>alert", "<b>tệp", "<i>"} & {
        part for part in ("<script>alert", "<b>tệp", "<i>") if part in text
    }
    assert hall.count("import_layout") == 0


def test_a_file_that_is_no_table_cannot_be_mapped(hall):
    hall.faces.log_in("accountant")
    job_id = hall.send("statement", b":20:X\n:25:123\n:28C:1/1\n:60F:C250901VND1,00\n:61:bad\n", "x.sta")
    hall.work()
    assert hall.job(job_id).state is JobState.REFUSED
    assert hall.faces.client.get(f"{hall.base}{job_id}/layout").status_code == 422
    back = hall.faces.client.get(f"{hall.base}{job_id}/returned.xlsx")
    assert back.data[:2] == b"PK"
