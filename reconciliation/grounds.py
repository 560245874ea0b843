"""Why facts were joined: for every join the rule, between whom, and on what it rests. Pure, and the same every time.

A case holds one ground for each join that made it. What was put together without being a match (two amounts for one
movement, a tie, a second entry of the same fact) has a ground without a rule: it says why the facts stand side by side.

**The grounds of a simple case are a rule.** A bank line, a gateway transaction and a row of the books, one each, that
meet by T0 or T1 have the grounds that ``triple`` computes from the three facts alone, whoever writes the item: nothing
of the other facts matters.
"""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from reconciliation.facts import BankFact, GatewayFact, LedgerFact

PERSON: Final = "person"
"""The rule of what a person joined."""
T0: Final = "T0"
"""Same bank reference, same amount."""
T1: Final = "T1"
"""Same payment reference, same amount."""
T2: Final = "T2"
"""Same account, amount and day (within the window) and nothing that contradicts: the only candidate."""
T3: Final = "T3"
"""Several make one: parts of one payment, a batch of an intermediary, a day's total."""

MONEY: Final = "bank+gateway"
BOOKS: Final = "money+books"
BANK: Final = "bank"
GATEWAY: Final = "gateway"
LEDGER: Final = "books"

NUMBER: Final = "number"
NAMES: Final = "names"
ONLY: Final = "only"
ALIKE: Final = "alike"
ATTACHED: Final = "attached"
BATCH: Final = "batch"
PAYOUT: Final = "payout"
PARTS: Final = "parts"
SUM: Final = "sum"
DAY_TOTAL: Final = "day_total"
DECIDED: Final = "decided"
DIFFERS: Final = "differs"
TIE: Final = "tie"
AGAIN: Final = "again"
HOW_OF_TIER: Final = {T0: NUMBER, T1: NAMES, T2: ONLY}


class Ground(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One join. What is at its default is left out of the stored JSON."""

    rule: str
    """T0–T3, ``person``; empty where facts stand together without being a match."""
    how: str
    """Which of the constants above."""
    between: str
    """The two sides, or the one source in which a fact stands twice."""
    amount_vnd: int = 0
    """What both sides come to; of a batch, what was paid before the fee."""
    number: str = ""
    """The bank's reference that both name; of the books, as document number."""
    names: tuple[str, ...] = ()
    """Payment references that both name."""
    days: int = 0
    """How much later the second side is dated; below zero: earlier."""
    facts: int = 2
    """How many facts the join holds."""
    fee_vnd: int = 0
    fee_by: str = ""
    """Who knows the fee: ``stated`` by the line, ``tariff`` of the channel, ``payout`` as decided in clearing."""
    decision: int = 0
    """Number of the person's decision."""


def pair(bank: BankFact, gateway: GatewayFact, rule: str, how: str = "") -> Ground:
    """A bank line and a gateway transaction of one amount."""
    number = bank.bank_reference if bank.bank_reference == gateway.bank_reference else ""
    names = common(bank.references, gateway.references)
    days = (gateway.day - bank.day).days
    return Ground(rule, how or HOW_OF_TIER[rule], MONEY, bank.amount_vnd, number, names, days)


def attached(bank: BankFact, gateway: GatewayFact) -> Ground:
    """What the inbox holds for one bank transaction: the rule is the best evidence that the two share."""
    return pair(bank, gateway, tier(bank, gateway), ATTACHED)


def tier(bank: BankFact, gateway: GatewayFact) -> str:
    """By which evidence two facts of one bank transaction belong together."""
    if bank.bank_reference and bank.bank_reference == gateway.bank_reference:
        return T0
    return T1 if common(bank.references, gateway.references) else T2


def booked(
    money: BankFact | GatewayFact, references: tuple[str, ...], row: LedgerFact, rule: str, how: str = ""
) -> Ground:
    """A row of the books on money of its amount; ``references``: all that the movement names."""
    number = row.document if rule == T0 and row.document == money.bank_reference else ""
    days = (row.day - money.day).days
    return Ground(
        rule, how or HOW_OF_TIER[rule], BOOKS, row.amount_vnd, number, common(references, row.references), days
    )


def several(
    how: str,
    between: str,
    amount_vnd: int,
    facts: int,
    *,
    names: tuple[str, ...] = (),
    fee_vnd: int = 0,
    fee_by: str = "",
) -> Ground:
    """Several that make one (T3)."""
    return Ground(T3, how, between, amount_vnd, names=names, facts=facts, fee_vnd=fee_vnd, fee_by=fee_by)


def beside(how: str, between: str, facts: Sequence[BankFact | GatewayFact | LedgerFact]) -> Ground:
    """Facts that stand together without being a match: what they share, if anything."""
    numbers = {numbered(fact) for fact in facts}
    number = numbers.pop() if len(numbers) == 1 else ""
    names = set(facts[0].references).intersection(*(fact.references for fact in facts))
    return Ground("", how, between, number=number, names=tuple(sorted(names)), facts=len(facts))


def decided(decision: int, between: str, facts: int, amount_vnd: int) -> Ground:
    """A person's word."""
    return Ground(PERSON, DECIDED, between, amount_vnd, facts=facts, decision=decision)


def triple(
    bank: BankFact, gateway: GatewayFact, row: LedgerFact | None, *, rule: str = "", book_rule: str = ""
) -> tuple[Ground, ...]:
    """The grounds of a simple case: one bank line, one gateway transaction and at most one row of the books.

    Attached by the inbox where the line's bank transaction is the gateway's; the tiers where they are not given are the
    best that the facts show.
    """
    linked = bank.transaction_id is not None and bank.transaction_id == gateway.id
    money = attached(bank, gateway) if linked else pair(bank, gateway, rule or tier(bank, gateway))
    if row is None:
        return (money,)
    references = tuple(sorted({*bank.references, *gateway.references}))
    return (money, booked(bank, references, row, book_rule or book_tier(bank, references, row)))


def book_tier(money: BankFact | GatewayFact, references: tuple[str, ...], row: LedgerFact) -> str:
    """The best evidence that money and a row of the books share."""
    if row.document and row.document == money.bank_reference:
        return T0
    return T1 if common(references, row.references) else T2


def common(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    """Payment references that both name, in canonical order."""
    if one == other and len(one) < 2:
        return one
    return tuple(sorted(set(one).intersection(other)))


def numbered(fact: BankFact | GatewayFact | LedgerFact) -> str:
    """The bank's number of a fact; of a row of the books its document."""
    return fact.document if isinstance(fact, LedgerFact) else fact.bank_reference


def as_json(grounds: Iterable[Ground]) -> str:
    """As kept with an item: names in a fixed order, defaults left out."""
    return msgspec.json.encode(tuple(grounds)).decode()
