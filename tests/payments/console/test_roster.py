"""The pupils' list over HTTP: look first, then confirm; what is refused says where, why and what to do."""

import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import openpyxl
import pytest
from sqlalchemy import Engine, func, select, text

from payments import clock
from payments.db import session_scope
from payments.schools.models import Pupil, RosterUpload
from payments.schools.roster import uploads
from tests.payments.faces import Faces, faces
from tests.payments.schools.roster.files import by_csv, by_xlsxwriter, pupil

pytestmark = pytest.mark.db

AUTUMN = datetime(2025, 10, 8, 3, 0, tzinfo=UTC)
GOOD = [pupil(5000 + number) for number in range(1, 4)]


@pytest.fixture
def desk(engine: Engine, database_url: str) -> Iterator[Faces]:
    with clock.turned_to(AUTUMN), faces(engine, database_url) as made:
        made.log_in("accountant")
        yield made


def roster(desk: Faces) -> str:
    return f"/console/{desk.school.code}/roster/"


def form_token(page: str) -> str:
    return page.split('name="csrf_token" value="')[1].split('"', maxsplit=1)[0]


def send(desk: Faces, data: bytes, name: str = "danh-sach.xlsx") -> tuple[int, str]:
    """Upload a file as a browser does; status, and where it leads or what the page says."""
    form = {"csrf_token": form_token(desk.page(roster(desk))), "file": (io.BytesIO(data), name)}
    answer = desk.client.post(roster(desk), data=form, content_type="multipart/form-data")
    return answer.status_code, answer.headers.get("Location") or answer.get_data(as_text=True)


def pupils(desk: Faces) -> int:
    with session_scope(desk.engine) as session:
        return session.scalar(select(func.count()).where(Pupil.school_id == desk.school.id)) or 0


def test_nothing_is_written_before_the_confirmation_and_the_same_list_again_changes_nothing(desk: Faces) -> None:
    before = pupils(desk)
    status, preview = send(desk, by_xlsxwriter(GOOD))
    assert status == 303
    page = desk.page(preview)
    assert "chưa ghi gì" in page
    assert "Nhập 3 dòng đúng" in " ".join(page.split())
    assert pupils(desk) == before
    assert desk.post(f"{preview}import", preview) == 303
    assert pupils(desk) == before + 3
    desk.page(preview, 404)
    status, preview = send(desk, by_csv(list(reversed(GOOD))), "danh-sach.csv")
    page = desk.page(preview)
    assert "giống hệt dữ liệu đang có" in page
    assert "/import" not in page
    assert "Các lần nhập" in desk.page(roster(desk))


def test_every_refused_row_is_told_with_line_column_and_reason_and_comes_back_to_be_corrected(desk: Faces) -> None:
    _, preview = send(desk, by_xlsxwriter([pupil(5001), pupil(5002, born="?"), pupil(5003, class_name=None)]))
    page = desk.page(preview)
    for heading in ("Đúng", "Đủ", "Sạch", "Sống"):
        assert f"<h2>{heading} " in page
    for told in ("(E3)", "(B4)", "Không đọc được ngày sinh", "Thiếu dữ liệu bắt buộc"):
        assert told in page
    answer = desk.client.get(f"{preview}refused.xlsx")
    lines = list(openpyxl.load_workbook(io.BytesIO(answer.data)).active.iter_rows(values_only=True))
    assert len(lines) == 3
    assert lines[0][-2:] == ("Lý do lỗi", "Cách sửa")
    assert desk.post(f"{preview}import", preview) == 303
    assert "Bị từ chối" in desk.page(roster(desk))


@pytest.mark.parametrize(
    ("data", "code"),
    [
        pytest.param(b"", "no_file", id="nothing"),
        pytest.param(by_xlsxwriter(GOOD)[:-900], "bad_container", id="half a workbook"),
        pytest.param(b"a;b\n1;2\n", "no_table", id="another table"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_in_words_and_not_kept(desk: Faces, data: bytes, code: str) -> None:
    status, page = send(desk, data)
    assert status == 422
    assert f"({code})" in page
    assert "Chưa nhập dòng nào" in page
    with session_scope(desk.engine) as session:
        assert session.scalar(select(func.count()).select_from(RosterUpload)) == 0


def test_a_list_above_its_limit_is_refused_in_words(desk: Faces, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "MAX_UPLOAD_BYTES", 1_000)
    status, page = send(desk, by_xlsxwriter(GOOD))
    assert (status, "(file_too_large)" in page) == (422, True)


def test_a_file_above_the_limit_of_the_server_is_refused_before_it_is_read(desk: Faces) -> None:
    claimed = {"CONTENT_LENGTH": "13000000", "CONTENT_TYPE": "multipart/form-data; boundary=x"}
    assert desk.client.post(roster(desk), environ_overrides=claimed).status_code == 413


def test_a_form_without_its_token_changes_nothing(desk: Faces) -> None:
    _, preview = send(desk, by_xlsxwriter(GOOD))
    before = pupils(desk)
    assert desk.client.post(f"{preview}import").status_code == 400
    assert desk.client.post(roster(desk), data={"file": (io.BytesIO(b"x"), "x.csv")}).status_code == 400
    assert pupils(desk) == before


def test_the_kept_file_is_sealed_belongs_to_its_sender_and_goes(desk: Faces) -> None:
    _, preview = send(desk, by_csv(GOOD), "danh-sach.csv")
    with session_scope(desk.engine) as session:
        kept = session.execute(text("SELECT content_sealed FROM roster_upload")).scalar_one()
    assert "Trần Thị Mẫu".encode() not in bytes(kept)
    desk.log_in("principal")
    desk.page(preview, 404)
    assert 'type="file"' not in desk.page(roster(desk))
    desk.log_in("accountant")
    assert desk.post(f"{preview}drop", preview) == 303
    desk.page(preview, 404)
    _, preview = send(desk, by_csv(GOOD), "danh-sach.csv")
    with clock.turned_to(AUTUMN + timedelta(hours=25)):
        desk.log_in("accountant")
        desk.page(preview, 404)


def test_only_the_newest_file_of_a_person_waits(desk: Faces) -> None:
    _, first = send(desk, by_csv(GOOD), "danh-sach.csv")
    _, second = send(desk, by_csv(GOOD[:1]), "danh-sach.csv")
    desk.page(first, 404)
    assert "Nhập 1 dòng đúng" in " ".join(desk.page(second).split())


def test_the_principal_may_read_but_not_import(desk: Faces) -> None:
    desk.log_in("principal")
    form = {"csrf_token": form_token(desk.page(roster(desk))), "file": (io.BytesIO(by_csv(GOOD)), "x.csv")}
    assert desk.client.post(roster(desk), data=form, content_type="multipart/form-data").status_code == 404


def test_the_template_is_downloaded_and_the_pages_are_there_in_english(desk: Faces) -> None:
    assert desk.client.get(f"{roster(desk)}template.xlsx").data.startswith(b"PK")
    _, preview = send(desk, by_xlsxwriter([pupil(5001), pupil(5002, sex="?")]))
    assert "The sex must be Nam or Nữ." in desk.page(preview, language="en")
    assert "Upload a list" in desk.page(roster(desk), language="en")
