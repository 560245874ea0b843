"""A night of one account: read what is new and what is open, judge it, prove the balance, keep the run.

**What a run owns.** The run of a day owns every case whose day (booked by the bank, else due there, else booked by the
school) lies after the last day that a statement covered before, up to its own. So a day without statement waits, and
the first run after it catches up. Facts outside these days are looked at only where a case of the run lacks a partner:
by payment reference within weeks, by amount within days. What arrives late for an earlier day makes a newer run of
that day, which then stands (``refresh``).
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import msgspec
from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from payments.banking.rules import Tariff
from payments.ledger.closed import closed_period
from reconciliation import keeping, loading
from reconciliation.asking import Ask
from reconciliation.balances import BalanceProof, StatementFact, prove, proved_days, standing
from reconciliation.bulk.judging import EPOCH, Unit, last_due
from reconciliation.bulk.rules import Mass, Rest
from reconciliation.closing import chain
from reconciliation.decisions.loading import STANDING, Decided, Named, decided
from reconciliation.decisions.rules import Ruling
from reconciliation.elsewhere import Query, around, elsewhere, lacks, linked
from reconciliation.facts import Days, Scope
from reconciliation.loading import Source
from reconciliation.matching import RULES_VERSION, Case, match, unmet
from reconciliation.models import ReconcileRun, RunState, StandingRun
from reconciliation.pool import Facts
from reconciliation.proving import MONEY, money_ids, money_of, prove_run, waiting

DAY = timedelta(days=1)
COVERED = [RunState.PROVED.value, RunState.FAILED.value]
LAST_COVERED = text("""
    SELECT run.day, run.state, (run.proof ->> 'closing_vnd')::bigint AS closing_vnd
    FROM standing_run held JOIN reconcile_run run ON run.school_id = held.school_id AND run.id = held.run_id
    WHERE held.school_id = :school_id AND held.account_id = :account_id AND held.day < :day
      AND run.state = ANY(CAST(:states AS text[]))
    ORDER BY held.day DESC LIMIT 1
