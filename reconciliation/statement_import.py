"""Import of bank statements: all of a file or nothing, and the same lines again add nothing.

A line is known by its natural key with occurrence number, so periods may overlap and files be saved anew or sorted
otherwise. Lines of a statement become evidence of money, except where the statement contradicts itself: then its lines
are kept for the night to show, under keys of their own, and bring no money until a file that adds up says them too.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from itertools import islice
from typing import Any

import msgspec
from sqlalchemy import text
from sqlalchemy.orm import Session

from bank_adapters.statements.errors import Problems
from bank_adapters.statements.keys import natural_keys
from bank_adapters.statements.model import Statement, StatementLine
from bank_adapters.statements.proof import Proof, prove, signed_vnd
from bank_adapters.statements.read import read_statement
from bank_adapters.statements.values import far_date
from payments import clock, outbox
from payments.banking.models import ReceivingAccount
from payments.banking.rules import account_text
from payments.errors import DomainError, NotFoundError
from payments.inbox.service import record_statement_evidence, references_of
from reconciliation.imports.layouts import in_use
from reconciliation.imports.models import ImportKind
from reconciliation.imports.rules import Step, plain_name, silent
from reconciliation.locks import lock_school
from reconciliation.told_otherwise import Stretch, Told, known_otherwise, told_before

LONGEST_FILE_NAME = 200
ONE_DAY = timedelta(days=1)
AHEAD = timedelta(days=31)
"""Banks date what comes before a long holiday with the first day after it; what is later is a slip in the year."""
WITHIN_DAY = "within-day "
"""Before the format of a table that vouches for no whole day: its lines come in, its days wait for their statement."""
WRITTEN_AT_ONCE = 5_000
"""Lines of one statement of the database: so often a long import says how far it is."""


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

    @property
    def new_lines(self) -> int:
        """Lines that were not known before."""
        return sum(one.new_lines for one in self.statements)

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``."""
        return {**asdict(self), "new_lines": self.new_lines}


@dataclass(frozen=True, slots=True)
class _Planned:
    """A statement with its keys and its proof, before anything is written."""

    statement: Statement
    period: tuple[date, date]
    keys: tuple[str, ...]
    opening_vnd: int | None
    closing_vnd: int | None
    """Balances at the two ends of the period."""
    credits_vnd: int
    debits_vnd: int
    """Of all lines, also of those outside the period."""
    proved: bool
    break_at: str | None
    break_vnd: int | None
    content_sha256: bytes
    format: str
    open_days: tuple[date, date] | None
    """Days that the statement names and does not vouch for."""

    def stored_key(self, key: str) -> str:
        """The key of a line: a doubtful one never stands in the way of the true one."""
        return f"{key}!{self.content_sha256.hex()[:16]}" if self.contradicts_itself else key

    @property
    def contradicts_itself(self) -> bool:
        """Whether a stated figure differs from the lines: then nothing in the file can be relied on."""
        return self.break_at is not None


_KNOWN_STATEMENTS = text("""
    SELECT content_sha256 FROM bank_statement
    WHERE school_id = :school_id AND account_id = :account_id AND content_sha256 = ANY(CAST(:contents AS bytea[]))
""")
_KNOWN_LINES = text("""
    SELECT natural_key FROM bank_line
    WHERE school_id = :school_id AND account_id = :account_id AND natural_key = ANY(CAST(:keys AS text[]))
""")
_ADD_STATEMENT = text("""
    INSERT INTO bank_statement (
        school_id, account_id, file_name, file_sha256, content_sha256, format, period_from, period_to, opening_vnd,
        closing_vnd, sequence, proved, break_at, break_vnd, imported_at
    ) VALUES (
        :school_id, :account_id, :file_name, :file_sha256, :content_sha256, :format, :period_from, :period_to,
        :opening_vnd, :closing_vnd, :sequence, :proved, :break_at, :break_vnd, :now
    ) RETURNING id
""")
_ADD_LINES = text("""
    INSERT INTO bank_line (
        school_id, account_id, statement_id, evidence_id, natural_key, line_no, value_date, booked_on, direction,
        amount_vnd, bank_reference, description, "references", balance_after_vnd
    )
    SELECT :school_id, :account_id, :statement_id, line.evidence_id, line.key, line.line_no, line.value_date,
        line.booked_on, line.direction, line.amount_vnd, line.bank_reference, line.description,
        string_to_array(line.found, ' '), line.balance_after_vnd
    FROM unnest(
        CAST(:evidence_ids AS bigint[]), CAST(:keys AS text[]), CAST(:line_nos AS int[]), CAST(:value_dates AS date[]),
        CAST(:booked AS date[]), CAST(:directions AS text[]), CAST(:amounts AS bigint[]),
        CAST(:bank_references AS text[]), CAST(:descriptions AS text[]), CAST(:found AS text[]),
        CAST(:balances AS bigint[])
    ) AS line(
        evidence_id, key, line_no, value_date, booked_on, direction, amount_vnd, bank_reference, description, found,
        balance_after_vnd
    )
    ON CONFLICT (school_id, account_id, natural_key) DO NOTHING
""")


