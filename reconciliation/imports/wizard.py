"""Learning a layout: what the page shows of a file that no layout knows, and what a choice would read from it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from bank_adapters.statements import layouts as statement_layouts
from bank_adapters.statements.errors import Problems, StatementError
from bank_adapters.statements.layouts import ONE_AMOUNT, Layout, layout_from
from bank_adapters.statements.model import Direction, Statement
from bank_adapters.statements.one_amount import two_sided
from bank_adapters.statements.proof import prove
from bank_adapters.statements.rows import Sheet, column_letters
from bank_adapters.statements.spreadsheet import SheetReader, recognise
from bank_adapters.statements.survey import Choice, Survey, layout_data, look_below, survey
from bank_adapters.statements.values import text_of
from payments.errors import DomainError
from payments.i18n import Text
from reconciliation.imports.models import ImportKind
from reconciliation.imports.reading import File, tables_of
from reconciliation.school_ledgers import mappings
from reconciliation.school_ledgers import sections as ledgers
from reconciliation.school_ledgers.model import break_of

ROWS_SHOWN = 12
CELL_SHOWN = 40
PLACES_SHOWN = 8
MAX_SHOWN_COLUMNS = 40
WORD_KEYS = ("account", "opening", "closing", "totals", "ignored")
WORDS: Mapping[ImportKind, Mapping[str, str]] = {
    ImportKind.STATEMENT: {
        "account": "so tai khoan, tai khoan, account number, account no",
        "opening": "so du dau ky, opening balance",
        "closing": "so du cuoi ky, closing balance",
        "totals": "tong so, tong cong, tong phat sinh, cong phat sinh, total",
        "ignored": "cong trang, mang sang",
    },
    ImportKind.LEDGER: {
        "account": "tai khoan, so hieu tai khoan, tk",
        "opening": "so du dau ky, du dau ky",
        "closing": "so du cuoi ky, du cuoi ky",
        "totals": "cong phat sinh, tong phat sinh, tong cong",
        "ignored": "cong nhom, cong trang, cong luy ke, luy ke",
    },
}


@dataclass(frozen=True, slots=True)
class ColumnView:
    """A column as the page lists it; ``role`` is chosen, ``why`` says where a guess comes from."""

    column: int
    letters: str
    title: str
    samples: tuple[str, ...]
    role: str
    why: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What would be read; amounts in đồng."""

    rows: int
    credits_vnd: int
    debits_vnd: int
    opening_vnd: int | None
    closing_vnd: int | None
    holds: bool
    first_break: Text | None
    running: int
    """Lines whose balance was checked."""
    passed_over: int


@dataclass(frozen=True, slots=True)
class Page:
    """All that the page shows."""

    sheets: tuple[str, ...]
    sheet: int
    rows: tuple[tuple[int, tuple[str, ...]], ...]
    header: int
    """The number of the last header row, as a spreadsheet program shows it."""
    two_rows: bool
    columns: tuple[ColumnView, ...]
    roles: tuple[str, ...]
    name: str
    words: Mapping[str, str]
    seen: str
    """Sheet and header that the choice is about."""
    moved: bool
    """The choice was about another sheet or header: it is guessed anew and not to be confirmed yet."""
    definition: dict[str, object] | None = None
    outcome: Outcome | None = None
    problem: tuple[Text, ...] = field(default=())


def look(kind: ImportKind, file: File, form: Mapping[str, str], *, trying: bool) -> Page:
    """The page for a file: the guess, or what a person has chosen and what that reads.

    Raises DomainError ``no_table`` for a file that has no columns.
    """
    sheets = [sheet for sheet in tables_of(file) if sheet.rows]
    if not sheets:
        raise DomainError("no_table", "Tệp này không có bảng để chọn cột.", "The file has no table to choose from.")
    number = _number(form, "sheet", 0, len(sheets) - 1)
    sheet = sheets[number]
    roles = roles_of(kind)
    guess = survey(sheet, known_to(kind), roles)
    header_number = _number(form, "header", sheet.rows[guess.header].number, 10**6)
    header = next((place for place, row in enumerate(sheet.rows) if row.number == header_number), guess.header)
    two_rows = "two_rows" in form if trying else guess.two_rows
    if header != guess.header or two_rows != guess.two_rows:
        guess = look_below(sheet, header, known_to(kind), roles, two_rows=two_rows)
    chosen = {one.column: form.get(f"role-{one.column}", "") for one in guess.guesses}
    seen = f"{number}:{header}:{int(two_rows)}"
    moved = trying and form.get("seen") != seen
    if not trying or moved:
        chosen = {one.column: one.role or "" for one in guess.guesses}
    words = {key: form.get(key, WORDS[kind][key]) for key in WORD_KEYS}
    page = Page(
        sheets=tuple(one.name or "CSV" for one in sheets),
        sheet=number,
        rows=_first_rows(sheet),
        header=sheet.rows[header].number,
        two_rows=two_rows,
        columns=_columns(sheet, guess, chosen),
        roles=tuple(sorted(roles, key=list(ORDER).index)),
        name=form.get("name", "").strip(),
        words=words,
        seen=seen,
        moved=moved,
    )
    return _tried(kind, sheet, header, page, chosen)


ORDER = (
    *("booked_on", "value_date", "document_date", "debit", "credit", "amount", "side", "balance", "balance_debit"),
    *("balance_credit", "bank_reference", "document_no", "description", "counterparty", "payer", "account"),
    *("contra_account", "reference", "method"),
)


def roles_of(kind: ImportKind) -> frozenset[str]:
    """What a column of such a file can be."""
    known = statement_layouts.COLUMNS if kind is ImportKind.STATEMENT else mappings.COLUMNS
    return known | ONE_AMOUNT


