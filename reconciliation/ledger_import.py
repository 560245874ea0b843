"""Import of the school's own books: all of a file or nothing, and the same rows again add nothing."""

import calendar
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from importlib.resources import files
from typing import Any

import msgspec
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from bank_adapters.statements.errors import StatementError
from bank_adapters.statements.values import far_date
from payments import clock
from payments.banking.models import ReceivingAccount
from payments.errors import DomainError
from payments.i18n import Text
from payments.money import format_number
from reconciliation.imports.layouts import in_use
from reconciliation.imports.models import ImportKind
from reconciliation.imports.rules import Step, plain_name, silent
from reconciliation.ledger_placing import Placed, holds_money, place_rows
from reconciliation.ledger_writing import write_placed
from reconciliation.locks import lock_school
from reconciliation.school_ledgers.model import LedgerFile, LedgerRow, break_of, natural_keys
from reconciliation.school_ledgers.read import Books, as_one, read_books

MAPPINGS: Mapping[str, str] = {"hocphi": "hocphi_template", "misa": "misa_so_chi_tiet", "bang-ke": "bang_ke_thu"}
"""Short name of a mapping -> its file."""
BREAKS = {
    "closing": Text("số dư cuối kỳ", "the closing balance"),
    "debit": Text("cộng phát sinh Nợ", "the total of debits"),
    "credit": Text("cộng phát sinh Có", "the total of credits"),
    "total": Text("dòng cộng", "the total"),
}
AHEAD = timedelta(days=31)
"""Offices date the vouchers of a month's end ahead; what is later is a slip in the year."""
LONGEST_FILE_NAME = 200


@dataclass(frozen=True, slots=True)
class LedgerReport:
    """What became of a file. ``unplaced``: account codes that stand for no receiving account, with their rows."""

    period_from: date
    period_to: date
    rows: int
    new_rows: int
    cash_rows: int
    other_rows: int
    """Rows of accounts that hold no money: not of interest here."""
    accounts: dict[str, int]
    unplaced: dict[str, int]
    already_imported: bool
    notices: tuple[str, ...]
    dry_run: bool
    vouches: bool = True
    """Whether a payment that is not in these books is missing there, on the days of the period."""
    bad_rows: int = 0
    in_vnd: int = 0
    out_vnd: int = 0
    """Of the good rows: money in (debited in the books) and out."""

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``."""
        return asdict(self)


_KNOWN = text("""
    SELECT natural_key FROM ledger_row
    WHERE school_id = :school_id AND natural_key = ANY(CAST(:keys AS text[]))
""")
# Rows of a file whose bad rows still wait: whoever sends less than they has not sent the whole books.
_WAITING = text("""
    SELECT EXISTS (
        SELECT FROM ledger_import part
        WHERE part.school_id = :school_id AND part.waiting_rows > 0
          AND part.period_to >= :period_from AND part.period_from <= :period_to
          AND EXISTS (
            SELECT FROM ledger_row row WHERE row.school_id = part.school_id AND row.import_id = part.id
              AND row.booked_on BETWEEN :period_from AND :period_to
              AND row.natural_key <> ALL(CAST(:keys AS text[]))))
