"""The queue over HTTP: light, quick by a fixed number of statements, honest when empty, closed to everybody else."""

import csv
import gzip
import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any
from urllib.parse import urljoin

import pytest
from python_calamine import CalamineWorkbook
from sqlalchemy import Engine, event, text

from payments.console.queue import files, reading, words
from payments.db import make_engine, session_scope
from payments.settlement import reasons
from payments.settlement.service import propose_refund
from tests.payments.console.queue.setting import STEP_VND, busy_desk
from tests.payments.faces import Faces
from tests.payments.setting import make_pupil, make_school
from tests.payments.settlement.setting import Issued, arrive, outcome_of, state_of

pytestmark = pytest.mark.db
Busy = tuple[Faces, list[Issued], list[int]]
ROWS = 200


@pytest.fixture(scope="module")
def database(postgres: Any) -> Iterator[tuple[Engine, str]]:
    """One database for the tests that only look, or that clean up after themselves."""
    name = postgres.new_database()
    engine = make_engine(postgres.url(name))
    yield engine, postgres.url(name)
    engine.dispose()
    postgres.drop_database(name)


@pytest.fixture(scope="module")
def busy(database: tuple[Engine, str]) -> Iterator[Busy]:
    with busy_desk(*database, ROWS) as made:
        made[0].log_in("accountant")
        yield made


def queue(home: Faces, **asked: object) -> str:
    answer = home.client.get(f"/console/{home.school.code}/unmatched/", query_string=asked)
    assert answer.status_code == 200, answer.get_data(as_text=True)[:400]
    return answer.get_data(as_text=True)


def shown(page: str) -> list[int]:
    return [int(part.split('"')[0]) for part in page.split('<tr id="r')[1:]]


