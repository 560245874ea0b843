"""The pages of closes: who sees and does what, the form to sign, papers, certificates and the public check."""

import io
import re
from datetime import date, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from playwright.sync_api import expect
from sqlalchemy import select, text

from operations.sample_files import write_camt053
from payments import clock
from payments.banking.models import ReceivingAccount
from payments.db import session_scope
from payments.inbox.models import BankTransaction
from payments.throttle.rules import Limit
from reconciliation import service
from reconciliation.closing import canonical, certificates
from reconciliation.panels import PANELS
from tests.payments.faces import faces
from tests.payments.setting import make_school
from tests.reconciliation.closing.test_papers import certificate
from tests.reconciliation.desk import DAY, line, statement
from tests.test_accessibility import enter, judge, seen
from tests.test_screenshots import served

pytestmark = pytest.mark.db
X_VND = 115_000
NOTE = "Đã hỏi ngân hàng"


@pytest.fixture
def desk(engine, database_url):
    with faces(engine, database_url, PANELS) as made:
        with session_scope(engine) as session:
            number = session.get_one(ReceivingAccount, (made.school.id, made.school.account)).number
            paper = write_camt053([statement(number, [line(X_VND, "chuyen tien", "FT1")])])
            service.import_statement(session, made.school.id, made.school.account, paper, "saoke.xml")
            service.catch_up(session, made.school.id, made.school.account, DAY)
        yield made


def base(desk, *more: object) -> str:
    return "/".join([f"/console/{desk.school.code}/closing", *map(str, more)]) + ("" if more else "/")


def form(desk, through: date = DAY) -> str:
    return f"{base(desk, 'new')}?through={through}"


def sign(desk, note: str = NOTE, known: str = "1") -> int:
    figures = re.search(r'name="seen" value="([0-9a-f]+)"', desk.page(form(desk)))[1]
    return desk.post(base(desk, "new"), form(desk), through=str(DAY), seen=figures, note=note, known=known)


def test_the_accountant_sees_signs_and_downloads_and_the_principal_reopens(desk):
    desk.log_in("accountant")
    assert base(desk) in desk.page(f"/console/{desk.school.code}/")
    assert "Chưa ngày nào được ký" in desk.page(base(desk))
    page = desk.page(form(desk))
    assert "Thiếu báo có" in page
    assert "115.000" in page
    with session_scope(desk.engine) as session:
        account = session.scalar(text("SELECT bin || ':' || number FROM receiving_account"))
    assert f"<td><code>{account}</code></td>" in page
    assert sign(desk, known="") == 422
    assert sign(desk) == 303
    page = desk.page(base(desk))
    assert "Sổ đã ký đến hết ngày <b>10/09/2025</b>" in page
    assert NOTE in page
    for kind, begins in (("pdf", b"%PDF"), ("xlsx", b"PK"), ("json", b"{")):
        files = [desk.client.get(base(desk, f"1.{kind}")) for _ in range(2)]
        assert files[0].data == files[1].data
        assert files[0].data.startswith(begins)
        assert f"bien-ban-doi-soat-{desk.school.code}-1-20250910.{kind}" in files[0].headers["Content-Disposition"]
    assert desk.post(base(desk, 1, "reopen"), base(desk), reason="Nhập thiếu một sao kê") == 303
    assert "Chờ hiệu trưởng duyệt" in desk.page(base(desk))
    desk.log_in("principal")
    page = desk.page(base(desk))
    proposal = re.search(r'name="proposal" value="([0-9]+)"', page)[1]
    assert desk.post(base(desk, "reopen", "decide"), base(desk), proposal=proposal, approved="1") == 303
    page = desk.page(base(desk))
    assert "Chưa ngày nào được ký" in page
    assert "đã mở lại" in page
    assert sign(desk, "Hiệu trưởng ký lại") == 303


def test_the_day_to_which_all_is_proved_is_offered_first_and_its_month_is_shown(desk):
    """Yesterday waits for its statement: whoever signs by what is offered must not be refused."""
    desk.log_in("accountant")
    page = desk.page(base(desk))
    assert f'name="through" type="date" value="{DAY}"' in page
    assert "Tháng 9/2025" in page
    assert f'name="through" value="{clock.today() - date.resolution}"' in page
    assert sign(desk) == 303
    assert f'value="{DAY}"' not in desk.page(base(desk))


def test_the_accountant_cannot_decide_on_a_reopening(desk):
    desk.log_in("accountant")
    assert sign(desk) == 303
    assert desk.post(base(desk, 1, "reopen"), base(desk), reason="Nhập thiếu một sao kê") == 303
    assert desk.post(base(desk, "reopen", "decide"), base(desk), proposal="1", approved="1") == 404


def test_what_stands_in_the_way_leads_to_the_work(desk):
    desk.log_in("accountant")
    page = desk.page(form(desk, date(2025, 9, 12)))
    assert "chưa có sao kê" in page
    assert f'href="/console/{desk.school.code}/reconciliation/"' in page
    assert 'name="seen"' not in page
    assert "Chỉ khóa được kỳ đã kết thúc" in desk.page(form(desk, clock.today()))
    assert desk.client.get(f"{base(desk, 'new')}?through=x").status_code == 303


def test_figures_that_changed_are_shown_again_and_not_signed(desk):
    desk.log_in("accountant")
    desk.page(form(desk))
    stale = {"through": str(DAY), "seen": "0" * 32, "note": NOTE, "known": "1"}
    assert desk.post(base(desk, "new"), form(desk), **stale) == 409
    assert "Chưa ngày nào được ký" in desk.page(base(desk))
    assert sign(desk) == 303