@dataclass(frozen=True, slots=True)
class StatementPlan:
    """What a file would do for one receiving account; nothing is written yet."""

    owner: dict[str, int]
    planned: tuple[_Planned, ...]
    known_keys: frozenset[str]
    report: StatementReport

    @property
    def sha256(self) -> bytes:
        """Of all that would be imported: another reading of the same bytes has another one."""
        return hashlib.sha256(b"".join(one.content_sha256 for one in self.planned)).digest()

    def first_lines(self, limit: int) -> list[tuple[StatementLine, bool]]:
        """The first lines, each with whether it is known already."""
        pairs = ((line, key) for one in self.planned for line, key in zip(one.statement.lines, one.keys, strict=True))
        return [(line, key in self.known_keys) for line, key in islice(pairs, limit)]


def import_statement(
    session: Session, school_id: int, account_id: int, data: bytes, filename: str, *, dry_run: bool = False
) -> StatementReport:
    """Import the statements of a file for one receiving account; what is known already adds nothing.

    Raises StatementError for a file that cannot be read as a whole, DomainError ``other_account`` when it is another
    account's, ``no_period`` when a statement says neither its days nor any line, and NotFoundError.
    """
    plan = plan_statement(session, school_id, account_id, data, filename)
    if dry_run:
        return replace(plan.report, dry_run=True)
    write_statement(session, plan, data, filename)
    return plan.report


def plan_statement(
    session: Session, school_id: int, account_id: int, data: bytes, filename: str, *, step: Step = silent
) -> StatementPlan:
    """Read, check and compare a file with what is known. Raises as ``import_statement`` does."""
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
    planned, known_keys, told_otherwise = _compared(session, owner, _plan(ours))
    known = set(session.scalars(_KNOWN_STATEMENTS, owner | {"contents": [one.content_sha256 for one in planned]}))
    known_contents = {bytes(content) for content in known}
    step("check", total, total)
    results = _results(planned, known_contents, known_keys)
    others = sorted({(one.account_number or "")[-4:] for one in read if one not in ours})
    notices = tuple(f"{notice.place}: {notice.vi}" for one in ours for notice in one.notices)
    notices += tuple(_open_notice(*one.open_days) for one in planned if one.open_days)
    notices += (_otherwise_notice(told_otherwise),) if told_otherwise else ()
    report = StatementReport(tuple(results), tuple(others), notices, dry_run=False)
    return StatementPlan(owner, tuple(planned), frozenset(known_keys), report)


def write_statement(session: Session, plan: StatementPlan, data: bytes, filename: str, step: Step = silent) -> None:
    """Write what is new of a plan, in the transaction in which it was made."""
    results = plan.report.statements
    fresh = [one for one, result in zip(plan.planned, results, strict=True) if not result.already_imported]
    file = {"file_name": plain_name(filename, LONGEST_FILE_NAME), "file_sha256": hashlib.sha256(data).digest()}
    _write(session, plan.owner, fresh, file, step)


def _compared(session: Session, owner: dict[str, int], planned: list[_Planned]) -> tuple[list[_Planned], set[str], int]:
    """The plan under the keys by which its lines are known, those keys, and how many lines were worded otherwise."""
    keys = sorted({key for one in planned for key in one.keys})
    known_keys = set(session.scalars(_KNOWN_LINES, owner | {"keys": keys}))
    again = [one for one in planned if _is_told_before(session, owner, one)]
    lines = [
        Told(key, line.booked_on, line.direction, line.amount_vnd, line.description)
        for one in again
        for key, line in zip(one.keys, one.statement.lines, strict=True)
    ]
    pairs = known_otherwise(session, owner, lines, known_keys)
    if not pairs:
        return planned, known_keys, 0
    renamed = [_renamed(one, pairs) if one in again else one for one in planned]
    return renamed, known_keys | set(pairs.values()), len(pairs)


def _is_told_before(session: Session, owner: dict[str, int], one: _Planned) -> bool:
    # Where a day ends as it began (money is swept away), its second half looks just like its first.
    goes_on = one.opening_vnd == one.closing_vnd
    stretch = Stretch(*one.period, one.opening_vnd, one.closing_vnd)
    return one.proved and not one.contradicts_itself and not goes_on and told_before(session, owner, stretch)


