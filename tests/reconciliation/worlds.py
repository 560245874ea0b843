"""Random weeks of one account: ordinary payments of every shape, and faults of every class whose facts are known."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

from payments.banking.rules import Tariff
from payments.invoices import reference
from tests.reconciliation.makers import bank, gateway, ledger

TARIFF = Tariff(0, 100)
UNIFORM = 500_000


@dataclass
class World:
    """Facts, and for each planted fault its class with the facts that must show it."""

    facts: list[object] = field(default_factory=list)
    planted: list[tuple[str, list[object]]] = field(default_factory=list)

    def add(self, *facts: object) -> None:
        self.facts += facts

    def plant(self, key: str, *shown: object, also: tuple[object, ...] = ()) -> None:
        self.facts += [*shown, *also]
        self.planted.append((key, list(shown)))


class Draw:
    """Names, amounts that stand for themselves, days and numbers."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self._serial = count(1)

    def name(self) -> str:
        return reference.generate()

    def vnd(self) -> int:
        """An amount that nobody else has, nor comes to by a sum of a few."""
        return 1_000_000 + 1_009 * next(self._serial) ** 2

    def day(self) -> int:
        return self.chance.randint(6, 10)

    def number(self) -> str:
        return f"FT{next(self._serial):012d}"


def world_of(seed: int, payments: int = 120, *, uniform: bool = False, faults: int = 2) -> World:
    """Ordinary payments in random order, and ``faults`` of every class between them."""
    draw, world = Draw(seed), World()
    for _ in range(payments):
        draw.chance.choice(ORDINARY)(world, draw, UNIFORM if uniform else draw.vnd())
    for _ in range(faults):
        for fault in FAULTS:
            fault(world, draw)
    draw.chance.shuffle(world.facts)
    return world


def simple(world: World, draw: Draw, vnd: int) -> None:
    name, day, number = draw.name(), draw.day(), draw.number()
    world.add(bank(vnd, name, day=day, number=number), gateway(vnd, name, day=day, number=number))
    world.add(ledger(vnd, name, day=day + draw.chance.randint(0, 2)))


def by_number(world: World, draw: Draw, vnd: int) -> None:
    day, number = draw.day(), draw.number()
    vnd = draw.vnd()
    world.add(bank(vnd, day=day, number=number), gateway(vnd, day=day, number=number))
    world.add(ledger(vnd, day=day, document=number))


def nameless(world: World, draw: Draw, vnd: int) -> None:
    vnd, day = draw.vnd(), draw.day()
    world.add(bank(vnd, day=day), gateway(vnd, day=day), ledger(vnd, day=day))


def twice_truly(world: World, draw: Draw, vnd: int) -> None:
    name, day = draw.name(), draw.day()
    for number in (draw.number(), draw.number()):
        world.add(bank(vnd, name, day=day, number=number), gateway(vnd, name, day=day, number=number))
        world.add(ledger(vnd, name, day=day))


