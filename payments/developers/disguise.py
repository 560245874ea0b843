"""A request with its shape and without its people: every name, account, id and memo invented, alike for alike. Pure.

Equal words become equal words, letters stay letters and digits digits, so that what made an adapter stumble still
does. Only what says how much, when and what kind is kept.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final
from urllib.parse import parse_qsl, quote_plus

from bank_adapters.contract import Request
from payments.developers.redaction import FACTS, Number, Pairs, document_in, folded, is_plain, is_secret
from payments.invoices import reference

_WORD: Final = re.compile(r"\w+")
_DIGITS: Final = re.compile(r"\d+", re.ASCII)
_NAMES_OR_WORDS: Final = re.compile(r'"[^"\\]*"(?=\s*:)|\w+')
_HEADERS: Final = frozenset({"accept", "content-type", "webhook-timestamp", "x-sepay-timestamp", "x-request-timestamp"})
_LONG_WORD: Final = re.compile(r"\w{20,}")
"""In the header of a signature only the signature itself is replaced, not the time or the scheme's name before it."""
_CHECK: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def disguised(request: Request, salt: bytes, keys: Mapping[str, str]) -> Request:
    """The request in disguise; ``salt`` makes it another one each time, so that nobody can look words up.

    ``keys``: real secret -> invented one, put in its place wherever it stands.
    """
    tailor = _Tailor(salt, keys)
    body = request.body.decode("utf-8", "surrogateescape")
    return replace(
        request,
        query=tailor.form(request.query),
        headers={name: tailor.header(name, value) for name, value in request.headers.items()},
        body=tailor.body(body, request.header("content-type")).encode("utf-8", "surrogateescape"),
        remote_addr=None,
    )


class _Tailor:
    def __init__(self, salt: bytes, keys: Mapping[str, str]) -> None:
        self._salt = salt
        self._keys = keys

    def header(self, name: str, value: str) -> str:
        if name in _HEADERS:
            return value
        known = next((key for key in self._keys if key in value), None)
        if known is not None:
            before, _, after = value.partition(known)
            # The word before a key («Apikey», «Bearer») is the scheme's name.
            return f"{before}{self._keys[known]}{self.text(after)}"
        if "signature" in name:
            return _LONG_WORD.sub(lambda word: self.word(word[0]), value)
        return self.text(value)

    def body(self, text: str, content_type: str) -> str:
        document = document_in(text)
        if document is not None:
            return self._render(document, "")
        if "form" in content_type and "multipart" not in content_type:
            return self.form(text)
        return _NAMES_OR_WORDS.sub(self._unless_name, text)

    def form(self, text: str) -> str:
        if "=" not in text:
            return self.text(text)
        pairs = parse_qsl(text, keep_blank_values=True)
        return "&".join(f"{quote_plus(name)}={quote_plus(self.leaf(name, value))}" for name, value in pairs)

    def leaf(self, name: str, value: str) -> str:
        if folded(name) in FACTS and not is_secret(name) and is_plain(value):
            return value
        if isinstance(value, Number):
            return _DIGITS.sub(lambda digits: self.word(digits[0]), value)
        if value in self._keys:
            return self._keys[value]
        inner = document_in(value) if value.startswith("{") else None
        return self.text(value) if inner is None else self._render(inner, name)

    def text(self, value: str) -> str:
        """Every word replaced; payment references by other valid ones."""
        for code in reference.find(value):
            if code in value:
                value = value.replace(code, self._reference(code))
        return _WORD.sub(lambda word: word[0] if reference.is_valid(word[0]) else self.word(word[0]), value)

    def word(self, word: str) -> str:
        stream = hashlib.shake_256(self._salt + word.encode("utf-8", "surrogateescape")).digest(len(word))
        return "".join(map(_like, word, stream))

    def _reference(self, code: str) -> str:
        stream = hashlib.shake_256(self._salt + code.encode()).digest(9)
        core = "".join(_CHECK[byte % len(_CHECK)] for byte in stream)
        return next((f"HP{core}{last}" for last in _CHECK if reference.is_valid(f"HP{core}{last}")), code[::-1])

    def _unless_name(self, found: re.Match[str]) -> str:
        return found[0] if found[0].startswith('"') or found[0] in {"true", "false", "null"} else self.word(found[0])

    def _render(self, value: Any, name: str) -> str:
        if isinstance(value, Pairs):
            return "{" + ",".join(f"{_quoted(key)}:{self._render(one, key)}" for key, one in value) + "}"
        if isinstance(value, list):
            return "[" + ",".join(self._render(one, name) for one in value) + "]"
        if value is None or isinstance(value, bool):
            return json.dumps(value)
        worn = self.leaf(name, value)
        return worn if isinstance(value, Number) else _quoted(worn)


def _like(letter: str, chance: int) -> str:
    """Another letter of the same kind; no digit becomes zero that was none (numbers must not begin with one)."""
    if letter.isdecimal():
        return "0" if letter == "0" else str(1 + chance % 9)
    if not letter.isascii():
        return "ê" if letter.islower() else "Ê"
    if letter == "_":
        return letter
    return chr(ord("a" if letter.islower() else "A") + chance % 26)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
