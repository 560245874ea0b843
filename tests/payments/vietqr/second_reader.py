"""A second reader, written from the rules alone: slow, naive and without one line of the program.

It knows the verdict («what is wrong first»), not the place; where the two disagree, one of them is wrong.
"""

import re

DIGITS = set("0123456789")


class VerdictError(Exception):
    """The code of the first fault."""


def judge(text):
    """The code of the first fault, or None for a good payload."""
    try:
        _judge(text)
    except VerdictError as verdict:
        return str(verdict)
    return None


def crc(text):
    """CRC-16, polynomial 1021, bit by bit."""
    register = 0xFFFF
    for byte in text.encode():
        register ^= byte << 8
        for _ in range(8):
            register = (register << 1 ^ 0x1021 if register & 0x8000 else register << 1) & 0xFFFF
    return f"{register:04X}"


def _judge(text):
    _require(text != "", "empty")
    _require(not text[0].isspace(), "leading_space")
    _require(len(text) >= 4 and set(text[:4]) <= DIGITS, "not_emv")
    root, rest = _root(text)
    ids = [id_ for id_, _ in root + rest]
    _require(len(ids) == len(set(ids)), "duplicate_id")
    _require(ids[0] == "00" and not rest, "bad_order")
    if ids[-1] != "63":
        _refuse("bad_length" if text[-8:-4] == "6304" and _ends_with_its_crc(text) else "missing_crc")
    ours, bank = _receiver(root)
    _require(_ends_with_its_crc(text), "bad_crc")
    _judge_fields(dict(root), ours, bank)


def _root(text):
    """The objects up to the CRC, and those behind it."""
    objects, at = [], 0
    while at < len(text) and "63" not in dict(objects):
        header = text[at : at + 4]
        _require(set(header) <= DIGITS, "bad_length")
        length = int(header[2:] or 0) if len(header) == 4 else 99
        value = text[at + 4 : at + 4 + length]
        _require(length > 0, "zero_length")
        if header[:2] == "63" and len(header) == 4:
            _require(length > 4 or not value or len(value) == 4, "bad_crc_length")
        if len(value) < length:
            _refuse("bad_length" if _ends_with_its_crc(text) else "truncated")
        _require(header[:2] != "63" or length == 4, "bad_length")
        objects.append((header[:2], value))
        at += 4 + length
    return objects, _behind(text, text[at:])


def _behind(text, rest):
    _require(not (text.startswith("00") and rest.startswith("00")), "trailing_data")
    objects = []
    while rest:
        found = re.match("([0-9]{2})([0-9]{2})", rest)
        length = int(found[2]) if found else 0
        _require(0 < length <= len(rest) - 4, "trailing_data")
        _require(found[1] not in dict(objects), "trailing_data")
        objects.append((found[1], rest[4 : 4 + length]))
        rest = rest[4 + length :]
    return objects


def _receiver(root):
    """Take all templates apart, in the order of the text; return 38 and 38.01."""
    ours, bank = {}, {}
    for id_, value in root:
        parts = _template(value) if 26 <= int(id_) <= 51 or id_ in ("62", "64") else {}
        if id_ == "38":
            ours = parts
            bank = _template(ours["01"]) if ours.get("00") == "A000000727" and "01" in ours else {}
    return ours, bank


def _template(value):
    found = {}
    while value:
        header = re.match("([0-9]{2})([0-9]{2})", value)
        _require(header, "bad_length")
        length = int(header[2])
        _require(length > 0, "zero_length")
        _require(len(value) >= 4 + length, "bad_length")
        found.setdefault(header[1], []).append(value[4 : 4 + length])
        value = value[4 + length :]
    _require(all(len(values) == 1 for values in found.values()), "duplicate_id")
    return {id_: values[0] for id_, values in found.items()}


def _judge_fields(fields, ours, bank):
    _require(fields["00"] == "01", "bad_version")
    _require(fields.get("01", "11") in ("11", "12"), "bad_init")
    if "38" in fields:
        _require(ours.get("00") == "A000000727", "not_vietqr")
        _require(re.fullmatch("[0-9]{6}", bank.get("00", "")), "bad_bin")
        _require(len(bank.get("01", "")) <= 19, "account_too_long")
        _require(re.fullmatch("[ -~]+", bank.get("01", "")), "bad_account")
        _require("02" in ours or "02" not in bank, "bad_structure")
        _require("02" in ours, "missing_service")
        _require(ours["02"] in ("QRIBFTTA", "QRIBFTTC"), "bad_service")
    _require(any(2 <= int(id_) <= 51 for id_ in fields), "not_vietqr")
    _require("53" in fields, "missing_currency")
    _require(fields["53"] == "704", "bad_currency")
    amount = fields.get("54", "1")
    _require(len(amount) <= 13, "amount_too_long")
    _require(re.fullmatch(r"[0-9]+\.?", amount) and amount.strip("0.") != "", "bad_amount")
    _require("58" in fields, "missing_country")
    _require(fields["58"] == "VN", "bad_country")


def _ends_with_its_crc(text):
    try:
        return crc(text[:-4]) == text[-4:].upper()
    except UnicodeEncodeError:
        return False


def _require(condition, code):
    if not condition:
        _refuse(code)


def _refuse(code):
    raise VerdictError(code)
