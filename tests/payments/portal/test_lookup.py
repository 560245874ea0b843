"""Finding a notice without a link: two right facts open a page for a while, all else is one answer."""

import io
import re
import statistics
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
import zxingcpp
from PIL import Image
from sqlalchemy import Engine, text
from werkzeug.test import TestResponse

from payments import clock
from payments.db import session_scope
from payments.invoices.reference import is_valid
from payments.portal import asking, lookup
from payments.vietqr import decode
from tests.payments.faces import Faces, faces
from tests.payments.portal.homes import homes
from tests.payments.portal.test_attacks import statements
from tests.payments.portal.test_voluntary import answer, line_of
from tests.payments.setting import make_pupil, make_school
from tests.payments.settlement.setting import issue

pytestmark = pytest.mark.db
BORN, WRONG = "02/03/2019", "03/03/2019"
UNKNOWN = "0999999999"


@pytest.fixture
def home(engine: Engine, database_url: str) -> Iterator[Faces]:
    with faces(engine, database_url) as made:
        yield made


def sector_id(home: Faces) -> str:
    with session_scope(home.engine) as session:
        return str(session.scalar(text("SELECT sector_id FROM pupil WHERE id = :id"), {"id": home.school.pupil}))


def ask(home: Faces, code: str, born: str = BORN, address: str = "203.0.113.1", query: str = "") -> TestResponse:
    token = home.page("/tra-cuu").split('name="csrf_token" value="')[1].split('"')[0]
    return home.client.post(
        f"/tra-cuu{query}",
        data={"csrf_token": token, "code": code, "born": born},
        environ_overrides={"REMOTE_ADDR": address},
    )


def refusal(answer: TestResponse) -> tuple[int, str, dict[str, str]]:
    """A refusal as its reader sees it; the form's token is a visitor's own."""
    body = answer.get_data(as_text=True)
    token = body.split('name="csrf_token" value="')[1].split('"')[0]
    headers = {name: value for name, value in answer.headers if name != "Set-Cookie"}
    return answer.status_code, body.replace(token, ""), headers


def test_reference_or_identifier_with_the_birthday_shows_what_is_due_and_how_to_pay(home: Faces) -> None:
    for code in (home.invoice.reference, home.invoice.reference.lower(), sector_id(home)):
        answer = ask(home, code)
        assert (answer.status_code, answer.headers["Location"]) == (303, "/tra-cuu/ket-qua")
    page = home.page("/tra-cuu/ket-qua")
    assert "100.000" in page, "what is mandatory; the club is nobody's debt"
    assert "Nguyễn M. A." in page
    assert "Nguyễn Mẫu An" not in page
    picture = home.client.get(f"/tra-cuu/qr/{home.invoice.id}.png?save")
    assert picture.headers["Cache-Control"] == "no-store"
    qr = decode(zxingcpp.read_barcodes(Image.open(io.BytesIO(picture.data)))[0].text)
    assert (qr.amount_vnd, qr.memo) == (100_000, home.invoice.reference)
    with session_scope(home.engine) as session:
        session.execute(text("UPDATE collection_round SET state = 'closed'"))
    page = home.page("/tra-cuu/ket-qua")
    assert "Đợt thu đã đóng" in page
    assert "/qr/" not in page
    assert home.client.get(f"/tra-cuu/qr/{home.invoice.id}.png").status_code == 404
    home.pay(115_000, home.invoice.reference)
    assert "không có khoản nào cần nộp" in home.page("/tra-cuu/ket-qua")
    assert "nothing to pay" in home.page("/tra-cuu/ket-qua", language="en")


def test_what_a_family_chose_is_in_the_amount_of_the_code_and_is_said(home: Faces) -> None:
    assert answer(home, line_of(home), chosen="yes") == 303
    home.pay(60_000, home.invoice.reference)
    ask(home, home.invoice.reference)
    page = home.page("/tra-cuu/ket-qua")
    assert "còn thiếu 40.000" in page
    assert 'class="money">55.000' in page
    assert "Số tiền của mã gồm 15.000 ₫ tự nguyện gia đình đã chọn" in page.replace("\xa0", " ")


