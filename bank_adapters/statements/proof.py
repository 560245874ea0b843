"""The balance proof of a statement: opening + credits - debits = closing, and every running balance."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bank_adapters.statements.model import Statement, StatementLine


@dataclass(frozen=True, slots=True)
class Break:
    """The first place where a stated figure differs from the computed one.

    `what` is running, closing, credits or debits; only running balances have a line, others `line_no` 0.
    """

    what: str
    line_no: int
    place: str
    expected_vnd: int
    found_vnd: int


@dataclass(frozen=True, slots=True)
class Proof:
    """Result of the proof. A balance that the file does not state may follow from running balances.

    `ok` needs both balances, stated or implied, and no break. Whether implied balances suffice is for the
    reader of the proof to decide: a file cut short at its end still implies a closing balance.
    """

    ok: bool
    opening_vnd: int | None
    credits_vnd: int
    debits_vnd: int
    closing_vnd: int | None
    first_break: Break | None
    opening_stated: bool
    closing_stated: bool
    running_balances: int  # how many lines carried a balance that was checked


def signed_vnd(line: StatementLine) -> int:
    """Return the effect of a line on the balance."""
    return line.amount_vnd if line.direction == "credit" else -line.amount_vnd


def prove(statement: Statement) -> Proof:
    """Prove a statement in exact integers; never raises."""
    lines = statement.lines
    opening, closing = opening_of(statement), closing_of(statement)
    first_break = first_running_break(lines, opening)
    credits_vnd = sum(line.amount_vnd for line in lines if line.direction == "credit")
    debits_vnd = sum(line.amount_vnd for line in lines if line.direction == "debit")
    if first_break is None:
        expected = None if opening is None else opening + credits_vnd - debits_vnd
        first_break = (
            total_break("closing", expected, closing)
            or total_break("credits", credits_vnd, statement.credits_vnd)
            or total_break("debits", debits_vnd, statement.debits_vnd)
        )
    return Proof(
        ok=opening is not None and closing is not None and first_break is None,
        opening_vnd=opening,
        credits_vnd=credits_vnd,
        debits_vnd=debits_vnd,
        closing_vnd=closing,
        first_break=first_break,
        opening_stated=statement.opening_vnd is not None,
        closing_stated=statement.closing_vnd is not None,
        running_balances=sum(1 for line in lines if line.balance_after_vnd is not None),
    )


def opening_of(statement: Statement) -> int | None:
    """Return the opening balance: stated, or implied by the first line's running balance."""
    if statement.opening_vnd is not None or not statement.lines:
        return statement.opening_vnd
    first = statement.lines[0]
    return None if first.balance_after_vnd is None else first.balance_after_vnd - signed_vnd(first)


def closing_of(statement: Statement) -> int | None:
    """Return the closing balance: stated, or implied by the last line's running balance."""
    if statement.closing_vnd is not None or not statement.lines:
        return statement.closing_vnd
    return statement.lines[-1].balance_after_vnd


def first_running_break(lines: Iterable[StatementLine], opening_vnd: int | None) -> Break | None:
    """Return the first line whose running balance does not follow from what came before it."""
    balance = opening_vnd
    for line in lines:
        if balance is not None:
            balance += signed_vnd(line)
        stated = line.balance_after_vnd
        if stated is None:
            continue
        if balance is not None and balance != stated:
            return Break("running", line.line_no, line.place, balance, stated)
        balance = stated
    return None


def total_break(what: str, expected_vnd: int | None, found_vnd: int | None) -> Break | None:
    """Compare a computed total with the stated one, where both are known."""
    if expected_vnd is None or found_vnd is None or expected_vnd == found_vnd:
        return None
    return Break(what, 0, "", expected_vnd, found_vnd)


def newest_first(lines: Sequence[StatementLine]) -> bool:
    """Tell whether a file lists its newest line first, by its dates or, within a day, its balances."""
    if len(lines) < 2:
        return False
    first, last = lines[0].booked_on, lines[-1].booked_on
    if first != last:
        return first > last
    upwards = first_running_break(lines, None) is None
    downwards = first_running_break(list(reversed(lines)), None) is None
    return downwards and not upwards
