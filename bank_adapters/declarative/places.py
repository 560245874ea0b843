"""Places in a request that a sender's data file points at, and what stands there.

`amount` or `data.amount` is a field of the message (in a batch: of one item), `top:bankCode` a field of the whole
message, `header:x-time`, `query:sign` and `form:checksum` what they say; `header:x-signature#t` is the part `t` of a
header written `t=…,v1=…`; `receipt` is the moment at which the request arrived. `a | b` is a, or b where a is absent.
"""

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final
from urllib.parse import parse_qsl

from bank_adapters import fields, strict_json
from bank_adapters.contract import MalformedCallbackError, Request
from bank_adapters.declarative.reading import Table, fault

MAX_PAIRS: Final = 100
RECEIPT: Final = "receipt"
_KINDS: Final = ("field", "top", "header", "query", "form")
_PLACE: Final = re.compile(r"(?:([a-z]+):)?([^\s:#|{}]+)(?:#([A-Za-z0-9_-]+))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Place:
    """One place; `name` is a path with dots for fields, in lower case for headers."""

    kind: str
    name: str
    part: str = ""

    def __str__(self) -> str:
        return self.name + (f"#{self.part}" if self.part else "")


def read_place(text: str, where: str) -> Place:
    """A place as it is written in the file; raises BrokenAdapterError."""
    found = _PLACE.fullmatch(text.strip())
    kind = (found[1] or "field") if found else ""
    if found is None or kind not in _KINDS or (found[3] and kind != "header"):
        kinds = ", ".join(f"{kind}:" for kind in _KINDS[1:])
        fault(where, f"{text!r} is no place in a request: write a field, or one after {kinds}.")
    name = found[2].lower() if kind == "header" else found[2]
    return Place(RECEIPT if text.strip() == RECEIPT else kind, name, found[3] or "")


def read_places(table: Table, key: str) -> tuple[Place, ...]:
    """The places `a | b` of a key, none when it is absent; raises BrokenAdapterError."""
    if not table.has(key):
        return ()
    return tuple(read_place(one, table.where(key)) for one in table.text(key).split("|"))


@dataclass(frozen=True, slots=True)
class MessageRule:
    """Where the message is and how it is written."""

    source: str
    """`body` (JSON), `form` or `query` (their fields), or `place`: one value that holds JSON."""
    place: Place | None
    is_base64: bool
    items: str
    """Path of the list of a batch; empty for senders of one transaction a request."""

    @property
    def in_body(self) -> bool:
        """Whether who signs the body signs the message."""
        return self.source in {"body", "form"} or (self.place is not None and self.place.kind == "form")

    @property
    def anchored(self) -> frozenset[str]:
        """What of `body` and `message` is one JSON object: neither its end nor its beginning is an object too.

        So nothing can move between it and what stands beside it.
        """
        return {"body": frozenset({"body", "message"}), "place": frozenset({"message"})}.get(self.source, frozenset())


class Received:
    """One request with what a data file may point at; everything is read once, and raises MalformedCallbackError."""

    def __init__(self, request: Request, rule: MessageRule) -> None:
        self.request = request
        self._rule = rule

    @cached_property
    def raw(self) -> bytes:
        """The message as received, still in base64 where it is sent so."""
        if self._rule.place is None:
            return self.request.body
        found = self.at(self._rule.place)
        if found is None:
            raise MalformedCallbackError("missing_field", str(self._rule.place))
        # A sender that does not escape its base64 has its «+» read as a blank, which base64 never holds.
        return (found.replace(" ", "+") if self._rule.is_base64 else found).encode("utf-8", "surrogatepass")

    @cached_property
    def document(self) -> Mapping[str, Any]:
        """The message as a strictly read JSON object, or the fields of the form or query."""
        match self._rule.source:
            case "form":
                return self.form
            case "query":
                return self.query
            case "body" if not self._rule.is_base64:
                return self.request.document
            case _:
                return strict_json.load_object(decode_base64(self.raw) if self._rule.is_base64 else self.raw)

    @cached_property
    def items(self) -> Sequence[Mapping[str, Any]]:
        """The messages about one transaction each."""
        if not self._rule.items:
            return [self.document]
        found = dig(self.document, self._rule.items)
        if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
            raise MalformedCallbackError("bad_field", self._rule.items)
        return found

    @cached_property
    def form(self) -> Mapping[str, str]:
        """The fields of the body as a form."""
        return _pairs(self.request.body, "form")

    @cached_property
    def query(self) -> Mapping[str, str]:
        """The fields of the query."""
        return _pairs(self.request.query.encode("utf-8", "surrogatepass"), "query")

    def at(self, place: Place, item: Mapping[str, Any] | None = None) -> str | None:
        """What stands at a place: text, a number as its text, true or false; None when it is absent or null."""
        match place.kind:
            case "header":
                found = self.request.headers.get(place.name)
                return _part(found, place) if place.part and found is not None else found
            case "query":
                return self.query.get(place.name)
            case "form":
                return self.form.get(place.name)
            case _:
                inside = item if item is not None and place.kind == "field" else self.document
                return as_text(dig(inside, place.name), place.name)


def dig(document: Mapping[str, Any], path: str) -> Any:
    """What stands at a dotted path, or under a name that holds dots itself; None when there is nothing."""
    if path in document:
        return document[path]
    found: Any = document
    for name in path.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return found


def as_text(value: Any, name: str) -> str | None:
    """A scalar as its text (a number keeps its own kind); raises MalformedCallbackError for an object or a list."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None or isinstance(value, str):
        return value
    raise MalformedCallbackError("bad_field", name)


def decode_base64(raw: bytes) -> bytes:
    """Base64 in either alphabet, padded or not: senders that document the one are seen to send the other."""
    standard = raw.rstrip(b"=").translate(bytes.maketrans(b"-_", b"+/"))
    try:
        return base64.b64decode(standard + b"=" * (-len(standard) % 4), validate=True)
    except binascii.Error:
        raise MalformedCallbackError("not_base64") from None


def _pairs(raw: bytes, where: str) -> dict[str, str]:
    """The fields of a form or query; a name given twice has no single reading."""
    if len(raw) > strict_json.MAX_BODY_BYTES:
        raise MalformedCallbackError("too_large", where)
    try:
        pairs = parse_qsl(raw.decode(), keep_blank_values=True, errors="strict", max_num_fields=MAX_PAIRS)
    except ValueError:
        raise MalformedCallbackError("not_a_form", where) from None
    if len(dict(pairs)) != len(pairs):
        raise MalformedCallbackError("duplicate_key", where)
    if any("\0" in text for pair in pairs for text in pair):
        raise MalformedCallbackError("nul_character", where)
    return dict(pairs)


def _part(header: str, place: Place) -> str | None:
    """The part of a header written `t=…,v1=…`; a part given twice has no single reading."""
    pairs = [(name.strip(), value.strip()) for name, _, value in (one.partition("=") for one in header.split(","))]
    values = [value for name, value in pairs if name == place.part]
    if len(values) > 1:
        raise MalformedCallbackError("duplicate_key", place.name)
    return values[0] if values else None


def identifier(name: str, value: str | None) -> str | None:
    """A text of 1 to 128 characters or None; raises MalformedCallbackError."""
    return fields.optional_identifier({name: value}, name)
