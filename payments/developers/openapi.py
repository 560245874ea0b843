"""An OpenAPI 3.1 document as plain operations that a template can print: the API page without JavaScript. Pure."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

METHODS: Final = ("get", "post", "put", "patch", "delete")
DEEPEST: Final = 6
"""So many references and joined schemas are followed; a document may refer to itself."""
DEEPEST_SAMPLE: Final = 2
"""Deeper than this an example says no more."""

Node = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Field:
    """A parameter, or one field of a body."""

    name: str
    where: str
    """path, query, header; body for fields of a body."""
    kind: str
    required: bool
    about: str


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer that may come."""

    status: str
    about: str
    example: str


@dataclass(frozen=True, slots=True)
class Operation:
    """One call."""

    anchor: str
    method: str
    path: str
    title: str
    about: str
    parameters: Sequence[Field]
    body: Sequence[Field]
    example: str
    replies: Sequence[Reply]
    event: bool
    """Whether it is an event that we send, not a call that we take."""


@dataclass(frozen=True, slots=True)
class _Listed:
    """An operation where it stands in the document."""

    path: str
    method: str
    item: Node
    """The path, with what its operations share."""
    event: bool

    @property
    def given(self) -> Node:
        return _mapping(self.item[self.method])


def operations(document: Node) -> list[Operation]:
    """Every call, then every event, in the document's order; what is not of the expected form is left out."""
    found = [*_listed(document, "paths", event=False), *_listed(document, "webhooks", event=True)]
    return [_operation(document, one) for one in found]


def _listed(document: Node, part: str, *, event: bool) -> Iterator[_Listed]:
    for path, item in _mapping(document.get(part)).items():
        shared = _resolved(document, item)
        for method in METHODS:
            if isinstance(shared.get(method), Mapping):
                yield _Listed(path, method, shared, event)


def _operation(document: Node, one: _Listed) -> Operation:
    given = one.given
    body = _content(_resolved(document, given.get("requestBody")))
    replies = _mapping(given.get("responses"))
    return Operation(
        anchor="".join(letter if letter.isalnum() else "-" for letter in f"{one.method}-{one.path}").strip("-"),
        method=one.method.upper(),
        path=one.path,
        title=str(given.get("summary") or given.get("operationId") or one.path),
        about=str(given.get("description") or ""),
        parameters=[
            _parameter(document, _resolved(document, parameter))
            for parameter in [*_list(one.item.get("parameters")), *_list(given.get("parameters"))]
        ],
        body=_fields(document, body.get("schema")),
        example=_example(document, body),
        replies=[_reply(document, str(status), _resolved(document, reply)) for status, reply in replies.items()],
        event=one.event,
    )


def _parameter(document: Node, one: Node) -> Field:
    schema = _resolved(document, one.get("schema"))
    return Field(
        str(one.get("name", "")),
        str(one.get("in", "")),
        _kind(document, schema),
        bool(one.get("required")),
        str(one.get("description") or schema.get("description") or ""),
    )


def _fields(document: Node, schema: Any) -> list[Field]:
    resolved = _merged(document, schema)
    needed = _list(resolved.get("required"))
    return [
        Field(
            name,
            "body",
            _kind(document, _resolved(document, one)),
            name in needed,
            str(_resolved(document, one).get("description") or ""),
        )
        for name, one in _mapping(resolved.get("properties")).items()
    ]


def _reply(document: Node, status: str, reply: Node) -> Reply:
    return Reply(status, str(reply.get("description") or ""), _example(document, _content(reply)))


def _content(holder: Node) -> Node:
    """The first kind of content."""
    return next((one for one in _mapping(holder.get("content")).values() if isinstance(one, Mapping)), {})


def _example(document: Node, content: Node) -> str:
    """The example that the document gives, else one made of the schema; empty for no content."""
    if "example" in content:
        return _text(content["example"])
    named = next(iter(_mapping(content.get("examples")).values()), None)
    if isinstance(named, Mapping) and "value" in named:
        return _text(named["value"])
    return _text(_sample(document, content["schema"], 0)) if content.get("schema") else ""


def _sample(document: Node, schema: Any, depth: int) -> Any:
    """A value that fits a schema: one that the document names, else one made of its parts."""
    resolved = _merged(document, schema)
    for key in ("example", "const", "default"):
        if key in resolved:
            return resolved[key]
    named = [*_list(resolved.get("examples")), *_list(resolved.get("enum"))]
    return named[0] if named else _made(document, resolved, depth)


def _made(document: Node, schema: Node, depth: int) -> Any:
    if depth > DEEPEST_SAMPLE:
        return None
    if "properties" in schema:
        return {name: _sample(document, one, depth + 1) for name, one in _mapping(schema["properties"]).items()}
    if "items" in schema:
        return [_sample(document, schema["items"], depth + 1)]
    plain = {"string": "…", "integer": 0, "number": 0, "boolean": True, "array": [], "object": {}}
    return plain.get(_types(schema)[0])


def _kind(document: Node, schema: Node) -> str:
    """The type in one word or two: ``integer``, ``string (date)``, ``array of string``."""
    merged = _merged(document, schema)
    kind = " | ".join(_types(merged))
    if "items" in merged:
        return f"array of {_kind(document, _resolved(document, merged['items']))}"
    if _list(merged.get("enum")):
        return " | ".join(str(one) for one in merged["enum"])
    return f"{kind} ({merged['format']})" if merged.get("format") else kind


def _types(schema: Node) -> list[str]:
    kind = schema.get("type", "object" if "properties" in schema else "any")
    return [str(one) for one in kind] if isinstance(kind, list) and kind else [str(kind)]


def _merged(document: Node, schema: Any, depth: int = 0) -> Node:
    """A schema with ``allOf`` joined, and of alternatives the first."""
    resolved = _resolved(document, schema)
    parts = [*_list(resolved.get("allOf")), *_list(resolved.get("oneOf"))[:1], *_list(resolved.get("anyOf"))[:1]]
    if not parts or depth > DEEPEST:
        return resolved
    joined: dict[str, Any] = {key: value for key, value in resolved.items() if key not in {"allOf", "oneOf", "anyOf"}}
    for part in (_merged(document, one, depth + 1) for one in parts):
        joined = {
            **part,
            **joined,
            "properties": {**_mapping(part.get("properties")), **_mapping(joined.get("properties"))},
            "required": [*_list(part.get("required")), *_list(joined.get("required"))],
        }
    return joined if joined["properties"] else {key: value for key, value in joined.items() if key != "properties"}


def _resolved(document: Node, node: Any) -> Node:
    """What a local ``$ref`` points at; an empty mapping for what is none or points nowhere."""
    for _ in range(DEEPEST):
        if not isinstance(node, Mapping):
            return {}
        target = node.get("$ref")
        if not isinstance(target, str):
            return node
        node = document
        for step in target.removeprefix("#/").split("/"):
            node = _mapping(node).get(step.replace("~1", "/").replace("~0", "~"))
    return {}


def _mapping(value: Any) -> Node:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)