@contextmanager
def statements(home: Faces) -> Iterator[list[str]]:
    engine = home.client.application.extensions["hocphi"].engine
    heard: list[str] = []

    def hear(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        heard.append(statement)

    event.listen(engine, "before_cursor_execute", hear)
    yield heard
    event.remove(engine, "before_cursor_execute", hear)


def test_two_hundred_rows_weigh_less_than_15_kb(busy: Busy) -> None:
    home, _, transfers = busy
    page = queue(home)
    assert shown(page) == transfers
    assert page.count("Đúng số tiền</span>") == ROWS, "each row has its suggestion with reasons"
    assert len(gzip.compress(page.encode(), 6)) < 15_000


def test_a_page_asks_as_much_of_the_database_for_one_row_as_for_all(busy: Busy) -> None:
    home, _, transfers = busy
    counts = {}
    for asked in ({}, {"max": 200_000}):
        with statements(home) as heard:
            counts[len(shown(queue(home, **asked)))] = len(heard)
    assert set(counts) == {1, len(transfers)}
    assert len(set(counts.values())) == 1
    assert max(counts.values()) <= 13


def test_filters_narrow_and_the_address_says_them(busy: Busy) -> None:
    home, _, transfers = busy
    account = str(home.school.account)
    assert shown(queue(home, q="mẫu  CHÂU al")) == [transfers[11]]
    assert shown(queue(home, q="1.195.000")) == [transfers[199]]
    assert len(shown(queue(home, min="300.000", max="310000"))) == 3
    assert len(shown(queue(home, **{"class": "1A", "chip": "name_and_class", "account": account}))) == ROWS
    assert shown(queue(home, **{"from": "2025-09-11"})) == []
    assert shown(queue(home, score="99")) == []
    assert shown(queue(home, outcome="damaged")) == []
    assert shown(queue(home, sort="largest")) == transfers[::-1]
    page = queue(home, q="châu", **{"class": "1A"})
    assert "Có chữ: châu" in page
    assert "Lớp: 1A" in page


def test_names_stand_in_vietnamese_order_the_given_name_first(busy: Busy) -> None:
    home, _, _ = busy
    with session_scope(home.engine) as session:
        query = 'SELECT id FROM pupil WHERE id <> :first ORDER BY sort_key COLLATE "C"'
        pupils = list(session.scalars(text(query), {"first": home.school.pupil}))
        of = dict(
            session.execute(
                text("SELECT t.id, i.pupil_id FROM bank_transaction t JOIN invoice i ON i.amount_vnd = t.amount_vnd")
            ).all()
        )
    assert [of[one] for one in shown(queue(home, sort="name"))] == pupils


def test_an_empty_page_names_the_filter_that_kills_it(busy: Busy) -> None:
    home, _, _ = busy
    page = queue(home, q="khong co ai", **{"class": "1A"})
    blame = page.split("Không có khoản nào qua được bộ lọc")[1].split("</ul>")[0]
    assert "«Có chữ: khong co ai» loại hết 200" in blame
    assert "Lớp" not in blame
    assert "class=1A" in blame, "dropping it keeps the other filter"
    both = queue(home, q="khong co ai", min="999.999.999")
    assert "Không có bộ lọc thì còn 200" in both
    assert "Không đọc được bộ lọc" in queue(home, **{"from": "hôm qua"})


def test_the_tabs_count_what_the_database_holds(busy: Busy) -> None:
    home, _, transfers = busy
    base = f"/console/{home.school.code}/"
    here = f"{base}unmatched/"
    assert home.post(f"{here}{transfers[5]}/exclude", here, reason="bank_interest", note="lãi <b>quý</b>") == 303
    page = queue(home, tab="excluded")
    assert shown(page) == [transfers[5]]
    assert "lãi &lt;b&gt;quý&lt;/b&gt;" in page
    assert ">199</span>" in page.split('id="tabs"')[1].split("</ul>")[0]
    undo = page.split("../decisions/")[1].split('"')[0]
    assert home.post(f"{base}decisions/{undo}", here) == 303
    assert len(shown(queue(home))) == ROWS


def export(home: Faces, kind: str, **asked: object) -> bytes:
    # A server closes what it has sent, and with it the workbook's file; a test client leaves that to us.
    with home.client.get(f"/console/{home.school.code}/unmatched/export.{kind}", query_string=asked) as answer:
        assert answer.status_code == 200
        assert "attachment" in answer.headers["Content-Disposition"]
        return answer.data


def test_an_export_has_the_columns_order_and_headings_of_the_saved_view(busy: Busy) -> None:
    home, _, _ = busy
    views = f"/console/{home.school.code}/views/"
    form = {"place-amount": "2", "heading-amount": "Số tiền nộp", "place-day": "3", "place-pupil": "1"}
    assert home.post(views, views, name="Nhập sổ <b>", query="min=1.000.000", shared="on", **form) == 303
    page = queue(home)
    assert "Nhập sổ &lt;b&gt;" in page
    view = int(page.split("view=")[1].split('"')[0])
    told = list(
        csv.reader(io.StringIO(export(home, "csv", view=view, min="1.000.000").decode("utf-8-sig")), delimiter=";")
    )
    assert told[0] == ["Học sinh", "Số tiền nộp", "Ngày"]
    assert len(told) == 41
    assert told[1][1:] == ["1000000", "10/09/2025"]
    data = export(home, "xlsx", view=view, min="1.000.000")
    rows = CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_index(0).to_python()
    assert rows[0] == told[0]
    assert rows[1][1:] == [1_000_000.0, date(2025, 9, 10)]
    assert rows[-1][1] == sum(1_000_000 + STEP_VND * number for number in range(40))
    with zipfile.ZipFile(io.BytesIO(data)) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet
    assert 'state="frozen"' in sheet
    assert 'orientation="landscape"' in sheet
    assert 'paperSize="9"' in sheet
    assert home.post(f"{views}{view}/delete", views) == 303


def test_a_view_belongs_to_its_owner_and_is_read_by_others_only_when_shared(busy: Busy) -> None:
    home, _, _ = busy
    views = f"/console/{home.school.code}/views/"
    columns = {"place-day": "1"}
    for name, extra in (("riêng", {}), ("chung", {"shared": "on"})):
        assert home.post(views, views, name=name, query="class=1A", **columns, **extra) == 303
    with session_scope(home.engine) as session:
        ids = dict(session.execute(text("SELECT name, id FROM saved_view")).all())
    own = home.page(f"{views}{ids['riêng']}/")
    assert 'value="riêng"' in own
    assert home.post(views, views, name="riêng", query="", **columns) == 303, "told on the page, kept once"
    home.log_in("principal")
    page = queue(home)
    assert ">chung</a>" in page
    assert ">riêng</a>" not in page
    for view in ids.values():
        home.page(f"{views}{view}/", 404)
        assert home.post(f"{views}{view}/", views, name="của tôi", query="", **columns) == 404
        assert home.post(f"{views}{view}/delete", views) == 404
    kinds = {
        name: home.client.get(f"/console/{home.school.code}/unmatched/export.csv?view={ids[name]}").status_code
        for name in ids
    }
    assert kinds == {"riêng": 404, "chung": 200}
    home.log_in("accountant")
    with session_scope(home.engine) as session:
        assert session.execute(text("SELECT count(*), min(query) FROM saved_view")).one() == (2, "class=1A")
        session.execute(text("DELETE FROM saved_view"))


@pytest.mark.parametrize(
    "form",
    [
        {"name": "", "place-day": "1"},
        {"name": "x" * 61, "place-day": "1"},
        {"name": "a\u202eb", "place-day": "1"},
        {"name": "không cột"},
        {"name": "chỗ sai", "place-day": "-1"},
        {"name": "chỗ sai", "place-day": "١"},
        {"name": "tiêu đề dài", "place-day": "1", "heading-day": "x" * 81},
    ],
)
def test_a_view_that_says_nothing_is_not_kept(busy: Busy, form: dict[str, str]) -> None:
    home, _, _ = busy
    views = f"/console/{home.school.code}/views/"
    assert home.post(views, views, query="tab=../../etc&q=x", **form) == 303
    assert 'class="toast danger"' in home.page(views)
    with session_scope(home.engine) as session:
        assert session.scalar(text("SELECT count(*) FROM saved_view")) == 0


def test_another_school_s_rows_and_invoices_are_out_of_reach(busy: Busy) -> None:
    home, _, transfers = busy
    with session_scope(home.engine) as session:
        other = make_school(session)
    here, there = f"/console/{home.school.code}/unmatched/", f"/console/{other.code}/unmatched/"
    for path in ("", "export.csv", f"{transfers[0]}/"):
        home.page(f"{there}{path}", 404)
    for deed in ("assign", "split", "exclude", "note", "refund", "look"):
        assert home.post(f"{there}{transfers[0]}/{deed}", here, hint="1", reason="mistaken", note="x") == 404, deed
        assert home.post(f"{here}{10**12}/{deed}", here, hint="1", reason="mistaken", note="x") in {404, 422}, deed
    assert home.post(f"{here}{transfers[0]}/assign", here, hint=str(10**12)) == 404
    assert home.post(f"{here}preview", here, x=str(10**12)) == 200
    assert home.post(f"{here}accept", here, w=f"{transfers[0]}:{10**12}:5", token="0" * 64) == 409
    assert len(shown(queue(home))) == ROWS


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("{0}/assign", {"hint": "x"}),
        ("{0}/assign", {"hint": "99999999999999999999"}),
        ("{0}/split", {"i-1": "abc"}),
        ("{0}/split", {"i-x": "5"}),
        ("{0}/split", {}),
        ("{0}/exclude", {"reason": "because"}),
        ("{0}/note", {"note": "  "}),
        ("preview", {}),
        ("preview", {"x": "1;2"}),
        ("accept", {"w": "1:2"}),
        ("accept", {"w": "a:b:c", "token": "x"}),
    ],
)
def test_forms_that_no_browser_sends_are_refused_in_words(busy: Busy, path: str, form: dict[str, str]) -> None:
    home, _, transfers = busy
    here = f"/console/{home.school.code}/unmatched/"
    answer = quick(home, path.format(transfers[0]), form)
    assert answer.status_code == 422
    assert 'class="toast danger"' in answer.get_data(as_text=True)
    assert home.post(here + path.format(transfers[0]), here, **form) == 422


