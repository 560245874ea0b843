"""The string to sign, written in the data file as a text with places in braces.

`{body}` raw body · `{message}` the message as received · `{field:a.b}` `{header:x}` `{query:x}` `{form:x}` one value ·
`{secret:x}` a secret · `{values}` all values of the message in the order of their keys, joined · `{pairs}` all of it
as `key=value&…` in the order of the keys · `{method}` · `{url}`. The field that holds the signature is left out of
`{values}` and `{pairs}`; what is absent or null is empty.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from bank_adapters import canonical
from bank_adapters.contract import MalformedCallbackError
from bank_adapters.declarative.places import MessageRule, Place, Received, as_text, read_place
from bank_adapters.declarative.reading import fault
from bank_adapters.strict_json import Number

WHOLE: Final = frozenset({"body", "message", "values", "pairs"})
"""What covers every field of the message."""
WORDS: Final = WHOLE | {"method", "url"}
_BRACES: Final = re.compile(r"\{([^{}]*)\}")

NumberStyle = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Piece:
    """A literal text, or one place in braces."""

    literal: str = ""
    word: str = ""
    secret: str = ""
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Template:
    """A string to sign."""

    pieces: tuple[Piece, ...]
    signature: Place
    """The field that holds the signature and is never signed itself."""
    rule: MessageRule

    @property
    def secrets(self) -> frozenset[str]:
        """Names of the secrets in it."""
        return frozenset(piece.secret for piece in self.pieces if piece.secret)

    @property
    def joins(self) -> bool:
        """Whether two values of the sender stand side by side, so that characters can move from one to the other."""
        return any(piece.word == "values" for piece in self.pieces) or bool(self._neighbours())

    @property
    def joins_headers(self) -> bool:
        """Whether a header is one of these: what is signed anew for a retry cannot be told from the rest."""
        return any(piece.place and piece.place.kind == "header" for pair in self._neighbours() for piece in pair)

    def _neighbours(self) -> list[tuple[Piece, Piece]]:
        """Values of the sender that stand side by side, none of them a whole JSON object."""
        movable = [
            (piece, bool(piece.place or (piece.word and piece.word not in self.rule.anchored))) for piece in self.pieces
        ]
        return [(one, other) for (one, moves), (other, too) in pairwise(movable) if moves and too]

    def covers(self, place: Place) -> bool:
        """Whether the value at a place is part of the string."""
        in_message = place.kind in {"field", "top"}
        for piece in self.pieces:
            if in_message and piece.word in WHOLE and (self.rule.in_body or piece.word != "body"):
                return True
            if piece.place and (piece.place.name, piece.place.part) == (place.name, place.part):
                return piece.place.kind == place.kind or in_message
        return False

    def forms(self, received: Received, secrets: Mapping[str, str]) -> Iterator[bytes]:
        """The bytes that may have been signed: numbers as received, then as JavaScript prints them."""
        first = self.render(received, secrets, canonical.as_received)
        yield first
        other = self.render(received, secrets, canonical.as_javascript)
        if other != first:
            yield other

    def render(self, received: Received, secrets: Mapping[str, str], numbers: NumberStyle) -> bytes:
        """The string as bytes; raises MalformedCallbackError."""
        return b"".join(self._bytes(piece, received, secrets, numbers) for piece in self.pieces)

    def key_text(self, received: Received) -> bytes:
        """The string without secrets and headers, which may change from one attempt to the next.

        Numbers as JavaScript prints them: 1000 and 1000.0, which one signature may fit, are one payment.
        """
        kept = [
            piece for piece in self.pieces if not piece.secret and not (piece.place and piece.place.kind == "header")
        ]
        return b"".join(self._bytes(piece, received, {}, canonical.as_javascript) for piece in kept)

    def require_one_reading(self, received: Received) -> None:
        """Refuse values that could end or begin elsewhere: one signature would fit two messages.

        A payer writes the memo. Where it holds what stands between two values, the same signed text could be sent
        again cut into other fields, as another payment. Raises MalformedCallbackError.
        """
        for piece, follower in pairwise(self.pieces):
            if piece.place and follower.literal:
                value = self._value(piece, received, {}, canonical.as_received)
                if (value + follower.literal).find(follower.literal) != len(value):
                    raise MalformedCallbackError("ambiguous", piece.place.name)
        if any(piece.word == "pairs" for piece in self.pieces):
            self._require_single_keys(received)

    def _require_single_keys(self, received: Received) -> None:
        text = "&" + _pairs(self._signed(received), canonical.as_received)
        for key in received.document:
            if text.count(f"&{key}=") > 1:
                raise MalformedCallbackError("ambiguous", "message")

    def _bytes(self, piece: Piece, received: Received, secrets: Mapping[str, str], numbers: NumberStyle) -> bytes:
        if piece.word == "body":
            return received.request.body
        if piece.word == "message":
            return received.raw
        return self._value(piece, received, secrets, numbers).encode("utf-8", "surrogatepass")

    def _value(self, piece: Piece, received: Received, secrets: Mapping[str, str], numbers: NumberStyle) -> str:
        if piece.place:
            found = received.at(piece.place)
            return numbers(found) if isinstance(found, Number) else found or ""
        match piece.word:
            case "":
                return secrets.get(piece.secret, "") if piece.secret else piece.literal
            case "values":
                return "".join(_values(self._signed(received), numbers))
            case "pairs":
                return _pairs(self._signed(received), numbers)
            case "method":
                return received.request.method
            case _:
                return received.request.url

    def _signed(self, received: Received) -> dict[str, Any]:
        left_out = self.signature.name if self.signature.kind in {"field", "top"} else ""
        return {key: value for key, value in received.document.items() if key != left_out}


def read_template(text: str, where: str, signature: Place, rule: MessageRule) -> Template:
    """A template as it is written in the file; raises BrokenAdapterError."""
    pieces: list[Piece] = []
    end = 0
    for found in _BRACES.finditer(text):
        if found.start() > end:
            pieces.append(Piece(literal=text[end : found.start()]))
        pieces.append(_piece(found[1], where))
        end = found.end()
    if end < len(text):
        pieces.append(Piece(literal=text[end:]))
    if any("{" in piece.literal or "}" in piece.literal for piece in pieces):
        fault(where, "a brace is open or closed alone.")
    return Template(tuple(pieces), signature, rule)


def _piece(inside: str, where: str) -> Piece:
    kind, colon, name = inside.partition(":")
    if not colon:
        if inside not in WORDS:
            words = ", ".join(f"{{{word}}}" for word in sorted(WORDS))
            fault(where, f"{{{inside}}} is unknown; there are {words}, and {{field:…}}, {{header:…}}, {{secret:…}}.")
        return Piece(word=inside)
    return Piece(secret=name) if kind == "secret" else Piece(place=read_place(inside, where))


def _values(value: Any, numbers: NumberStyle) -> Iterator[str]:
    """All values, objects in the order of their keys and flattened in place."""
    if isinstance(value, dict):
        for key in sorted(value):
            yield from _values(value[key], numbers)
    elif isinstance(value, list):
        for item in value:
            yield from _values(item, numbers)
    else:
        yield _scalar(value, numbers)


def _pairs(document: Mapping[str, Any], numbers: NumberStyle) -> str:
    return "&".join(f"{key}={_scalar(document[key], numbers)}" for key in sorted(document))


def _scalar(value: Any, numbers: NumberStyle) -> str:
    text = as_text(value, "message")
    return numbers(text) if isinstance(text, Number) else text or ""
