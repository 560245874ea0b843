"""Bank lines and gateway transactions that are the same movement: pure, the same for every order of the facts.

What the inbox has attached to one bank transaction is one movement, and so is a payout with what it paid: which
line pays what an intermediary owes is decided in payments/clearing, never here. The rest meet by bank reference (T0),
payment reference (T1), or as the only candidates of equal amount and day (T2), as in payments/inbox/pairing.py; senders
that settle directly may still net a fee (T3). A tie is never broken by guess: it becomes one ambiguous case
(invariant I12).
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import TypeVar

from payments.banking.rules import Tariff
from payments.inbox.halves import LATE_DAYS, NEAR_DAYS
from payments.inbox.pairing import REFERENCE_DAYS
from reconciliation import batches
from reconciliation.facts import BankFact, GatewayFact
from reconciliation.movements import T0, T1, T2, T3, Movement
from reconciliation.pairs import Key, Window, grouped, neighbourhoods, one_to_one, within

SAME_REFERENCE: Window = (-REFERENCE_DAYS, REFERENCE_DAYS)
SAME_DAY: Window = (-LATE_DAYS, NEAR_DAYS)
"""From the bank's day to the gateway's: a statement may book later than the callback came, not much earlier."""

Fact = BankFact | GatewayFact
AnyFact = TypeVar("AnyFact", BankFact, GatewayFact)


def pair(banks: Iterable[BankFact], gateways: Iterable[GatewayFact], tariffs: Sequence[Tariff] = ()) -> list[Movement]:
    """Part all facts into movements: each fact stands in exactly one."""
    told = sorted(gateways, key=place)
    pool = Pool(sorted(banks, key=place), [fact for fact in told if not fact.owed])
    pool.pay_out([fact for fact in told if fact.owed])
    pool.linked()
    pool.meet(T0, by_bank_reference, by_bank_reference, SAME_REFERENCE)
    pool.meet(T0, nameless_by_bank_reference, bank_reference_alone, SAME_REFERENCE)
    pool.meet(T0, bank_reference_alone, nameless_by_bank_reference, SAME_REFERENCE)
    pool.meet(T1, by_references, by_references, SAME_REFERENCE)
    pool.meet_by_any_reference()
    pool.set_duplicates_aside()
    pool.meet(T2, nameless, nameless, SAME_DAY)
    pool.settle_batches(tariffs)
    pool.claim(nameless, named)
    pool.claim(named, nameless)
    pool.differ(lambda fact: [fact.bank_reference] if fact.bank_reference else [])
    pool.differ(lambda fact: list(fact.references))
    return (
        pool.movements
        + [Movement(banks=[one]) for one in pool.banks]
        + [Movement(gateways=[one]) for one in pool.gateways]
    )


def place(fact: Fact) -> tuple[Hashable, ...]:
    """Order of facts: what they say, not when they came."""
    return (fact.day, fact.direction, fact.amount_vnd, fact.references, fact.bank_reference, fact.id)


def by_bank_reference(fact: Fact) -> Key:
    """Same bank reference, amount and payment references."""
    return (*sum_of(fact), fact.bank_reference, name_of(fact)) if fact.bank_reference else None


def bank_reference_alone(fact: Fact) -> Key:
    """Same bank reference and amount."""
    return (*sum_of(fact), fact.bank_reference) if fact.bank_reference else None


def nameless_by_bank_reference(fact: Fact) -> Key:
    """As above, of a fact without payment reference: it cannot contradict one."""
    return None if fact.references else bank_reference_alone(fact)


def by_references(fact: Fact) -> Key:
    """Same payment references and amount."""
    return (*sum_of(fact), name_of(fact)) if fact.references else None


def nameless(fact: Fact) -> Key:
    """Same amount, no payment reference."""
    return None if fact.references else sum_of(fact)


def named(fact: Fact) -> Key:
    """Same amount, some payment reference."""
    return sum_of(fact) if fact.references else None


def sum_of(fact: Fact) -> tuple[str, int]:
    """Which way and how much."""
    return fact.direction, fact.amount_vnd


def name_of(fact: Fact) -> tuple[str, ...]:
    """Payment references in canonical order."""
    return fact.references if len(fact.references) < 2 else tuple(sorted(set(fact.references)))


class Pool:
    """What has found no partner yet, and the movements found so far."""

    def __init__(self, banks: list[BankFact], gateways: list[GatewayFact]) -> None:
        self.banks = banks
        self.gateways = gateways
        self.movements: list[Movement] = []

    def pay_out(self, owed: Sequence[GatewayFact]) -> None:
        """A payout and what it paid are one movement; what is still owed meets no line."""
        waiting: dict[int, list[GatewayFact]] = defaultdict(list)
        for fact in owed:
            waiting[fact.paid_by or 0].append(fact)
        watched = {fact.id: fact for fact in self.gateways}
        for bank in [fact for fact in self.banks if fact.payout_fee_vnd is not None]:
            key = bank.transaction_id or 0
            told = [watched[key]] if key in watched else []
            self.add(_payout([bank], [*told, *waiting.pop(key, ())], bank.payout_fee_vnd or 0))
        for key in sorted(waiting.keys() & watched.keys()):
            # The line was reported, and no statement shows it yet.
            self.add(_payout([], [watched[key], *waiting.pop(key)], 0))
        for fact in (fact for group in waiting.values() for fact in group):
            note = None if fact.cancelled else f"payout_due={fact.due:%d/%m/%Y}"
            self.movements.append(Movement(gateways=[fact], note=note, cancelled=fact.cancelled))

    def linked(self) -> None:
        """What stands behind one bank transaction is one movement."""
        gateways = {fact.id: fact for fact in self.gateways}
        pairs = []
        for bank in self.banks:
            gateway = gateways.get(bank.transaction_id or 0)
            if gateway is not None and sum_of(bank) == sum_of(gateway):
                pairs.append((bank, gateways.pop(gateway.id)))
        self.join(pairs, None)

    def meet(
        self, rule: str, bank_key: Callable[[Fact], Key], gateway_key: Callable[[Fact], Key], window: Window
    ) -> None:
        """Join facts of equal keys one-to-one."""
        pairs = [
            found
            for group in grouped(self.banks, self.gateways, bank_key, gateway_key)
            for found in one_to_one(*group, window)
        ]
        self.join(pairs, rule)

    def join(self, pairs: Sequence[tuple[BankFact, GatewayFact]], rule: str | None) -> None:
        """Make movements of pairs."""
        self.movements += [Movement([bank], [gateway], [], [rule or tier(bank, gateway)]) for bank, gateway in pairs]
        self.drop([bank for bank, _ in pairs], [gateway for _, gateway in pairs])

    def drop(self, banks: Sequence[BankFact], gateways: Sequence[GatewayFact]) -> None:
        """Take facts out of the pool, keeping its order."""
        bank_ids, gateway_ids = {fact.id for fact in banks}, {fact.id for fact in gateways}
        if bank_ids:
            self.banks = [fact for fact in self.banks if fact.id not in bank_ids]
        if gateway_ids:
            self.gateways = [fact for fact in self.gateways if fact.id not in gateway_ids]

    def add(self, movement: Movement) -> None:
        """Keep a movement that was found otherwise."""
        self.movements.append(movement)
        self.drop(movement.banks, movement.gateways)

    def meet_by_any_reference(self) -> None:
        """Join facts of equal amount that have some payment reference in common."""
        waiting: dict[Hashable, list[GatewayFact]] = defaultdict(list)
        for gateway in self.gateways:
            for name in gateway.references:
                waiting[*sum_of(gateway), name].append(gateway)
        taken: set[int] = set()
        pairs = []
        for bank in self.banks:
            found = next(
                (
                    gateway
                    for name in bank.references
                    for gateway in waiting.get((*sum_of(bank), name), ())
                    if gateway.id not in taken and within(bank, gateway, SAME_REFERENCE)
                ),
                None,
            )
            if found is not None:
                taken.add(found.id)
                pairs.append((bank, found))
        self.join(pairs, T1)

    def set_duplicates_aside(self) -> None:
        """The same bank reference, amount and names a second time in one source: the same fact twice."""
        for bank in again(self.banks, [fact for movement in self.movements for fact in movement.banks]):
            self.add(Movement(banks=[bank], keys={"duplicate"}))
        for gateway in again(self.gateways, [fact for movement in self.movements for fact in movement.gateways]):
            self.add(Movement(gateways=[gateway], keys={"duplicate"}))

    def settle_batches(self, tariffs: Sequence[Tariff]) -> None:
        """One bank line for several payments of an intermediary, or for one minus its fee."""
        for batch in batches.find(self.banks, self.gateways, tariffs):
            keys = {"fee_netted"} if batch.fee_vnd else set()
            note = f"fee_vnd={batch.fee_vnd}" if batch.fee_vnd else None
            self.add(Movement([batch.bank], list(batch.gateways), [], [T3], keys, note))

    def claim(self, bank_key: Callable[[Fact], Key], gateway_key: Callable[[Fact], Key]) -> None:
        """A payment reference on one side only: the only candidates are one movement, a tie waits for a person."""
        pairs = []
        ties = []
        for group in grouped(self.banks, self.gateways, bank_key, gateway_key):
            for banks, gateways in neighbourhoods(*group, SAME_DAY):
                if len(banks) == len(gateways) == 1:
                    pairs.append((banks[0], gateways[0]))
                else:
                    ties.append(Movement(banks, gateways, keys={"ambiguous"}))
        self.join(pairs, T2)
        for tie in ties:
            self.add(tie)

    def differ(self, names: Callable[[Fact], list[str]]) -> None:
        """The same fact with another amount in the other source; of several, nobody can say which."""
        waiting: dict[tuple[str, str], tuple[list[BankFact], list[GatewayFact]]] = defaultdict(lambda: ([], []))
        for bank in self.banks:
            for name in names(bank):
                waiting[bank.direction, name][0].append(bank)
        for gateway in self.gateways:
            for name in names(gateway):
                waiting[gateway.direction, name][1].append(gateway)
        taken: set[int] = set()
        for _, (banks, gateways) in sorted(waiting.items(), key=lambda item: item[0]):
            if not banks or not gateways or any(id(fact) in taken for fact in (*banks, *gateways)):
                continue
            if not all(_may_be_one(bank, gateway) for bank in banks for gateway in gateways):
                continue
            taken |= {id(fact) for fact in (*banks, *gateways)}
            key = "amount_diff" if len(banks) == len(gateways) == 1 else "ambiguous"
            self.add(Movement(banks, gateways, [], [], {key}))


def _payout(banks: list[BankFact], gateways: list[GatewayFact], fee_vnd: int) -> Movement:
    keys = {"fee_netted"} if fee_vnd else set()
    return Movement(banks, gateways, [], [T3], keys, f"fee_vnd={fee_vnd}" if fee_vnd else None)


def again(facts: Sequence[AnyFact], placed: Sequence[AnyFact]) -> list[AnyFact]:
    """Facts that say what a placed one, or one before them, has said under the same bank reference."""
    seen = {by_bank_reference(fact) for fact in placed}
    found = []
    for fact in facts:
        key = by_bank_reference(fact)
        if key is not None and key in seen:
            found.append(fact)
        seen.add(key)
    return found


def _may_be_one(bank: BankFact, gateway: GatewayFact) -> bool:
    """Payment references that have nothing in common are two payments, whatever the bank's reference (batches)."""
    contradict = bank.references and gateway.references and not set(bank.references) & set(gateway.references)
    return not contradict and within(bank, gateway, SAME_REFERENCE)


def tier(bank: BankFact, gateway: GatewayFact) -> str:
    """By which evidence two facts of one bank transaction belong together."""
    if bank.bank_reference and bank.bank_reference == gateway.bank_reference:
        return T0
    return T1 if set(bank.references) & set(gateway.references) else T2
