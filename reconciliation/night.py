"""A night of one account: read what is new and what is open, judge it, prove the balance, keep the run.

**What a run owns.** The run of a day owns every case whose day (booked by the bank, else due there, else booked by the
school) lies after the last day that a statement covered before, up to its own. So a day without statement waits, and
the first run after it catches up. Facts outside these days are looked at only where a case of the run lacks a partner:
by payment reference within weeks, by amount within days. What arrives late for an earlier day makes a newer run of
that day, which then stands (``refresh``).
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import msgspec
from sqlalchemy import text
from sqlalchemy.orm import Session

from payments.banking.models import ReceivingAccount
from payments.banking.rules import Tariff
from payments.errors import NotFoundError
from payments.inbox.halves import LATE_DAYS
from payments.inbox.pairing import REFERENCE_DAYS
from reconciliation import keeping, loading
from reconciliation.alerts import alert
from reconciliation.balances import prove, proved_days, standing
from reconciliation.decisions.loading import Decided, Named, decided
from reconciliation.decisions.rules import Ruling
from reconciliation.faces import NEAR_WINDOW, REFERENCE_WINDOW
from reconciliation.facts import BankFact, Days, GatewayFact, LedgerFact, Scope
from reconciliation.loading import Source
from reconciliation.locks import lock_school, lock_settlement
from reconciliation.matching import RULES_VERSION, Case, match, unmet
from reconciliation.models import ReconcileRun, RunState, StandingRun
from reconciliation.movements import MATCHED, NOT_DUE
from reconciliation.proving import Proof, money_of, prove_run, waiting
from reconciliation.telling import tell_closed

DAY = timedelta(days=1)
LOOK_BACK = timedelta(days=REFERENCE_WINDOW[1])
"""Bank and gateway of books that were written up late."""
LOOK_AHEAD = timedelta(days=REFERENCE_WINDOW[1])
NEAR = timedelta(days=max(LATE_DAYS, NEAR_WINDOW[1]))

LAST_COVERED = text("""
    SELECT run.day, run.state, (run.proof ->> 'closing_vnd')::bigint AS closing_vnd
    FROM standing_run held JOIN reconcile_run run ON run.school_id = held.school_id AND run.id = held.run_id
    WHERE held.school_id = :school_id AND held.account_id = :account_id AND held.day < :day
      AND run.state = ANY(CAST(:states AS text[]))
    ORDER BY held.day DESC LIMIT 1
