"""Texts travel compressed, unless their length could tell a secret."""

import gzip

import pytest
from flask import Flask, Response, session
from flask.testing import FlaskClient

from payments.web import compression

LONG = "Thông báo thu tiền của nhà trường. " * 100


@pytest.fixture
def client() -> FlaskClient:
    app = Flask("pages")
    app.config["SECRET_KEY"] = "x" * 32
    compression.install(app)

    @app.get("/page")
    def page() -> Response:
        session["seen"] = True
        answer = Response(LONG, mimetype="text/html")
        answer.set_etag("one")
        return answer

    @app.get("/short")
    def short() -> str:
        return "ngắn"

    @app.get("/picture")
    def picture() -> Response:
        return Response(LONG.encode(), mimetype="image/png")

    return app.test_client()


def test_a_text_travels_compressed_and_says_so(client: FlaskClient) -> None:
    answer = client.get("/page", headers={"Accept-Encoding": "gzip, br"})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.headers["Vary"] == "Accept-Encoding, Cookie"
    assert answer.headers["ETag"] == 'W/"one"'
    assert int(answer.headers["Content-Length"]) == len(answer.data) < 300
    assert gzip.decompress(answer.data).decode() == LONG


@pytest.mark.parametrize("accepted", [None, "br", "gzip;q=0", "identity"])
def test_who_does_not_take_gzip_gets_the_text(client: FlaskClient, accepted: str | None) -> None:
    answer = client.get("/page", headers={"Accept-Encoding": accepted} if accepted else {})
    assert "Content-Encoding" not in answer.headers
    assert answer.get_data(as_text=True) == LONG
    assert "Accept-Encoding" in answer.headers["Vary"]


@pytest.mark.parametrize("path", ["/short", "/picture", "/nowhere"])
def test_what_would_win_nothing_stays_as_it_is(client: FlaskClient, path: str) -> None:
    assert "Content-Encoding" not in client.get(path, headers={"Accept-Encoding": "gzip"}).headers


@pytest.mark.parametrize(
    ("query", "packed"),
    [("", True), ("?lang=en&page=12", True), ("?q=csrf_token", False), ("?q=abc", False), ("?q=0123", False)],
)
def test_words_of_a_query_are_never_packed_with_a_visitors_secrets(
    client: FlaskClient, query: str, packed: bool
) -> None:
    asked = {"Accept-Encoding": "gzip"}
    assert "Content-Encoding" in client.get(f"/page{query}", headers=asked).headers, "no cookie yet: no secret"
    assert ("Content-Encoding" in client.get(f"/page{query}", headers=asked).headers) == packed