""")


@dataclass(frozen=True, slots=True)
class LedgerPlan:
    """What a file of the books would do; nothing is written yet."""

    school_id: int
    placed: tuple[Placed, ...]
    known: frozenset[str]
    file: dict[str, Any]
    bad: tuple[StatementError, ...]
    report: LedgerReport

    @property
    def sha256(self) -> bytes:
        """Of all that would be imported: another reading of the same bytes has another one."""
        keys = sorted(one.key for one in self.placed)
        days = [self.report.period_from.isoformat(), self.report.period_to.isoformat()]
        return hashlib.sha256(msgspec.json.encode((keys, days, len(self.bad)))).digest()

    def first_rows(self, limit: int) -> list[tuple[LedgerRow, bool]]:
        """The first rows, each with whether it is known already."""
        return [(one.row, one.key in self.known) for one in self.placed[:limit]]


def import_ledger(
    session: Session,
    school_id: int,
    data: bytes,
    filename: str,
    mapping: str | Mapping[str, object] | None = None,
    *,
    period: tuple[date, date] | None = None,
    dry_run: bool = False,
) -> LedgerReport:
    """Import an export of the school's books.

    ``mapping``: ``misa``, ``hocphi``, ``bang-ke``, or the school's own mapping as data; None: recognised by the header.
    ``period``: the days that the export covers, when it is not whole months up to today. Raises StatementError for a
    file that cannot be read as a whole, DomainError ``unknown_mapping``, ``ledger_break``, ``no_money_rows`` or
    ``bad_period``.
    """
    plan = plan_ledger(session, school_id, data, filename, mapping, period=period)
    if plan.bad:
        raise as_one(plan.bad)
    if dry_run:
        return replace(plan.report, dry_run=True, already_imported=not plan.report.new_rows)
    return write_ledger(session, plan)


def plan_ledger(
    session: Session,
    school_id: int,
    data: bytes,
    filename: str,
    mapping: str | Mapping[str, object] | None = None,
    *,
    period: tuple[date, date] | None = None,
    step: Step = silent,
) -> LedgerPlan:
    """Read, check and compare a file with what is known; rows that cannot be read stand beside those that can.

    Raises as ``import_ledger`` does, but for rows that cannot be read.
    """
    own = in_use(session, school_id, ImportKind.LEDGER)
    books = _without_days_to_come(read_books(data, filename, _mapping(mapping), own=own), filename)
    if not books.bad:
        _require_sums(books.ledgers)
    everything = [row for ledger in books.ledgers for row in ledger.rows]
    step("check", 0, len(everything))
    rows = [row for row in everything if holds_money(row)]
    if not rows:
        if books.bad:
            raise as_one(books.bad)
        raise DomainError(
            "no_money_rows",
            "Tệp không có dòng nào của tài khoản tiền gửi (112) hoặc tiền mặt (111). Hãy xuất sổ chi tiết các tài "
            "khoản này.",
            "The file has no row of a deposit (112) or cash (111) account. Export the ledgers of these accounts.",
        )
    if period and period[1] > clock.today():
        raise DomainError(
            "bad_period",
            "Ngày cuối kỳ chưa đến, nên sổ chưa thể đầy đủ.",
            "The period ends on a day to come; no books are complete for it.",
        )
    covered = period or _months(rows)
    lock_school(session, school_id)
    placed, unplaced = place_rows(session, school_id, rows, [f"{key}#{number}" for key, number in natural_keys(rows)])
    plan = plan_rows(session, school_id, placed, covered, _file(books.ledgers, data, filename), bad=books.bad)
    step("check", len(everything), len(everything))
    notices = tuple(f"{notice.place}: {notice.vi}" for ledger in books.ledgers for notice in ledger.notices)
    report = replace(plan.report, other_rows=len(everything) - len(rows), unplaced=unplaced, notices=notices)
    return replace(plan, report=report)


def _without_days_to_come(books: Books, filename: str) -> Books:
    """Books whose postings of a day long after today, a slip in the year, stand among the bad rows."""
    limit = clock.today() + AHEAD
    late = [row for ledger in books.ledgers for row in ledger.rows if row.booked_on > limit]
    if not late:
        return books
    bad = tuple(far_date(row.booked_on, row.source.removeprefix(f"{filename} ")) for row in late)
    kept = [replace(one, rows=tuple(row for row in one.rows if row.booked_on <= limit)) for one in books.ledgers]
    return Books(tuple(kept), (*books.bad, *bad))


def plan_rows(
    session: Session,
    school_id: int,
    placed: Sequence[Placed],
    covered: tuple[date, date],
    file: dict[str, Any],
    *,
    bad: tuple[StatementError, ...] = (),
    complete: bool = True,
) -> LedgerPlan:
    """Compare rows with what is known. ``complete``: whoever sends them says that nothing of the period is lacking.

    Raises DomainError ``bad_period``.
    """
    if covered[0] > covered[1]:
        raise DomainError("bad_period", "Ngày đầu kỳ sau ngày cuối kỳ.", "The period begins after it ends.")
    keys = [one.key for one in placed]
    known = frozenset(session.scalars(_KNOWN, {"school_id": school_id, "keys": keys}))
    whole = complete and not bad
    days = {"period_from": covered[0], "period_to": covered[1]}
    vouches = whole and not session.scalar(_WAITING, {"school_id": school_id, "keys": keys} | days)
    counts = Counter(one.account_id for one in placed if one.account_id is not None)
    report = LedgerReport(
        *covered,
        rows=len(placed),
        new_rows=sum(1 for key in keys if key not in known),
        cash_rows=sum(1 for one in placed if one.row.is_cash),
        other_rows=0,
        accounts=_labels(session, school_id, counts),
        unplaced={},
        already_imported=False,
        notices=(),
        dry_run=False,
        vouches=vouches,
        bad_rows=len(bad),
        in_vnd=sum(one.row.debit_vnd for one in placed),
        out_vnd=sum(one.row.credit_vnd for one in placed),
    )
    accounts = sorted({one.account_id for one in placed if one.account_id is not None and not one.row.is_cash})
    stands = {"account_ids": accounts, "vouches": vouches, "waiting_rows": len(bad)}
    return LedgerPlan(school_id, tuple(placed), known, file | days | stands, bad, report)


def write_ledger(session: Session, plan: LedgerPlan, step: Step = silent) -> LedgerReport:
    """Write what is new of a plan, in the transaction in which it was made; bad rows wait and are not vouched for."""
    imported = write_placed(session, plan.school_id, plan.placed, plan.file, step)
    return replace(plan.report, already_imported=not imported)


def _mapping(mapping: str | Mapping[str, object] | None) -> Mapping[str, object] | None:
    if not isinstance(mapping, str):
        return mapping
    name = MAPPINGS.get(mapping, mapping)
    file = files("reconciliation.school_ledgers.mappings") / f"{name}.json"
    if name not in MAPPINGS.values() or not file.is_file():
        raise DomainError(
            "unknown_mapping",
            f"Không có ánh xạ «{mapping}»; có sẵn: {', '.join(MAPPINGS)}.",
            f"There is no mapping {mapping!r}; there are: {', '.join(MAPPINGS)}.",
        )
    found: Mapping[str, object] = json.loads(file.read_text("utf-8"))
    return found


def _require_sums(ledgers: Iterable[LedgerFile]) -> None:
    """A ledger whose rows do not give its own totals was cut or changed: none of it is taken."""
    for ledger in ledgers:
        broken = break_of(ledger)
        if broken is not None:
            account = f" tài khoản {ledger.account_code}" if ledger.account_code else ""
            of_account = f" of account {ledger.account_code}" if ledger.account_code else ""
            what = BREAKS[broken.what]
            expected, found = format_number(broken.expected_vnd), format_number(broken.found_vnd)
            at = f" ở {broken.place}" if broken.place else ""
            raise DomainError(
                "ledger_break",
                f"Sổ{account} không cộng đúng: {what.vi}{at} tính được {expected} đồng, tệp ghi {found} "
                "đồng. Chưa nhập dòng nào; hãy xuất lại sổ đầy đủ.",
                f"The ledger{of_account} does not add up: {what.en} is {expected} by its rows, {found} as "
                f"stated{f' at {broken.place}' if broken.place else ''}. Nothing was imported; export the whole ledger "
                "again.",
            )


def _months(rows: Sequence[LedgerRow]) -> tuple[date, date]:
    """Books are exported by whole months, and cannot know what comes after the day of import.

    A row of a later day, mistyped perhaps, makes nothing of the days up to it missing in the books.
    """
    first, last = min(row.booked_on for row in rows), max(row.booked_on for row in rows)
    month_end = last.replace(day=calendar.monthrange(last.year, last.month)[1])
    return first.replace(day=1), max(first.replace(day=1), min(month_end, clock.today()))


def _file(ledgers: Sequence[LedgerFile], data: bytes, filename: str) -> dict[str, Any]:
    single = ledgers[0] if len(ledgers) == 1 else None
    return {
        "file_name": plain_name(filename, LONGEST_FILE_NAME),
        "file_sha256": hashlib.sha256(data).digest(),
        "format": ledgers[0].mapping,
        "opening_vnd": single.opening_vnd if single else None,
        "closing_vnd": single.closing_vnd if single else None,
    }


def _labels(session: Session, school_id: int, counts: Mapping[int, int]) -> dict[str, int]:
    """``BIN:NUMBER`` -> rows."""
    accounts = session.scalars(select(ReceivingAccount).where(ReceivingAccount.school_id == school_id)).all()
    return {f"{one.bin}:{one.number}": counts[one.id] for one in accounts if counts.get(one.id)}
