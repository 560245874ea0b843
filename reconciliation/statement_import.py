"""Import of bank statements: all of a file or nothing, and the same lines again add nothing.

A line is known by its natural key with occurrence number, so periods may overlap and files be saved anew or sorted
otherwise. Lines of a statement become evidence of money, except where the statement contradicts itself: then its lines
are kept for the night to show, under keys of their own, and bring no money until a file that adds up says them too.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from bank_adapters.statements.errors import Problems
from bank_adapters.statements.model import Statement, StatementLine
from bank_adapters.statements.read import read_statement
from bank_adapters.statements.values import far_date
from payments import clock
from payments.banking.models import ReceivingAccount
from payments.banking.rules import account_text
from payments.errors import DomainError, NotFoundError
from reconciliation.doubts import Answer, Doubt
from reconciliation.imports.layouts import in_use
from reconciliation.imports.models import ImportKind
from reconciliation.imports.rules import Step, plain_name, silent
from reconciliation.locks import lock_school
from reconciliation.statement_comparing import compared_with_known
from reconciliation.statement_proving import Planned, plan_statements
from reconciliation.statement_writing import keep_aliases, write_planned

LONGEST_FILE_NAME = 200
PLACES_NAMED = 5
AHEAD = timedelta(days=31)
"""Banks date what comes before a long holiday with the first day after it; what is later is a slip in the year."""


@dataclass(frozen=True, slots=True)
class StatementResult:
    """What became of one statement of a file; amounts in đồng."""

    period_from: date
    period_to: date
    format: str
    opening_vnd: int | None
    credits_vnd: int
    debits_vnd: int
    closing_vnd: int | None
    proved: bool
    break_at: str | None
    lines: int
    new_lines: int
    already_imported: bool


@dataclass(frozen=True, slots=True)
class StatementReport:
    """What became of a file. ``other_accounts``: last four characters of accounts whose statements were passed over."""

    statements: tuple[StatementResult, ...]
    other_accounts: tuple[str, ...]
    notices: tuple[str, ...]
    dry_run: bool
    doubts: tuple[Doubt, ...] = ()
    """Lines that may be known ones worded otherwise; they count as new until a person says what they are."""

    @property
    def new_lines(self) -> int:
        """Lines that were not known before."""
        return sum(one.new_lines for one in self.statements)

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``."""
        return {**asdict(self), "new_lines": self.new_lines}


_KNOWN_STATEMENTS = text("""
    SELECT content_sha256 FROM bank_statement
    WHERE school_id = :school_id AND account_id = :account_id AND content_sha256 = ANY(CAST(:contents AS bytea[]))
""")


@dataclass(frozen=True, slots=True)
class StatementPlan:
    """What a file would do for one receiving account; nothing is written yet."""

    owner: dict[str, int]
    planned: tuple[Planned, ...]
    known_keys: frozenset[str]
    sha256: bytes
    """Of all that would be imported and of all doubts: another reading of the same bytes has another one."""
    same: dict[str, str]
    """New keys of known lines that the file words otherwise."""
    answered: bool
    report: StatementReport

    def first_lines(self, limit: int) -> list[tuple[StatementLine, bool]]:
        """The first lines, each with whether it is known already."""
        pairs = ((line, key) for one in self.planned for line, key in zip(one.statement.lines, one.keys, strict=True))
        return [(line, key in self.known_keys) for line, key in islice(pairs, limit)]


def import_statement(
    session: Session,
    school_id: int,
    account_id: int,
    data: bytes,
    filename: str,
    *,
    answer: Answer | None = None,
    dry_run: bool = False,
) -> StatementReport:
    """Import the statements of a file for one receiving account; what is known already adds nothing.

    ``answer`` says what lines in doubt are (``reconciliation/doubts.py``). Raises StatementError for a file that
    cannot be read as a whole, DomainError ``other_account`` when it is another account's, ``no_period`` when a
    statement says neither its days nor any line, ``same_lines`` when lines are in doubt and nothing was said of them,
    ``no_such_line`` when something was said of others, and NotFoundError.
    """
    plan = plan_statement(session, school_id, account_id, data, filename, answer=answer)
    if answer is not None:
        _require_places(answer, plan.report.doubts)
    if dry_run:
        return replace(plan.report, dry_run=True)
    write_statement(session, plan, data, filename)
    return plan.report


def plan_statement(
    session: Session,
    school_id: int,
    account_id: int,
    data: bytes,
    filename: str,
    *,
    answer: Answer | None = None,
    step: Step = silent,
) -> StatementPlan:
    """Read, check and compare a file with what is known. Raises as ``import_statement`` does, but never for doubts."""
    account = session.get(ReceivingAccount, (school_id, account_id))
    if account is None:
        raise NotFoundError(
            "Không có tài khoản nhận tiền này trong trường.", "The school has no such receiving account."
        )
    read = read_statement(data, filename, layouts=in_use(session, school_id, ImportKind.STATEMENT))
    ours = _ours(read, account.number)
    _refuse_days_to_come(ours)
    total = sum(len(one.lines) for one in ours)
    step("check", 0, total)
    lock_school(session, school_id)
    owner = {"school_id": school_id, "account_id": account_id}
    compared = compared_with_known(session, owner, plan_statements(ours))
    digest = compared.sha256
    doubts = compared.doubts
    otherwise = len(compared.same)
    if answer is not None:
        compared = compared.answered(answer)
    contents = [one.content_sha256 for one in compared.planned]
    known_contents = {bytes(content) for content in session.scalars(_KNOWN_STATEMENTS, owner | {"contents": contents})}
    step("check", total, total)
    results = _results(compared.planned, known_contents, compared.known_keys)
    others = sorted({(one.account_number or "")[-4:] for one in read if one not in ours})
    notices = tuple(f"{notice.place}: {notice.vi}" for one in ours for notice in one.notices)
    notices += tuple(_open_notice(*one.open_days) for one in compared.planned if one.open_days)
    notices += (_otherwise_notice(otherwise),) if otherwise else ()
    report = StatementReport(tuple(results), tuple(others), notices, dry_run=False, doubts=doubts)
    return StatementPlan(
        owner,
        tuple(compared.planned),
        frozenset(compared.known_keys),
        digest,
        compared.same,
        answered=answer is not None or not doubts,
        report=report,
    )


