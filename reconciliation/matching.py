"""Bank x gateway x school ledger -> matches and exceptions: pure, permutation-proof, in time linear in the facts.

Every fact ends in exactly one case. A case has one primary class, the first of its keys in ``PRECEDENCE``; further keys
are flags. Absence is judged only by a source that covers the day: what is silent otherwise is ``not_due``.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from payments.banking.rules import Tariff
from payments.business_days import BusinessDays
from reconciliation.booking import book
from reconciliation.decisions.rules import Hand, Ruling, Unmet, hand_of, key_of
from reconciliation.facts import BankFact, GatewayFact, LedgerFact, Scope
from reconciliation.grounds import Ground
from reconciliation.movements import MATCHED, NOT_DUE, PRECEDENCE, Movement
from reconciliation.pairing import pair

RULES_VERSION = 4
"""Part of the hash of a run's inputs: raise it when the same facts may give another report."""

CASH = "cash"
"""Flag of rows that say cash: they count against the goal of no cash, and no bank line is missed."""
REVERSED = "reversed"
"""Flag of a payment that was taken back, and of what took it back."""
DECISION_LOST = "decision_lost"
"""Flag of a case with a fact about which a person decided something that holds no more."""


@dataclass(frozen=True, slots=True)
class Case:
    """One match or exception; amounts in đồng, ids of the facts of each source."""

    primary_class: str
    flags: tuple[str, ...]
    rules: tuple[str, ...]
    amount_vnd: int
    day: date
    references: tuple[str, ...]
    banks: tuple[BankFact, ...]
    gateways: tuple[GatewayFact, ...]
    ledgers: tuple[LedgerFact, ...]
    note: str | None
    grounds: tuple[Ground, ...] = ()
    """Why its facts stand together: one for each join (reconciliation/grounds.py)."""

    @property
    def keys(self) -> tuple[str, ...]:
        """All classes that apply, the primary one first."""
        return (self.primary_class, *self.flags)


def match(
    banks: Iterable[BankFact],
    gateways: Iterable[GatewayFact],
    ledgers: Iterable[LedgerFact],
    *,
    scope: Scope,
    calendar: BusinessDays,
    tariffs: Sequence[Tariff] = (),
    rulings: Iterable[Ruling] = (),
) -> list[Case]:
    """Judge all facts; every fact is in exactly one case, and the cases come in canonical order.

    ``rulings``: what people decided, replayed before all rules; what holds no more is flagged on its facts' cases.
    """
    banks, gateways, ledgers = list(banks), list(gateways), list(ledgers)
    hand = hand_of(rulings, banks, gateways, ledgers)
    movements = book(pair(banks, gateways, tariffs, hand), ledgers, hand)
    _report_unmet(movements, hand)
    reversals = _reversals(movements)
    cases = [_case(movement, scope, calendar, reversals) for movement in movements]
    return sorted(cases, key=_place)


def _report_unmet(movements: Sequence[Movement], hand: Hand) -> None:
    """Decisions that hold no more are noted on every movement with a fact of theirs: none is dropped silently."""
    if not hand.unmet:
        return
    found = {key_of(fact): movement for movement in movements for fact in movement.facts}
    for lost in hand.unmet:
        for movement in {id(one): one for fact in lost.facts if (one := found.get(key_of(fact)))}.values():
            said = f"decision_{lost.why}={lost.id}"
            movement.note = f"{movement.note}; {said}" if movement.note else said
            movement.keys.add(DECISION_LOST)


def unmet(
    rulings: Iterable[Ruling],
    banks: Sequence[BankFact],
    gateways: Sequence[GatewayFact],
    ledgers: Sequence[LedgerFact],
) -> list[Unmet]:
    """The decisions among these that are not replayed, with the reason: also those of which no fact is here."""
    return hand_of(rulings, banks, gateways, ledgers).unmet


def _place(case: Case) -> tuple[object, ...]:
    ids = tuple(tuple(fact.id for fact in facts) for facts in (case.banks, case.gateways, case.ledgers))
    return (case.day, case.amount_vnd, case.references, case.primary_class, ids)