def quick(home: Faces, path: str, form: dict[str, str]) -> Any:
    """As htmx sends it."""
    here = f"/console/{home.school.code}/unmatched/"
    token = home.page(here).split('name="csrf_token" value="')[1].split('"')[0]
    return home.client.post(urljoin(here, path), data={"csrf_token": token, **form}, headers={"HX-Request": "true"})


def test_a_quick_answer_carries_the_row_the_counts_and_the_way_back(busy: Busy) -> None:
    home, issued, transfers = busy
    answer = quick(home, f"{transfers[7]}/assign", {"hint": str(issued[7].id), "back": "q=mau&evil=<script>"})
    page = answer.get_data(as_text=True)
    assert answer.headers["X-Desk"] == "1"
    assert f'"rows": [{transfers[7]}]' in answer.headers["HX-Trigger-After-Settle"]
    assert f'<tr id="r{transfers[7]}" class="done" hx-swap-oob="true">' in page
    assert "q=mau" in page
    assert "script" not in page
    undo = page.split("../decisions/")[1].split("/undo")[0]
    again = quick(home, f"../decisions/{undo}/undo", {})
    assert f'<tr id="r{transfers[7]}" hx-swap-oob="true">' in again.get_data(as_text=True)
    late = quick(home, f"../decisions/{undo}/undo", {})
    assert late.status_code == 409
    with session_scope(home.engine) as session:
        assert state_of(session, home.school, issued[7]) == ("open", 0)