""")


@dataclass(frozen=True, slots=True)
class Facts:
    """What the sources say, each fact once."""

    banks: tuple[BankFact, ...]
    gateways: tuple[GatewayFact, ...]
    ledgers: tuple[LedgerFact, ...]

    def joined(self, other: "Facts") -> "Facts":
        """These facts and those of the other that are not among them."""
        return Facts(
            _joined(self.banks, other.banks),
            _joined(self.gateways, other.gateways),
            _joined(self.ledgers, other.ledgers),
        )


def reconcile_day(session: Session, school_id: int, account_id: int, day: date) -> ReconcileRun:
    """Reconcile an account up to a day and return the run that stands; the same inputs give the same run.

    Holds imports and settlement of the school until the transaction ends. Raises NotFoundError.
    """
    if session.get(ReceivingAccount, (school_id, account_id)) is None:
        raise NotFoundError(
            "Không có tài khoản nhận tiền này trong trường.", "The school has no such receiving account."
        )
    lock_school(session, school_id)
    lock_settlement(session, school_id)
    return Night(session, school_id, account_id, day).run()


class Night:
    """The reading and judging of one run."""

    def __init__(self, session: Session, school_id: int, account_id: int, day: date) -> None:
        self.session = session
        self.school_id = school_id
        self.account_id = account_id
        self.day = day
        self.source = Source(session, school_id, account_id)
        self.decided = Decided()

    def run(self) -> ReconcileRun:
        """The run of the day: found by the hash of its inputs, or made; on a signed day the one that was signed."""
        signed = self._standing() if self.source.is_closed(self.day) else None
        if signed is not None:
            return signed
        if not self.source.statements(self.day, self.day):
            return self._waiting()
        first, proof_first, closing_vnd = self._span()
        known = self.source.statements(min(first, proof_first), self.day)
        self.source.doubtful = [one.id for one in standing(known) if one.break_at is not None]
        wide = (min(one.first for one in known), max(one.last for one in known))
        sums = self.source.sums(*wide)
        balance = prove(proof_first, self.day, known, sums, closing_vnd)
        holidays = self.source.load_calendar(first, self.day)
        # A balance that proves over all days leaves no room for a line that is not there, also where banks write no
        # statement because nothing moved.
        sure = Days(((first, self.day),)) if balance.ok else proved_days(known).within(first, self.day)
        scope = Scope(first, self.day, sure, self.source.books(first, self.day))
        tariffs = self.source.tariffs()
        own = self._own_facts(scope)
        self.decided = decided(self.source, first - LOOK_BACK, self.day + LOOK_AHEAD)
        pool, rulings, cases = self._judge(own, scope, tariffs)
        money = money_of(self.session, self.school_id, own.banks, own.gateways)
        inputs = [RULES_VERSION, scope, holidays, tariffs, pool, balance, money, known, sorted(sums.items()), rulings]
        said = _decisions(rulings, pool)
        proof = prove_run(balance, own.banks, own.gateways, own.ledgers, cases=cases, money=money, decisions=said)
        return self._keep(inputs, scope, proof, [case for case in cases if self._owned(case, scope)])

    def _standing(self) -> ReconcileRun | None:
        held = self.session.get(StandingRun, (self.school_id, self.account_id, self.day))
        return self.session.get(ReconcileRun, (self.school_id, held.run_id)) if held else None

    def _waiting(self) -> ReconcileRun:
        """No statement covers the day: absence is no exception."""
        proof = waiting(self.day)
        digest = hashlib.sha256(msgspec.json.encode([RULES_VERSION, self.day, "waiting"])).digest()
        head = keeping.Head(self.school_id, self.account_id, self.day, self.day, digest, RunState.WAITING_STATEMENT)
        return keeping.keep(self.session, head, proof, []).run

    def _span(self) -> tuple[date, date, int | None]:
        """First day of the run, first day of its balance proof, and the balance that was proved before it."""
        covered = self._last(RunState.PROVED, RunState.FAILED)
        proved = self._last(RunState.PROVED)
        earliest = self.source.scalar(loading.FIRST_DAY)
        first = covered.day + DAY if covered else earliest
        if proved is None:
            return min(first, self.day), min(earliest, self.day), None
        return min(first, self.day), proved.day + DAY, proved.closing_vnd

    def _last(self, *states: RunState) -> Any:
        names = [state.value for state in states]
        rows = self.source.rows(LAST_COVERED, day=self.day, states=names)
        return rows[0] if rows else None

    def _own_facts(self, scope: Scope) -> Facts:
        """All facts that belong to the days of the run."""
        days = {"first": scope.first, "last": scope.last}
        early = {"first": scope.first - self.source.longest_shift, "last": scope.last}
        facts = Facts(
            tuple(self.source.banks(loading.LINES_OF_DAYS, **days)),
            tuple(fact for fact in self.source.gateways(loading.SENT_ON_DAYS, **early) if scope.owns(fact.due)),
            tuple(self.source.ledgers(loading.BOOKED_ON_DAYS, **days)),
        )
        if self.source.closes_before(scope.first, scope.last):
            facts = facts.joined(self._late_facts(scope))
        return Facts(
            tuple(fact for fact in facts.banks if self._belongs(fact.day, fact.after_close, scope)),
            tuple(fact for fact in facts.gateways if self._belongs(fact.due, fact.after_close, scope)),
            tuple(fact for fact in facts.ledgers if self._belongs(fact.day, fact.after_close, scope)),
        )

    def _late_facts(self, scope: Scope) -> Facts:
        """What arrived for a closed period after its close, within a year."""
        days = {"first": scope.first - timedelta(days=366), "last": scope.first - DAY}
        return Facts(
            tuple(fact for fact in self.source.banks(loading.LINES_OF_DAYS, **days) if fact.after_close),
            tuple(fact for fact in self.source.gateways(loading.SENT_ON_DAYS, **days) if fact.after_close),
            tuple(fact for fact in self.source.ledgers(loading.BOOKED_ON_DAYS, **days) if fact.after_close),
        )

    def _belongs(self, day: date, after_close: bool, scope: Scope) -> bool:  # noqa: FBT001 - the fact says so
        return scope.owns(self.source.next_open(day) if after_close else day)

    def _owned(self, case: Case, scope: Scope) -> bool:
        """Whether the run reports the case."""
        return self._belongs(case.day, "closed_period" in case.keys, scope)

    def _judge(self, own: Facts, scope: Scope, tariffs: Sequence[Tariff]) -> tuple[Facts, list[Ruling], list[Case]]:
        """Judge the run's own facts; where a partner is lacking, look for it outside the days and judge again."""
        first, rulings = self._ruled(own, scope)
        cases = self._match(first, scope, tariffs, rulings)
        pool = first.joined(self._linked(first))
        booked = bool(scope.ledger.intervals or own.ledgers)
        pool = pool.joined(self._neighbours([case for case in cases if _lacks(case, booked=booked)], scope))
        if pool == first:
            return pool, rulings, cases
        pool, rulings = self._ruled(pool, scope)
        return pool, rulings, self._match(pool, scope, tariffs, rulings)

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

    def _linked(self, own: Facts) -> Facts:
        """The other halves, on other days, of what stands behind one bank transaction or one payout, and what was taken
        back.
        """
        at_bank = {fact.transaction_id for fact in own.banks}
        sent = {fact.id for fact in own.gateways}
        taken_back = {fact.reverses_id for fact in own.banks} | {fact.reverses_id for fact in own.gateways}
        paid_by = {fact.paid_by for fact in own.gateways}
        paid_out = sorted(fact.transaction_id or 0 for fact in own.banks if fact.payout_fee_vnd is not None)
        lines = sorted(
            number for number in (sent | taken_back | paid_by) - at_bank if number is not None and number > 0
        )
        calls = sorted(number for number in (at_bank | taken_back | paid_by) - sent if number is not None)
        items = self.source.gateways(loading.SENT_OF_PAYOUTS, ids=paid_out) if paid_out else []
        return Facts(
            tuple(self.source.banks(loading.LINES_OF_TRANSACTIONS, ids=lines)) if lines else (),
            _joined(self.source.gateways(loading.SENT_OF_TRANSACTIONS, ids=calls) if calls else (), items),
            (),
        )

    def _neighbours(self, cases: Sequence[Case], scope: Scope) -> Facts:
        """Facts outside the days that share a payment reference or an amount with cases that lack a partner."""
        if not cases:
            return Facts((), (), ())
        wanted = {
            "names": sorted({name for case in cases for name in case.references}),
            "amounts": sorted({amount for case in cases for amount in _amounts(case)}),
            "first": scope.first,
            "last": scope.last,
            "near_from": scope.first - NEAR,
            "near_to": scope.last + NEAR,
        }
        around = timedelta(days=REFERENCE_DAYS)
        books = {"from_day": scope.first - LOOK_BACK, "to_day": scope.last + LOOK_AHEAD}
        money = {"from_day": scope.first - LOOK_BACK, "to_day": scope.last + around}
        return Facts(
            tuple(self.source.banks(loading.LINES_ELSEWHERE, **wanted, **money)),
            tuple(self.source.gateways(loading.SENT_ELSEWHERE, **wanted, **money)),
            tuple(self.source.ledgers(loading.BOOKED_ELSEWHERE, **wanted, **books)),
        )

    def _keep(self, inputs: list[Any], scope: Scope, proof: Proof, cases: Sequence[Case]) -> ReconcileRun:
        digest = hashlib.sha256(msgspec.json.encode(inputs)).digest()
        state = RunState.PROVED if proof.ok else RunState.FAILED
        head = keeping.Head(self.school_id, self.account_id, scope.first, self.day, digest, state)
        # A break is listed by the run that first looks at its days; later runs fail by it without listing it again.
        breaks = [found for found in proof.balance.breaks if found.day >= scope.first]
        kept = keeping.keep(self.session, head, proof, cases, breaks)
        if kept.is_new:
            alert(self.session, kept.run)
        if kept.stands_anew:
            tell_closed(self.session, self.school_id, [kept.run.id])
        return kept.run


def _decisions(rulings: Sequence[Ruling], pool: Facts) -> dict[str, Any]:
    """What became of people's decisions in a run: none is dropped silently."""
    if not rulings:
        return {}
    lost = unmet(rulings, pool.banks, pool.gateways, pool.ledgers)
    return {"replayed": len(rulings) - len(lost), "lost": [{"id": one.id, "why": one.why} for one in lost]}


def _joined(own: Iterable[Any], others: Iterable[Any]) -> tuple[Any, ...]:
    first = tuple(own)
    known = {fact.id for fact in first}
    added = {fact.id: fact for fact in others if fact.id not in known}
    return (*first, *added.values())


def _lacks(case: Case, *, booked: bool) -> bool:
    """Whether a partner may be found outside the days of the run; without books, no row of them is looked for."""
    settled = case.primary_class in {MATCHED, NOT_DUE} and case.banks and case.gateways
    return not settled or (booked and not case.ledgers)


def _amounts(case: Case) -> set[int]:
    return {fact.amount_vnd for side in (case.banks, case.gateways, case.ledgers) for fact in side}