def test_the_child_s_own_link_and_its_facts_are_in_no_address_and_no_page(home: Faces) -> None:
    answer = ask(home, home.invoice.reference)
    cookie = answer.headers["Set-Cookie"]
    assert {"HttpOnly", "SameSite=Lax", "Max-Age=900"} <= set(cookie.split("; "))
    seen = answer.get_data(as_text=True) + str(answer.headers) + home.page("/tra-cuu/ket-qua")
    assert home.token not in seen
    assert "/p/" not in seen
    assert "2019" not in answer.headers["Location"]
    assert home.invoice.reference not in str(answer.headers)


def test_the_page_closes_after_a_quarter_of_an_hour_and_when_the_reader_is_done(home: Faces) -> None:
    ask(home, home.invoice.reference)
    with clock.turned_to(clock.now() + timedelta(minutes=16)):
        left = home.client.get("/tra-cuu/ket-qua?lang=en")
        assert (left.status_code, left.headers["Location"]) == (303, "/tra-cuu?lang=en")
        assert home.client.get(f"/tra-cuu/qr/{home.invoice.id}.png").status_code == 404
    assert home.post("/tra-cuu/xong", "/tra-cuu/ket-qua") == 303
    assert home.client.get("/tra-cuu/ket-qua").status_code == 303
    assert home.client.get(f"/tra-cuu/qr/{home.invoice.id}.png").status_code == 404


def test_a_ticket_shows_no_picture_of_another_child(home: Faces) -> None:
    with session_scope(home.engine) as session:
        other = issue(session, home.school, pupil=make_pupil(session, home.school.id, home.school.class_room, "Bo"))
    ask(home, home.invoice.reference)
    assert home.client.get(f"/tra-cuu/qr/{home.invoice.id}.png").status_code == 200
    assert home.client.get(f"/tra-cuu/qr/{other.id}.png").status_code == 404
    assert home.client.get(f"/tra-cuu/qr/{home.invoice.id}.gif").status_code == 404


def test_a_ticket_cannot_be_made_up_nor_changed(home: Faces) -> None:
    ask(home, home.invoice.reference)
    kept = home.client.get_cookie("hocphi_lookup")
    assert kept is not None
    flipped = kept.value[:30] + ("A" if kept.value[30] != "A" else "B") + kept.value[31:]
    for forged in (flipped, "", "x", "e30=", '{"who": [[1, 1]]}', kept.value[:-4]):
        home.client.set_cookie("hocphi_lookup", forged)
        assert home.client.get("/tra-cuu/ket-qua").status_code == 303, forged
    home.client.set_cookie("hocphi_lookup", kept.value)
    assert home.client.get("/tra-cuu/ket-qua").status_code == 200


@pytest.mark.parametrize("query", ["", "?lang=en"])
def test_unknown_wrong_birthday_and_a_closed_code_are_one_answer_after_the_same_work(home: Faces, query: str) -> None:
    mine = sector_id(home)
    told = []
    worked = []
    for number, (code, born) in enumerate(
        [(UNKNOWN, BORN), (mine, WRONG), (home.invoice.reference, WRONG), ("?", BORN)]
    ):
        with statements(home) as heard:
            told.append(refusal(ask(home, code, born, f"203.0.113.{number}", query)))
        worked.append(heard)
    for _ in range(asking.PAIR.times):
        ask(home, mine, WRONG, "203.0.113.9", query)
    with statements(home) as heard:
        closed = ask(home, mine, BORN, "203.0.113.9", query)
    told.append(refusal(closed))
    worked.append(heard)
    assert told == [told[0]] * 5
    assert told[0][0] == 404
    assert worked[0]
    assert worked == [worked[0]] * 5
    assert len(worked[0]) == 7, "six limits and one look"
    assert not any(header.startswith("hocphi_lookup") for header in closed.headers.getlist("Set-Cookie"))


