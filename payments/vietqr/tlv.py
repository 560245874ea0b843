"""The EMVCo text form: objects of a two-digit id, a two-digit length in characters and a value.

Sources: EMVCo QR Code Specification for Payment Systems (merchant-presented mode) and NAPAS's VietQR
format v1.0 §5.1. LENGTH counts characters; the CRC runs over the UTF-8 bytes.
"""

from binascii import crc_hqx
from typing import NamedTuple

from payments.vietqr.errors import VietQRError

HEADER = 4
CRC_ID = "63"
CRC_HEADER = "6304"
CRC_LENGTH = 4


class Field(NamedTuple):
    """One object as it stands in a text; ``path`` like "38.01", ``offset`` of its id in characters."""

    path: str
    value: str
    offset: int

    @property
    def id(self) -> str:
        """The last two digits of the path."""
        return self.path[-2:]


def crc(text: str) -> str:
    """CRC-16/CCITT-FALSE over the UTF-8 bytes, four upper-case hexadecimal digits.

    Raises UnicodeEncodeError for lone surrogates, which no UTF-8 text can hold.
    """
    return f"{crc_hqx(text.encode(), 0xFFFF):04X}"


def read_root(text: str) -> list[Field]:
    """Split a whole payload into its root objects, ids unique, 00 first and 63 last; the CRC is not checked.

    Raises VietQRError with one of the structure codes of the vocabulary.
    """
    _check_start(text)
    fields: list[Field] = []
    offset = 0
    while offset < len(text):
        field = _next_root_field(text, offset)
        fields.append(field)
        offset += HEADER + len(field.value)
        if field.id == CRC_ID:
            break
    _check_root(text, fields, end=offset)
    return fields


def read_template(parent: Field) -> list[Field]:
    """Split the value of a template; raises VietQRError bad_length, zero_length or duplicate_id."""
    fields: list[Field] = []
    value, position = parent.value, 0
    while position < len(value):
        header = value[position : position + HEADER]
        path, offset = f"{parent.path}.{header[:2]}", parent.offset + HEADER + position
        if len(header) < HEADER or not _is_digits(header):
            raise VietQRError("bad_length", parent.path, offset)
        length = int(header[2:])
        if length == 0:
            raise VietQRError("zero_length", path, offset)
        position += HEADER
        if position + length > len(value):
            raise VietQRError("bad_length", path, offset)
        fields.append(Field(path, value[position : position + length], offset))
        position += length
    _check_unique(fields)
    return fields


def _check_start(text: str) -> None:
    if not text:
        raise VietQRError("empty", "", 0)
    if text[0].isspace():
        raise VietQRError("leading_space", "", 0)
    if len(text) < HEADER or not _is_digits(text[:HEADER]):
        raise VietQRError("not_emv", "", 0)


def _next_root_field(text: str, offset: int) -> Field:
    header = text[offset : offset + HEADER]
    if not _is_digits(header):
        raise VietQRError("bad_length", "", offset)
    path = header[:2]
    rest = len(text) - offset - HEADER
    if rest < 0:
        raise _misfit(text, path if len(path) == 2 else "", offset)
    length = int(header[2:])
    if length == 0:
        raise VietQRError("zero_length", path, offset)
    if path == CRC_ID and length <= CRC_LENGTH and 0 < min(length, rest) < CRC_LENGTH:
        raise VietQRError("bad_crc_length", path, offset)
    if length > rest:
        raise _misfit(text, path, offset)
    if path == CRC_ID and length > CRC_LENGTH:
        raise VietQRError("bad_length", path, offset)
    return Field(path, text[offset + HEADER : offset + HEADER + length], offset)


def _misfit(text: str, path: str, offset: int) -> VietQRError:
    """The text ends inside an object: cut off, unless its end proves that it is whole."""
    return VietQRError("bad_length" if _is_sealed(text) else "truncated", path, offset)


def _is_sealed(text: str) -> bool:
    """Tell whether the text ends with its own right CRC, so that nothing was cut off."""
    try:
        return crc(text[:-CRC_LENGTH]) == text[-CRC_LENGTH:].upper()
    except UnicodeEncodeError:
        return False


def _check_root(text: str, fields: list[Field], end: int) -> None:
    last = fields[-1]
    if end < len(text):
        fields = fields + _objects_after_crc(text, end)
    _check_unique(fields)
    if fields[0].path != "00":
        raise VietQRError("bad_order", fields[0].path, 0)
    if fields[-1] is not last:
        raise VietQRError("bad_order", CRC_ID, last.offset)
    if last.path != CRC_ID:
        if text[:-CRC_LENGTH].endswith(CRC_HEADER) and _is_sealed(text):
            raise VietQRError("bad_length", last.path, last.offset)  # it swallowed the CRC
        raise VietQRError("missing_crc", CRC_ID, len(text))


def _objects_after_crc(text: str, end: int) -> list[Field]:
    """Well-formed objects after the CRC (it stands in the wrong place); anything else is left-over text.

    So is a second payload: it was copied twice.
    """
    if text.startswith("00") and text.startswith("00", end):
        raise VietQRError("trailing_data", CRC_ID, end)
    try:
        return [field._replace(path=field.id) for field in read_template(Field("", text[end:], end - HEADER))]
    except VietQRError:
        raise VietQRError("trailing_data", CRC_ID, end) from None


def _check_unique(fields: list[Field]) -> None:
    seen: set[str] = set()
    for field in fields:
        if field.path in seen:
            raise VietQRError("duplicate_id", field.path, field.offset)
        seen.add(field.path)


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdigit()
