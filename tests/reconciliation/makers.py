"""Facts for tests of matching, by what matters in a test."""

from datetime import date
from itertools import count

from payments.business_days import BusinessDays
from reconciliation.facts import BankFact, Days, GatewayFact, LedgerFact, Scope
from reconciliation.matching import Case, match

MONDAY = date(2025, 10, 6)
MONTH = (date(2025, 10, 1), date(2025, 10, 31))
SCOPE = Scope(*MONTH, bank_proved=Days((MONTH,)), ledger=Days((MONTH,)))
NO_BOOKS = Scope(*MONTH, bank_proved=Days((MONTH,)))
_ids = count(1)


def on(day: int) -> date:
    return date(2025, 10, day)


def bank(amount_vnd: int, *references: str, day: int = 6, number: str = "", way="credit", **more) -> BankFact:
    more.setdefault("value_date", on(day))
    return BankFact(
        next(_ids), on(day), direction=way, amount_vnd=amount_vnd, bank_reference=number, references=references, **more
    )


def gateway(amount_vnd: int, *references: str, day: int = 6, number: str = "", way="credit", **more) -> GatewayFact:
    more.setdefault("due", on(day))
    more.setdefault("source", "callback:1")
    key = next(_ids)
    more.setdefault("evidence_ids", (key,))
    said = {"direction": way, "amount_vnd": amount_vnd, "bank_reference": number, "references": references}
    return GatewayFact(key, on(day), **said, **more)


def ledger(amount_vnd: int, *references: str, day: int = 6, document: str = "", way="credit", **more) -> LedgerFact:
    return LedgerFact(next(_ids), on(day), way, amount_vnd, references, document, **more)


def judged(*facts: object, scope: Scope = SCOPE, holidays=(), tariffs=(), rulings=()) -> list[Case]:
    sides = {kind: [fact for fact in facts if isinstance(fact, kind)] for kind in (BankFact, GatewayFact, LedgerFact)}
    calendar = BusinessDays(frozenset(holidays))
    return match(*sides.values(), scope=scope, calendar=calendar, tariffs=tariffs, rulings=rulings)


def classes(*facts: object, **more) -> list[str]:
    return sorted(case.primary_class for case in judged(*facts, **more))