def _renamed(one: _Planned, pairs: dict[str, str]) -> _Planned:
    return _planned(one.statement, prove(one.statement), tuple(pairs.get(key, key) for key in one.keys))


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


def _plan(statements: Sequence[Statement]) -> list[_Planned]:
    """Prove and key the statements; nothing is written."""
    proofs = [prove(one) for one in statements]
    keys = _keys(statements, proofs)
    return [_planned(one, proof, own) for one, proof, own in zip(statements, proofs, keys, strict=True)]


def _keys(statements: Sequence[Statement], proofs: Sequence[Proof]) -> list[tuple[str, ...]]:
    """Natural keys of each statement's lines.

    Statements that continue each other (parts of one day, pages) are numbered as one, so that two equal payments in
    two of them stay two; statements that overlap are numbered apart, so that one payment in two of them stays one.
    """
    chains: list[list[int]] = []
    for number, one in enumerate(statements):
        before = chains[-1][-1] if chains else None
        if before is not None and _continues(statements[before], proofs[before], one, proofs[number]):
            chains[-1].append(number)
        else:
            chains.append([number])
    found: list[tuple[str, ...]] = [()] * len(statements)
    for chain in chains:
        numbered = iter(natural_keys([line for number in chain for line in statements[number].lines]))
        for number in chain:
            found[number] = tuple(f"{key}#{n}" for key, n in (next(numbered) for _ in statements[number].lines))
    return found


def _continues(before: Statement, its_proof: Proof, one: Statement, proof: Proof) -> bool:
    linked = one.opening_vnd is not None and before.closing_vnd == one.opening_vnd
    return linked and its_proof.first_break is None and proof.first_break is None


def _planned(statement: Statement, proof: Proof, keys: tuple[str, ...]) -> _Planned:
    first_break = None if _sorted_otherwise(statement, proof) else proof.first_break
    break_at = None
    break_vnd = None
    if first_break is not None:
        where = first_break.place or first_break.what
        break_at = f"{where}: {first_break.expected_vnd} ≠ {first_break.found_vnd}"
        break_vnd = first_break.expected_vnd - first_break.found_vnd
    proved = first_break is None and proof.opening_vnd is not None and proof.closing_vnd is not None
    period = _period(statement)
    opening_vnd, closing_vnd, within_day = proof.opening_vnd, proof.closing_vnd, False
    # What contradicts itself is shown whole: it proves nothing on any of its days.
    vouched = _vouched(statement, period, clock.today()) if first_break is None else period
    if vouched is None:
        proved, within_day = False, True
    else:
        opening_vnd = _balance(opening_vnd, statement, period[0], vouched[0] - ONE_DAY, 1)
        closing_vnd = _balance(closing_vnd, statement, vouched[1] + ONE_DAY, period[1], -1)
    content = (
        [day.isoformat() for day in vouched or period],
        opening_vnd,
        closing_vnd,
        proved,
        sorted(zip(keys, (line.value_date.isoformat() for line in statement.lines), strict=True)),
    )
    digest = hashlib.sha256(msgspec.json.encode(content)).digest()
    return _Planned(
        statement=statement,
        period=vouched or period,
        keys=keys,
        opening_vnd=opening_vnd,
        closing_vnd=closing_vnd,
        credits_vnd=proof.credits_vnd,
        debits_vnd=proof.debits_vnd,
        proved=proved,
        break_at=break_at,
        break_vnd=break_vnd,
        content_sha256=digest,
        format=f"{WITHIN_DAY}{statement.format}" if within_day else statement.format,
        open_days=None if vouched == period else _open_days(period, vouched),
    )


def _open_days(period: tuple[date, date], vouched: tuple[date, date] | None) -> tuple[date, date]:
    """The days of a period that wait for another statement."""
    if vouched is None:
        return period
    return (vouched[1] + ONE_DAY, period[1]) if vouched[1] < period[1] else (period[0], vouched[0] - ONE_DAY)


def _sorted_otherwise(statement: Statement, proof: Proof) -> bool:
    """Whether only the order of the rows breaks the running balances: both balances are stated, the sums hold, and
    every balance that a line starts from is one that another line, or the opening, ends at.
    """
    first_break = proof.first_break
    stated = statement.opening_vnd is not None and statement.closing_vnd is not None
    if first_break is None or first_break.what != "running" or not stated:
        return False
    silent = replace(statement, lines=tuple(replace(line, balance_after_vnd=None) for line in statement.lines))
    after = [line.balance_after_vnd for line in statement.lines]
    if None in after or prove(silent).first_break is not None:
        return False
    before = [(line.balance_after_vnd or 0) - signed_vnd(line) for line in statement.lines]
    return Counter([*before, statement.closing_vnd]) == Counter([*after, statement.opening_vnd])


