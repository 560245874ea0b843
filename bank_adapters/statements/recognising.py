"""Which layout a sheet is in: the one that names the most columns, never a guess between two."""

from collections.abc import Sequence

from bank_adapters.statements.errors import StatementError
from bank_adapters.statements.headers import SEARCHED_ROWS, Header, find_among, folded, labels_of, row_names
from bank_adapters.statements.layouts import Layout
from bank_adapters.statements.rows import Sheet
from bank_adapters.statements.values import text_of

LEDGER_WORDS = frozenset({"tk doi ung", "ngay ghi so", "ngay hach toan", "so chung tu", "ngay chung tu", "chung tu"})


def recognise(sheet: Sheet, layouts: Sequence[Layout]) -> tuple[Layout, Header] | None:
    """Choose the layout that names the most columns, and whose bank is named above them if several do.

    Raises StatementError when two of them would read the sheet differently.
    """
    searched = [row_names(row) for row in sheet.rows[:SEARCHED_ROWS]]
    found = [(layout, header) for layout in layouts if (header := find_among(searched, layout.columns))]
    if not found:
        return None
    for layout, header in found:
        refuse_ledger(sheet, layout, header)
    most = max(len(header.columns) for _, header in found)
    best = [(layout, header) for layout, header in found if len(header.columns) == most]
    named = [(layout, header) for layout, header in best if names_bank(sheet, layout, header)]
    best = named or best
    if any(reading(*one) != reading(*best[0]) for one in best):
        names = ", ".join(layout.name for layout, _ in best)
        raise StatementError(
            "unknown_layout",
            sheet.name,
            f"Tiêu đề cột khớp với nhiều mẫu ({names}) mà mỗi mẫu đọc một cách. Hãy chọn mẫu của ngân hàng.",
            f"The header fits several layouts ({names}) that read it differently. Choose the bank's layout.",
        )
    return best[0]


def refuse_ledger(sheet: Sheet, layout: Layout, header: Header) -> None:
    """Refuse the school's books: there money that came in is a debit, so read as a statement they turn it round."""
    heads = sheet.rows[header.first : header.body]
    names = {name for row in heads for cell in row.cells for name in labels_of(cell)}
    if layout.source and not names.isdisjoint(LEDGER_WORDS):  # a layout that the school confirmed has no source
        raise StatementError(
            "unknown_layout",
            heads[0].place(),
            "Đây là sổ kế toán (có cột chứng từ hoặc TK đối ứng), không phải sao kê ngân hàng. Hãy nộp ở mục sổ kế "
            "toán.",
            "These are the school's books (they have vouchers or contra accounts), no bank statement. Import them as "
            "books.",
        )


def names_bank(sheet: Sheet, layout: Layout, header: Header) -> bool:
    """Tell whether the name of a layout's bank stands above the table, or names the sheet."""
    texts = [sheet.name, *(text_of(cell) for row in sheet.rows[: header.first] for cell in row.cells)]
    return any(f" {hint} " in f" {folded(text)} " for text in texts for hint in layout.hints)


def reading(layout: Layout, header: Header) -> tuple[object, ...]:
    """Return all of a layout that decides what a sheet is read as."""
    return header, layout.account, layout.opening, layout.closing, layout.totals, layout.ignored
