"""A school with order channels, the door, the worker and the services' server: everything an order meets."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from bank_adapters.contract import Answer
from operations.invariants import check_invariants
from payments import celery, clock
from payments.banking.connections import AccountName
from payments.banking.models import BorneBy, ChannelKind, ReceivingAccount
from payments.banking.service import add_channel
from payments.celery import make_celery
from payments.crypto import FieldCipher
from payments.db import session_scope
from payments.developers.orders import sepay_pg_void
from payments.developers.senders import Payment, signed_request
from payments.inbox import asking
from payments.orders import queries, service
from payments.orders.models import PaymentOrder
from payments.orders.service import Opener
from payments.settlement.tasks import settle_due
from tests.payments.inbox.callers import Sender, WsgiShell, make_sender, settings_for
from tests.payments.orders.service_server import RECEIVER, SECRETS, Service
from tests.payments.setting import SchoolSetting, make_school
from tests.payments.settlement.setting import Issued, issue, state_of


class Desk:
    """What happens around orders of one school."""

    def __init__(self, engine: Engine, provider: Service, database_url: str) -> None:
        self.engine, self.provider = engine, provider
        self.settings = settings_for(database_url, HOCPHI_OUTGOING_ALLOW="127.0.0.0/8")
        make_celery(self.settings, {})
        self.cipher = FieldCipher(self.settings.field_keys)
        self.opener = Opener(self.cipher, self.settings.base_url)
        self.shell = WsgiShell(self.settings)
        self.serial = count(1)
        with self.session() as session:
            self.school = make_school(session)
        self.number = self.number_of(self.school, self.school.account)
        provider.account = self.number
        self.senders: dict[str, Sender] = {}
        self.channels: dict[str, int] = {}

    def number_of(self, school: SchoolSetting, account: int) -> str:
        with self.session() as session:
            return session.get_one(ReceivingAccount, (school.id, account)).number

    @contextmanager
    def session(self) -> Iterator[Session]:
        with session_scope(self.engine) as opened:
            yield opened

    def connect(self, adapter: str, *, both_accounts: bool = False, **cost: Any) -> Sender:
        """A connection to the service, and its channel on the school's first account."""
        sender = self.sender_for(adapter, self.school, both_accounts=both_accounts)
        with self.session() as session:
            self.channels[adapter] = add_channel(
                session,
                self.school.id,
                self.school.account,
                name=f"{adapter} {sender.connection_id}",
                kind=ChannelKind.WALLET,
                actor_id=None,
                connection_id=sender.connection_id,
                **cost or {"borne_by": BorneBy.SCHOOL},
            )
        self.senders[adapter] = sender
        return sender

    def sender_for(self, adapter: str, school: SchoolSetting, *, both_accounts: bool = False) -> Sender:
        number = self.number_of(school, school.account)
        accounts = [AccountName("970998", number)]
        if adapter in RECEIVER:
            accounts = [AccountName("970998", number, "merchant", RECEIVER[adapter])]
        if both_accounts:
            accounts.append(AccountName("970998", self.number_of(school, school.other_account)))
        secret = SECRETS[adapter] | {"api_url": self.provider.url}
        return make_sender(self.engine, self.settings, adapter=adapter, secret=secret, school=school, accounts=accounts)

    def invoice(self, amount_vnd: int = 100_000, **more: Any) -> Issued:
        with self.session() as session:
            return issue(session, self.school, amount_vnd, **more)

    def open(self, adapter: str, invoice: Issued) -> PaymentOrder:
        """The payer chooses; a worker calls the service."""
        order = self.choose(adapter, invoice)
        self.call_services()
        return self.order(order)

    def choose(self, adapter: str, invoice: Issued) -> PaymentOrder:
        """The payer chooses; nobody has been called yet."""
        with self.session() as session:
            return service.open_order(
                session, self.opener, self.school.id, invoice.id, self.channels[adapter], payer_address="203.0.113.9"
            )

    def order(self, order: PaymentOrder) -> PaymentOrder:
        with self.session() as session:
            return session.get_one(PaymentOrder, (order.school_id, order.id))

    def checkout(self, order: PaymentOrder) -> Any:
        return queries.checkout_of(order, self.cipher)

    def call_services(self) -> int:
        return asking.ask_due()

    def due_now(self, kind: str = "ask") -> None:
        """The moment of the next question has come."""
        with self.session() as session:
            session.execute(
                text("UPDATE outbox SET due_at = :then WHERE queue = 'orders' AND kind = :kind"),
                {"then": clock.now() - timedelta(seconds=1), "kind": kind},
            )

    def paid(self, order: PaymentOrder, adapter: str, amount_vnd: int | None = None, **more: Any) -> Payment:
        """A payment of an order as the service knows it."""
        txn_id = more.pop("txn_id", None) or str(90_000_000 + next(self.serial))
        values = {
            "account_number": RECEIVER.get(adapter, self.number),
            "amount_vnd": amount_vnd or order.amount_vnd,
            "memo": order.memo,
            "bank_reference": txn_id,
            "txn_id": txn_id,
            "occurred_at": datetime(2025, 9, 10, 8, tzinfo=clock.VIETNAM),
            "order_ref": order.order_ref,
        }
        return Payment(**values | more)

    def callback(self, adapter: str, payment: Payment, *, sender: Sender | None = None, void: bool = False) -> Answer:
        """The service calls the door, as it signs."""
        secret = SECRETS[adapter]
        at = clock.now()
        request = sepay_pg_void(secret, payment, at) if void else signed_request(adapter, secret, payment, sent_at=at)
        return self.shell.call((sender or self.senders[adapter]).url, request)

    def settle(self) -> None:
        settle_due()
        with self.engine.connect() as connection:
            assert [check for check in check_invariants(connection) if not check.ok] == []

    def state(self, invoice: Issued) -> tuple[str, int]:
        with self.session() as session:
            return state_of(session, self.school, invoice)

    def rows(self, statement: str, **values: Any) -> list[tuple[Any, ...]]:
        with self.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(statement), values)]

    def outcomes(self) -> list[str]:
        return [row[0] for row in self.rows("SELECT outcome FROM settlement ORDER BY id")]

    def credit_vnd(self) -> int:
        return self.rows("SELECT coalesce(sum(amount_vnd), 0)::bigint FROM pupil_credit")[0][0]

    def close(self) -> None:
        self.shell.close()
        celery.engine().dispose()
        celery._engines.clear()