def test_reasons_for_and_against_have_words_for_all_that_settlement_writes(busy: Busy) -> None:
    home, _, _ = busy
    assert set(words.CHIPS) == set(reasons.CHIPS)
    assert set(words.AGAINST) == set(reasons.AGAINST)
    assert words.against("amount_differs", -50_000, 1) == "Sai số tiền (−50.000)"
    assert words.against("rivals", 0, 2) == "2 ứng viên"
    assert len(shown(queue(home, tab="sure"))) == len(shown(queue(home, score=80)))


def test_texts_of_strangers_stay_texts(busy: Busy) -> None:
    home, _, _ = busy
    evil = '<script>alert(1)</script>" onmouseover=x {{7*7}} =HYPERLINK("http://x") \u202e' + "dài " * 2_000
    formula = '=cmd|" /C calc"!A0'
    with session_scope(home.engine) as session:
        pupil = make_pupil(session, home.school.id, home.school.class_room, "<i>Ác</i>")
        ids = [arrive(session, home.school, 77_000, evil), arrive(session, home.school, 78_000, formula)]
        hint = '[{"invoice_ids": [], "chips": ["<u>lạ</u>"], "against": ["<s>"], "score": 3}]'
        session.execute(
            text(
                "INSERT INTO settlement (school_id, transaction_id, outcome, flags, suggestions, settled_at)"
                " SELECT school_id, id, 'unknown', '{}', CAST(:hint AS jsonb), created_at FROM bank_transaction"
                " WHERE id = ANY(:ids)"
            ),
            {"ids": ids, "hint": hint},
        )
        session.execute(text("UPDATE bank_transaction SET state = 'unmatched' WHERE id = ANY(:ids)"), {"ids": ids})
        assert pupil
    page = queue(home, max="80.000") + home.page(f"/console/{home.school.code}/unmatched/{ids[0]}/")
    for bad in ("<script>alert", "<u>lạ", "<s>", "49 =HYPER", "\u202e"):
        assert bad not in page
    assert len(queue(home, max="77.000")) < 40_000
    told = list(csv.reader(io.StringIO(export(home, "csv", max="80.000").decode("utf-8-sig")), delimiter=";"))
    assert told[2][4] == f"'{formula}"
    rows = (
        CalamineWorkbook.from_filelike(io.BytesIO(export(home, "xlsx", max="80.000"))).get_sheet_by_index(0).to_python()
    )
    assert rows[2][4] == formula
    with session_scope(home.engine) as session:
        session.execute(text("UPDATE bank_transaction SET state = 'new' WHERE id = ANY(:ids)"), {"ids": ids})