def test_figures_are_made_anew_before_they_are_shown(desk):
    """How much that saves is in the walk through a month (tests/test_month_end.py)."""
    desk.log_in("accountant")
    assert desk.post(base(desk, "prepare"), base(desk), through=str(DAY)) == 303
    with session_scope(desk.engine) as session:
        assert session.scalars(select(BankTransaction.id)).all(), "what waited for settlement is settled"
    assert sign(desk) == 303
    assert desk.post(base(desk, "prepare"), base(desk), through="x") == 303


def test_another_school_sees_nothing_of_it(desk):
    desk.log_in("accountant")
    assert sign(desk) == 303
    with session_scope(desk.engine) as session:
        other = make_school(session)
    for path in ("", "1.pdf", "1.json", "1/to-be-signed", f"new?through={DAY}"):
        assert desk.client.get(f"/console/{other.code}/closing/{path}").status_code == 404
    assert desk.client.get(base(desk, "2.pdf")).status_code == 404


def test_a_signature_made_elsewhere_is_taken_or_refused(desk):
    desk.log_in("accountant")
    assert sign(desk) == 303
    document = desk.client.get(base(desk, 1, "to-be-signed")).data
    private = ec.generate_private_key(ec.SECP256R1())
    pem = certificate(private, first=clock.now())
    token = desk.page(base(desk)).split('name="csrf_token" value="')[1].split('"')[0]
    answers = []
    for signature in (certificates.sign(private, b"other"), certificates.sign(private, document)):
        files = {"certificate": (io.BytesIO(pem), "c.pem"), "signature": (io.BytesIO(signature), "s.sig")}
        sent = desk.client.post(base(desk, 1, "signature"), data={"csrf_token": token, **files})
        answers.append(sent.status_code)
    assert answers == [422, 303]
    assert "1 chữ ký bằng chứng thư số" in desk.page(base(desk))


def test_the_public_check_says_what_stands_and_names_nobody(desk):
    desk.log_in("accountant")
    assert sign(desk) == 303
    sha = canonical.digest(desk.client.get(base(desk, 1, "to-be-signed")).data)
    desk.client.delete_cookie("hocphi")
    address = f"/verify/closing/{desk.school.code}/1/{sha}"
    page = desk.page(address)
    assert "có thật và đang có hiệu lực" in page
    assert "Kế toán" not in page
    assert "115.000" not in page
    other = f"{address[:-1]}{'0' if sha[-1] != '0' else '1'}"
    for wrong in (other, address.replace("/1/", "/2/"), "/verify/closing/X/1/a"):
        assert "Không có biên bản nào" in desk.page(wrong, 404)
    assert '"public"' in desk.page(f"/verify/closing/keys/{desk.school.code}.json")
    desk.page("/verify/closing/keys/NOBODY.json", 404)


def test_the_public_check_is_limited_for_each_network_before_it_looks_anything_up(desk, monkeypatch):
    desk.log_in("accountant")
    assert sign(desk) == 303
    sha = canonical.digest(desk.client.get(base(desk, 1, "to-be-signed")).data)
    desk.client.delete_cookie("hocphi")
    monkeypatch.setattr("reconciliation.closing.public_views.CHECKS", Limit("verify.closing", 3, timedelta(minutes=9)))
    right, wrong = (f"/verify/closing/{desk.school.code}/1/{seal}" for seal in (sha, "0" * 64))
    public = f"/verify/closing/keys/{desk.school.code}.json"
    assert [desk.client.get(path).status_code for path in (right, wrong, public)] == [200, 404, 200]
    # What is right, wrong or unknown looks the same now, and says how long to wait.
    for path in (right, wrong, public, "/verify/closing/keys/NOBODY.json"):
        told = desk.client.get(path, query_string={"lang": "en"})
        assert (told.status_code, told.headers["Retry-After"]) == (429, "180")
        assert "wait 3 min" in told.get_data(as_text=True)
    elsewhere = {"REMOTE_ADDR": "203.0.113.4"}
    assert desk.client.get(right, environ_overrides=elsewhere).status_code == 200
    with clock.turned_to(clock.now() + timedelta(minutes=3)):
        assert [desk.client.get(right).status_code for _ in range(2)] == [200, 429]


@pytest.mark.browser
@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1280, "light")])
def test_the_pages_in_a_browser_without_a_script(desk, chromium, width, scheme, tmp_path):
    with served(desk) as address, seen(chromium, width, scheme) as page:
        enter(page, address, f"ke.toan.{desk.school.code[2:].lstrip('0')}")
        for query in ("", "&lang=en"):
            page.goto(f"{address}{form(desk)}{query}")
            judge(page, doubts=width > 1000)
            page.goto(f"{address}{base(desk)}?month=2025-09{query}")
            judge(page, doubts=width > 1000)
        page.goto(f"{address}{form(desk)}")
        page.screenshot(path=tmp_path / "sign.png", full_page=True)
        page.check("#known")
        page.fill("#note", NOTE)
        page.get_by_role("button", name="Ký khóa sổ").click()
        expect(page.get_by_role("status")).to_contain_text("Đã ký khóa sổ số 1")
        page.goto(f"{address}{base(desk)}?month=2025-09")
        judge(page, doubts=width > 1000)
        page.screenshot(path=tmp_path / "overview.png", full_page=True)
        page.goto(f"{address}/verify/closing/{desk.school.code}/1/{'0' * 64}")
        judge(page)
