"""The parent's receipt, and its public check, on a real database."""

import io
import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
import zxingcpp
from pypdfium2 import PdfDocument
from sqlalchemy import Engine, text

from payments.db import session_scope
from payments.inbox.models import Direction
from payments.receipts import keys, signing
from payments.settlement.settling import settle_transactions
from payments.throttle.rules import Limit
from tests.payments.faces import Faces, faces
from tests.payments.setting import make_school
from tests.payments.settlement.setting import arrive

pytestmark = pytest.mark.db


@pytest.fixture
def paid(engine: Engine, database_url: str) -> Iterator[Faces]:
    """The parent has paid five thousand too much."""
    with faces(engine, database_url) as made:
        made.pay(120_000, made.invoice.reference)
        yield made


def link(home: Faces) -> str:
    found = re.search(r'href="(/p/[^"]+/receipt/XN-[0-9]{4}-[0-9]{6}\.pdf)"', home.page(f"/p/{home.token}"))
    assert found
    return found[1]


def download(home: Faces, query: str = "") -> bytes:
    answer = home.client.get(link(home) + query)
    assert (answer.status_code, answer.mimetype) == (200, "application/pdf")
    assert answer.headers["Cache-Control"] == "no-store"
    return answer.data


def said(pdf: bytes) -> str:
    return " ".join(page.get_textpage().get_text_range() for page in PdfDocument(pdf)).replace("\r\n", " ")


def check(home: Faces, data: bytes, language: str = "vi") -> str:
    token = home.page("/verify").split('name="csrf_token" value="')[1].split('"')[0]
    answer = home.client.post(
        "/verify" + ("?lang=en" if language == "en" else ""),
        data={"csrf_token": token, "file": (io.BytesIO(data), "receipt.pdf")},
    )
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


@pytest.mark.parametrize("query", ["", "?paper=a4"])
def test_the_pdf_says_what_was_paid_in_figures_and_words(paid: Faces, query: str) -> None:
    told = said(download(paid, query))
    wanted = ["120.000", "Một trăm hai mươi nghìn đồng", "Tiền thừa, giữ cho học sinh", "20.000", "XÁC NHẬN ĐÃ THU"]
    assert [words for words in wanted if words not in told] == [], told


def test_the_square_on_the_pdf_leads_to_the_check(paid: Faces) -> None:
    [found] = zxingcpp.read_barcodes(PdfDocument(download(paid))[0].render(scale=3).to_pil())
    address = found.text
    assert address.startswith(paid.settings.base_url + "/verify/")
    told = paid.page(address.removeprefix(paid.settings.base_url))
    assert "còn hiệu lực" in told
    assert "120.000" in told


def test_a_genuine_file_is_valid_and_says_no_child_s_name(paid: Faces) -> None:
    data = download(paid)
    name = said(data).split("Học sinh:")[1].split(",")[0].strip()
    told = check(paid, data)
    assert "còn hiệu lực" in told
    assert name
    assert name not in told
    assert "valid" in check(paid, data, "en")


def test_a_file_with_one_changed_byte_is_called_altered(paid: Faces) -> None:
    data = bytearray(download(paid))
    data[len(data) // 2] ^= 1
    assert "không phải bản gốc" in check(paid, bytes(data))
    assert "không phải bản gốc" in check(paid, b"%PDF-1.4 something else")
    assert "không phải bản gốc" in check(paid, download(paid) + bytes(2 * 1024 * 1024))


def test_cut_joined_and_foreign_signed_files_are_called_altered(paid: Faces) -> None:
    data = download(paid)
    line = data[data.rindex(b"\n%hocphi-receipt") :]
    signed = signing.read(data)
    assert signed is not None
    with session_scope(paid.engine) as session:
        other = make_school(session)
        cipher = paid.client.application.extensions["hocphi"].cipher
        foreign = keys.sign(session, cipher, other.id, signed.code, signed.content)
    for name, changed in {
        "cut": data[:-1],
        "begins late": data[1:],
        "without its line": data[: -len(line)],
        "more behind": data + b"\n",
        "two lines": data + line,
        "a line within": data[:200] + line + data[200:],
        "another code": data.replace(signed.code.encode(), signed.code[::-1].encode()),
        "another school's key": foreign,
    }.items():
        told = check(paid, changed)
        assert "không phải bản gốc" in told, name
        assert "120.000" not in told, name


def test_the_check_is_limited_for_each_network_and_says_how_long_to_wait(
    paid: Faces, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("payments.receipts.views.CODES", Limit("verify.code", 3, timedelta(minutes=9)))
    monkeypatch.setattr("payments.receipts.views.FILES", Limit("verify.file", 1, timedelta(minutes=9)))
    code = "A" * 20
    assert [paid.client.get(f"/verify/{code}").status_code for _ in range(4)] == [404, 404, 404, 429]
    told = paid.client.get(f"/verify/{code}?lang=en")
    assert (told.headers["Retry-After"], "wait 3 min" in told.get_data(as_text=True)) == ("180", True)
    elsewhere = paid.client.get(f"/verify/{code}", environ_overrides={"REMOTE_ADDR": "203.0.113.4"})
    assert elsewhere.status_code == 404
    assert [paid.post("/verify", "/verify") for _ in range(2)] == [200, 429]


def test_money_that_the_bank_took_back_revokes_the_receipt(paid: Faces) -> None:
    data, before = download(paid), link(paid)
    with session_scope(paid.engine) as session:
        taken = session.scalar(text("SELECT transaction_id FROM receipt"))
        debit = arrive(session, paid.school, 120_000, "thu hoi", reverses=taken, direction=Direction.DEBIT)
        settle_transactions(session, paid.school.id, [debit])
    assert "đã bị thu hồi" in check(paid, data)
    assert "đã thu hồi" in paid.page(f"/p/{paid.token}")
    again = paid.client.get(before)
    assert "ĐÃ THU HỒI" in said(again.data)


def test_a_new_key_leaves_old_receipts_valid(paid: Faces) -> None:
    old = download(paid)
    with session_scope(paid.engine) as session:
        keys.retire(session, paid.school.id)
    new = download(paid)
    assert old != new
    assert all("còn hiệu lực" in check(paid, data) for data in (old, new))


def test_unknown_codes_and_other_pupils_numbers_are_not_found(paid: Faces) -> None:
    unknown = paid.page("/verify/" + "A" * 20, 404)
    assert "Không có xác nhận nào" in unknown
    assert unknown.replace("A" * 20, "") == paid.page("/verify/short", 404).replace("short", "")
    assert paid.client.get(f"/p/{paid.token}/receipt/XN-2026-000999.pdf").status_code == 404
    assert paid.client.get(f"/p/{paid.token}/receipt/nonsense.pdf").status_code == 404
    assert paid.client.get(f"/p/{'a' * 32}/receipt/XN-2026-000001.pdf").status_code == 404


def test_a_typed_code_leads_to_its_page(paid: Faces) -> None:
    with session_scope(paid.engine) as session:
        code = session.scalar(text("SELECT verify_code FROM receipt"))
    answer = paid.client.get("/verify", query_string={"code": f" {code} "})
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/verify/{code}")
    assert "Không có xác nhận nào" in paid.page("/verify?code=nonsense", 404)


def test_two_downloads_at_once_make_one_key(paid: Faces) -> None:
    download(paid)
    download(paid)
    with session_scope(paid.engine) as session:
        assert session.scalar(text("SELECT count(*) FROM receipt_key")) == 1
