"""The description of the API, built from the table: ``openapi.json`` beside this file is its kept form.

Whoever changes an operation writes the file anew with ``python -m payments.api.openapi`` and looks at the difference
before it is committed; a test compares the two, and others compare every answer with the file.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

import msgspec

from payments.api.operation import Operation, Shape
from payments.api.table import OPERATIONS, VERSION

FILE = Path(__file__).with_name("openapi.json")
REF = "#/components/schemas/{name}"
_PATH_PARAMETER = re.compile(r"\{([a-z_]+)\}")
ABOUT = """\
JSON for school software: rosters, registrations and rounds in; invoices, payments, receipts and credit out.

A key belongs to one school and is sent as `Authorization: Bearer <key>`. Every POST carries an `Idempotency-Key`; the
same request with the same key is executed once and answered alike. Amounts are whole đồng. Lists are read page by page
with `cursor`. Errors are problem documents (RFC 9457) with a stable `code`; `Accept-Language: en` or `vi` chooses the
language of `detail`.
"""
PROBLEMS = {
    400: "The body is no JSON, or the Idempotency-Key is missing.",
    401: "No key, or one that is unknown, expired or revoked.",
    403: "The key has not the scope, or the person of the key may not do this.",
    404: "There is no such thing in the school of the key.",
    409: "It exists already, its state does not allow this, or somebody else works on it now (`Retry-After`).",
    413: "The body is too large.",
    415: "The body is not application/json.",
    422: "The request has not the form it must have, or a rule refuses it.",
    429: "Too many requests; see `Retry-After`.",
    503: "The database is away; see `Retry-After`.",
}
ALWAYS = (400, 401, 403, 404, 422, 429, 503)
OF_POST = (409, 413, 415)


class FaultOut(Shape):
    """One thing that is wrong with a request."""

    code: str
    detail: str
    pointer: str | msgspec.UnsetType = msgspec.UNSET
    parameter: str | msgspec.UnsetType = msgspec.UNSET


class Problem(Shape):
    """What went wrong (RFC 9457); `code` is stable, `detail` is for people."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    errors: list[FaultOut] | msgspec.UnsetType = msgspec.UNSET


def document(above: Iterable[Operation] = ()) -> dict[str, Any]:
    """The whole description as JSON values; ``above``: operations that packages above this one add."""
    operations = (*OPERATIONS, *above)
    shapes = {shape for operation in operations for shape in (operation.answer, operation.body) if shape} | {Problem}
    _, components = msgspec.json.schema_components(sorted(shapes, key=lambda shape: shape.__name__), ref_template=REF)
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(f"{VERSION}{operation.path}", {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": "hocphi", "version": "1", "description": ABOUT, "license": _LICENSE},
        "servers": [{"url": "/"}],
        "security": [{"key": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": _KEY}},
            "headers": _HEADERS,
            "responses": {_name(status): _problem(status) for status in PROBLEMS},
            "schemas": dict(sorted(components.items())),
        },
    }


_LICENSE = {"name": "Apache-2.0", "identifier": "Apache-2.0"}
_KEY = "A key of one school, made at the desk or with `hocphi api-key add`; each operation names the scope it needs."
_HEADERS = {
    "ETag": {
        "description": "Send it as If-None-Match to be told 304 while nothing changed.",
        "schema": {"type": "string"},
    },
    "Retry-After": {"description": "Seconds.", "schema": {"type": "integer", "minimum": 0}},
    "Idempotency-Replayed": {
        "description": "Whether this answer was stored by an earlier request with the same key.",
        "schema": {"type": "string", "enum": ["true", "false"]},
    },
}


def _operation(operation: Operation) -> dict[str, Any]:
    written = operation.method == "POST"
    header = "Idempotency-Replayed" if written else "ETag"
    done = {
        "description": "Done." if written else "Found.",
        "headers": {header: {"$ref": f"#/components/headers/{header}"}},
        "content": {"application/json": {"schema": {"$ref": REF.format(name=operation.answer.__name__)}}},
    }
    problems = sorted((*ALWAYS, *(OF_POST if written else ())))
    described = {
        "operationId": operation.name,
        "summary": operation.summary,
        "description": f"{operation.description}\n\nScope: {_scope(operation)}.".strip(),
        "x-scope": operation.scope,
        "parameters": [*_path_parameters(operation.path), *_query_parameters(operation), *(_ONCE if written else ())],
        "responses": {
            str(operation.status): done,
            **({} if written else {"304": {"description": "Nothing changed since the ETag that was sent."}}),
            **{str(status): {"$ref": f"#/components/responses/{_name(status)}"} for status in problems},
        },
    }
    if operation.body is not None:
        body = {"schema": {"$ref": REF.format(name=operation.body.__name__)}}
        described["requestBody"] = {"required": True, "content": {"application/json": body}}
    return described


def _scope(operation: Operation) -> str:
    return f"`{operation.scope}`" if operation.scope else "any key"


_ONCE = (
    {
        "name": "Idempotency-Key",
        "in": "header",
        "required": True,
        "description": "A new random text for each new request, the same one when a request is sent again.",
        "schema": {"type": "string", "pattern": "^[!-~]{1,100}$"},
    },
)


def _path_parameters(path: str) -> Iterator[dict[str, Any]]:
    for name in _PATH_PARAMETER.findall(path):
        yield {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}


def _query_parameters(operation: Operation) -> Iterator[dict[str, Any]]:
    _, shapes = msgspec.json.schema_components([operation.query], ref_template=REF)
    shape = shapes[operation.query.__name__]
    for name, schema in shape["properties"].items():
        described = _inlined(schema, shapes)
        text = described.pop("description", None)
        yield {
            "name": name,
            "in": "query",
            "required": name in shape["required"],
            **({"description": text} if text else {}),
            "schema": described,
        }


def _inlined(schema: Mapping[str, Any], shapes: Mapping[str, Any]) -> dict[str, Any]:
    """A parameter's schema in place: an enumeration is no shape of its own."""
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    return dict(shapes[name] if name else schema)


def _problem(status: int) -> dict[str, Any]:
    retry = {"Retry-After": {"$ref": "#/components/headers/Retry-After"}} if status in {409, 429, 503} else {}
    content = {"application/problem+json": {"schema": {"$ref": REF.format(name="Problem")}}}
    return {"description": PROBLEMS[status], "headers": retry, "content": content}


def _name(status: int) -> str:
    return HTTPStatus(status).name.title().replace("_", "")


def written(above: Iterable[Operation] = ()) -> str:
    """The text of the file; with ``above``, of what an application serves that has more operations."""
    return json.dumps(document(above), ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    FILE.write_text(written(), encoding="utf-8")