def _period(statement: Statement) -> tuple[date, date]:
    """The days that the statement names: as it states, and at least those of its lines."""
    days = [line.booked_on for line in statement.lines]
    is_whole = statement.closing_vnd is not None or not days
    days += [day for day in (statement.period_from, statement.period_to if is_whole else None) if day is not None]
    if not days:
        raise DomainError(
            "no_period",
            "Sao kê không ghi kỳ và không có dòng nào nên không biết thuộc ngày nào. Hãy xuất lại kèm «Từ ngày … đến "
            "ngày …».",
            "The statement names no period and has no line, so nobody can say which days it covers. Export it again "
            "with its period.",
        )
    return min(days), max(days)


def _vouched(statement: Statement, period: tuple[date, date], today: date) -> tuple[date, date] | None:
    """The days of the period on which what the statement lacks did not happen; None where there is no such day.

    A text may have been cut between two rows of its last day; a table that somebody exports says nothing of the rest
    of the day on which it is made; and no file knows what is to come.
    """
    first, last = period
    last = min(last, today - ONE_DAY if statement.is_export else today)
    if statement.open_on == period[1]:
        last = min(last, period[1] - ONE_DAY)
    elif statement.open_on == period[0]:  # The newest line came first: the oldest were cut off.
        first += ONE_DAY
    return (first, last) if first <= last else None


def _balance(balance_vnd: int | None, statement: Statement, first: date, last: date, sign: int) -> int | None:
    """A balance moved over the lines of the days from first to last, backwards where ``sign`` is −1."""
    if balance_vnd is None:
        return None
    return balance_vnd + sign * sum(signed_vnd(line) for line in statement.lines if first <= line.booked_on <= last)


def _results(planned: Sequence[_Planned], known_contents: set[bytes], known_keys: set[str]) -> list[StatementResult]:
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
        seen.update(one.keys)
    return results


def _write(
    session: Session, owner: dict[str, int], planned: Sequence[_Planned], file: dict[str, Any], step: Step
) -> None:
    """Write what is new, and ask for the nights that it touches."""
    total, written = sum(len(one.keys) for one in planned), 0
    step("write", 0, total)
    evidence_of = _record_evidence(session, owner, planned)
    for one in planned:
        statement_id = session.scalar(
            _ADD_STATEMENT,
            owner
            | file
            | {
                "content_sha256": one.content_sha256,
                "format": one.format,
                "period_from": one.period[0],
                "period_to": one.period[1],
                "opening_vnd": one.opening_vnd,
                "closing_vnd": one.closing_vnd,
                "sequence": one.statement.sequence,
                "proved": one.proved,
                "break_at": one.break_at,
                "break_vnd": one.break_vnd,
                "now": clock.now(),
            },
        )
        columns = _columns(one, evidence_of)
        for start in range(0, len(one.keys), WRITTEN_AT_ONCE):
            part = {name: values[start : start + WRITTEN_AT_ONCE] for name, values in columns.items()}
            session.execute(_ADD_LINES, owner | {"statement_id": statement_id} | part)
            written += len(part["keys"])
            step("write", written, total)
    if planned:
        outbox.put(session, "nightly", "account", school_id=owner["school_id"], subject_id=owner["account_id"])
        session.flush()


def _record_evidence(session: Session, owner: dict[str, int], planned: Sequence[_Planned]) -> dict[str, int]:
    """Evidence id by natural key, of statements that do not contradict themselves."""
    by_key: dict[str, StatementLine] = {}
    for one in planned:
        if not one.contradicts_itself:
            by_key |= dict(zip(one.keys, one.statement.lines, strict=True))
    ids = record_statement_evidence(session, owner["school_id"], owner["account_id"], list(by_key.values()))
    return dict(zip(by_key, ids, strict=True))


def _columns(one: _Planned, evidence_of: dict[str, int]) -> dict[str, list[Any]]:
    lines = one.statement.lines
    return {
        "evidence_ids": [evidence_of.get(key) for key in one.keys],
        "keys": [one.stored_key(key) for key in one.keys],
        "line_nos": [line.line_no for line in lines],
        "value_dates": [line.value_date for line in lines],
        "booked": [line.booked_on for line in lines],
        "directions": [line.direction for line in lines],
        "amounts": [line.amount_vnd for line in lines],
        "bank_references": [line.bank_reference for line in lines],
        "descriptions": [line.description for line in lines],
        "found": [" ".join(references_of(line)) for line in lines],
        "balances": [line.balance_after_vnd for line in lines],
    }
