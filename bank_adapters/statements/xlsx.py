"""XLSX workbooks: parts found by their relationships, sheets streamed cell by cell.

Our own reader, because the fast library allocates the whole rectangle that a sheet spans and copies a shared
text into every cell that names it: a file of some kilobytes can end the process (docs/adr).
"""

import posixpath
import re

from bank_adapters.statements.errors import StatementError
from bank_adapters.statements.rows import Sheet, SheetBuilder, too_many
from bank_adapters.statements.safe_xml import Record, RecordTarget, feed, local_name
from bank_adapters.statements.xlsx_sheet import MAX_CELL_CHARS, SheetTarget, Workbook
from bank_adapters.statements.zip_guard import ZipPackage, broken

MAX_SHARED_STRINGS = 1_000_000
MAX_STYLES = 65_536
MAX_SHEETS = 50
DEFAULT_WORKBOOK = "xl/workbook.xml"
# Built-in number formats that show a day (ECMA-376 part 1, 18.8.30, and the East Asian ones).
BUILT_IN_DATES = frozenset([*range(14, 18), 22, *range(27, 32), 36, *range(50, 59)])
_LITERALS = re.compile(r'"[^"]*"|\\.|_.|\*.|\[[^\]]*\]')
_DOCUMENT = "/officeDocument"


def read(data: bytes) -> list[Sheet]:
    """Read the visible sheets of a workbook; raises StatementError."""
    package = ZipPackage(data)
    path = workbook_path(package)
    relations = relationships(package, path)
    sheets, epoch_1904 = sheet_list(package, path)
    workbook = Workbook(
        strings=shared_strings(package, part_of(relations, "/sharedStrings")),
        date_styles=date_styles(package, part_of(relations, "/styles")),
        epoch_1904=epoch_1904,
    )
    found: list[Sheet] = []
    cells = 0
    for name, relation in sheets:
        if relation not in relations:
            raise broken(path)
        kind, target = relations[relation]
        if not kind.endswith("/worksheet"):
            continue  # a chart sheet has no cells
        builder = SheetBuilder(name, cells, epoch_1904=epoch_1904)
        feed(package.stream(target), SheetTarget(workbook, builder), name)
        cells = builder.cells
        found.append(builder.sheet())
    return found


def workbook_path(package: ZipPackage) -> str:
    """Find the workbook by the package's relationships, or where every program puts it."""
    if "_rels/.rels" in package:
        for kind, target in relationships(package, "").values():
            if kind.endswith(_DOCUMENT):
                return target
    if DEFAULT_WORKBOOK in package:
        return DEFAULT_WORKBOOK
    raise StatementError(
        "unknown_format",
        "",
        "Tệp nén này không phải bảng tính XLSX. Hãy mở tệp và lưu dạng XLSX rồi nộp lại.",
        "This container is not an XLSX workbook. Open the file, save it as XLSX and send that.",
    )


def records_of(package: ZipPackage, path: str, *names: str, limit: int) -> list[tuple[Record, str]]:
    """Return the elements of a part by name, each with the name of the element around it."""
    found: list[tuple[Record, str]] = []

    def take(record: Record, parents: tuple[str, ...]) -> None:
        if len(found) >= limit:
            raise too_many(path)
        found.append((record, parents[-1] if parents else ""))

    feed(package.stream(path), RecordTarget(frozenset(names), take), path)
    return found


def relationships(package: ZipPackage, path: str) -> dict[str, tuple[str, str]]:
    """Return kind and part of each relationship of a part; those that leave the package are left out."""
    folder, name = posixpath.split(path)
    relations = posixpath.join(folder, "_rels", f"{name}.rels")
    if relations not in package:
        return {}
    found: dict[str, tuple[str, str]] = {}
    for record, _ in records_of(package, relations, "Relationship", limit=MAX_STYLES):
        if record.attributes.get("TargetMode") == "External":
            continue
        target = record.attributes.get("Target", "")
        whole = target if target.startswith("/") else posixpath.join("/", folder, target)
        found[record.attributes.get("Id", "")] = (
            record.attributes.get("Type", ""),
            posixpath.normpath(whole).lstrip("/"),
        )
    return found


def part_of(relations: dict[str, tuple[str, str]], kind: str) -> str | None:
    """Return the part of the first relationship of a kind."""
    return next((target for found, target in relations.values() if found.endswith(kind)), None)


def sheet_list(package: ZipPackage, path: str) -> tuple[list[tuple[str, str]], bool]:
    """Return name and relationship of each visible sheet, and whether days count from 1904."""
    sheets: list[tuple[str, str]] = []
    epoch_1904 = False
    for record, _ in records_of(package, path, "sheet", "workbookPr", limit=MAX_STYLES):
        if record.name == "workbookPr":
            epoch_1904 = record.attributes.get("date1904", "0") in ("1", "true")
        elif record.attributes.get("state", "visible") == "visible":
            relation = next(
                (value for key, value in record.attributes.items() if key.startswith("{") and local_name(key) == "id"),
                "",
            )
            sheets.append((record.attributes.get("name", "")[:64], relation))
    if not sheets:
        raise broken(path)
    if len(sheets) > MAX_SHEETS:
        raise too_many(path)
    return sheets, epoch_1904


def shared_strings(package: ZipPackage, path: str | None) -> list[str]:
    """Return the texts that cells share; phonetic hints are no part of a text."""
    if path is None:
        return []
    return [shared_string(record, path) for record, _ in records_of(package, path, "si", limit=MAX_SHARED_STRINGS)]


def shared_string(record: Record, path: str) -> str:
    """Join the runs of one shared text; raises StatementError when no cell could hold it."""
    text = "".join(part for place, part in record.leaves if place in ("t", "r/t"))
    if len(text) > MAX_CELL_CHARS:
        raise broken(path)
    return text


def date_styles(package: ZipPackage, path: str | None) -> frozenset[int]:
    """Return the numbers of the cell styles that show a day."""
    if path is None:
        return frozenset()
    formats: dict[str, bool] = {}
    dates: list[int] = []
    position = 0
    for record, parent in records_of(package, path, "numFmt", "xf", limit=MAX_STYLES):
        if record.name == "numFmt":
            formats[record.attributes.get("numFmtId", "")] = shows_a_day(record.attributes.get("formatCode", ""))
        elif parent == "cellXfs":
            number = record.attributes.get("numFmtId", "0")
            if formats.get(number, number.isascii() and number.isdigit() and int(number[:9]) in BUILT_IN_DATES):
                dates.append(position)
            position += 1
    return frozenset(dates)


def shows_a_day(code: str) -> bool:
    """Tell whether a number format shows days or years; times alone are no day."""
    bare = _LITERALS.sub("", code).partition(";")[0].lower()
    return "d" in bare or "y" in bare