def _case(movement: Movement, scope: Scope, calendar: BusinessDays, reversals: Mapping[int, bool]) -> Case:
    booked = reversals.get(id(movement))
    keys = set(movement.keys)
    if "ambiguous" not in keys:
        keys |= set(_absences(movement, scope))
        if booked is False:
            keys.discard("missing_ledger")
        if _shifted(movement, calendar):
            keys.add("date_cutoff")
    if any(fact.conflicting for fact in movement.gateways):
        keys.add("amount_diff")
    if _after_close(movement):
        keys.add("closed_period")
    classes = [key for key in PRECEDENCE if key in keys]
    marks = [CASH] * any(row.is_cash for row in movement.ledgers) + [REVERSED] * (
        booked is not None or movement.cancelled
    )
    marks += [DECISION_LOST] * (DECISION_LOST in movement.keys)
    return Case(
        primary_class=classes[0] if classes else _agreement(movement),
        flags=(*classes[1:], *marks),
        rules=movement.rules,
        amount_vnd=movement.amount_vnd,
        day=movement.day,
        references=movement.references or tuple(sorted({name for row in movement.ledgers for name in row.references})),
        banks=tuple(movement.banks),
        gateways=tuple(movement.gateways),
        ledgers=tuple(movement.ledgers),
        note=movement.note,
        grounds=tuple(movement.grounds),
    )


def _agreement(movement: Movement) -> str:
    """Without an exception: two sources agree, or the one that speaks waits for the others, or takes itself back."""
    if movement.cancelled:
        return MATCHED
    sources = [bool(facts) for facts in (movement.banks, movement.gateways, movement.ledgers)]
    return MATCHED if sum(sources) > 1 else NOT_DUE


def _absences(movement: Movement, scope: Scope) -> Iterator[str]:
    """Which sources are silent though they should speak.

    Banks push credits, not always debits: a debit without callback is no exception.
    """
    if movement.banks:
        if not movement.gateways and movement.direction == "credit":
            yield "missing_gateway"
        if not movement.ledgers and movement.day in scope.ledger:
            yield "missing_ledger"
    elif movement.gateways:
        if movement.day in scope.bank_proved and not movement.cancelled:
            yield "missing_bank"
    elif movement.day in scope.bank_proved or any(row.is_cash for row in movement.ledgers):
        yield "only_ledger"


def _shifted(movement: Movement, calendar: BusinessDays) -> bool:
    """Whether the sources date a movement on other business days, or the books in another month."""
    bank_days = {day for fact in movement.banks for day in (fact.day, fact.value_date)}
    sent_days = {fact.day for fact in movement.gateways if not fact.owed}
    if len(bank_days | sent_days) > 1 and any(calendar.shifted(one, other) for one in bank_days for other in sent_days):
        return True
    owed_days = {fact.day for fact in movement.owed}  # The books may show what was paid, or when it was paid out.
    months = {(day.year, day.month) for day in (bank_days or sent_days) | owed_days}
    return bool(months) and any((row.day.year, row.day.month) not in months for row in movement.ledgers)


def _after_close(movement: Movement) -> bool:
    late = [fact.after_close for fact in movement.banks] + [fact.after_close for fact in movement.gateways]
    return any(late) or any(row.after_close for row in movement.ledgers)


def _reversals(movements: Sequence[Movement]) -> dict[int, bool]:
    """Payments that were taken back and what took them back: whether the books show any of the two.

    What an intermediary took back is deducted from its payouts.

    While they show neither, neither is missing there. By ``id`` of the movement.
    """
    by_number = {number: movement for movement in movements for number in _numbers(movement)}
    found: dict[int, bool] = {}
    for movement in movements:
        for number in _takes_back(movement):
            paid = by_number.get(number)
            booked = paid is None or bool(paid.ledgers or movement.ledgers)
            found |= {id(one): booked for one in (movement, paid) if one is not None}
    return found


def _numbers(movement: Movement) -> set[int]:
    """Bank transactions that stand behind a movement."""
    found = {fact.transaction_id for fact in movement.banks} | {fact.id for fact in movement.gateways}
    return {number for number in found if number is not None}


def _takes_back(movement: Movement) -> set[int]:
    sent = [fact for fact in movement.gateways if not fact.owed]
    found = {fact.reverses_id for fact in movement.banks} | {fact.reverses_id for fact in sent}
    return {number for number in found if number is not None}
