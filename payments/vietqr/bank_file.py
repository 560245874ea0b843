"""The CSV file of banks: the shipped list, and newer ones that an operator imports."""

import csv
import io
import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

from payments.errors import DomainError
from payments.vietqr.banks import COLUMNS, Bank, Registry

REQUIRED = ("bin", "code", "short_name", "name")
MAX_BYTES = 1_000_000
_BIN = re.compile("[0-9]{6}")


class BankFileError(DomainError):
    """The file cannot replace the list; ``problems`` names each line and column in Vietnamese."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__(
            "bad_bank_file",
            "Danh sách ngân hàng có lỗi: " + "; ".join(problems[:10]),
            f"The list of banks has {len(problems)} faults: " + "; ".join(problems[:10]),
        )
        self.problems = tuple(problems)


@cache
def shipped() -> Registry:
    """The list that comes with the program."""
    return read_registry(files("payments.vietqr").joinpath("banks.csv").read_bytes())


def read_registry(content: bytes) -> Registry:
    """Read a whole list or refuse it; unknown columns are ignored, missing optional ones are empty.

    Raises BankFileError.
    """
    rows = list(_rows(_text(content)))
    problems = [problem for line, row in rows for problem in _row_problems(line, row)]
    seen: dict[str, int] = {}
    for line, row in rows:
        first = seen.setdefault(row["bin"], line)
        if first != line:
            problems.append(f"dòng {line}: BIN {row['bin']} đã có ở dòng {first}")
    if problems:
        raise BankFileError(problems)
    return Registry(Bank(**row) for _, row in rows)


def _text(content: bytes) -> str:
    if len(content) > MAX_BYTES:
        raise BankFileError([f"tệp lớn hơn {MAX_BYTES} byte"])
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BankFileError(["tệp không phải UTF-8"]) from None


def _rows(text: str) -> Iterator[tuple[int, dict[str, str]]]:
    reader = csv.DictReader(io.StringIO(text, newline=""), restval="")
    try:
        missing = [column for column in REQUIRED if column not in (reader.fieldnames or ())]
        if missing:
            raise BankFileError([f"thiếu cột {', '.join(missing)}"])
        for row in reader:
            yield reader.line_num, {column: str(row.get(column) or "").strip() for column in COLUMNS}
    except csv.Error as error:
        raise BankFileError([f"dòng {reader.line_num}: không đọc được CSV"]) from error


def _row_problems(line: int, row: dict[str, str]) -> Iterator[str]:
    if not _BIN.fullmatch(row["bin"]):
        yield f"dòng {line}, cột bin: phải gồm đúng 6 chữ số"
    for column in ("short_name", "name"):
        if not row[column]:
            yield f"dòng {line}, cột {column}: để trống"
