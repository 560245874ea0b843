"""A table that no layout knows: where its header stands, what each column seems to hold, and the layout of a choice.

Pure. The guess is only ever shown to a person; what they confirm becomes a layout, as the files in layouts/ are.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, permutations

from bank_adapters.statements.errors import StatementError
from bank_adapters.statements.headers import SEARCHED_ROWS, row_names, stacked
from bank_adapters.statements.layouts import Layout
from bank_adapters.statements.rows import Row, Sheet, column_letters
from bank_adapters.statements.spreadsheet import has_day
from bank_adapters.statements.values import Value, is_blank, parse_amount, text_of

LOOKED_AT = 200
"""Rows below the header: enough to see what a column holds."""
MOST = 0.8
"""So much of what a column shows must be of one kind."""
SMALLEST_AMOUNT = 1000
"""In đồng; smaller whole numbers count rows."""
WORDS: Mapping[str, tuple[str, ...]] = {
    "value_date": ("hieu luc", "value date"),
    "document_date": ("ngay ct", "ngay chung tu"),
    "booked_on": ("ngay", "date", "thoi gian"),
    "balance": ("so du", "balance", "con lai"),
    "side": ("d/c", "dr/cr", "loai gd", "no/co"),
    "debit": ("no", "debit", "rut ra", "chi", "tien ra", "out"),
    "credit": ("co", "credit", "nop vao", "thu", "tien vao", "in"),
    "contra_account": ("doi ung",),
    "amount": ("so tien", "amount", "thanh tien"),
    "bank_reference": ("tham chieu", "but toan", "ma gd", "ma giao dich", "reference", "ref", "trace"),
    "document_no": ("chung tu", "so phieu", "so ct"),
    "counterparty": ("doi tac", "nguoi chuyen", "nguoi huong"),
    "payer": ("nguoi nop", "ho ten", "ho va ten"),
    "account": ("tai khoan", "tk"),
    "reference": ("ma thanh toan",),
    "description": ("noi dung", "dien giai", "mo ta", "ly do", "details", "description", "remark"),
}
"""Words of header cells, the more special ones first; a whole word must be there."""
DATES = frozenset({"booked_on", "value_date", "document_date"})
AMOUNTS = frozenset({"debit", "credit", "amount", "balance", "balance_debit", "balance_credit"})


@dataclass(frozen=True, slots=True)
class Guess:
    """What a column seems to be, and by what: words, values or balance; None: nothing that is needed."""

    column: int
    title: str
    role: str | None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Survey:
    """Where the header seems to stand (position in the sheet's rows) and what each column seems to be."""

    header: int
    two_rows: bool
    guesses: tuple[Guess, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """What a person says about a sheet; columns are counted from 0, rows by position."""

    name: str
    header: int
    two_rows: bool
    columns: Mapping[str, int]
    words: Mapping[str, Sequence[str]]
    """account, opening, closing, totals, ignored, cash."""


def survey(sheet: Sheet, known: Sequence[Layout], roles: frozenset[str]) -> Survey:
    """Guess the header and the columns of a sheet; `known` lend their names, `roles` are those to be found."""
    header, two_rows = header_of(sheet)
    return look_below(sheet, header, known, roles, two_rows=two_rows)


def look_below(sheet: Sheet, header: int, known: Sequence[Layout], roles: frozenset[str], *, two_rows: bool) -> Survey:
    """Guess the columns below a header that is known."""
    names = names_of(sheet, header, two_rows=two_rows)
    below = sheet.rows[header + 1 : header + 1 + LOOKED_AT]
    body = [row for row in below if is_data(row)] or below
    width = max((len(row.cells) for row in sheet.rows[header : header + 1 + LOOKED_AT]), default=0)
    names += [frozenset()] * (width - len(names))
    found: dict[int, tuple[str, str]] = {}
    money = [column for column in range(width) if holds(body, column, is_amount)]
    days = [column for column in range(width) if holds(body, column, is_day)]
    for column, role in running(body, money).items():
        found[column] = role, "balance"
    by_words(names, known, found, kinds_allowed(days, money, width), roles)
    by_values(body, days, width, found, roles)
    titles = [titled(sheet, header, column, two_rows=two_rows) for column in range(width)]
    empty = ("", "")
    return Survey(
        header,
        two_rows,
        tuple(
            Guess(column, titles[column], found.get(column, empty)[0] or None, found.get(column, empty)[1])
            for column in range(width)
        ),
    )


def header_of(sheet: Sheet) -> tuple[int, bool]:
    """Return the position of the last header row, and whether the row above belongs to it."""
    rows = sheet.rows[:SEARCHED_ROWS]
    first = next((place for place, row in enumerate(rows) if is_data(row)), None)
    if first is None:
        return 0, False
    place = first - 1
    while place > 0 and texts_in(rows[place]) < 2:
        place -= 1
    place = max(place, 0)
    return place, place > 0 and is_upper_half(rows[place - 1], rows[place])


def is_upper_half(above: Row, header: Row) -> bool:
    """Tell whether a row names columns that the row below leaves open, as the upper half of a header does."""
    if above.number != header.number - 1 or texts_in(above) < 2:
        return False
    return any(is_blank(header.cell(column)) and not is_blank(cell) for column, cell in enumerate(above.cells))


def is_data(row: Row) -> bool:
    """Tell whether a row shows a day and an amount."""
    cells = range(len(row.cells))
    return any(is_day(row.cell(column)) for column in cells) and any(is_amount(row.cell(column)) for column in cells)


def texts_in(row: Row) -> int:
    """Count the cells that could name a column."""
    return sum(1 for cell in row.cells if isinstance(cell, str) and any(map(str.isalpha, cell)) and not is_day(cell))


def is_day(value: Value) -> bool:
    """Tell whether a cell begins with a day; a bare number is none here."""
    return not isinstance(value, int) and has_day(Row("", 0, (value,)), 0)


def is_amount(value: Value) -> bool:
    """Tell whether a cell shows đồng: a whole number that is not small, or grouped digits."""
    if is_blank(value) or is_day(value):
        return False
    try:
        amount = parse_amount(value, "")
    except StatementError:
        return False
    grouped = isinstance(value, str) and any(mark in value for mark in ".,")
    return amount is not None and ((abs(amount) >= SMALLEST_AMOUNT and len(str(abs(amount))) <= 12) or grouped)


def holds(rows: Sequence[Row], column: int, is_kind: Callable[[Value], bool]) -> bool:
    """Tell whether most of what a column shows is of a kind; zeros and empty cells say nothing."""
    shown = [row.cell(column) for row in rows if text_of(row.cell(column)) not in ("", "0", "-")]
    hits = sum(map(is_kind, shown))
    return hits > 0 and hits >= MOST * len(shown)


def running(rows: Sequence[Row], money: Sequence[int]) -> dict[int, str]:
    """Find the balance that runs, with the debit and credit, or the one signed amount, that make it run."""
    for balance in money:
        others = [column for column in money if column != balance]
        for debit, credit in permutations(others, 2):
            if runs(rows, balance, debit, credit):
                return {balance: "balance", debit: "debit", credit: "credit"}
        for amount in others:
            if runs(rows, balance, None, amount):
                return {balance: "balance", amount: "amount"}
    return {}


def runs(rows: Sequence[Row], balance: int, debit: int | None, credit: int) -> bool:
    """Tell whether each balance follows from the one before, or from the one after where the newest comes first."""
    stated = [
        (amount_in(row, balance), (amount_in(row, credit) or 0) - (amount_in(row, debit) or 0))
        for row in rows
        if amount_in(row, balance) is not None
    ]
    pairs = list(pairwise(stated))
    if len(pairs) < 2 or not any(moved for _, moved in stated):
        return False
    down = sum(1 for before, after in pairs if after[0] == (before[0] or 0) + after[1])
    up = sum(1 for before, after in pairs if before[0] == (after[0] or 0) + before[1])
    return max(down, up) >= MOST * len(pairs)


def amount_in(row: Row, column: int | None) -> int | None:
    """The amount of a cell, None where it shows none."""
    try:
        return None if column is None else parse_amount(row.cell(column), "")
    except StatementError:
        return None


def kinds_allowed(days: Sequence[int], money: Sequence[int], width: int) -> dict[int, frozenset[str]]:
    """What a column can be by its values; an empty one can be anything."""
    rest = frozenset(WORDS) - DATES - AMOUNTS
    found = dict.fromkeys(range(width), rest | AMOUNTS)
    found.update(dict.fromkeys(days, DATES))
    found.update(dict.fromkeys(money, AMOUNTS))
    return found


def by_words(
    names: Sequence[frozenset[str]],
    known: Sequence[Layout],
    found: dict[int, tuple[str, str]],
    allowed: Mapping[int, frozenset[str]],
    roles: frozenset[str],
) -> None:
    """Give columns the roles that their names say: as a known layout calls them, else by a word."""
    aliases: dict[str, set[str]] = defaultdict(set)
    for column in (column for layout in known for column in layout.columns):
        aliases[column.name] |= set(column.aliases)
    taken = {role for role, _ in found.values()}
    blocked = {"amount", "side"} if taken & {"debit", "credit"} else {"debit", "credit"} if "amount" in taken else set()
    for exact in (True, False):
        for role in (one for one in WORDS if one in roles and one not in taken | blocked):
            free = [place for place in range(len(names)) if place not in found and role in allowed[place]]
            hits = [place for place in free if named(names[place], role, aliases[role], exact=exact)]
            if hits:
                found[hits[0]] = role, "words"
                taken.add(role)


def named(names: frozenset[str], role: str, aliases: set[str], *, exact: bool) -> bool:
    """Tell whether a column goes by a name of a role."""
    if exact:
        return bool(names & aliases)
    return any(f" {word} " in f" {name} " for word in WORDS[role] for name in names)


def by_values(
    rows: Sequence[Row], days: Sequence[int], width: int, found: dict[int, tuple[str, str]], roles: frozenset[str]
) -> None:
    """Give roles to columns whose names said nothing: days, one-word references, the longest text."""
    taken = {role for role, _ in found.values()}
    for column in days:
        role = next((one for one in ("booked_on", "value_date", "document_date") if one in roles - taken), None)
        if column not in found and role is not None:
            found[column] = role, "values"
            taken.add(role)
    texts = {column: [text_of(row.cell(column)) for row in rows] for column in range(width) if column not in found}
    longest = max(texts, key=lambda column: sum(map(len, texts[column])), default=None)
    if longest is not None and "description" not in taken and any(map(str.isalpha, "".join(texts[longest]))):
        found[longest] = "description", "values"
        texts.pop(longest)
    coding = "bank_reference" if "bank_reference" in roles else "document_no"
    for column, shown in texts.items():
        words = [text for text in shown if text]
        coded = len(words) > 1 and len(set(words)) == len(words)
        if coding not in taken and coded and all(" " not in text and len(text) > 4 for text in words):
            found[column] = coding, "values"
            return


def names_of(sheet: Sheet, header: int, *, two_rows: bool) -> list[frozenset[str]]:
    """The names that each column goes by."""
    row = sheet.rows[header]
    if two_rows and header > 0:
        return stacked(row_names(sheet.rows[header - 1]), row_names(row))
    return row_names(row)


def titled(sheet: Sheet, header: int, column: int, *, two_rows: bool) -> str:
    """What a person reads above a column."""
    own = text_of(sheet.rows[header].cell(column)) if sheet.rows else ""
    above = text_of(sheet.rows[header - 1].cell(column)) if two_rows and header > 0 else ""
    return " / ".join(filter(None, (above, own)))


def layout_data(sheet: Sheet, choice: Choice) -> dict[str, object]:
    """Build the layout of a choice; every column that was chosen is required, so that nothing else is taken for it.

    Raises StatementError ``unknown_layout`` where a column has no name, or one that another column has, too.
    """
    names = names_of(sheet, choice.header, two_rows=choice.two_rows)
    columns = {}
    for role, column in choice.columns.items():
        own = names[column] if column < len(names) else frozenset()
        alone = [name for name in own if sum(name in other for other in names) == 1]
        if not alone:
            raise StatementError(
                "unknown_layout",
                sheet.rows[choice.header].place(column),
                f"Cột {column_letters(column)} không có tên riêng ở dòng tiêu đề. Hãy đặt tên cột khác nhau trong tệp "
                "hoặc chọn dòng tiêu đề khác.",
                f"Column {column_letters(column)} has no name of its own in the header. Name the columns differently "
                "or choose another header row.",
            )
        columns[role] = {"required": True, "aliases": [max(alone, key=lambda name: (len(name), name))]}
    words = {key: list(some) for key, some in choice.words.items()}
    return {"name": choice.name, "version": 1, "columns": columns, **words}
