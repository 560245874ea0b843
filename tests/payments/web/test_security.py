"""What every page shares: headers, cookies and forms, also behind a proxy that ends TLS."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine

from payments.app import create_app
from payments.settings import Settings, generated_environment
from payments.web.security import HEADERS
from tests.payments.faces import PASSWORD, Faces, faces

pytestmark = pytest.mark.db
PUBLIC = "https://hocphi.example.vn"


@pytest.fixture
def database_url(furnished_url: str) -> str:
    """Databases of this module hold the usual school."""
    return furnished_url


@pytest.fixture
def home(engine: Engine, database_url: str) -> Iterator[Faces]:
    with faces(engine, database_url) as made:
        yield made


@pytest.fixture
def behind_nginx(home: Faces) -> Iterator[FlaskClient]:
    """The same application as an operator sets it up: people see HTTPS, a proxy on this machine speaks HTTP to it."""
    known = Settings.from_env({"DATABASE_URL": home.settings.database_url, "HOCPHI_BASE_URL": PUBLIC, **KEYS})
    app = create_app(replace(known, trusted_proxies=LOCAL))
    with app.test_client() as client:
        client.environ_base["HTTP_X_FORWARDED_PROTO"] = "https"
        client.environ_base["HTTP_X_FORWARDED_FOR"] = "192.0.2.7"
        yield client
    app.extensions["hocphi"].engine.dispose()


KEYS = generated_environment()
LOCAL = Settings.from_env(
    {"DATABASE_URL": "postgresql:///nowhere", "HOCPHI_TRUSTED_PROXIES": "127.0.0.0/8", **KEYS}
).trusted_proxies


def token_of(client: FlaskClient, path: str = "/login") -> str:
    return client.get(path).get_data(as_text=True).split('name="csrf_token" value="')[1].split('"')[0]


def username(home: Faces) -> str:
    return f"ke.toan.{home.school.code[2:].lstrip('0')}"


def test_staff_log_in_over_https_though_our_pages_send_no_referrer(home: Faces, behind_nginx: FlaskClient) -> None:
    form = {"csrf_token": token_of(behind_nginx), "username": username(home), "password": PASSWORD}
    answer = behind_nginx.post("/login", data=form)
    assert answer.status_code == 303
    cookies = answer.headers.getlist("Set-Cookie")
    assert any(cookie.startswith("__Host-hocphi=") for cookie in cookies)
    assert all("Secure" in cookie and "HttpOnly" in cookie and "SameSite=Lax" in cookie for cookie in cookies)
    assert all("Path=/" in cookie and "Domain" not in cookie for cookie in cookies)
    assert "max-age" in answer.headers["Strict-Transport-Security"]


def test_the_cookie_of_forms_is_bound_to_this_host_too(behind_nginx: FlaskClient) -> None:
    cookie = behind_nginx.get("/login").headers["Set-Cookie"]
    assert cookie.startswith("__Host-hocphi_form=")
    assert {"Secure", "HttpOnly", "Path=/"} <= set(cookie.split("; "))


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_form_that_the_browser_says_is_not_ours_is_refused_with_a_right_token_too(home: Faces, site: str) -> None:
    form = {"csrf_token": token_of(home.client), "username": username(home), "password": PASSWORD}
    assert home.client.post("/login", data=form, headers={"Sec-Fetch-Site": site}).status_code == 403
    assert home.client.post("/login", data=form, headers={"Sec-Fetch-Site": "same-origin"}).status_code == 303


def test_a_token_of_another_visitor_is_refused(home: Faces) -> None:
    foreign = token_of(home.client.application.test_client())
    token_of(home.client)
    form = {"csrf_token": foreign, "username": username(home), "password": PASSWORD}
    assert home.client.post("/login", data=form).status_code == 400


@pytest.mark.parametrize(
    "path", ["/", "/login", "/healthz", "/readyz", "/no-such-page", "/console/", "/static/pay.css", "/p/short"]
)
def test_every_answer_carries_the_headers(home: Faces, path: str) -> None:
    answer = home.client.get(path)
    answer.close()
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
    assert "unsafe" not in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "/\t/evil.example",
        "\t//evil.example",
        "javascript:x",
    ],
)
def test_a_log_in_leads_to_no_other_host(home: Faces, wanted: str) -> None:
    form = {"csrf_token": token_of(home.client), "username": username(home), "password": PASSWORD, "next": wanted}
    answer = home.client.post("/login", data=form)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")


def test_a_log_in_leads_back_to_the_page_and_its_filters_but_never_to_a_form_s_target(home: Faces) -> None:
    asked = home.client.get("/console/X/invoices/?state=open")
    assert asked.headers["Location"] == "/login?next=/console/X/invoices/?state%3Dopen"
    token = token_of(home.client)
    sent = home.client.post("/console/X/decisions/1/undo", data={"csrf_token": token})
    assert sent.headers["Location"] == "/login"


def test_each_log_in_has_a_token_of_its_own_whatever_the_visitor_brought(home: Faces) -> None:
    home.client.set_cookie("hocphi", "a-token-that-somebody-planted")
    form = {"csrf_token": token_of(home.client), "username": username(home), "password": PASSWORD}
    assert "a-token-that-somebody-planted" not in home.client.post("/login", data=form).headers["Set-Cookie"]


def test_an_address_that_guesses_is_stopped_before_any_password_is_looked_at(
    home: Faces, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("payments.access.service.TRIES_PER_ADDRESS", 2)
    form = {"csrf_token": token_of(home.client), "username": "ai.do", "password": PASSWORD}
    assert [home.client.post("/login", data=form).status_code for _ in range(3)] == [401, 401, 429]
    monkeypatch.setattr("payments.access.service._verify", lambda *_: pytest.fail("a password was looked at"))
    assert home.client.post("/login", data=form | {"username": username(home)}).status_code == 429


def test_an_unknown_user_costs_the_same_hash_as_a_wrong_password(home: Faces, monkeypatch: pytest.MonkeyPatch) -> None:
    verified: list[str] = []
    monkeypatch.setattr("payments.access.service._verify", lambda known, _: bool(verified.append(known)))
    for name in ("khong.ai", username(home)):
        home.client.post("/login", data={"csrf_token": token_of(home.client), "username": name, "password": PASSWORD})
    assert len(verified) == 2
    assert [known.split("$")[1:4] for known in verified] == [verified[0].split("$")[1:4]] * 2


def test_without_its_database_a_page_says_so_and_asks_to_come_again(home: Faces) -> None:
    gone = replace(home.settings, database_url="postgresql://nobody@127.0.0.1:1/nothing")
    app = create_app(gone)
    answer = app.test_client().get(f"/p/{home.token}")
    assert answer.status_code == 503
    assert "không cần chuyển lại" in answer.get_data(as_text=True)
    assert answer.headers["Retry-After"] == "30"
    assert home.token not in answer.get_data(as_text=True)


@pytest.mark.parametrize("path", ["/p/{}", "/p/{}/status", "/p/{}/qr/HP7K3M9Q2XAT.png"])
def test_a_fault_writes_no_parent_s_link_into_the_log(
    home: Faces, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError

    for asked in ("payments.portal.queries.holder", "payments.portal.status.look"):
        monkeypatch.setattr(asked, broken)
    home.client.application.config["PROPAGATE_EXCEPTIONS"] = False
    assert home.client.get(path.format(home.token)).status_code == 500
    assert "/p/…" in caplog.text
    assert home.token not in caplog.text
    assert "HP7K3M9Q2XAT" not in caplog.text