def write_statement(session: Session, plan: StatementPlan, data: bytes, filename: str, step: Step = silent) -> None:
    """Write what is new of a plan, in the transaction in which it was made. Raises DomainError ``same_lines``."""
    if not plan.answered:
        raise _unanswered(plan.report.doubts)
    results = plan.report.statements
    fresh = [one for one, result in zip(plan.planned, results, strict=True) if not result.already_imported]
    file = {"file_name": plain_name(filename, LONGEST_FILE_NAME), "file_sha256": hashlib.sha256(data).digest()}
    write_planned(session, plan.owner, fresh, file, step)
    keep_aliases(session, plan.owner, plan.same)


def _require_places(answer: Answer, doubts: Sequence[Doubt]) -> None:
    unknown = sorted(answer.except_at - {doubt.place for doubt in doubts})
    if unknown:
        raise DomainError(
            "no_such_line",
            f"Không có dòng cần trả lời ở {', '.join(unknown[:PLACES_NAMED])}. Hãy xem lại với --dry-run.",
            f"No line in doubt is at {', '.join(unknown[:PLACES_NAMED])}. Look again with --dry-run.",
        )


def _unanswered(doubts: Sequence[Doubt]) -> DomainError:
    shown = ", ".join(doubt.place for doubt in doubts[:PLACES_NAMED]) + ("…" if len(doubts) > PLACES_NAMED else "")
    return DomainError(
        "same_lines",
        f"{len(doubts)} dòng có thể là dòng đã nhập nhưng được ghi khác ({shown}). Chưa nhập dòng nào. Hãy xem với "
        "--dry-run, rồi thêm --same-lines known (những giao dịch đã có) hoặc --same-lines new (những giao dịch khác). "
        "Nếu có dòng đã nhập, có dòng chưa: thêm --except-line VỊ_TRÍ cho từng dòng khác với số còn lại.",
        f"{len(doubts)} lines may be imported ones worded otherwise ({shown}). Nothing was imported. Look with "
        "--dry-run, then add --same-lines known (the same payments) or new (others), and --except-line PLACE for each "
        "line of which the other is true.",
    )


def _otherwise_notice(lines: int) -> str:
    return (
        f"{lines} dòng được ghi khác lần nhập trước (mã giao dịch hoặc nội dung), nhưng cùng kỳ và cùng số dư: "
        "đó là những giao dịch đã có, không ghi thêm."
    )


def _refuse_days_to_come(statements: Sequence[Statement]) -> None:
    """Raise StatementError with every line that is booked long after today: a slip in the year."""
    limit = clock.today() + AHEAD
    problems = Problems()
    for one in statements:
        for line in one.lines:
            if line.booked_on > limit:
                problems.add(far_date(line.booked_on, line.place))
    problems.raise_if_any()


def _open_notice(first: date, last: date) -> str:
    days = f"ngày {first:%d/%m/%Y}" if first == last else f"các ngày {first:%d/%m/%Y}–{last:%d/%m/%Y}"
    return (
        f"Tệp này chưa đủ để kết luận cho {days}: tệp xuất khi ngày chưa hết, hoặc không ghi số dư ở cuối nên có thể "
        "bị cắt. Các dòng vẫn được nhập; hãy nhập thêm sao kê có đủ các ngày đó."
    )


def _ours(statements: Sequence[Statement], number: str) -> list[Statement]:
    """The statements of the account; one that names no account is taken on the importer's word if it stands alone."""
    wanted = _plain(number)
    ours = [one for one in statements if one.account_number and _plain(one.account_number) == wanted]
    if not ours and len(statements) == 1 and not statements[0].account_number:
        return [statements[0]]
    if not ours:
        named = ", ".join(sorted({"…" + (one.account_number or "?")[-4:] for one in statements}))
        raise DomainError(
            "other_account",
            f"Sao kê này của tài khoản {named}, không phải tài khoản …{number[-4:]}. Chưa nhập dòng nào; hãy chọn "
            "đúng tài khoản hoặc đúng tệp.",
            f"This statement is of account {named}, not of …{number[-4:]}. Nothing was imported; choose the right "
            "account or file.",
        )
    return ours


def _plain(number: str) -> str:
    """An account number without blanks and marks; leading zeros go, for spreadsheet programs drop them."""
    return account_text(number).lstrip("0")


def _results(planned: Sequence[Planned], known_contents: set[bytes], known_keys: set[str]) -> list[StatementResult]:
    results = []
    contents, seen = set(known_contents), set(known_keys)
    for one in planned:
        results.append(
            StatementResult(
                *one.period,
                one.statement.format,
                one.opening_vnd,
                one.credits_vnd,
                one.debits_vnd,
                one.closing_vnd,
                one.proved,
                one.break_at,
                len(one.keys),
                sum(1 for key in one.keys if key not in seen),
                one.content_sha256 in contents,
            )
        )
        contents.add(one.content_sha256)
        if not one.contradicts_itself:  # A doubtful line has a key of its own: the right one is still new.
            seen.update(one.keys)
    return results
