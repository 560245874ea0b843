"""Paper from the desk: a class as a file at once, a school as a job whose page may be left, the poster."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser
from sqlalchemy import Engine, text

from payments import clock, outbox
from payments.crypto import FieldCipher
from payments.db import session_scope
from payments.paper.service import QUEUE, Links
from payments.paper.work import LEASE, work_on
from payments.vietqr import decode
from tests.payments.faces import Faces, faces
from tests.payments.paper.reading import codes
from tests.payments.setting import make_school
from tests.test_accessibility import enter, judge, seen
from tests.test_screenshots import served

pytestmark = pytest.mark.db


@pytest.fixture
def desk(engine: Engine, database_url: str) -> Iterator[Faces]:
    with faces(engine, database_url) as made:
        made.log_in("accountant")
        yield made


def room(desk: Faces) -> str:
    return f"/console/{desk.school.code}/paper/"


def round_id(desk: Faces) -> int:
    with session_scope(desk.engine) as session:
        return session.execute(text("SELECT round_id FROM invoice")).scalar_one()


def post(desk: Faces, path: str, **form: object):
    token = desk.page(room(desk)).split('name="csrf_token" value="')[1].split('"')[0]
    return desk.client.post(room(desk) + path, data={"csrf_token": token, **form})


def work(desk: Faces) -> None:
    """What the worker does."""
    with session_scope(desk.engine) as session:
        [row] = outbox.claim(session, QUEUE, limit=1, lease=LEASE)
    work_on(
        lambda: session_scope(desk.engine),
        FieldCipher(desk.settings.field_keys),
        Links(desk.settings.link_keys, desk.settings.base_url),
        row,
    )


@pytest.mark.parametrize(("kind", "seen_codes"), [("slips", 2), ("sheets", 1)])
def test_a_class_is_a_file_at_once(desk: Faces, kind: str, seen_codes: int) -> None:
    desk.pay(30_000, desk.invoice.reference)
    answer = post(desk, "class", round=round_id(desk), kind=kind, **{"class": desk.school.class_room})
    assert (answer.status_code, answer.mimetype) == (200, "application/pdf")
    assert answer.headers["Cache-Control"] == "no-store"
    assert "1A.pdf" in answer.headers["Content-Disposition"]
    found = [code.text for code in codes(answer.data, 150)]
    assert len(found) == seen_codes
    qr = decode(next(code for code in found if "://" not in code))
    assert (qr.amount_vnd, qr.memo) == (70_000, desk.invoice.reference)
    if kind == "slips":
        assert f"{desk.settings.base_url}/p/{desk.token}" in found


@pytest.mark.parametrize(("name", "told"), [("Chồi 1", "Ch%E1%BB%93i%201.pdf"), ("1/2\n", "1-2 .pdf")])
def test_a_class_of_any_name_is_a_file(desk: Faces, name: str, told: str) -> None:
    with session_scope(desk.engine) as session:
        session.execute(text("UPDATE class_room SET name = :name"), {"name": name})
    answer = post(desk, "class", round=round_id(desk), kind="sheets", **{"class": desk.school.class_room})
    header = answer.headers["Content-Disposition"]
    assert (answer.status_code, told in header) == (200, True), header
    header.encode("latin-1")  # what a server writes: anything else is an error of the whole answer


def test_files_with_links_are_kept_by_no_browser(desk: Faces) -> None:
    """A school's computer is used by many; what ``send_file`` writes would let its browser keep every family's key."""
    asked = f"round={round_id(desk)}&class={desk.school.class_room}"
    for kind in ("csv", "xlsx", "txt"):
        answer = desk.client.get(f"/console/{desk.school.code}/notices/classes/file.{kind}?{asked}")
        assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store"), kind


def test_the_invoices_page_prints_the_pupils_slips_again(desk: Faces) -> None:
    page = desk.page(f"/console/{desk.school.code}/invoices/{desk.invoice.id}/")
    assert f'name="pupil" value="{desk.school.pupil}"' in page
    answer = post(desk, "class", round=round_id(desk), pupil=desk.school.pupil)
    assert answer.mimetype == "application/pdf"


def test_a_school_is_a_job_whose_page_may_be_left(desk: Faces) -> None:
    answer = post(desk, "school", round=round_id(desk), kind="slips")
    assert answer.status_code == 303
    waiting = desk.page(room(desk))
    assert "Xem tiến độ mới" in waiting
    assert "đang in, rời trang cũng không sao" in waiting
    work(desk)
    done = desk.page(room(desk))
    assert "Xem tiến độ mới" not in done
    path = re.search(r'href="[^"]*/paper/(\d+\.pdf)"', done)[1]
    file = desk.client.get(room(desk) + path)
    assert file.mimetype == "application/pdf"
    assert len(codes(file.data, 150)) == 2
    with session_scope(desk.engine) as session:
        log = session.execute(text("SELECT action, actor_id FROM audit_event WHERE action LIKE 'paper.%' ORDER BY id"))
        assert log.all() == [("paper.printed", desk.school.accountant), ("paper.fetched", desk.school.accountant)]


def test_nobody_elses_desk_hands_it_over(desk: Faces) -> None:
    post(desk, "school", round=round_id(desk), kind="slips")
    work(desk)
    with session_scope(desk.engine) as session:
        job_id = session.execute(text("SELECT id FROM print_job")).scalar_one()
        stranger = make_school(session)
    assert desk.client.get(f"/console/{stranger.code}/paper/{job_id}.pdf").status_code == 404
    assert desk.client.get(f"{room(desk)}{job_id + 1}.pdf").status_code == 404
    assert desk.client.get(f"{room(desk)}{job_id}.pdf").status_code == 200
    desk.client.delete_cookie("hocphi")
    assert desk.client.get(f"{room(desk)}{job_id}.pdf").status_code in {302, 303, 401}


def test_a_paid_round_says_that_there_is_nothing_to_print(desk: Faces) -> None:
    number = round_id(desk)
    desk.pay(100_000, desk.invoice.reference)
    assert "không có gì để in" in desk.page(room(desk))
    answer = post(desk, "class", round=number, **{"class": desk.school.class_room})
    assert answer.status_code == 422
    assert "Không có gì để in" in answer.get_data(as_text=True)


def test_the_poster_comes_in_two_sizes(desk: Faces) -> None:
    for paper in ("a4", "a3"):
        answer = post(desk, "poster", paper=paper)
        assert answer.mimetype == "application/pdf"
        links = [code.text for code in codes(answer.data, 100) if "://" in code.text]
        assert links == [f"{desk.settings.base_url}/s/{desk.school.code}"]


def test_a_school_without_rounds_or_accounts_is_told_what_to_do_first(desk: Faces) -> None:
    with session_scope(desk.engine) as session:
        session.execute(text("UPDATE collection_round SET state = 'closed'"))
        session.execute(text("UPDATE receiving_account SET state = 'closed', closed_at = :now"), {"now": clock.now()})
    page = desk.page(room(desk), language="en")
    assert "No round is open" in page
    assert "no receiving account in use" in page


@pytest.mark.browser
def test_progress_and_file_on_a_narrow_screen(desk: Faces, chromium: Browser) -> None:
    post(desk, "school", round=round_id(desk), kind="slips")
    with served(desk) as base, seen(chromium, 360, "dark") as page:
        enter(page, base, f"ke.toan.{desk.school.code[2:].lstrip('0')}")
        page.goto(base + room(desk))
        judge(page, doubts=False)
        work(desk)
        page.get_by_role("link", name="See the progress now").or_(
            page.get_by_role("link", name="Xem tiến độ mới")
        ).click()
        with page.expect_download() as download:
            page.get_by_role("link", name="PDF").click()
        assert download.value.suggested_filename.endswith(".pdf")
        judge(page, doubts=False)
