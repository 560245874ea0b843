"""Bank facts as data, an oracle that says what they come to, and what the database says."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import count

from sqlalchemy import text
from sqlalchemy.orm import Session

from bank_adapters.statements.model import StatementLine
from payments import outbox
from payments.inbox.models import Direction, Evidence, EvidenceStatus, Source
from payments.inbox.service import record_statement_evidence
from payments.invoices import reference
from tests.payments.setting import OPENED, SchoolSetting
from tests.payments.settlement.setting import Issued

FIRST_DAY = date(2025, 9, 8)
_serial = count(1)


@dataclass(frozen=True)
class Fact:
    """Money that came in, or went back: ``reverses`` is the place of the payment among the facts."""

    amount_vnd: int
    invoices: tuple[int, ...] = ()
    other_account: bool = False
    day: int = 0
    channels: tuple[str, ...] = ("callback",)
    reverses: int | None = None


@dataclass(frozen=True)
class Delivery:
    """One channel tells one fact."""

    place: int
    channel: str


def deliveries(facts: Sequence[Fact]) -> list[Delivery]:
    return [Delivery(place, channel) for place, fact in enumerate(facts) for channel in fact.channels]


@dataclass
class Teller:
    """Tells facts of one school; telling the same again changes nothing."""

    session: Session
    school: SchoolSetting
    invoices: Sequence[Issued]
    facts: Sequence[Fact]
    connection_id: int

    def __post_init__(self) -> None:
        self.serial = next(_serial)

    def tell(self, delivery: Delivery) -> None:
        fact = self.facts[delivery.place]
        original = self.facts[fact.reverses] if fact.reverses is not None else fact
        place = delivery.place if fact.reverses is None else fact.reverses
        memo = " ".join(["CT DEN", *(self.invoices[one].reference for one in original.invoices)])
        account = self.school.other_account if original.other_account else self.school.account
        told = (memo, account, f"FT{self.serial:05d}{place:03d}", fact)
        if delivery.channel == "callback":
            self._callback(*told)
        else:
            self._line(*told)

    def _callback(self, memo: str, account: int, bank_reference: str, fact: Fact) -> None:
        """As the door stores it, once for each key."""
        taken_back = fact.reverses is not None
        day = FIRST_DAY + timedelta(days=fact.day)
        status = EvidenceStatus.VOID if taken_back else EvidenceStatus.SETTLED
        known = text(
            "SELECT 1 FROM evidence WHERE connection_id = :connection AND dedup_key = :key AND status = :status"
        )
        values = {"connection": self.connection_id, "key": bank_reference, "status": status.value}
        if self.session.execute(known, values).first():
            return
        evidence = Evidence(
            source=Source.CALLBACK,
            connection_id=self.connection_id,
            school_id=self.school.id,
            account_id=account,
            account_named="0001",
            dedup_key=bank_reference,
            direction=Direction.CREDIT,
            status=status,
            amount_vnd=fact.amount_vnd,
            occurred_at=datetime.combine(day, time(2), UTC),
            value_date=day,
            provider_txn_id=bank_reference,
            bank_reference=bank_reference,
            description=memo,
            references=reference.find(memo),
            content_sha256=b"-",
            received_at=OPENED,
        )
        self.session.add(evidence)
        self.session.flush()
        outbox.put(self.session, "settlement", "evidence", school_id=self.school.id, subject_id=evidence.id)
        self.session.flush()

    def _line(self, memo: str, account: int, bank_reference: str, fact: Fact) -> None:
        day = FIRST_DAY + timedelta(days=fact.day)
        taken_back = fact.reverses is not None
        line = StatementLine(
            line_no=1,
            value_date=day,
            booked_on=day,
            amount_vnd=fact.amount_vnd,
            direction="debit" if taken_back else "credit",
            bank_reference=bank_reference,
            description=memo,
            raw="",
            reversal=taken_back,
        )
        record_statement_evidence(self.session, self.school.id, account, [line])


Projection = dict[str, dict[object, int]]


def expected(amounts: Sequence[int], pupils: Sequence[int], facts: Sequence[Fact]) -> Projection:
    """What the facts come to, in whatever order: written without the code under test.

    ``amounts``, ``pupils``: of each invoice. Accounts are False (the invoices' own) and True.
    """
    gone = {fact.reverses for fact in facts if fact.reverses is not None}
    claims: dict[int, Counter[bool]] = {place: Counter() for place in range(len(amounts))}
    suspense: Counter[object] = Counter()
    for place, fact in enumerate(facts):
        if fact.reverses is not None or place in gone:
            continue
        if len(fact.invoices) == 1:
            claims[fact.invoices[0]][fact.other_account] += fact.amount_vnd
        elif fact.invoices and sum(amounts[one] for one in fact.invoices) == fact.amount_vnd:
            for one in fact.invoices:
                claims[one][fact.other_account] += amounts[one]
        else:
            suspense[fact.other_account] += fact.amount_vnd
    paid: Counter[object] = Counter()
    credit: Counter[object] = Counter()
    for place, by_account in claims.items():
        own = min(amounts[place], by_account[False])
        other = min(amounts[place] - own, by_account[True])
        paid[place] += own + other
        credit[pupils[place], False] += by_account[False] - own
        credit[pupils[place], True] += by_account[True] - other
    return {"paid": dict(+paid), "credit": dict(+credit), "suspense": dict(+suspense)}


def found(session: Session, school: SchoolSetting, invoices: Sequence[Issued], pupils: Sequence[int]) -> Projection:
    """The same, as the database says it; and the books."""
    values = {"school": school.id}

    def rows(statement: str) -> list[tuple[int, ...]]:
        return [tuple(row) for row in session.execute(text(statement), values)]

    place = {issued.id: number for number, issued in enumerate(invoices)}
    paid = rows("SELECT invoice_id, paid_vnd FROM invoice_balance WHERE school_id = :school AND paid_vnd > 0")
    credit = rows("""
        SELECT pupil_id, receiving_account_id, sum(amount_vnd)::bigint FROM pupil_credit
        WHERE school_id = :school GROUP BY 1, 2 HAVING sum(amount_vnd) <> 0
    """)
    suspense = rows("""
        SELECT a.receiving_account_id, -b.balance_vnd FROM ledger_balance b
        JOIN ledger_account a ON a.school_id = b.school_id AND a.id = b.account_id
        WHERE b.school_id = :school AND a.role = 'suspense' AND b.balance_vnd <> 0
    """)
    return {
        "paid": {place[key]: amount for key, amount in paid},
        "credit": {(pupil, account == school.other_account): amount for pupil, account, amount in credit},
        "suspense": {account == school.other_account: amount for account, amount in suspense},
    }


def books(session: Session, school: SchoolSetting) -> dict[tuple[str, bool, bool], int]:
    """Balances of the books by role, account (the other one?) and fee item (the voluntary one?)."""
    rows = session.execute(
        text("""
            SELECT a.role, a.receiving_account_id, a.fee_item_id, b.balance_vnd FROM ledger_balance b
            JOIN ledger_account a ON a.school_id = b.school_id AND a.id = b.account_id
            WHERE b.school_id = :school AND b.balance_vnd <> 0
        """),
        {"school": school.id},
    )
    return {(role, account == school.other_account, fee == school.club): vnd for role, account, fee, vnd in rows}
