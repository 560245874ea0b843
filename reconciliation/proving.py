"""What a run must prove besides its balances: nothing lost between the sources, and the books at zero."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any, Protocol

from sqlalchemy import Row, text

from reconciliation.balances import BalanceProof
from reconciliation.facts import BankFact, GatewayFact, LedgerFact
from reconciliation.matching import Case
from reconciliation.movements import MATCHED, NOT_DUE

MONEY = text("""
    SELECT coalesce(sum(amount_vnd), 0) AS receipts,
        coalesce(sum(amount_vnd) FILTER (WHERE state IN ('new', 'unmatched')), 0) AS unmatched,
        coalesce(sum(amount_vnd) FILTER (WHERE state = 'reversed'), 0) AS reversed,
        coalesce(sum(amount_vnd) FILTER (WHERE state = 'payout'), 0) AS payouts,
        coalesce(sum(amount_vnd) FILTER (WHERE state = 'excluded'), 0) AS excluded,
        coalesce(sum(amount_vnd) FILTER (WHERE state = 'refund'), 0) + (
            SELECT coalesce(sum(r.amount_vnd), 0) FROM refund r
            WHERE r.school_id = :school_id AND r.transaction_id = ANY(CAST(:ids AS bigint[]))
              AND r.pupil_id IS NOT NULL AND r.state IN ('approved', 'confirmed')) AS refunds,
        (SELECT coalesce(sum(a.amount_vnd), 0) FROM allocation a
         WHERE a.school_id = :school_id AND a.transaction_id = ANY(CAST(:ids AS bigint[]))) AS allocated,
        (SELECT coalesce(sum(c.amount_vnd), 0) FROM pupil_credit c
         WHERE c.school_id = :school_id AND c.transaction_id = ANY(CAST(:ids AS bigint[]))) AS credit,
        (SELECT coalesce(sum(b.balance_vnd), 0) FROM ledger_balance b WHERE b.school_id = :school_id) AS books
    FROM bank_transaction
    WHERE school_id = :school_id AND direction = 'credit' AND id = ANY(CAST(:ids AS bigint[]))
""")


@dataclass(frozen=True, slots=True)
class Money:
    """What settlement made of the run's receipts, in đồng; ``books_vnd`` is the sum of the school's trial balance."""

    receipts_vnd: int = 0
    allocated_vnd: int = 0
    credit_vnd: int = 0
    unmatched_vnd: int = 0
    reversed_vnd: int = 0
    books_vnd: int = 0
    payouts_vnd: int = 0
    """Lines by which intermediaries paid what they owed; what they paid for is among the receipts, too."""
    excluded_vnd: int = 0
    """What a person said is no fee money."""
    refunds_vnd: int = 0
    """What goes back to its payers or has gone: whole transfers, and pupils' excess."""

    def plus(self, other: "Money") -> "Money":
        """Receipts of both; the books are the same ones."""
        return Money(
            **{
                name: getattr(self, name) + (0 if name == "books_vnd" else getattr(other, name))
                for name in asdict(self)
            }
        )

    @property
    def placed_vnd(self) -> int:
        """Where the receipts are."""
        decided_vnd = self.excluded_vnd + self.refunds_vnd
        settled_vnd = self.allocated_vnd + self.credit_vnd
        return settled_vnd + self.unmatched_vnd + decided_vnd + self.reversed_vnd + self.payouts_vnd


def money_ids(banks: Iterable[BankFact], gateways: Iterable[GatewayFact]) -> list[int]:
    """The bank transactions behind the facts of a run."""
    ids = {fact.transaction_id for fact in banks} | {fact.id for fact in gateways if fact.id > 0}
    return sorted(number for number in ids if number is not None)


def money_of(row: Row[Any]) -> Money:
    """Where the money behind these transactions is, as ``MONEY`` tells."""
    figures = (row.receipts, row.allocated, row.credit, row.unmatched, row.reversed, row.books, row.payouts)
    return Money(*(int(figure) for figure in (*figures, row.excluded, row.refunds)))


@dataclass(frozen=True, slots=True)
class Total:
    """Facts of one source on the days of the run: how many, how much, and where each of them went."""

    count: int = 0
    vnd: int = 0
    matched: int = 0
    matched_vnd: int = 0
    exceptions: int = 0
    exceptions_vnd: int = 0
    not_due: int = 0
    not_due_vnd: int = 0

    @property
    def ok(self) -> bool:
        """matched + exceptions (+ what nobody can judge yet) = total, in count and in đồng."""
        counts = self.matched + self.exceptions + self.not_due
        return counts == self.count and self.matched_vnd + self.exceptions_vnd + self.not_due_vnd == self.vnd


@dataclass(frozen=True, slots=True)
class Part:
    """Facts of one source that were judged together: how many belong to the days of the run, and their đồng."""

    count: int = 0
    vnd: int = 0


class Matched(Protocol):
    """What was matched together: facts of each source that belong to the days of the run."""

    @property
    def banks(self) -> Part:
        """Bank lines."""

    @property
    def gateways(self) -> Part:
        """What senders reported."""

    @property
    def ledgers(self) -> Part:
        """Rows of the books."""


