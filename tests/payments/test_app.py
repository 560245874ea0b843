"""The composed application: health, headers, closed doors, forms."""

from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from payments.access.models import Role
from payments.access.service import create_user, grant_role
from payments.app import create_app
from payments.db import make_engine, session_scope
from payments.settings import Settings, generated_environment

pytestmark = pytest.mark.db
PASSWORD = "hoa-phuong-do-2025"


@pytest.fixture
def client(database_url: str) -> Iterator[FlaskClient]:
    app = create_app(Settings.from_env({"DATABASE_URL": database_url, **generated_environment()}))
    with app.test_client() as client:
        yield client
    app.extensions["hocphi"].engine.dispose()


def form_token(client: FlaskClient, path: str) -> str:
    page = client.get(path).get_data(as_text=True)
    return page.split('name="csrf_token" value="')[1].split('"')[0]


def test_a_live_process_says_so_and_a_ready_one_gives_reasons(client: FlaskClient) -> None:
    assert client.get("/healthz").json == {"ok": True}
    ready = client.get("/readyz")
    assert ready.status_code == 200
    assert ready.json is not None
    assert {check["name"]: check["ok"] for check in ready.json["checks"]}["schema"] is True


def test_the_first_page_tells_parents_and_staff_where_to_go(client: FlaskClient) -> None:
    page = client.get("/").get_data(as_text=True)
    assert "Phụ huynh" in page
    assert 'href="/login"' in page


def test_every_answer_carries_the_strict_headers(client: FlaskClient) -> None:
    for path in ("/healthz", "/login", "/nowhere"):
        headers = client.get(path).headers
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cache-Control"] == "no-store"


def test_a_form_without_its_token_is_refused(client: FlaskClient) -> None:
    assert client.post("/login", data={"username": "a", "password": "b"}).status_code == 400


def test_log_in_sets_a_cookie_that_scripts_cannot_read_and_log_out_ends_it(
    client: FlaskClient, database_url: str
) -> None:
    engine = make_engine(database_url)
    with session_scope(engine) as session:
        user = create_user(session, username="thuy", full_name="Cô Thủy (mẫu)", password=PASSWORD)
        grant_role(session, user, Role.ACCOUNTANT, None)
    engine.dispose()
    token = form_token(client, "/login")
    wrong = client.post("/login", data={"username": "thuy", "password": "x" * 12, "csrf_token": token})
    assert wrong.status_code == 401
    right = client.post("/login", data={"username": "thuy", "password": PASSWORD, "csrf_token": token})
    assert right.status_code == 303
    cookie = right.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_log_in_never_sends_anybody_to_another_host(client: FlaskClient) -> None:
    for foreign in ("//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)"):
        page = client.get("/login", query_string={"next": foreign}).get_data(as_text=True)
        assert 'name="next" value="/"' in page