""")


@dataclass(frozen=True, slots=True)
class Judged:
    """What was judged one by one: the facts that were looked at, what people had decided about them, and the cases."""

    pool: Facts
    rulings: list[Ruling]
    cases: list[Case]


class Night:
    """The reading and judging of one run."""

    known: list[StatementFact]
    sums: dict[date, tuple[int, int]]
    balance: BalanceProof
    holidays: tuple[date, ...]
    scope: Scope

    def __init__(self, session: Session, school_id: int, account_id: int, day: date) -> None:
        self.session = session
        self.school_id = school_id
        self.account_id = account_id
        self.day = day
        self.source = Source(session, school_id, account_id)
        self.decided = Decided()
        self.unit: Unit | None = None
        self.mass: Mass | None = None
        self.signed: ReconcileRun | None = None
        self.finding: keeping.Finding | None = None

    def steps(self) -> Iterator[list[Ask]]:
        """Judge the run, in steps; each yields what the next will ask, so that many nights may ask together.

        At the end ``finding`` is what is to be kept, or ``signed`` the run of a day that the school has signed.
        Raises DomainError ``closed_period``.
        """
        yield self._first_asks()
        if self.source.signed.is_closed(self.day):
            self.signed = self._signed()
            return
        if not self.source.statements(self.day, self.day):
            self.finding = self._waiting()
            return
        first, proof_first, closing_vnd = self._span()
        start = min(first, proof_first)
        yield [
            self._ask(loading.STATEMENTS, first=start, last=self.day),
            self._ask(loading.HOLIDAYS, **self.source.around(first, self.day)),
            self._ask(loading.BOOKS, first=first, last=self.day),
            self._ask(loading.STATED_BOOKS, first=first, last=self.day),
            self._ask(STANDING, **around(first, self.day)),
        ]
        self.known = self.source.statements(start, self.day)
        self.source.doubtful = [one.id for one in standing(self.known) if one.break_at is not None]
        wide = (min(one.first for one in self.known), max(one.last for one in self.known))
        yield [self._ask(loading.SUMS, first=wide[0], last=wide[1], doubtful=self.source.doubtful)]
        self.sums = self.source.sums(*wide)
        self.balance = prove(proof_first, self.day, self.known, self.sums, closing_vnd)
        self.holidays = self.source.load_calendar(first, self.day)
        # A balance that proves over all days leaves no room for a line that is not there, also where banks write no
        # statement because nothing moved.
        covered = Days(((first, self.day),)) if self.balance.ok else proved_days(self.known).within(first, self.day)
        self.scope = Scope(first, self.day, covered, self.source.books(first, self.day))
        self.unit = self._unit()
        yield []  # Whoever runs the steps puts ``mass`` in place now.
        yield from self._judge()

    def _ask(self, statement: TextClause, **values: Any) -> Ask:
        return Ask(self.source, statement, values)

    def _first_asks(self) -> list[Ask]:
        states = (COVERED, [RunState.PROVED.value])
        alone = (chain.STANDING, loading.INTERMEDIATED, loading.FIRST_ACCOUNT, loading.FIRST_DAY, loading.TARIFFS)
        return [
            *(self._ask(statement) for statement in alone),
            *(self._ask(LAST_COVERED, day=self.day, states=some) for some in states),
            self._ask(loading.STATEMENTS, first=self.day, last=self.day),
        ]

    def _unit(self) -> Unit:
        """What the mass of the run is asked by."""
        first, last = self.scope.first, self.scope.last
        return Unit(
            self.school_id,
            self.account_id,
            first,
            last,
            early=first - self.source.longest_shift,
            last_due=last_due(self.source.calendar, last),
            closed=max(self.source.signed.open_from, EPOCH + DAY) - DAY,
            booked=bool(self.scope.ledger.intervals),
            is_first=self.source.is_first,
            doubtful=tuple(self.source.doubtful),
        )

    def _judge(self) -> Iterator[list[Ask]]:
        """Judge what is not in the mass, and prove the whole; partners that lack are looked for outside the days."""
        scope, tariffs = self.scope, self.source.tariffs()
        yield self._rest_asks()
        own = self._own_facts(scope)
        self.decided = decided(self.source, **around(scope.first, scope.last))
        first, rulings = self._ruled(own, scope)
        cases = self._match(first, scope, tariffs, rulings)
        booked = bool(scope.ledger.intervals or own.ledgers or (self.mass and self.mass.ledgers.count))
        lacking = [case for case in cases if lacks(case, booked=booked)]
        wanted = [*linked(first), *elsewhere(lacking, scope)]
        money = self._ask(MONEY, ids=money_ids(own.banks, own.gateways))
        yield [*(self.source.asks(statement, **values) for statement, values in wanted), money]
        pool = first.joined(self._read(wanted))
        if pool != first:
            pool, rulings = self._ruled(pool, scope)
            cases = self._match(pool, scope, tariffs, rulings)
        self.finding = self._found(own, Judged(pool, rulings, cases), tariffs)

    def _ruled(self, facts: Facts, scope: Scope) -> tuple[Facts, list[Ruling]]:
        """What people decided about these facts, and the facts together with all others that they spoke of."""
        found: list[Named] = []
        while True:
            named = self.decided.touching(facts.banks, facts.gateways, facts.ledgers, scope.first, scope.last)
            if len(named) == len(found):
                return facts, [one.ruling for one in named]
            found = named
            for one in named:
                facts = facts.joined(Facts(one.banks, one.gateways, one.ledgers))

    def _found(self, own: Facts, judged: "Judged", tariffs: Sequence[Tariff]) -> keeping.Finding:
        scope, mass = self.scope, self.mass
        money = money_of(self.source.rows(MONEY, ids=money_ids(own.banks, own.gateways))[0])
        if mass is not None:
            money = money.plus(mass.money)
        known, sums = self.known, sorted(self.sums.items())
        pool, rulings, cases = judged.pool.in_order(), judged.rulings, judged.cases
        inputs = [RULES_VERSION, scope, self.holidays, tariffs, pool, self.balance, money, known, sums, rulings]
        if mass is not None and mass.banks.count:
            inputs.append(mass.digest)
        said = _decisions(rulings, pool)
        proof = prove_run(
            self.balance, own.banks, own.gateways, own.ledgers, cases=cases, money=money, mass=mass, decisions=said
        )
        books = self._books(scope)
        if books:
            inputs, proof = [*inputs, books], replace(proof, books=books)
        digest = hashlib.sha256(msgspec.json.encode(inputs)).digest()
        state = RunState.PROVED if proof.ok else RunState.FAILED
        head = keeping.Head(self.school_id, self.account_id, scope.first, self.day, digest, state)
        # A break is listed by the run that first looks at its days; later runs fail by it without listing it again.
        breaks = [found for found in proof.balance.breaks if found.day >= scope.first]
        return keeping.Finding(head, proof, [case for case in cases if self._owned(case, scope)], breaks, mass)

    def _signed(self) -> ReconcileRun:
        """The run that was signed. Raises DomainError ``closed_period`` when none stood for the day."""
        held = self.session.get(StandingRun, (self.school_id, self.account_id, self.day))
        if held is None:
            raise closed_period(self.source.signed.open_from - DAY)
        return self.session.get_one(ReconcileRun, (self.school_id, held.run_id))

    def _books(self, scope: Scope) -> tuple[dict[str, Any], ...]:
        """Books that end on the run's days, held against the bank's balance on their last day."""
        found = []
        for books in self.source.stated_books(scope.first, scope.last):
            sums = self.source.sums(books.first, scope.last)
            later, since = (
                sum(one - two for day, (one, two) in sums.items() if (day > books.last) is after)
                for after in (True, False)
            )
            closing_vnd = None if self.balance.closing_vnd is None else self.balance.closing_vnd - later
            found.append(books.against(closing_vnd, since))
        return tuple(found)

    def _waiting(self) -> keeping.Finding:
        """No statement covers the day: absence is no exception."""
        proof = waiting(self.day)
        digest = hashlib.sha256(msgspec.json.encode([RULES_VERSION, self.day, "waiting"])).digest()
        head = keeping.Head(self.school_id, self.account_id, self.day, self.day, digest, RunState.WAITING_STATEMENT)
        return keeping.Finding(head, proof, [], [], None)

    def _span(self) -> tuple[date, date, int | None]:
        """First day of the run, first day of its balance proof, and the balance that was proved before it."""
        covered = self._last(COVERED)
        proved = self._last([RunState.PROVED.value])
        earliest = self.source.scalar(loading.FIRST_DAY)
        # No run owns what is signed, also where the one before the close reached beyond it.
        first = self.source.next_open(covered.day + DAY if covered else earliest)
        if proved is None:
            return min(first, self.day), min(earliest, self.day), None
        return min(first, self.day), proved.day + DAY, proved.closing_vnd

    def _last(self, states: list[str]) -> Any:
        rows = self.source.rows(LAST_COVERED, day=self.day, states=states)
        return rows[0] if rows else None

    def _rest_asks(self) -> list[Ask]:
        late = [self.source.asks(statement, **values) for statement, values in self._late()]
        if self.mass is None:
            return late
        rest, days = self.mass.rest, self._early()
        return [
            *late,
            self.source.asks(loading.LINES_OF_IDS, ids=list(rest.lines)),
            self.source.asks(loading.SENT_OF_IDS, ids=list(rest.evidence), **days),
            self.source.asks(loading.BOOKED_OF_IDS, ids=list(rest.rows)),
        ]

    def _early(self) -> dict[str, date]:
        return {"first": self.scope.first - self.source.longest_shift, "last": self.scope.last}

    def _own_facts(self, scope: Scope) -> Facts:
        """All facts that belong to the days of the run and not to its mass."""
        facts = self._facts_of_days(scope) if self.mass is None else self._rest(scope, self.mass.rest)
        facts = facts.joined(self._read_late())
        return Facts(
            tuple(fact for fact in facts.banks if self._belongs(fact.day, fact.after_close, scope)),
            tuple(fact for fact in facts.gateways if self._belongs(fact.due, fact.after_close, scope)),
            tuple(fact for fact in facts.ledgers if self._belongs(fact.day, fact.after_close, scope)),
        )

    def _facts_of_days(self, scope: Scope) -> Facts:
        days = {"first": scope.first, "last": scope.last}
        sent = self.source.gateways(loading.SENT_ON_DAYS, **self._early())
        return Facts(
            tuple(self.source.banks(loading.LINES_OF_DAYS, **days)),
            tuple(fact for fact in sent if scope.owns(fact.due)),
            tuple(self.source.ledgers(loading.BOOKED_ON_DAYS, **days)),
        )

    def _rest(self, scope: Scope, rest: Rest) -> Facts:
        sent = self.source.gateways(loading.SENT_OF_IDS, ids=list(rest.evidence), **self._early())
        return Facts(
            tuple(self.source.banks(loading.LINES_OF_IDS, ids=list(rest.lines))),
            tuple(fact for fact in sent if scope.owns(fact.due)),
            tuple(self.source.ledgers(loading.BOOKED_OF_IDS, ids=list(rest.rows))),
        )

    def _late(self) -> list[Query]:
        """What may have arrived for a closed period after its close, within a year."""
        first = self.scope.first
        if not self.source.closes_before(first, self.scope.last):
            return []
        days = {"first": first - timedelta(days=366), "last": first - DAY}
        return [
            (statement, days) for statement in (loading.LINES_OF_DAYS, loading.SENT_ON_DAYS, loading.BOOKED_ON_DAYS)
        ]

    def _read_late(self) -> Facts:
        found = self._read(self._late())
        return Facts(
            tuple(fact for fact in found.banks if fact.after_close),
            tuple(fact for fact in found.gateways if fact.after_close),
            tuple(fact for fact in found.ledgers if fact.after_close),
        )

    def _belongs(self, day: date, after_close: bool, scope: Scope) -> bool:  # noqa: FBT001 - the fact says so
        return scope.owns(self.source.next_open(day) if after_close else day)

    def _owned(self, case: Case, scope: Scope) -> bool:
        """Whether the run reports the case."""
        return self._belongs(case.day, "closed_period" in case.keys, scope)

    def _match(self, facts: Facts, scope: Scope, tariffs: Sequence[Tariff], rulings: Sequence[Ruling]) -> list[Case]:
        return match(
            facts.banks,
            facts.gateways,
            facts.ledgers,
            scope=scope,
            calendar=self.source.calendar,
            tariffs=tariffs,
            rulings=rulings,
        )

    def _read(self, queries: Iterable[Query]) -> Facts:
        """The facts of some queries, each once."""
        found = Facts((), (), ())
        for statement, values in queries:
            if statement in loading.OF_BANKS:
                found = found.joined(Facts(tuple(self.source.banks(statement, **values)), (), ()))
            elif statement in loading.OF_GATEWAYS:
                found = found.joined(Facts((), tuple(self.source.gateways(statement, **values)), ()))
            else:
                found = found.joined(Facts((), (), tuple(self.source.ledgers(statement, **values))))
        return found


def _decisions(rulings: Sequence[Ruling], pool: Facts) -> dict[str, Any]:
    """What became of people's decisions in a run: none is dropped silently."""
    if not rulings:
        return {}
    lost = unmet(rulings, pool.banks, pool.gateways, pool.ledgers)
    return {"replayed": len(rulings) - len(lost), "lost": [{"id": one.id, "why": one.why} for one in lost]}