@dataclass(frozen=True, slots=True)
class Check:
    """One equation of the proof."""

    name: str
    ok: bool
    expected: int | None
    found: int | None
    place: str = ""


@dataclass(frozen=True, slots=True)
class Proof:
    """The whole proof of a run."""

    balance: BalanceProof
    checks: tuple[Check, ...]
    totals: Mapping[str, Total]
    money: Money
    decisions: Mapping[str, Any] = field(default_factory=dict)
    """What people decided about facts of the run: how many hold, and which are not replayed and why."""
    books: tuple[Mapping[str, Any], ...] = ()
    """Books that state their balance, held against the bank's. They fail no run: rows that the school changed after
    their import stay among ours, and whoever closes the period says that they know."""

    @property
    def ok(self) -> bool:
        """Whether every equation holds."""
        return self.balance.ok and all(check.ok for check in self.checks)

    def as_dict(self) -> dict[str, Any]:
        """As kept with the run; the first five names are a contract (design, section 8)."""
        return {
            "opening_vnd": self.balance.opening_vnd,
            "credits_vnd": self.balance.credits_vnd,
            "debits_vnd": self.balance.debits_vnd,
            "closing_vnd": self.balance.closing_vnd,
            "ok": self.ok,
            "from": self.balance.first.isoformat(),
            "to": self.balance.last.isoformat(),
            "checks": [asdict(check) for check in self.checks],
            "totals": {name: asdict(total) for name, total in self.totals.items()},
            "money": asdict(self.money),
        } | self._told()

    def _told(self) -> dict[str, Any]:
        """What only some runs have to say."""
        said = {"decisions": dict(self.decisions), "books": list(self.books)}
        return {name: value for name, value in said.items() if value}


def waiting(day: date) -> Proof:
    """No statement covers the day: nothing is proved and nothing is wrong."""
    return Proof(BalanceProof(day, day, None, 0, 0, None, ()), (), {}, Money())


def prove_run(
    balance: BalanceProof,
    banks: Sequence[BankFact],
    gateways: Sequence[GatewayFact],
    ledgers: Sequence[LedgerFact],
    *,
    cases: Sequence[Case],
    money: Money,
    mass: "Matched | None" = None,
    decisions: Mapping[str, Any] | None = None,
) -> Proof:
    """Check every equation; ``cases`` are all that were judged one by one, also those of other days, ``mass`` the
    rest.
    """
    totals = {
        "bank": _total(
            banks,
            ((fact.id, case.primary_class) for case in cases for fact in case.banks),
            mass.banks if mass else None,
        ),
        "gateway": _total(
            gateways,
            ((fact.id, case.primary_class) for case in cases for fact in case.gateways),
            mass.gateways if mass else None,
        ),
        "ledger": _total(
            ledgers,
            ((fact.id, case.primary_class) for case in cases for fact in case.ledgers),
            mass.ledgers if mass else None,
        ),
    }
    equation = _equation(balance)
    breaks = [
        Check(f"balance_{found.what}", ok=False, expected=found.expected, found=found.found, place=found.place)
        for found in balance.breaks
    ]
    sums = [Check(f"total_{name}", total.ok, total.count, _placed(total)) for name, total in totals.items()]
    books = Check("books_zero", money.books_vnd == 0, 0, money.books_vnd)
    placed = Check("receipts_placed", money.placed_vnd == money.receipts_vnd, money.receipts_vnd, money.placed_vnd)
    return Proof(balance, (equation, *breaks, *sums, placed, books), totals, money, decisions or {})


def _equation(balance: BalanceProof) -> Check:
    """opening + credits - debits = closing."""
    if balance.opening_vnd is None or balance.closing_vnd is None:
        return Check("balance", ok=False, expected=None, found=None)
    expected = balance.opening_vnd + balance.credits_vnd - balance.debits_vnd
    return Check("balance", expected == balance.closing_vnd, expected, balance.closing_vnd)


def _placed(total: Total) -> int:
    return total.matched + total.exceptions + total.not_due


def _total(
    facts: Sequence[BankFact | GatewayFact | LedgerFact], judged: Iterable[tuple[int, str]], mass: Part | None
) -> Total:
    """Count each fact of the run by the class of the case that it stands in; in two cases, it counts twice."""
    amounts = {fact.id: fact.amount_vnd for fact in facts}
    counts, sums = {MATCHED: 0, NOT_DUE: 0, "": 0}, {MATCHED: 0, NOT_DUE: 0, "": 0}
    for number, primary_class in judged:
        if number in amounts:
            group = primary_class if primary_class in counts else ""
            counts[group] += 1
            sums[group] += amounts[number]
    more = mass or Part()
    return Total(
        len(facts) + more.count,
        sum(amounts.values()) + more.vnd,
        counts[MATCHED] + more.count,
        sums[MATCHED] + more.vnd,
        counts[""],
        sums[""],
        counts[NOT_DUE],
        sums[NOT_DUE],
    )
