"""VietinBank's nightly file of «thu hộ»: read `YYYYMMDD_<provider>_THUHOTKAO_IN.txt`, write the answer `…_OUT.txt`.

Lines            fields joined by `|`; 002 a movement of the day, 003 one added later, 009 the end. A first line that
                 names the columns (or a line 001) may stand before; without names the columns are those of COLUMNS.
Checksum         the last field of each line: MD5 in hex of its other fields, joined without separator, and the key
                 that both sides share for files. Of the last line the sources say this, or a sum over the whole file:
                 we expect the first.
Key              TransId, amount and transTime.
Our answer       the same lines with `reconcileStatus`: 00 both have it, 01 only the bank, 02 only we, 03 they differ.
Source           public integrations of the bank's reconciliation; no text of the bank's own was at hand.
Certified by the bank: no
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from bank_adapters import fields, signatures
from bank_adapters.contract import AdapterError, BankTransaction, Direction, MalformedCallbackError, Status

COLUMNS: Final = (
    *("recordType", "transId", "providerId", "merchantId", "bankCode", "branchCode", "custAcctNo"),
    *("recvVirtualAcctId", "recvVirtualAcctName", "custCode", "custName", "amount", "currencyCode"),
    *("payRefNo", "merchantAcctNo", "billCycle", "billId", "transTime", "status", "bankTransId"),
    *("addField1", "addField2", "addField3", "addField4", "addField5", "recordChecksum"),
)
ADDED: Final = COLUMNS[20:25]
LONGEST_BYTES: Final = 50 * 1024 * 1024
_NAME: Final = re.compile(r"(20\d{6})_([A-Za-z0-9]{1,32})_THUHOTKAO_IN\.txt", re.ASCII | re.IGNORECASE)
_DETAIL: Final = ("002", "003")
_END: Final = "009"


class ReconcileStatus(StrEnum):
    """What we answer about one movement."""

    MATCHED = "00"
    BANK_ONLY = "01"
    OURS_ONLY = "02"
    DIFFERS = "03"


class NightlyFileError(AdapterError, ValueError):
    """A file that is refused as a whole: `code` says why, `line` where (0: the name, or the file itself)."""

    def __init__(self, code: str, line: int = 0) -> None:
        self.code = code
        self.line: Final = line
        super().__init__(f"line {line}: {code.replace('_', ' ')}" if line else code.replace("_", " "))


@dataclass(frozen=True, slots=True)
class Line:
    """One movement: the fields as written, by their names, and as a transaction."""

    number: int
    kind: str
    told: Mapping[str, str]
    transaction: BankTransaction


@dataclass(frozen=True, slots=True)
class NightlyFile:
    """A file that was read whole."""

    day: date
    provider_id: str
    columns: tuple[str, ...]
    lines: tuple[Line, ...]
    end: tuple[str, ...]
    """Fields of the last line."""

    @property
    def answer_name(self) -> str:
        """How the bank expects our answer to be called."""
        return f"{self.day:%Y%m%d}_{self.provider_id}_THUHOTKAO_OUT.txt"


def read(name: str, data: bytes, key: str) -> NightlyFile:
    """Read a file by its name and bytes; every line must be right. Raises NightlyFileError naming the line."""
    named = _NAME.fullmatch(name)
    if named is None:
        raise NightlyFileError("bad_file_name")
    if len(data) > LONGEST_BYTES:
        raise NightlyFileError("too_large")
    numbered = list(_numbered(data))
    columns, numbered = _columns(numbered)
    if not numbered or numbered[-1][1][0] != _END:
        raise NightlyFileError("no_last_line", numbered[-1][0] if numbered else 0)
    *details, (end_number, end) = numbered
    lines = [_line(number, parts, columns, named[2], key) for number, parts in details]
    _require_end(end_number, end, lines, named[2], key)
    _require_distinct(lines)
    return NightlyFile(_day(named[1]), named[2], columns, tuple(lines), tuple(end))


def answer(
    file: NightlyFile, statuses: Sequence[ReconcileStatus], ours_only: Iterable[BankTransaction], key: str
) -> bytes:
    """Our file: each line of theirs with its status (in their order), then what only we have."""
    columns = (*file.columns[:-1], "reconcileStatus", file.columns[-1])
    rows = [(line.told, status) for line, status in zip(file.lines, statuses, strict=True)]
    rows += [(_told(one, file.provider_id), ReconcileStatus.OURS_ONLY) for one in ours_only]
    written = ["|".join(columns)]
    for told, status in rows:
        parts = [told.get(name, "") for name in file.columns[:-1]] + [status.value]
        written.append("|".join((*parts, checksum(parts, key))))
    end = [_END, file.provider_id, file.end[2] if len(file.end) > 2 else "", str(len(rows)), *file.end[4:5]]
    written.append("|".join((*end, checksum(end, key))))
    return ("\n".join(written) + "\n").encode()


def checksum(parts: Iterable[str], key: str) -> str:
    """MD5 of the fields and the key, as the bank's files have it; it keeps out slips of the pen, hardly an attacker."""
    return hashlib.md5("".join((*parts, key)).encode(), usedforsecurity=False).hexdigest()