def known_to(kind: ImportKind) -> Sequence[Layout]:
    """The layouts that lend their names to the guess."""
    return statement_layouts.built_in() if kind is ImportKind.STATEMENT else mappings.built_in()


def _tried(kind: ImportKind, sheet: Sheet, header: int, page: Page, chosen: Mapping[int, str]) -> Page:
    """The page with what the choice reads, or with what is wrong about it."""
    columns: dict[str, int] = {}
    for column, role in chosen.items():
        if role and role in columns:
            text = f"Hai cột cùng được chọn là «{role}»: {column_letters(columns[role])} và {column_letters(column)}."
            return replace(page, problem=(Text(text, f"Two columns are chosen as {role}."),))
        if role in page.roles:
            columns[role] = column
    words = {key: [word.strip() for word in text.split(",") if word.strip()] for key, text in page.words.items()}
    words["cash"] = ["111", "tien mat"] if kind is ImportKind.LEDGER else []
    choice = Choice(page.name, header, page.two_rows, columns, words)
    try:
        definition = layout_data(sheet, choice)
        layout = layout_from(definition) if kind is ImportKind.STATEMENT else mappings.mapping_from(definition)
        outcome = _read(kind, sheet, layout, columns)
    except StatementError as error:
        told = [Text(f"{one.place}: {one.vi}", f"{one.place}: {one.en}") for one in (error, *error.others)]
        if error.code == "unknown_layout" and error.place == "columns":
            told = [_NEEDED]
        return replace(page, problem=tuple(told[:PLACES_SHOWN]))
    return replace(page, definition=definition, outcome=outcome)


_NEEDED = Text(
    "Hãy chọn đủ cột: ngày, nội dung, và ghi nợ + ghi có (hoặc một cột số tiền).",
    "Choose the columns that are needed: day, description, and debit with credit (or one amount).",
)


def _read(kind: ImportKind, sheet: Sheet, layout: Layout, columns: Mapping[str, int]) -> Outcome:
    recognised = recognise(sheet, [layout])
    if recognised is None or dict(recognised[1].columns) != dict(columns):
        raise StatementError(
            "no_header",
            sheet.name,
            "Không tìm lại được dòng tiêu đề này theo tên cột. Hãy chọn dòng tiêu đề khác.",
            "This header is not found again by its names. Choose another header row.",
        )
    money_in: Direction = "credit" if kind is ImportKind.STATEMENT else "debit"
    split, _, header = two_sided(sheet, *recognised, money_in)
    if kind is ImportKind.STATEMENT:
        return _of_statement(SheetReader(split, layout, header).statement())
    bad = Problems()
    found = ledgers.SheetReader(split, "", layout, header, bad).ledgers()
    bad.raise_if_any()
    broken = next((one for ledger in found if (one := break_of(ledger))), None)
    rows = [row for ledger in found for row in ledger.rows]
    return Outcome(
        rows=len(rows),
        credits_vnd=sum(row.debit_vnd for row in rows),
        debits_vnd=sum(row.credit_vnd for row in rows),
        opening_vnd=found[0].opening_vnd,
        closing_vnd=found[-1].closing_vnd,
        holds=broken is None,
        first_break=_break(broken.what, "", broken.expected_vnd, broken.found_vnd) if broken else None,
        running=0,
        passed_over=sum(len(ledger.notices) for ledger in found),
    )


def _of_statement(statement: Statement) -> Outcome:
    proof = prove(statement)
    broken = proof.first_break
    return Outcome(
        rows=len(statement.lines),
        credits_vnd=proof.credits_vnd,
        debits_vnd=proof.debits_vnd,
        opening_vnd=proof.opening_vnd,
        closing_vnd=proof.closing_vnd,
        holds=broken is None,
        first_break=_break(broken.what, broken.place, broken.expected_vnd, broken.found_vnd) if broken else None,
        running=proof.running_balances,
        passed_over=len(statement.notices),
    )


def _break(what: str, place: str, expected: int, found: int) -> Text:
    where = place or what
    return Text(
        f"{where}: tính được {expected:,}, tệp ghi {found:,}".replace(",", "."),
        f"{where}: {expected:,} by the rows, {found:,} as stated",
    )


def _columns(sheet: Sheet, guess: Survey, chosen: Mapping[int, str]) -> tuple[ColumnView, ...]:
    body = sheet.rows[guess.header + 1 : guess.header + 40]
    found = []
    for one in guess.guesses[:MAX_SHOWN_COLUMNS]:
        shown = [_short(text_of(row.cell(one.column))) for row in body if text_of(row.cell(one.column))]
        role = chosen.get(one.column, "")
        why = one.why if role == (one.role or "") else ""
        found.append(ColumnView(one.column, column_letters(one.column), one.title, tuple(shown[:3]), role, why))
    return tuple(found)


def _first_rows(sheet: Sheet) -> tuple[tuple[int, tuple[str, ...]], ...]:
    rows = sheet.rows[:ROWS_SHOWN]
    width = min(max(len(row.cells) for row in rows), MAX_SHOWN_COLUMNS)
    return tuple((row.number, tuple(_short(text_of(row.cell(column))) for column in range(width))) for row in rows)


def _short(text: str) -> str:
    return text if len(text) <= CELL_SHOWN else text[: CELL_SHOWN - 1] + "…"


def _number(form: Mapping[str, str], key: str, fallback: int, most: int) -> int:
    text = form.get(key, "")
    return min(int(text), most) if text.isascii() and text.isdecimal() and len(text) < 8 else fallback
