"""Bank lines and gateway transactions that are the same movement: pure, the same for every order of the facts.

What the inbox has attached to one bank transaction is one movement, and so is a payout with what it paid: which
line pays what an intermediary owes is decided in payments/clearing, never here. What a person joined comes before all
rules. The rest meet by bank reference (T0), payment reference (T1), or as the only candidates of equal amount and day
(T2), as in payments/inbox/pairing.py; parts of one payment, and senders that settle directly and net a fee, are T3. A
tie is never broken by guess: it becomes one ambiguous case (invariant I12).
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import TypeVar

from payments.banking.rules import Tariff
from payments.inbox.halves import LATE_DAYS, NEAR_DAYS
from payments.inbox.pairing import REFERENCE_DAYS
from reconciliation import batches, grounds
from reconciliation.decisions.rules import Hand
from reconciliation.facts import BankFact, GatewayFact
from reconciliation.grounds import ALIKE, MONEY, T0, T1, T2, Ground
from reconciliation.movements import Movement
from reconciliation.pairs import Key, Window, connected, grouped, neighbourhoods, one_to_one, within

SAME_REFERENCE: Window = (-REFERENCE_DAYS, REFERENCE_DAYS)
SAME_DAY: Window = (-LATE_DAYS, NEAR_DAYS)
"""From the bank's day to the gateway's: a statement may book later than the callback came, not much earlier."""

Fact = BankFact | GatewayFact
AnyFact = TypeVar("AnyFact", BankFact, GatewayFact)


def pair(
    banks: Iterable[BankFact],
    gateways: Iterable[GatewayFact],
    tariffs: Sequence[Tariff] = (),
    hand: Hand | None = None,
) -> list[Movement]:
    """Part all facts into movements: each fact stands in exactly one; ``hand``: what people decided."""
    told = sorted(gateways, key=place)
    pool = Pool(sorted(banks, key=place), [fact for fact in told if not fact.owed], hand or Hand())
    pool.pay_out([fact for fact in told if fact.owed])
    pool.join_by_hand()
    pool.linked()
    pool.meet(T0, by_bank_reference, by_bank_reference, SAME_REFERENCE)
    pool.meet(T0, nameless_by_bank_reference, bank_reference_alone, SAME_REFERENCE)
    pool.meet(T0, bank_reference_alone, nameless_by_bank_reference, SAME_REFERENCE)
    pool.meet(T1, by_references, by_references, SAME_REFERENCE)
    pool.meet_by_any_reference()
    pool.set_duplicates_aside()
    pool.join_parts()
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

    def __init__(self, banks: list[BankFact], gateways: list[GatewayFact], hand: Hand) -> None:
        self.banks = banks
        self.gateways = gateways
        self.hand = hand
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

    def join_by_hand(self) -> None:
        """What a person said is one comes first; a sum that differs stays visible."""
        for said in self.hand.joins:
            if said.banks and said.gateways:
                facts = (*said.banks, *said.gateways)
                paid_vnd, told_vnd = (sum(fact.amount_vnd for fact in side) for side in (said.banks, said.gateways))
                ground = grounds.decided(said.id, MONEY, len(facts), paid_vnd)
                keys = {"amount_diff"} if paid_vnd != told_vnd else set()
                self.add(Movement(list(said.banks), list(said.gateways), [], [ground], keys))

    def linked(self) -> None:
        """What stands behind one bank transaction is one movement."""
        gateways = {fact.id: fact for fact in self.gateways}
        pairs = []
        for bank in self.banks:
            gateway = gateways.get(bank.transaction_id or 0)
            if gateway is not None and sum_of(bank) == sum_of(gateway):
                pairs.append((bank, gateways.pop(gateway.id)))
        self.join((bank, gateway, grounds.attached(bank, gateway)) for bank, gateway in pairs)

    def meet(
        self, rule: str, bank_key: Callable[[Fact], Key], gateway_key: Callable[[Fact], Key], window: Window
    ) -> None:
        """Join facts of equal keys one-to-one; at T2 several of equal amount and day are interchangeable."""
        joined = []
        for banks, gateways in grouped(self.banks, self.gateways, bank_key, gateway_key):
            how = ALIKE if rule == T2 and max(len(banks), len(gateways)) > 1 else ""
            for bank, gateway in one_to_one(banks, gateways, window):
                joined.append((bank, gateway, grounds.pair(bank, gateway, rule, how)))
        self.join(joined)

    def join(self, pairs: Iterable[tuple[BankFact, GatewayFact, Ground]]) -> None:
        """Make movements of pairs, except of those that a person parted."""
        kept = [one for one in pairs if not self.hand.splits(one[:1], one[1:2])]
        self.movements += [Movement([bank], [gateway], [], [ground]) for bank, gateway, ground in kept]
        self.drop([bank for bank, _, _ in kept], [gateway for _, gateway, _ in kept])

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
                    if gateway.id not in taken
                    and within(bank, gateway, SAME_REFERENCE)
                    and not self.hand.splits([bank], [gateway])
                ),
                None,
            )
            if found is not None:
                taken.add(found.id)
                pairs.append((bank, found, grounds.pair(bank, found, T1)))
        self.join(pairs)

    def set_duplicates_aside(self) -> None:
        """The same bank reference, amount and names a second time in one source: the same fact twice."""
        for bank in again(self.banks, [fact for movement in self.movements for fact in movement.banks]):
            again_said = grounds.beside(grounds.AGAIN, grounds.BANK, [bank])
            self.add(Movement(banks=[bank], grounds=[again_said], keys={"duplicate"}))
        for gateway in again(self.gateways, [fact for movement in self.movements for fact in movement.gateways]):
            again_said = grounds.beside(grounds.AGAIN, grounds.GATEWAY, [gateway])
            self.add(Movement(gateways=[gateway], grounds=[again_said], keys={"duplicate"}))

    def join_parts(self) -> None:
        """Several lines that name one payment and come to its amount: the bank booked it in parts."""
        by_name: dict[tuple[str, str], list[BankFact]] = defaultdict(list)
        for bank in self.banks:
            for name in bank.references:
                by_name[bank.direction, name].append(bank)
        wanted: dict[tuple[str, str], list[GatewayFact]] = defaultdict(list)
        for gateway in self.gateways:
            for name in gateway.references:
                wanted[gateway.direction, name].append(gateway)
        for key, gateways in wanted.items():
            banks = by_name.get(key, [])
            if len(gateways) == 1 and len(banks) > 1 and not self.hand.splits(banks, gateways):
                self._join_parts(banks, gateways[0])

    def _join_parts(self, banks: list[BankFact], gateway: GatewayFact) -> None:
        fits = all(_may_be_one(bank, gateway) and len(bank.references) == 1 for bank in banks)
        if fits and sum(bank.amount_vnd for bank in banks) == gateway.amount_vnd and len(gateway.references) == 1:
            names, count = gateway.references, len(banks) + 1
            ground = grounds.several(grounds.PARTS, MONEY, gateway.amount_vnd, count, names=names)
            self.add(Movement(banks, [gateway], [], [ground]))

    def settle_batches(self, tariffs: Sequence[Tariff]) -> None:
        """One bank line for several payments of an intermediary, or for one minus its fee."""
        for batch in batches.find(self.banks, self.gateways, tariffs):
            if self.hand.splits([batch.bank], batch.gateways):
                continue
            keys = {"fee_netted"} if batch.fee_vnd else set()
            note = f"fee_vnd={batch.fee_vnd}" if batch.fee_vnd else None
            self.add(Movement([batch.bank], list(batch.gateways), [], [_batched(batch)], keys, note))

    def claim(self, bank_key: Callable[[Fact], Key], gateway_key: Callable[[Fact], Key]) -> None:
        """A payment reference on one side only: the only candidates are one movement, a tie waits for a person."""
        pairs = []
        ties = []
        for group in grouped(self.banks, self.gateways, bank_key, gateway_key):
            near = [some for hood in neighbourhoods(*group, SAME_DAY) for some in self._possible(*hood)]
            for banks, gateways in near:
                if len(banks) == len(gateways) == 1:
                    pairs.append((banks[0], gateways[0], grounds.pair(banks[0], gateways[0], T2)))
                else:
                    tie = grounds.beside(grounds.TIE, MONEY, [*banks, *gateways])
                    ties.append(Movement(banks, gateways, grounds=[tie], keys={"ambiguous"}))
        self.join(pairs)
        for tie_found in ties:
            self.add(tie_found)

    def _possible(
        self, banks: list[BankFact], gateways: list[GatewayFact]
    ) -> Iterable[tuple[list[BankFact], list[GatewayFact]]]:
        """Candidates for each other: what a person parted is none, so a tie may become clear."""
        return connected(banks, gateways, self.hand.splits) if self.hand.apart else [(banks, gateways)]

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
            if self.hand.splits(banks, gateways):
                continue
            taken |= {id(fact) for fact in (*banks, *gateways)}
            alone = len(banks) == len(gateways) == 1
            key, how = ("amount_diff", grounds.DIFFERS) if alone else ("ambiguous", grounds.TIE)
            self.add(Movement(banks, gateways, [], [grounds.beside(how, MONEY, [*banks, *gateways])], {key}))


def _payout(banks: list[BankFact], gateways: list[GatewayFact], fee_vnd: int) -> Movement:
    keys = {"fee_netted"} if fee_vnd else set()
    owed = [fact for fact in gateways if fact.owed]
    gross_vnd = sum(fact.amount_vnd if fact.direction == "credit" else -fact.amount_vnd for fact in owed)
    count, fee_by = len(banks) + len(gateways), "payout" if fee_vnd else ""
    ground = grounds.several(grounds.PAYOUT, MONEY, gross_vnd, count, fee_vnd=fee_vnd, fee_by=fee_by)
    return Movement(banks, gateways, [], [ground], keys, f"fee_vnd={fee_vnd}" if fee_vnd else None)


def _batched(batch: batches.Batch) -> Ground:
    """One bank line for several payments; who knows the fee: the line itself, else the channel's tariff."""
    fee_by = "" if not batch.fee_vnd else "stated" if batch.fee_vnd == batch.bank.stated_fee_vnd else "tariff"
    names = tuple(sorted({name for fact in batch.gateways for name in fact.references} & set(batch.bank.references)))
    gross_vnd, count = batch.bank.amount_vnd + batch.fee_vnd, 1 + len(batch.gateways)
    return grounds.several(grounds.BATCH, MONEY, gross_vnd, count, names=names, fee_vnd=batch.fee_vnd, fee_by=fee_by)


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