def booked_in_parts(world: World, draw: Draw, vnd: int) -> None:
    name, day = draw.name(), draw.day()
    world.add(bank(vnd, name, day=day), gateway(vnd, name, day=day))
    world.add(ledger(vnd // 3, name, day=day), ledger(vnd - vnd // 3, name, day=day + 3))


def booked_together(world: World, draw: Draw, vnd: int) -> None:
    names, day = (draw.name(), draw.name()), draw.day()
    for name in names:
        world.add(bank(vnd, name, day=day), gateway(vnd, name, day=day))
    world.add(ledger(2 * vnd, *names, day=day + 1))


def paid_together(world: World, draw: Draw, vnd: int) -> None:
    names, day = (draw.name(), draw.name()), draw.day()
    world.add(bank(2 * vnd, *names, day=day), *(gateway(vnd, name, day=day) for name in names))
    world.add(*(ledger(vnd, name, day=day) for name in names))


def stated_in_parts(world: World, draw: Draw, vnd: int) -> None:
    name, day = draw.name(), draw.day()
    world.add(bank(vnd // 4, name, day=day), bank(vnd - vnd // 4, name, day=day), gateway(vnd, name, day=day))
    world.add(ledger(vnd, name, day=day))


def taken_back(world: World, draw: Draw, vnd: int) -> None:
    name, day, number = draw.name(), draw.day(), next(draw._serial) + 10**9
    world.add(bank(vnd, name, day=day, transaction_id=number), gateway(vnd, name, day=day))
    world.add(bank(vnd, name, day=day, way="debit", reverses_id=number))


ORDINARY = (
    simple,
    simple,
    simple,
    by_number,
    nameless,
    twice_truly,
    booked_in_parts,
    booked_together,
    paid_together,
    stated_in_parts,
    taken_back,
)


def closed_period(world: World, draw: Draw) -> None:
    name, vnd, day = draw.name(), draw.vnd(), draw.day()
    late = bank(vnd, name, day=day, after_close=True)
    world.plant("closed_period", late, also=(gateway(vnd, name, day=day), ledger(vnd, name, day=day)))


def duplicate_line(world: World, draw: Draw) -> None:
    name, vnd, day, number = draw.name(), draw.vnd(), draw.day(), draw.number()
    lines = [bank(vnd, name, day=day, number=number) for _ in range(2)]
    world.add(lines[0], gateway(vnd, name, day=day, number=number), ledger(vnd, name, day=day))
    world.plant("duplicate", lines[1])


def duplicate_row(world: World, draw: Draw) -> None:
    name, vnd, day = draw.name(), draw.vnd(), draw.day()
    world.add(bank(vnd, name, day=day), gateway(vnd, name, day=day), ledger(vnd, name, day=day))
    world.plant("duplicate", ledger(vnd, name, day=day + 1))


def ambiguous(world: World, draw: Draw) -> None:
    vnd, day = draw.vnd(), draw.day()
    told = [gateway(vnd, draw.name(), day=day) for _ in range(2)]
    rows = tuple(ledger(vnd, *one.references, day=day) for one in told)
    world.plant("ambiguous", bank(vnd, day=day), *told, also=rows)


def amount_diff(world: World, draw: Draw) -> None:
    name, vnd, day = draw.name(), draw.vnd(), draw.day()
    world.plant("amount_diff", bank(vnd, name, day=day), gateway(vnd + 7, name, day=day), ledger(vnd, name, day=day))


def missing_bank(world: World, draw: Draw) -> None:
    name, vnd, day = draw.name(), draw.vnd(), draw.day()
    world.plant("missing_bank", gateway(vnd, name, day=day), ledger(vnd, name, day=day))


def missing_gateway(world: World, draw: Draw) -> None:
    name, vnd, day = draw.name(), draw.vnd(), draw.day()
    world.plant("missing_gateway", bank(vnd, name, day=day), ledger(vnd, name, day=day))


def missing_ledger(world: World, draw: Draw) -> None:
    name, vnd, day = draw.name(), draw.vnd(), draw.day()
    world.plant("missing_ledger", bank(vnd, name, day=day), gateway(vnd, name, day=day))


def only_ledger(world: World, draw: Draw) -> None:
    world.plant("only_ledger", ledger(draw.vnd(), draw.name(), day=draw.day()))
    world.plant("only_ledger", ledger(draw.vnd(), day=draw.day(), is_cash=True))


def fee_netted(world: World, draw: Draw) -> None:
    vnd, day = draw.vnd(), draw.day()
    told = gateway(vnd, draw.name(), day=day, source=f"callback:{vnd}")
    line = bank(vnd - TARIFF.fee_vnd(vnd), day=day + 1)
    world.plant("fee_netted", told, line, ledger(vnd, *told.references, day=day))


def date_cutoff(world: World, draw: Draw) -> None:
    name, vnd, day = draw.name(), draw.vnd(), draw.chance.randint(6, 9)
    world.plant(
        "date_cutoff",
        gateway(vnd, name, day=day),
        bank(vnd, name, day=day + 1),
        ledger(vnd, name, day=day + 1),
    )


FAULTS = (
    closed_period,
    duplicate_line,
    duplicate_row,
    ambiguous,
    amount_diff,
    missing_bank,
    missing_gateway,
    missing_ledger,
    only_ledger,
    fee_netted,
    date_cutoff,
)


def sides(case: object) -> Iterator[object]:
    yield from (*case.banks, *case.gateways, *case.ledgers)
