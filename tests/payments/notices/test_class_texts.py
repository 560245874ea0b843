"""Texts to paste: the group's about nobody, each parent's for that parent, and files that are no list of debtors."""

import csv
import io

import pytest
from openpyxl import load_workbook
from sqlalchemy import text

from payments.db import session_scope
from payments.notices import class_texts
from payments.notices.class_texts import ClassTexts, Line

pytestmark = pytest.mark.db


@pytest.fixture
def told(school_office) -> ClassTexts:
    paid = school_office.pupil("Bảo Châu", None)
    school_office.pupil("An", None)
    school_office.pay(100_000, paid)
    about, languages = class_texts.for_paste(school_office.school.id, school_office.round_id, "both")
    return school_office.do(
        class_texts.texts_for, school_office.outside, about, school_office.school.class_room, languages
    )


def test_a_group_text_names_no_child_no_amount_and_no_familys_link(told):
    assert "/tra-cuu" in told.group
    assert "/s/" in told.group
    for private in ("Châu", "Nguyễn", "100.000", "100000", "/p/"):
        assert private not in told.group


def test_every_text_says_what_it_costs_and_leaves_no_placeholder(told):
    for text_ in (told.group, *(line.text for line in told.lines)):
        assert "Chi phí gửi tin này: 0 đ; phí từng kênh nộp tiền: xem trên trang." in text_
        assert "Cost of this notice: 0 đ; what each way of paying costs: see the page." in text_
        assert "{" not in text_


def test_who_has_paid_stands_in_the_list_like_everybody(told):
    assert [line.full_name for line in told.lines] == ["Nguyễn Mẫu An", "Nguyễn Mẫu Bảo Châu"]
    assert len({line.link for line in told.lines}) == 2
    for line in told.lines:
        assert line.link in line.text
        assert "100.000" not in line.text


def test_files_hold_class_code_link_and_text(told):
    rows = list(csv.reader(io.StringIO(class_texts.as_csv(told).decode("utf-8-sig")), delimiter=";"))
    assert rows[0] == ["Lớp", "Mã học sinh", "Đường dẫn", "Nội dung"]
    assert [row[2] for row in rows[1:]] == [line.link for line in told.lines]
    sheet = load_workbook(io.BytesIO(class_texts.as_xlsx(told))).active
    assert [[cell.value for cell in row] for row in sheet.iter_rows()][1] == rows[1]
    assert "Nguyễn Mẫu" not in class_texts.as_csv(told).decode()


def test_no_cell_is_a_formula():
    told = ClassTexts("=1+1", "", [Line("", "@SUM(A1)", "+1", "=cmd|' /C calc'!A0")])
    rows = list(csv.reader(io.StringIO(class_texts.as_csv(told).decode("utf-8-sig")), delimiter=";"))
    assert [cell[0] for cell in rows[1]] == ["'"] * 4
    sheet = load_workbook(io.BytesIO(class_texts.as_xlsx(told))).active
    assert {cell.data_type for cell in sheet[2]} == {"s"}


def test_a_name_out_of_a_list_brings_no_link_and_no_account_into_a_text(school_office):
    school_office.pupil("https://evil.vn/nop", None)
    school_office.pupil("0011004123456", None)
    with session_scope(school_office.engine) as session:
        session.execute(text("UPDATE class_room SET name = 'www.evil.vn'"))
        session.execute(text("UPDATE collection_round SET name = 'chuyển vào evil.top/x'"))
        session.execute(text("UPDATE school SET name = 'Trường evil.com'"))
    about, languages = class_texts.for_paste(school_office.school.id, school_office.round_id, "both")
    made = school_office.do(
        class_texts.texts_for, school_office.outside, about, school_office.school.class_room, languages
    )
    for one in (made.group, *(line.text for line in made.lines)):
        assert "evil" in one, "it is still told what the lists say"
        assert not any(link in one for link in ("evil.", "www.", "://evil", "0011004123456")), one
