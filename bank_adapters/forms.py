"""Form bodies (`a=1&b=2`) as money needs them: one reading or none."""

from typing import Final
from urllib.parse import parse_qsl

from bank_adapters.errors import MalformedCallbackError

MAX_FIELDS: Final = 64


def load(body: bytes) -> dict[str, str]:
    """Name -> value of every field, decoded; raises MalformedCallbackError for names given twice, NUL and bad UTF-8."""
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
    except ValueError:
        raise MalformedCallbackError("not_a_form") from None
    if len(dict(pairs)) != len(pairs):
        raise MalformedCallbackError("duplicate_key")
    if any("\0" in text for pair in pairs for text in pair):
        raise MalformedCallbackError("nul_character")
    return dict(pairs)
