"""The public pages over HTTP: what they say, to whom, and what a cache or a search engine may keep."""

import csv
import io
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from openpyxl import load_workbook
from sqlalchemy import Engine, event, text

from payments import clock
from payments.banking.models import ReceivingAccount
from payments.banking.service import approve_account, close_account, propose_account
from payments.banking.virtual_accounts import generate
from payments.db import session_scope
from payments.throttle.rules import Limit
from payments.transparency.service import set_contact
from payments.transparency.views import VISITS
from payments.vietqr import VietQR, encode
from payments.vietqr.render import render_svg
from payments.vietqr.style import Style
from tests.payments.faces import Faces, faces
from tests.payments.setting import make_school
from tests.payments.transparency.publishing import Village, day, village

pytestmark = pytest.mark.db


@pytest.fixture
def home(engine: Engine, database_url: str) -> Iterator[Faces]:
    with faces(engine, database_url, HOCPHI_BASE_URL="https://hocphi.example") as made:
        yield made


def numbers(home: Faces) -> tuple[str, str]:
    with session_scope(home.engine) as session:
        first = session.get_one(ReceivingAccount, (home.school.id, home.school.account))
        second = session.get_one(ReceivingAccount, (home.school.id, home.school.other_account))
        return first.number, second.number


def asked(home: Faces, number: str, language: str = "vi") -> str:
    answer = home.client.post(f"/s/{home.school.code}?lang={language}", data={"account": number})
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in answer.headers
    return answer.get_data(as_text=True)


def published(home: Faces, pupils: int = 12, paid: int = 12) -> Village:
    with session_scope(home.engine) as session:
        town = village(session, pupils, clubs=6)
        town.pay(0, paid, day(8))
        town.publish(day(9))
    return town


