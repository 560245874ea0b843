"""The kept description is the table's, the table's is the application's, and nothing stands in it that is not true."""

import json

import pytest

from payments.api.description import DOCUMENT
from payments.api.openapi import PROBLEMS, document, written
from payments.api.rules import Scope
from payments.api.table import OPERATIONS
from tests.payments.api.conftest import Software

KEPT = json.loads(DOCUMENT)
METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE"}


def operations() -> dict[tuple[str, str], dict]:
    return {
        (method.upper(), path): described
        for path, methods in KEPT["paths"].items()
        for method, described in methods.items()
    }


def test_the_kept_file_is_what_the_table_gives():
    assert DOCUMENT.decode() == written(), "write it anew: python -m payments.api.openapi"


def test_every_route_is_described_and_every_description_has_its_route(api: Software):
    rules = api.faces.client.application.url_map.iter_rules()
    routes = {
        (method, rule.rule.replace("<", "{").replace(">", "}"))
        for rule in rules
        if rule.rule.startswith("/api/v1")
        for method in rule.methods & METHODS
    }
    assert routes == set(operations())
    assert len(routes) == len(OPERATIONS)


def test_every_field_of_an_answer_is_always_there():
    answers = {"Problem", "FaultOut"}
    sent = {operation.body.__name__ for operation in OPERATIONS if operation.body}
    for name, schema in KEPT["components"]["schemas"].items():
        if "enum" in schema:
            continue
        assert schema["additionalProperties"] is False, name
        if name not in answers | sent and not is_part_of(sent, name):
            assert sorted(schema["required"]) == sorted(schema["properties"]), name


def is_part_of(shapes: set[str], wanted: str) -> bool:
    """Whether a shape stands within one that is sent."""
    seen, waiting = set(), set(shapes)
    while waiting:
        name = waiting.pop()
        seen.add(name)
        text = json.dumps(KEPT["components"]["schemas"][name])
        waiting |= {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]} - seen
    return wanted in seen


def test_every_amount_is_a_whole_number_and_says_so():
    for name, schema in KEPT["components"]["schemas"].items():
        for field, kind in schema.get("properties", {}).items():
            kinds = {kind.get("type")} | {one.get("type") for one in kind.get("anyOf", ())}
            assert "number" not in kinds, (name, field)
            assert ("amount" in field) <= field.endswith("_vnd"), (name, field)


def test_every_scope_opens_something_and_every_operation_names_its_own():
    named = {described["x-scope"] for described in operations().values()}
    # links:read adds a field to what invoices:read opens; ledger:write opens what reconciliation adds above.
    assert named == {None, *Scope} - {Scope.LINKS_READ, Scope.LEDGER_WRITE}
    assert [path for (method, path), one in operations().items() if not one["x-scope"]] == ["/api/v1/school"]


def test_every_post_asks_for_an_idempotency_key_and_no_get_does():
    for (method, path), described in operations().items():
        asked = {parameter["name"] for parameter in described["parameters"]}
        assert ("Idempotency-Key" in asked) == (method == "POST"), path


def test_every_problem_is_described_once():
    assert {int(status) for one in operations().values() for status in one["responses"] if status >= "400"} == set(
        PROBLEMS
    )


def test_the_description_is_for_everybody_and_can_be_asked_for_again(api: Software):
    first = api.faces.client.get("/api/openapi.json")
    assert (first.status_code, first.mimetype, first.get_json()) == (200, "application/json", document())
    again = api.faces.client.get("/api/openapi.json", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304


READS = [operation for operation in OPERATIONS if operation.method == "GET"]


@pytest.mark.parametrize("operation", READS, ids=lambda operation: operation.name)
def test_every_answer_has_exactly_the_fields_described(api: Software, operation):
    api.faces.pay(200_000, api.faces.invoice.reference)
    values = {"code": api.get("/rounds")["items"][0]["code"], "reference": api.faces.invoice.reference, "id": "1"}
    told = api.get(operation.path.format(**values))
    agree(told, {"$ref": f"#/components/schemas/{operation.answer.__name__}"}, operation.name)
    assert told.get("items", [1]) or operation.name == "list_registrations"


def agree(value: object, schema: dict, place: str) -> None:
    """Compare a value with its schema, all the way down."""
    if "$ref" in schema:
        schema = KEPT["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    if "anyOf" in schema:
        if value is None:
            assert {"type": "null"} in schema["anyOf"], place
            return
        (schema,) = [one for one in schema["anyOf"] if one != {"type": "null"}]
        agree(value, schema, place)
    elif "enum" in schema:
        assert value in schema["enum"], place
    elif schema["type"] == "object":
        assert set(value) == set(schema["properties"]), place
        for field, kind in schema["properties"].items():
            agree(value[field], kind, f"{place}.{field}")
    elif schema["type"] == "array":
        for one in value:
            agree(one, schema["items"], f"{place}[]")
    else:
        assert type(value).__name__ == {"string": "str", "integer": "int", "boolean": "bool"}[schema["type"]], place
