"""What a vector expects, compared with what the adapter gave."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from bank_adapters.contract import Answer


def readable(answer: Answer) -> Any:
    """The body of an answer as JSON, or as text."""
    text = answer.body.decode("utf-8", "replace")
    try:
        return json.loads(text)
    except ValueError:
        return text


def expected(vector: Mapping[str, Any]) -> dict[str, Any]:
    """All that the vector expects, in one object."""
    wanted: dict[str, Any] = {}
    if "valid" in (vector.get("expect") or {}):
        wanted["valid"] = vector["expect"]["valid"]
    wanted.update(vector.get("expected_ack") or {})
    if vector.get("normalized"):
        wanted["normalized"] = vector["normalized"]
    return wanted


def faults(expected: Mapping[str, Any], got: Mapping[str, Any]) -> Iterable[str]:
    """Each way in which what was got is not what was expected."""
    if "valid" in expected and got["valid"] != expected["valid"]:
        yield f"valid is {got['valid']} ({got['reason']}), expected {expected['valid']}"
        return
    if not got["valid"] and not _refuses(expected, got):
        # A vector may name the sender's usual answer; who is not believed must never get it.
        yield f"status {got['status']} with {got['body']!r} does not refuse a request that is not authentic"
    if not got["valid"]:
        return
    if "status" in expected and not _status_fits(expected["status"], got["status"]):
        yield f"status is {got['status']}, expected {expected['status']}"
    if "body" in expected and not _body_fits(expected["body"], got["body"]):
        yield f"body is {got['body']!r}, expected {expected['body']!r}"
    if "normalized" in expected:
        yield from _normalized_faults(expected["normalized"], got["normalized"])


def _refuses(expected: Mapping[str, Any], got: Mapping[str, Any]) -> bool:
    """An HTTP refusal, or HTTP 200 with a refusal code, the one expected where the vector names one.

    Some senders read only the code. A success in the vector is just the sender's usual answer.
    """
    if 400 <= got["status"] <= 599:
        return True
    code, wanted = result_code(got["body"]), result_code(expected.get("body"))
    return code is not None and code not in SUCCESSES and wanted in (None, code, *SUCCESSES)


_RESULT_CODES: Final = ("result_code", "errorCode", "RspCode", "return_code")
"""Where senders that answer in a code table look for the code; free texts beside it are not judged."""
SUCCESSES: Final = ("000", "00", 1)


def result_code(body: Any) -> Any:
    """The code of an answer in a code table; None where there is none."""
    if not isinstance(body, dict):
        return None
    return next((body[name] for name in _RESULT_CODES if name in body), None)


def _status_fits(expected: int | str, status: int) -> bool:
    if isinstance(expected, str):
        low, _, high = expected.partition("-")
        return int(low) <= status <= int(high or low)
    return status == expected


def _body_fits(expected: Any, got: Any) -> bool:
    code = result_code(expected)
    return fits(expected, got) if code is None else code == result_code(got)


def fits(expected: Any, got: Any) -> bool:
    """Equal as JSON, where a text in angle brackets («<our id>») stands for any text that is not empty."""
    if isinstance(expected, str) and expected.startswith("<") and expected.endswith(">"):
        return isinstance(got, str) and bool(got)
    if isinstance(expected, dict) and isinstance(got, dict):
        return expected.keys() == got.keys() and all(fits(expected[key], got[key]) for key in expected)
    if isinstance(expected, list) and isinstance(got, list):
        return len(expected) == len(got) and all(map(fits, expected, got))
    return bool(expected == got) and isinstance(expected, bool) == isinstance(got, bool)


def _normalized_faults(expected: Any, got: Any) -> Iterable[str]:
    pairs = [(expected, got)] if isinstance(expected, dict) and isinstance(got, dict) else None
    if pairs is None:
        wanted = expected if isinstance(expected, list) else [expected]
        given = got if isinstance(got, list) else []
        if len(wanted) != len(given):
            yield f"{len(given)} transactions, expected {len(wanted)}"
            return
        pairs = list(zip(wanted, given, strict=True))
    for want, have in pairs:
        for field, value in want.items():
            if have.get(field) != value:
                yield f"{field} is {have.get(field)!r}, expected {value!r}"
