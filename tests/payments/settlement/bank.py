"""A school, its bank's connection and a worker on a committed database: callbacks go in at the door."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from itertools import count
from typing import Any

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from bank_adapters.contract import Answer
from bank_adapters.statements.model import StatementLine
from operations.invariants import check_invariants
from payments.banking.connections import AccountName
from payments.banking.models import ReceivingAccount
from payments.db import session_scope
from payments.inbox.service import record_statement_evidence
from payments.settlement.service import settle_school
from tests.payments.inbox.callers import WsgiShell, as_a_bank, make_sender, sepay_body, sepay_request, settings_for
from tests.payments.setting import make_pupil, make_school
from tests.payments.settlement.setting import Issued, issue, state_of

REVERSED_ON = date(2025, 9, 12)


class Bank:
    """What a bank and a worker do to one school."""

    def __init__(self, engine: Engine) -> None:
        self.settings = settings = settings_for(engine.url.render_as_string(hide_password=False))
        self.engine = engine
        self.serial = count(1)
        with self.session() as session:
            self.school = make_school(session)
            self.numbers = {
                key: session.get_one(ReceivingAccount, (self.school.id, key)).number
                for key in (self.school.account, self.school.other_account)
            }
        accounts = [AccountName("970998", number) for number in self.numbers.values()]
        self.sender = make_sender(engine, settings, school=self.school, accounts=accounts)
        self.shell = WsgiShell(settings)

    @contextmanager
    def session(self) -> Iterator[Session]:
        with session_scope(self.engine) as opened:
            yield opened

    def issue(self, meals_vnd: int = 100_000, club_vnd: int = 0, **more: Any) -> Issued:
        with self.session() as session:
            return issue(session, self.school, meals_vnd, club_vnd, **more)

    def issue_in(self, session: Session, meals_vnd: int, **more: Any) -> Issued:
        return issue(session, self.school, meals_vnd, **more)

    def take_back(self, amount_vnd: int, bank_reference: str) -> None:
        """The statement says that the bank took a payment back."""
        self.state_line(amount_vnd, f"HOAN TRA {bank_reference}", bank_reference, day=REVERSED_ON, debit=True)

    def call(self, amount_vnd: int, memo: str, *, number: str | None = None, **more: Any) -> Answer:
        """A callback about money on the school's first account, or on the account of that number."""
        txn_id = more.pop("txn_id", None) or next(self.serial)
        more.setdefault("transactionDate", f"2025-09-10 08:{txn_id % 60:02d}:00")
        signing = {key: more.pop(key) for key in ("secret", "at") if key in more}
        own = self.numbers[self.school.account]
        body = sepay_body(number or own, txn_id, amount_vnd, memo, **more)
        request = sepay_request(body, **signing)
        return as_a_bank(lambda: self.shell.call(self.sender.url, request))

    def state_line(self, amount_vnd: int, memo: str, bank_reference: str, *, day: date, debit: bool = False) -> None:
        """A line of the bank's statement; a debit takes money back."""
        line = StatementLine(
            line_no=1,
            value_date=day,
            booked_on=day,
            amount_vnd=amount_vnd,
            direction="debit" if debit else "credit",
            bank_reference=bank_reference,
            description=memo,
            raw="",
            reversal=debit,
        )
        with self.session() as session:
            record_statement_evidence(session, self.school.id, self.school.account, [line])

    def settle(self) -> Counter[str]:
        """Let a worker settle all that is due; every invariant holds afterwards."""
        outcomes: Counter[str] = Counter()
        while True:
            with self.session() as session:
                result = settle_school(session, self.school.id)
            assert not result.failed
            outcomes += result.outcomes
            if not result.taken:
                break
        self.prove()
        return outcomes

    def prove(self) -> None:
        with self.engine.connect() as connection:
            assert [check for check in check_invariants(connection) if not check.ok] == []

    def state(self, issued: Issued) -> tuple[str, int]:
        with self.session() as session:
            return state_of(session, self.school, issued)

    def decided(self) -> list[tuple[str, str, list[str]]]:
        """State, outcome and flags of every transaction, oldest first."""
        return self.rows("""
            SELECT t.state, s.outcome, s.flags FROM bank_transaction t
            JOIN settlement s ON s.school_id = t.school_id AND s.transaction_id = t.id ORDER BY t.id
        """)

    def credit(self) -> list[tuple[int, int, int]]:
        """(pupil, account, đồng) of all credit that stands."""
        return self.rows("""
            SELECT pupil_id, receiving_account_id, sum(amount_vnd)::bigint FROM pupil_credit
            GROUP BY 1, 2 HAVING sum(amount_vnd) <> 0 ORDER BY 1, 2
        """)

    def rows(self, statement: str) -> list[Any]:
        with self.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(statement))]

    def close(self) -> None:
        self.shell.close()

    def pupil(self, name: str = "Bình") -> int:
        with self.session() as session:
            return make_pupil(session, self.school.id, self.school.class_room, name)