def test_without_the_guard_the_export_would_carry_a_live_formula(busy: Busy, monkeypatch: pytest.MonkeyPatch) -> None:
    home, _, _ = busy
    monkeypatch.setitem(files.OPTIONS, "strings_to_formulas", True)
    monkeypatch.setattr(files, "_DANGEROUS", ())
    monkeypatch.setattr(files, "_write", lambda sheet, row, number, value, look: sheet.write(row, number, value, look))
    with session_scope(home.engine) as session:
        session.execute(text("UPDATE bank_transaction SET description = '=1+1' WHERE amount_vnd = 200000"))
    data = export(home, "xlsx", max="200.000")
    with zipfile.ZipFile(io.BytesIO(data)) as book:
        assert "<f>" in book.read("xl/worksheets/sheet1.xml").decode()
    assert ";=1+1;" in export(home, "csv", max="200.000").decode()


def test_a_search_finds_a_pupil_without_diacritics_by_class_identifier_and_reference(busy: Busy) -> None:
    home, issued, _ = busy
    with session_scope(home.engine) as session:
        sector = session.scalar(text("SELECT sector_id FROM pupil WHERE full_name = 'Nguyễn Mẫu Châu al'"))
        for typed in ("CHÂU al", "1a chau al", sector, issued[11].reference.lower(), f"tien {issued[11].reference}"):
            assert [row["id"] for row in reading.search(session, home.school.id, typed)] == [issued[11].id], typed
        for nobody in ("", "%", "_", "chau 9z", "'; --"):
            assert reading.search(session, home.school.id, nobody) == [], nobody


def test_a_refund_needs_the_second_person_at_the_same_desk(busy: Busy) -> None:
    home, _, transfers = busy
    here = f"/console/{home.school.code}/unmatched/"
    with session_scope(home.engine) as session:
        refund = propose_refund(session, home.school.id, transfers[9], home.school.accountant, note="nhầm trường")
    decide = f"/console/{home.school.code}/refunds/{refund}/decide"
    assert "/decide" not in queue(home, tab="refunds"), "who proposed it has no button"
    assert home.post(decide, here, approved="yes") == 404
    home.log_in("principal")
    page = queue(home, tab="refunds")
    assert decide in page
    assert "nhầm trường" in page
    assert home.post(decide, here, approved="no", note="kiểm tra lại") == 303
    home.log_in("accountant")
    with session_scope(home.engine) as session:
        assert outcome_of(session, home.school, transfers[9])[0] == "unmatched"
    history = home.page(f"{here}{transfers[9]}/")
    assert "Không duyệt hoàn trả" in history
    assert "kiểm tra lại" in history


def test_what_was_paid_too_much_is_proposed_for_refund_from_the_page_of_the_transfer(busy: Busy) -> None:
    home, issued, transfers = busy
    here = f"/console/{home.school.code}/unmatched/"
    address = f"{here}{transfers[30]}/"
    form = {f"i-{issued[30].id}": str(200_000 + STEP_VND * 30 - 1_000), f"p-{home.school.pupil}": "1.000"}
    assert home.post(f"{address}split", here, **form) == 303
    page = home.page(address)
    assert "Tiền thừa của Nguyễn Mẫu An: 1.000" in page
    assert home.post(f"{address}refund", here, pupil=str(home.school.pupil), note="phụ huynh xin lại") == 303
    page = home.page(address)
    assert "Tiền thừa của" not in page
    assert "phụ huynh xin lại" in queue(home, tab="refunds")
