"""Read what was sent into types: exactly the fields described, each once, each within its bounds."""

import re
from functools import cache
from typing import Any, TypeVar

import msgspec
from werkzeug.datastructures import MultiDict

from bank_adapters.errors import MalformedCallbackError
from bank_adapters.strict_json import Number, load_object
from payments.api.problems import Fault, RequestError, invalid, malformed
from payments.i18n import Text

MAX_BODY_BYTES = 2 * 1024 * 1024
_WHOLE = re.compile(r"-?[0-9]{1,18}", re.ASCII)
_PLACE = re.compile(r" - at `\$(?P<path>[^`]*)`$")
_STEP = re.compile(r"\.([^.\[]+)|\[([0-9]+)\]")
_FIELD = re.compile(r"Object (?P<what>contains unknown|missing required) field `(?P<name>[^`]*)`")
S = TypeVar("S", bound=msgspec.Struct)


def read_body(body: bytes, wanted: type[S]) -> S:
    """Read a JSON body. Raises RequestError ``malformed_json`` or ``invalid_request``."""
    try:
        tree = load_object(body, MAX_BODY_BYTES)
    except MalformedCallbackError as error:
        raise malformed(error.code) from None
    try:
        return msgspec.convert(_plain(tree), wanted)
    except msgspec.ValidationError as error:
        raise _refused(str(error), in_body=True) from None


def read_query(arguments: MultiDict[str, str], wanted: type[S]) -> S:
    """Read the parameters after «?»; each may come once. Raises RequestError ``invalid_request``.

    msgspec's own way with texts (``strict=False``) would take 0.5 for a moment, so only whole numbers are read here.
    """
    given = {name: _only(name, values) for name, values in arguments.lists()}
    numbers = _whole_numbers(wanted)
    values = {name: int(text) if name in numbers and _WHOLE.fullmatch(text) else text for name, text in given.items()}
    try:
        return msgspec.convert(values, wanted)
    except msgspec.ValidationError as error:
        raise _refused(str(error), in_body=False) from None


@cache
def _whole_numbers(shape: type[msgspec.Struct]) -> frozenset[str]:
    """The fields of a shape that hold whole numbers."""
    schema = msgspec.json.schema_components([shape])[1][shape.__name__]
    return frozenset(name for name, field in schema["properties"].items() if field.get("type") == "integer")


def _only(name: str, values: list[str]) -> str:
    if len(values) > 1:
        text = Text("Tham số chỉ được ghi một lần.", "The parameter may stand once.")
        raise invalid(Fault("repeated_parameter", text, parameter=name))
    return values[0]


def _plain(value: Any) -> Any:
    """Give numbers back their type; the reader kept them as they were written."""
    if isinstance(value, Number):
        return int(value) if value.lstrip("-").isdecimal() else float(value)
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list) else value


def _refused(message: str, *, in_body: bool) -> RequestError:
    """The one fault that msgspec names, with its place as a JSON pointer or as a parameter's name."""
    place = _PLACE.search(message)
    steps = [name or number for name, number in _STEP.findall(place["path"] if place else "")]
    message = _PLACE.sub("", message)
    field = _FIELD.match(message)
    code = "invalid_value"
    text = Text(f"Giá trị chưa đúng: {message}.", f"The value is not right: {message}.")
    if field:
        steps.append(field["name"])
        unknown = field["what"] == "contains unknown"
        code = "unknown_field" if unknown else "missing_field"
        text = Text("Không có trường này.", "There is no such field.") if unknown else _MISSING
    if not in_body:
        return invalid(Fault(code, text, parameter=steps[0] if steps else ""))
    pointer = "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in steps)
    return invalid(Fault(code, text, pointer=pointer))


_MISSING = Text("Thiếu trường bắt buộc này.", "This required field is missing.")
