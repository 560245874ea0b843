"""What a statement proves: the days that it vouches for, its balances at their two ends, and the keys of its lines.

A line is known by its natural key with occurrence number, so periods may overlap and files be saved anew or sorted
otherwise. A statement that contradicts itself proves nothing, and its lines have keys of their own.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import msgspec

from bank_adapters.statements.keys import natural_keys
from bank_adapters.statements.model import Statement
from bank_adapters.statements.proof import Proof, prove, signed_vnd
from payments import clock
from payments.errors import DomainError

ONE_DAY = timedelta(days=1)
WITHIN_DAY = "within-day "
"""Before the format of a table that vouches for no whole day: its lines come in, its days wait for their statement."""


@dataclass(frozen=True, slots=True)
class Planned:
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


def plan_statements(statements: Sequence[Statement]) -> list[Planned]:
    """Prove and key the statements; nothing is written."""
    proofs = [prove(one) for one in statements]
    keys = _keys(statements, proofs)
    return [planned_from(one, proof, own) for one, proof, own in zip(statements, proofs, keys, strict=True)]


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


def planned_from(statement: Statement, proof: Proof, keys: tuple[str, ...]) -> Planned:
    """Keep what a statement vouches for. Raises DomainError ``no_period`` where it names no day at all."""
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
    return Planned(
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