def _numbered(data: bytes) -> Iterator[tuple[int, list[str]]]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise NightlyFileError("not_utf8", data[: error.start].count(b"\n") + 1) from None
    for number, line in enumerate(text.split("\n"), start=1):
        plain = line.rstrip("\r")
        if any(character < " " for character in plain):
            raise NightlyFileError("control_character", number)
        if plain.strip():
            yield number, [part.strip() for part in plain.split("|")]


def _columns(numbered: list[tuple[int, list[str]]]) -> tuple[tuple[str, ...], list[tuple[int, list[str]]]]:
    if not numbered:
        return COLUMNS, numbered
    number, first = numbered[0]
    names = first if len(first) > 1 else first[0].split(",")
    if names[0].strip().lower() == "recordtype":
        known = {name.lower(): name for name in COLUMNS}
        found = tuple(known.get(name.strip().lower(), "") for name in names)
        if set(found) != set(COLUMNS) or len(found) != len(COLUMNS) or found[-1] != COLUMNS[-1]:
            raise NightlyFileError("unknown_columns", number)
        return found, numbered[1:]
    return COLUMNS, numbered[1:] if first[0] == "001" else numbered


def _line(number: int, parts: list[str], columns: tuple[str, ...], provider_id: str, key: str) -> Line:
    if parts[0] not in _DETAIL:
        raise NightlyFileError("unknown_line", number)
    if len(parts) != len(columns):
        raise NightlyFileError("wrong_number_of_fields", number)
    _require_checksum(number, parts, key)
    told = dict(zip(columns, parts, strict=True))
    if told["providerId"] != provider_id:
        raise NightlyFileError("other_provider", number)
    try:
        return Line(number, parts[0], told, _transaction(told))
    except MalformedCallbackError as error:
        raise NightlyFileError(f"{error.code}_{error.where}", number) from None


def _require_checksum(number: int, parts: Sequence[str], key: str) -> None:
    if not signatures.same(parts[-1].lower(), checksum(parts[:-1], key)):
        raise NightlyFileError("wrong_checksum", number)


def _require_end(number: int, end: Sequence[str], lines: Sequence[Line], provider_id: str, key: str) -> None:
    if len(end) != 6:
        raise NightlyFileError("wrong_number_of_fields", number)
    _require_checksum(number, end, key)
    if end[1] != provider_id:
        raise NightlyFileError("other_provider", number)
    # Some count the movements of the day only.
    counts = {str(len(lines)), str(sum(line.kind == "002" for line in lines))}
    if end[3].lstrip("0") not in {count.lstrip("0") for count in counts}:
        raise NightlyFileError("wrong_number_of_lines", number)


def _require_distinct(lines: Sequence[Line]) -> None:
    seen: set[tuple[str, int, str]] = set()
    for line in lines:
        name = (line.told["transId"], line.transaction.amount_vnd, line.told["transTime"])
        if name in seen:
            raise NightlyFileError("repeated_key", line.number)
        seen.add(name)


def _transaction(told: Mapping[str, str]) -> BankTransaction:
    if told["currencyCode"] not in ("", "VND"):
        raise MalformedCallbackError("bad_currency", "currencyCode")
    txn_id = fields.identifier(told, "transId")
    return BankTransaction(
        provider_txn_id=txn_id,
        bank_reference=fields.optional_identifier(told, "bankTransId"),
        amount_vnd=fields.amount_vnd(told, "amount"),
        direction=Direction.credit,
        status=Status.settled if told["status"] in ("", "00") else Status.failed,
        occurred_at=fields.moment(told, "transTime"),
        description=" ".join(told[name] for name in ADDED if told[name]),
        account_number=fields.optional_identifier(told, "merchantAcctNo"),
        virtual_account=fields.optional_identifier(told, "recvVirtualAcctId"),
        customer_code=fields.optional_identifier(told, "custCode"),
        order_ref=fields.optional_identifier(told, "billId"),
        dedup_key=txn_id,
    )


def _told(one: BankTransaction, provider_id: str) -> dict[str, str]:
    """A movement that only we have, as a line of theirs; it came as a notice."""
    return {
        "recordType": "002",
        "transId": one.provider_txn_id,
        "providerId": provider_id,
        "recvVirtualAcctId": one.virtual_account or "",
        "custCode": one.customer_code or "",
        "amount": str(one.amount_vnd),
        "currencyCode": "VND",
        "billId": one.order_ref or "",
        "transTime": one.occurred_at.astimezone(fields.VIETNAM).strftime("%Y%m%d%H%M%S"),
        "status": "00",
        "bankTransId": one.bank_reference or "",
    }


def _day(text: str) -> date:
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        raise NightlyFileError("bad_file_name") from None