def test_public_pages_are_limited_for_each_network_and_say_how_long_to_wait(
    home: Faces, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("payments.transparency.views.VISITS", Limit("school.pages", 8, timedelta(minutes=16)))
    town = published(home)
    own = f"/s/{home.school.code}"
    paths = (
        "/s/",
        own,
        f"{own}/qr/{home.school.account}.svg",
        f"/s/{town.school.code}/cong-khai",
        f"/s/{town.school.code}/cong-khai.csv",
        f"/s/{town.school.code}/cong-khai.xlsx",
    )
    assert [home.client.get(path).status_code for path in paths] == [200] * 6
    assert home.client.post(own, data={"account": "123"}).status_code == 200
    assert home.client.get("/s/NOBODY").status_code == 404  # Guesses count as well.
    answers = [home.client.get(path) for path in (*paths, "/s/NOBODY")] + [home.client.post(own)]
    assert {answer.status_code for answer in answers} == {429}
    for answer in answers:
        assert answer.headers["Retry-After"] == "120"
        assert answer.headers["Cache-Control"] == "no-store"  # A cache would lock everybody out.
        assert "Set-Cookie" not in answer.headers
        heading, _, rest = answer.get_data(as_text=True).partition("</h1>")
        assert "Vui lòng đợi 2 phút" in rest
        assert "Vui lòng đợi" not in heading, "a heading is one sentence"
    assert "Please wait 2 min" in home.client.get(f"{own}?lang=en").get_data(as_text=True)
    assert home.client.get(own, environ_overrides={"REMOTE_ADDR": "203.0.113.4"}).status_code == 200


def test_a_village_behind_one_address_opens_its_schools_pages() -> None:
    assert VISITS.times / VISITS.per.total_seconds() >= 2


def test_public_pages_are_for_caches_and_search_engines_and_set_no_cookie(home: Faces) -> None:
    town = published(home)
    pages = (
        "/s/",
        f"/s/{home.school.code}",
        f"/s/{town.school.code}/cong-khai",
        f"/s/{town.school.code}/cong-khai.csv",
    )
    for path in (
        *pages,
        f"/s/{town.school.code}/cong-khai.xlsx",
        f"/s/{home.school.code}/qr/{home.school.account}.svg",
    ):
        answer = home.client.get(path)
        assert answer.status_code == 200, path
        assert answer.headers["Cache-Control"] == "public, max-age=60"
        assert answer.headers["X-Robots-Tag"] == "all"
        assert "Set-Cookie" not in answer.headers, path
        assert answer.headers.get("Vary", "Accept-Encoding") == "Accept-Encoding", path
        again = home.client.get(path, headers={"If-None-Match": answer.headers["ETag"]})
        assert (again.status_code, again.data) == (304, b""), path
        if answer.mimetype == "text/html":
            assert "index, follow" in answer.get_data(as_text=True)
            assert len(answer.data) < 30_000


def test_a_visitors_session_never_reaches_the_cached_page(home: Faces) -> None:
    """A message for the accountant waits in the session; the public page must neither show nor swallow it."""
    home.log_in("principal")
    assert home.post(f"/console/{home.school.code}/public/contact", f"/console/{home.school.code}/public/") == 303
    assert "Đã ghi thông tin liên hệ" not in home.page(f"/s/{home.school.code}")
    assert "Đã ghi thông tin liên hệ" in home.page(f"/console/{home.school.code}/public/")


def test_a_parents_page_stays_out_of_caches_and_search_engines(home: Faces) -> None:
    answer = home.client.get(f"/p/{home.token}")
    assert (answer.headers["Cache-Control"], answer.headers["X-Robots-Tag"]) == ("no-store", "noindex, nofollow")


def test_the_page_names_accounts_addresses_and_contact(home: Faces) -> None:
    with session_scope(home.engine) as session:
        set_contact(
            session,
            home.school.id,
            phone="0220 3123 456",
            email="a@truong.example",
            hours="",
            actor_id=home.school.principal,
        )
    page = home.page(f"/s/{home.school.code}")
    for told in (*numbers(home), "https://hocphi.example/p/", "0220 3123 456", "a@truong.example", "OTP", "CVV"):
        assert told in page
    assert "Nguyễn Mẫu" not in page
    assert "One-time" not in page


def test_a_proposed_account_is_nobodys_business_and_a_closed_one_stays_as_a_warning(home: Faces) -> None:
    with session_scope(home.engine) as session:
        session.execute(
            text(
                "INSERT INTO receiving_account (school_id, bin, number, holder_name, fund, state, proposed_at)"
                " VALUES (:id, '970998', '5550001112', 'KE GIAN', 'Quỹ', 'proposed', :now)"
            ),
            {"id": home.school.id, "now": clock.now()},
        )
        close_account(session, home.school.id, home.school.other_account, home.school.principal)
    page, (_, closed) = home.page(f"/s/{home.school.code}"), numbers(home)
    assert "KE GIAN" not in page
    assert "KHÔNG phải" in asked(home, "5550001112")
    ended = page[page.index("Không còn dùng") :]
    assert closed in ended
    assert f"{clock.today():%d/%m/%Y}" in ended
    assert "Không còn là tài khoản thu của trường" in asked(home, closed)
    assert home.client.get(f"/s/{home.school.code}/qr/{home.school.other_account}.svg").status_code == 404


def test_an_account_that_cools_off_is_not_yet_one_to_pay_to(home: Faces) -> None:
    with session_scope(home.engine) as session:
        account = propose_account(
            session,
            home.school.id,
            bank_bin="970998",
            number="6660001112",
            holder_name="TRUONG",
            fund="Quỹ mới",
            actor_id=home.school.accountant,
        )
        approve_account(session, home.school.id, account.id, home.school.principal)
    assert "chưa dùng" in asked(home, "6660001112")
    assert "chưa dùng" in home.page(f"/s/{home.school.code}")
    with clock.turned_to(clock.now() + timedelta(hours=24, seconds=1)):
        assert "Là tài khoản của trường" in asked(home, "6660001112")


def test_the_answer_is_yes_or_no(home: Faces) -> None:
    number, _ = numbers(home)
    yes = asked(home, f" {number[:4]} {number[4:]} ")
    assert "✓" in yes
    assert "TRUONG TIEU HOC HOA PHUONG" in yes[yes.index("✓") : yes.index("</ul>")]
    assert "NOT an account" in asked(home, number[:-1], "en")
    with session_scope(home.engine) as session:
        other = make_school(session)
        stranger = session.get_one(ReceivingAccount, (other.id, other.account)).number
    assert "KHÔNG phải tài khoản của trường" in asked(home, stranger)
    hostile = asked(home, "<script>alert(1)</script>")
    assert "<script>" not in hostile.replace("<script src", "")


def listed_prefix(home: Faces, prefix: str) -> None:
    with session_scope(home.engine) as session:
        session.execute(
            text(
                "WITH made AS (INSERT INTO connection (name, adapter, token_hash, token_sealed, allowed_networks,"
                " sandbox, settles, active, created_at)"
                " VALUES ('Mẫu', 'sepay', :hash, '', '{}', false, 'direct', true, :now)"
                " RETURNING id) INSERT INTO connection_account (connection_id, school_id, account_id, kind, identifier)"
                " SELECT id, :school, :account, 'virtual_prefix', :prefix FROM made"
            ),
            {
                "hash": prefix.encode(),
                "now": clock.now(),
                "school": home.school.id,
                "account": home.school.account,
                "prefix": prefix,
            },
        )


def give_number(home: Faces, number: str) -> None:
    with session_scope(home.engine) as session:
        session.execute(
            text(
                "INSERT INTO virtual_account (school_id, pupil_id, receiving_account_id, number, assigned_at)"
                " VALUES (:school, :pupil, :account, :number, :now)"
            ),
            {
                "school": home.school.id,
                "pupil": home.school.pupil,
                "account": home.school.account,
                "number": number,
                "now": clock.now(),
            },
        )


def answer_part(page: str) -> str:
    return page[page.index('id="answer"') :].partition("</section>")[0]


def test_asking_about_pupils_own_numbers_tells_no_child(home: Faces) -> None:
    """A number that somebody has and one that nobody has are answered alike, but for the digits themselves."""
    listed_prefix(home, "9624")
    taken, free = generate("9624"), generate("9624")
    give_number(home, taken)
    answers = [answer_part(asked(home, number)).replace(number, "…") for number in (taken, free)]
    assert answers[0] == answers[1]
    assert "dãy số tài khoản riêng" in answers[0]
    assert "Nguyễn" not in answers[0]
    wrong = taken[:-1] + str((int(taken[-1]) + 1) % 10)
    assert "KHÔNG phải" in asked(home, wrong)
    assert "KHÔNG phải" in asked(home, "9624")


def test_a_longer_range_of_another_school_is_not_ours(home: Faces) -> None:
    listed_prefix(home, "9625")
    with session_scope(home.engine) as session:
        other = make_school(session)
        session.execute(
            text(
                "INSERT INTO connection_account (connection_id, school_id, account_id, kind, identifier)"
                " SELECT id, :school, :account, 'virtual_prefix', '96257' FROM connection LIMIT 1"
            ),
            {"school": other.id, "account": other.account},
        )
    number = next(drawn for drawn in iter(lambda: generate("96257"), None))
    assert "KHÔNG phải" in asked(home, number)


def test_a_number_given_out_before_its_range_was_listed_is_known(home: Faces) -> None:
    number = generate("777")
    assert "KHÔNG phải" in asked(home, number)
    give_number(home, number)
    assert "dãy số tài khoản riêng" in asked(home, number)


def test_the_picture_asks_for_no_amount(home: Faces) -> None:
    picture = home.client.get(f"/s/{home.school.code}/qr/{home.school.account}.svg").get_data(as_text=True)
    payload = encode(VietQR(bin="970998", account=numbers(home)[0], service="account"))
    assert picture == render_svg(payload, Style(template="qr_only", mark="MẪU"))


def test_schools_are_found_without_marks_and_page_by_page(home: Faces) -> None:
    with session_scope(home.engine) as session:
        for _ in range(55):
            make_school(session)
    first, second = home.page("/s/"), home.page("/s/?page=2")
    assert (first.count("Mã trường"), second.count("Mã trường")) == (50, 6)
    assert home.page(f"/s/?q=hoa+phuong+{home.school.code}").count("Mã trường") == 1
    assert "Không có trường nào như vậy" in home.page("/s/?q=khong+co+dau")
    assert "noindex" in home.client.get("/s/?q=hoa").headers["X-Robots-Tag"]
    for odd in ("0", "-3", "x", "9" * 30, "²"):
        home.page(f"/s/?page={odd}")
    assert 'href="/s/"' in home.page("/")


def test_an_unknown_school_is_not_found(home: Faces) -> None:
    for path in (
        "/s/KHONGCO",
        "/s/KHONGCO/cong-khai",
        "/s/KHONGCO/cong-khai.csv",
        f"/s/{home.school.code}/cong-khai.pdf",
    ):
        assert home.client.get(path).status_code == 404


def test_nothing_is_public_until_the_principal_says_so(home: Faces) -> None:
    page = home.page(f"/s/{home.school.code}/cong-khai")
    assert "chưa công khai đợt thu nào" in page
    assert "Tiền ăn" not in page


def test_the_table_shows_price_ceiling_basis_and_rounded_sums(home: Faces) -> None:
    town = published(home)
    with session_scope(home.engine) as session:
        session.execute(
            text(
                "INSERT INTO fee_ceiling (fee_code, unit, level, area_group, ceiling_vnd, valid_from, document)"
                " VALUES ('AN', 'day', 'primary', NULL, 28000, '2025-09-01', 'Nghị quyết 07/2025/NQ-HĐND')"
            )
        )
    page = home.page(f"/s/{town.school.code}/cong-khai")
    for told in (
        "Tiền ăn bán trú",
        "30.000",
        "28.000",
        "Nghị quyết 07/2025/NQ-HĐND",
        "Mức thu cao hơn mức trần",
        "Nghị quyết mẫu 01/2025/NQ-HĐND",
        "bắt buộc",
        "tự nguyện",
        "1.000.000",
        "đến 08/09/2025",
    ):
        assert told in page, told
    assert "1.200.000" not in page
    english = home.page(f"/s/{town.school.code}/cong-khai", language="en")
    assert "Price above the ceiling" in english
    assert 'lang="vi"' in english


def test_files_have_the_columns_of_the_page_and_no_formula(home: Faces) -> None:
    town = published(home)
    with session_scope(home.engine) as session:
        session.execute(text("UPDATE fee_item SET name = '=1+1' WHERE id = :id"), {"id": town.school.meals})
    data = home.client.get(f"/s/{town.school.code}/cong-khai.csv").get_data()
    assert data.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig")), delimiter=";"))
    assert [row[2] for row in rows[1:]] == ["'=1+1", "Kỹ năng sống"]
    assert rows[1][-4:] == ["1000000", "1000000", "500000", "08/09/2025"]
    book = load_workbook(io.BytesIO(home.client.get(f"/s/{town.school.code}/cong-khai.xlsx").data))
    sheet = book.worksheets[0]
    assert [cell.value for cell in sheet[1]] == rows[0]
    assert (sheet.cell(2, 3).value, sheet.cell(2, 3).data_type) == ("=1+1", "s")
    assert [cell.value for cell in sheet[2]][-4:] == [1_000_000, 1_000_000, 500_000, datetime(2025, 9, 8)]  # noqa: DTZ001 - workbooks know no zones


def test_the_parents_page_leads_to_the_accounts_and_warns_for_thirty_days(home: Faces) -> None:
    assert "Tài khoản của trường đã thay đổi" not in home.page(f"/p/{home.token}")
    assert f'href="/s/{home.school.code}"' in home.page(f"/p/{home.token}")
    with session_scope(home.engine) as session:
        close_account(session, home.school.id, home.school.other_account, home.school.principal)
    assert "Tài khoản của trường đã thay đổi" in home.page(f"/p/{home.token}")
    with clock.turned_to(clock.now() + timedelta(days=31)):
        assert "Tài khoản của trường đã thay đổi" not in home.page(f"/p/{home.token}")


def test_the_pages_take_a_fixed_number_of_statements(home: Faces) -> None:
    town = published(home)
    said: list[str] = []
    engine = home.client.application.extensions["hocphi"].engine
    event.listen(engine, "before_cursor_execute", lambda *args: said.append(args[2]))
    home.page(f"/s/{town.school.code}/cong-khai")
    assert len(said) <= 9, said
    said.clear()
    home.page(f"/s/{town.school.code}")
    assert len(said) <= 3, said