def test_who_closed_a_code_for_itself_closes_it_for_nobody_else(home: Faces) -> None:
    """A stranger who knows the code cannot lock the family out: at home the first right try is heard."""
    for visitor in range(30):
        ask(home, home.invoice.reference, WRONG, f"198.51.100.{visitor}")
    assert ask(home, home.invoice.reference, BORN, "198.51.100.1").status_code == 404, "its one try is used up"
    assert ask(home, home.invoice.reference, BORN, "203.0.113.77").status_code == 303
    assert ask(home, home.invoice.reference, BORN, "203.0.113.77").status_code == 303, "who is right uses nothing up"


def test_guessing_birthdays_from_one_place_ends_after_a_few(home: Faces) -> None:
    days = [f"{day:02}/03/2019" for day in range(20, 31)] + [BORN]
    assert [ask(home, home.invoice.reference, day).status_code for day in days] == [404] * len(days)


def test_the_guesser_is_heard_where_the_limits_are_taken_away(home: Faces, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("payments.portal.lookup_views.code_is_closed", lambda _: False)
    days = [f"{day:02}/03/2019" for day in range(20, 31)] + [BORN]
    assert [ask(home, home.invoice.reference, day).status_code for day in days][-1] == 303


def test_an_address_that_enumerates_codes_must_wait_and_is_told_how_long(home: Faces) -> None:
    def codes(address: str, count: int) -> list[TestResponse]:
        return [ask(home, f"77{number:08}", BORN, address) for number in range(count)]

    first = codes("2001:db8:1:2::1", asking.NETWORK.times)
    assert {answer.status_code for answer in first} == {404}
    for neighbour in ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9"):
        tired = ask(home, home.invoice.reference, BORN, neighbour)
        assert (tired.status_code, tired.headers["Retry-After"]) == (429, "120")
        assert "đợi 2 phút" in tired.get_data(as_text=True)
        assert 'href="/tra-cuu"' in tired.get_data(as_text=True)
    assert "wait 2 min" in ask(home, UNKNOWN, BORN, "2001:db8:1:2::1", "?lang=en").get_data(as_text=True)
    assert ask(home, home.invoice.reference, BORN, "2001:db8:1:3::1").status_code == 303
    with clock.turned_to(clock.now() + timedelta(minutes=3)):
        assert ask(home, home.invoice.reference, BORN, "2001:db8:1:2::1").status_code == 303


def kept_tries(home: Faces) -> int:
    with session_scope(home.engine) as session:
        return int(session.scalar(text("SELECT count(*) FROM throttle")) or 0)


def test_a_tired_network_uses_up_nobody_else_s_tries_and_makes_no_rows(home: Faces) -> None:
    """One machine that goes on after 429 would else close the page for everybody, and fill the table."""
    for number in range(asking.NETWORK.times):
        ask(home, f"77{number:08}")
    before = kept_tries(home)
    for number in range(asking.CODE.times + 2):
        assert ask(home, home.invoice.reference, WRONG).status_code == 429
        assert ask(home, f"88{number:08}").status_code == 429
    assert kept_tries(home) == before
    fresh = "203.0.113.50"
    assert [ask(home, home.invoice.reference, WRONG, fresh).status_code for _ in range(3)] == [404] * 3
    assert ask(home, home.invoice.reference, BORN, fresh).status_code == 303, "the code was pressed by nobody"


def test_one_site_with_many_ipv6_networks_is_one_guesser_once_a_code_is_pressed(home: Faces) -> None:
    for number in range(asking.CODE.times + 2):
        ask(home, home.invoice.reference, WRONG, f"2001:db8:7:{number:x}::1")
    assert ask(home, home.invoice.reference, BORN, "2001:db8:7:ff::1").status_code == 404, "its one try is used up"
    assert ask(home, home.invoice.reference, BORN, "2001:db8:8:ff::1").status_code == 303


def test_while_everybody_presses_each_network_keeps_a_few_tries(home: Faces) -> None:
    with session_scope(home.engine) as session:
        cipher = home.client.application.extensions["hocphi"].cipher
        key = cipher.blind_index(f"{asking.EVERYBODY.name}\0", "throttle.key")
        session.execute(
            text("INSERT INTO throttle (key, empty_at) VALUES (:key, :at)"),
            {"key": key, "at": clock.now() + asking.EVERYBODY.per + timedelta(minutes=10)},
        )
    tries = [ask(home, UNKNOWN, BORN, "203.0.113.5").status_code for _ in range(4)]
    assert tries == [404, 404, 404, 429]
    assert ask(home, home.invoice.reference, BORN, "203.0.113.6").status_code == 303


def test_the_time_tells_no_known_code_from_an_unknown_one(home: Faces, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("payments.portal.lookup_views.network_is_tired", lambda _: False)
    mine = sector_id(home)
    took: dict[str, list[float]] = {UNKNOWN: [], mine: [], home.invoice.reference: []}
    for _ in range(25):
        for code, times in took.items():
            began = time.perf_counter()
            ask(home, code, WRONG)
            times.append(time.perf_counter() - began)
    medians = sorted(statistics.median(times) for times in took.values())
    assert medians[-1] < 2 * medians[0], took


def test_the_look_up_asks_no_school_in_turn_however_many_there_are(home: Faces) -> None:
    with home.engine.begin() as connection:
        connection.execute(text("SET LOCAL enable_seqscan = off"))
        values = {"code": UNKNOWN, "reference": home.invoice.reference, "most": lookup.MOST}
        plan = "\n".join(connection.scalars(text(f"EXPLAIN {lookup._FIND.text}"), values))
    for index in ("ix__invoice__reference", "ix__bundle__reference", "ix__pupil__sector_id"):
        assert index in plan
    assert not re.search(r"\bon school\b", plan), plan


def test_what_was_typed_wrongly_is_told_as_such_before_anything_is_looked_up(home: Faces) -> None:
    with statements(home) as heard:
        answer = ask(home, home.invoice.reference, "31/02/2019")
    assert answer.status_code == 400
    assert "ngày/tháng/năm" in answer.get_data(as_text=True)
    assert heard == []


def test_a_child_that_moved_is_found_at_both_schools(home: Faces) -> None:
    with session_scope(home.engine) as session:
        other = make_school(session)
        session.execute(
            text("UPDATE pupil SET sector_id = :code WHERE id = :id"), {"code": sector_id(home), "id": other.pupil}
        )
        asked = asking.read_asked(sector_id(home), BORN)
        assert asked is not None
    with session_scope(home.engine) as session:
        assert len(lookup.find(session, asked)) == 2
    ask(home, sector_id(home))
    assert home.page("/tra-cuu/ket-qua").count("<h1") == 2


def test_a_code_for_several_items_and_the_birthday_of_one_of_its_children_show_that_child(
    engine: Engine, database_url: str
) -> None:
    with homes(engine, database_url) as at:
        where = at.together(at.family(at.binh), at.dues["an"].reference, at.dues["binh"].reference)
        code = where.split("/together/")[1].split("?")[0]
        with session_scope(engine) as session:
            session.execute(text("UPDATE pupil SET date_of_birth = '2020-05-06' WHERE id = :id"), {"id": at.binh_id})
        assert is_valid(code)
        assert ask(at.faces, code, WRONG).status_code == 404
        assert ask(at.faces, code, "06/05/2020").status_code == 303
        page = at.page("/tra-cuu/ket-qua")
        assert page.count("<h1") == 1
        assert "60.000" in page
        assert at.dues["an"].reference not in page, "the other child needs its own birthday"
        assert code not in page


def test_the_english_address_leads_to_the_one_page(home: Faces) -> None:
    answer = home.client.get("/lookup")
    assert (answer.status_code, answer.headers["Location"]) == (301, "/tra-cuu?lang=en")
    assert "date of birth" in home.page("/tra-cuu", language="en")
    assert "/tra-cuu" in home.page("/")
    assert "Cache-Control" in home.client.get("/tra-cuu").headers


def test_the_table_of_tries_names_nobody(home: Faces) -> None:
    ask(home, home.invoice.reference, WRONG, "203.0.113.200")
    with session_scope(home.engine) as session:
        kept = session.execute(text("SELECT t::text FROM throttle t")).scalars().all()
    assert len(kept) == 6
    assert not any("203.0.113" in row or home.invoice.reference in row for row in kept)
