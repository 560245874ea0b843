"""Settlement batches: one bank line for several payments of an intermediary, minus a fee that is known. Pure.

A fee is never guessed: it is stated in the line's own text, or follows from the tariff of the account's channels.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from typing import NamedTuple

from payments.banking.rules import Tariff
from payments.inbox.halves import LATE_DAYS, NEAR_DAYS
from reconciliation.facts import BankFact, GatewayFact

LEAST_PAYMENTS = 3
"""Of fewer, one that is left out leaves no batch."""


class Batch(NamedTuple):
    """A bank line and the payments it settles; their sum minus the fee is its amount."""

    bank: BankFact
    gateways: tuple[GatewayFact, ...]
    fee_vnd: int


class Offer(NamedTuple):
    """Payments that may be settled together: their days, their sum, and the fees that are known for them."""

    gateways: tuple[GatewayFact, ...]
    first: date
    last: date
    gross_vnd: int
    fees_vnd: frozenset[int]


def find(banks: Sequence[BankFact], gateways: Sequence[GatewayFact], tariffs: Sequence[Tariff]) -> list[Batch]:
    """The batches that are the only explanation of their line and of each of their payments."""
    paid = [gateway for gateway in gateways if gateway.direction == "credit"]
    if not paid:
        return []
    runs = Runs(paid, tariffs)
    by_name: dict[str, list[GatewayFact]] = defaultdict(list)
    for gateway in paid:
        for name in gateway.references:
            by_name[name].append(gateway)
    amounts = {(gateway.amount_vnd, gateway.day) for gateway in paid}
    hits = []
    for bank in banks:
        # A line without a name that may be one payment of its very amount is no batch: the simple answer goes first.
        if bank.direction == "credit" and (bank.references or not _may_be_one_payment(bank, amounts)):
            offers = _named(bank, by_name, tariffs) if bank.references else runs.near(bank)
            hits += [batch for offer in offers if (batch := _fit(bank, offer)) is not None]
    return _sole(hits)


def _may_be_one_payment(bank: BankFact, amounts: set[tuple[int, date]]) -> bool:
    days = range(-LATE_DAYS, NEAR_DAYS + 1)
    return any((bank.amount_vnd, bank.day + timedelta(days=day)) in amounts for day in days)


class Runs:
    """All payments of one source over days in a row: an intermediary settles a weekend at once."""

    def __init__(self, gateways: Iterable[GatewayFact], tariffs: Sequence[Tariff]) -> None:
        self._tariffs = tariffs
        self._all: list[Offer] = []
        self._by_payment: dict[tuple[int, Tariff], dict[int, list[GatewayFact]]] = {}
        self._by_gross: dict[int, list[Offer]] = defaultdict(list)
        self._by_net: dict[int, list[Offer]] = defaultdict(list)
        by_day: dict[str, dict[date, list[GatewayFact]]] = defaultdict(lambda: defaultdict(list))
        for gateway in gateways:
            by_day[gateway.source][gateway.day].append(gateway)
        for source in sorted(by_day):
            for offer in _runs_of(by_day[source], tariffs):
                self._all.append(offer)
                self._by_gross[offer.gross_vnd].append(offer)
                for fee_vnd in offer.fees_vnd:
                    self._by_net[offer.gross_vnd - fee_vnd].append(offer)

    def near(self, bank: BankFact) -> list[Offer]:
        """Runs that the line may settle, by its amount or by the fee that it states, shortly before it."""
        found = list(self._by_net.get(bank.amount_vnd, ()))
        if bank.stated_fee_vnd:
            found += self._by_gross.get(bank.amount_vnd + bank.stated_fee_vnd, ())
        near = {id(offer): offer for offer in found if _just_before(bank, offer)}
        return list(near.values()) or list(self._without_one(bank))

    def _without_one(self, bank: BankFact) -> Iterator[Offer]:
        """Runs of which one payment did not arrive: only where the amount says which one."""
        for offer in self._all:
            if len(offer.gateways) < LEAST_PAYMENTS or not _just_before(bank, offer):
                continue
            for tariff in self._tariffs:
                by_net = self._by_net_of(offer, tariff)
                net_vnd = sum(amount_vnd * len(found) for amount_vnd, found in by_net.items())
                absent = by_net.get(net_vnd - bank.amount_vnd, [])
                if len(absent) == 1:
                    yield _offer([gateway for gateway in offer.gateways if gateway is not absent[0]], [tariff])

    def _by_net_of(self, offer: Offer, tariff: Tariff) -> dict[int, list[GatewayFact]]:
        """Payments of a run by what is left of each after its fee."""
        key = (id(offer), tariff)
        if key not in self._by_payment:
            by_net: dict[int, list[GatewayFact]] = defaultdict(list)
            for gateway in offer.gateways:
                by_net[gateway.amount_vnd - tariff.fee_vnd(gateway.amount_vnd)].append(gateway)
            self._by_payment[key] = by_net
        return self._by_payment[key]


def _just_before(bank: BankFact, offer: Offer) -> bool:
    return (bank.day - offer.first).days <= LATE_DAYS and offer.last <= bank.day


def _runs_of(by_day: dict[date, list[GatewayFact]], tariffs: Sequence[Tariff]) -> Iterator[Offer]:
    days = sorted(by_day)
    for position, first in enumerate(days):
        run: list[GatewayFact] = []
        for last in days[position:]:
            if (last - first).days > LATE_DAYS:
                break
            run = run + by_day[last]
            yield _offer(run, tariffs)


def _named(bank: BankFact, by_name: dict[str, list[GatewayFact]], tariffs: Sequence[Tariff]) -> Iterator[Offer]:
    """The payments that the line names."""
    found = {gateway.id: gateway for name in bank.references for gateway in by_name.get(name, ())}
    if found:
        yield _offer(list(found.values()), tariffs)


def _offer(gateways: Sequence[GatewayFact], tariffs: Sequence[Tariff]) -> Offer:
    """Fees by tariff, for each payment or for their sum; without a fee only several make a batch."""
    gross_vnd = sum(gateway.amount_vnd for gateway in gateways)
    fees = {sum(tariff.fee_vnd(gateway.amount_vnd) for gateway in gateways) for tariff in tariffs}
    fees |= {tariff.fee_vnd(gross_vnd) for tariff in tariffs}
    fees = {fee_vnd for fee_vnd in fees if 0 < fee_vnd < gross_vnd} | ({0} if len(gateways) > 1 else set())
    days = [gateway.day for gateway in gateways]
    return Offer(tuple(gateways), min(days), max(days), gross_vnd, frozenset(fees))


def _fit(bank: BankFact, offer: Offer) -> Batch | None:
    fee_vnd = offer.gross_vnd - bank.amount_vnd
    known = fee_vnd in offer.fees_vnd or 0 < fee_vnd == bank.stated_fee_vnd
    return Batch(bank, offer.gateways, fee_vnd) if known else None


def _sole(hits: Sequence[Batch]) -> list[Batch]:
    """Drop every explanation that competes with another one."""
    lines = Counter(batch.bank.id for batch in hits)
    payments = Counter(gateway.id for batch in hits for gateway in batch.gateways)
    return [
        batch
        for batch in hits
        if lines[batch.bank.id] == 1 and all(payments[gateway.id] == 1 for gateway in batch.gateways)
    ]
