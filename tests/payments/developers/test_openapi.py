"""The API page without JavaScript says all that the document says."""

import pytest

from payments.developers import openapi
from tests.payments.developers.desks import DOCUMENT, DeveloperDesk


def test_calls_and_events_are_read_with_what_they_refer_to() -> None:
    listed, issued, settled = openapi.operations(DOCUMENT)
    assert (listed.method, listed.path, listed.event) == ("GET", "/api/v1/rounds/{id}/invoices", False)
    assert [(field.name, field.where, field.kind) for field in listed.parameters] == [
        ("id", "path", "integer"),
        ("cursor", "query", "string | null"),
    ]
    assert [(reply.status, reply.about) for reply in listed.replies] == [("200", "A page"), ("404", "No such round")]
    assert [(field.name, field.kind, field.required) for field in issued.body] == [
        ("reference", "string", True),
        ("amount_vnd", "integer", False),
        ("state", "open | paid", False),
        ("replaces", "object", False),
    ]
    assert '"reference": "HP7K3M9Q2XAT"' in issued.example
    assert settled.event


HOSTILE = [
    {},
    {"paths": []},
    {"paths": {"/a": {"get": {"parameters": [{"$ref": "#/components/parameters/none"}], "responses": None}}}},
    {"paths": {"/a": {"post": {"requestBody": {"$ref": "#/x"}, "responses": {"200": {"content": {"a": 1}}}}}}},
    {"paths": {"/a": {"$ref": "#/paths/~1a"}}},
    {
        "components": {"schemas": {"A": {"allOf": [{"$ref": "#/components/schemas/A"}]}}},
        "paths": {
            "/a": {"get": {"responses": {"200": {"content": {"j": {"schema": {"$ref": "#/components/schemas/A"}}}}}}}
        },
    },
]


@pytest.mark.parametrize("document", HOSTILE)
def test_a_document_that_is_odd_or_refers_to_itself_breaks_nothing(document: dict[str, object]) -> None:
    assert isinstance(openapi.operations(document), list)


def test_the_page_and_the_document(desk: DeveloperDesk) -> None:
    desk.enter("ky.su")
    for language in ("vi", "en"):
        page = desk.home.page("/developers/api/", language=language)
        assert "GET /api/v1/rounds/{id}/invoices" in page
        assert "payment.settled" in page
        assert "<script" not in page
    assert desk.client.get("/developers/api/openapi.json").json == DOCUMENT


def test_an_installation_without_the_api_says_so(desk: DeveloperDesk) -> None:
    desk.client.application.extensions["hocphi api document"] = None
    desk.enter("ky.su")
    assert "không mở API" in desk.home.page("/developers/api/")
    for path in ("openapi.json", "try/"):
        desk.home.page(f"/developers/api/{path}", status=404)
