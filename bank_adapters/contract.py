"""The contract between an adapter and everything above it: bytes in, BankTransaction out.

An adapter is a plain module with the names of `Adapter`. It does no input or output and reads no clock.
Whatever bytes it is given, `authenticate` and `acknowledge` raise nothing and `parse` raises only
MalformedCallbackError.

`secrets` is a sequence of mappings, newest first (two may be live while a key is rotated). `now` is an aware
datetime; Unix seconds are taken too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Any, Final, Protocol, runtime_checkable

from bank_adapters import strict_json
from bank_adapters.errors import (
    AdapterError,
    BrokenAdapterError,
    DuplicateAdapterError,
    MalformedCallbackError,
    OrderRefusedError,
    PollError,
    UnknownAdapterError,
)

__all__ = [
    "EVERYTHING",
    "INTERFACE",
    "VALID",
    "Adapter",
    "AdapterError",
    "Answer",
    "BankTransaction",
    "Bill",
    "Biller",
    "BrokenAdapterError",
    "BrowserOrders",
    "CancellableOrders",
    "Checkout",
    "Counterparty",
    "Direction",
    "DuplicateAdapterError",
    "Inquiry",
    "MalformedCallbackError",
    "Now",
    "OpenedOrders",
    "Order",
    "OrderChannel",
    "OrderRefusedError",
    "OrderState",
    "OrderStatus",
    "Outcome",
    "OutgoingRequest",
    "OutgoingResponse",
    "Owed",
    "Page",
    "PartlySigned",
    "PollError",
    "PollTerms",
    "Poller",
    "Reason",
    "Request",
    "Secrets",
    "Status",
    "TokenIssuer",
    "UnknownAdapterError",
    "Verdict",
    "Window",
    "unix",
]

INTERFACE: Final = 1
"""Version of this contract; a plug-in states the one it was written for."""

Secrets = Sequence[Mapping[str, str]]
Now = datetime | int | float


@dataclass(frozen=True)
class Request:
    """One HTTP request as received: `query` is raw and without `?`, header names are kept in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    remote_addr: str | None = None
    received_at: datetime | None = None
    """When it arrived, for senders that name no moment of their own."""
    url: str = ""
    """The whole address as the sender called it, for schemes that sign it; empty where it is not known."""

    def __post_init__(self) -> None:
        lowered = {name.lower(): value for name, value in self.headers.items()}
        object.__setattr__(self, "headers", lowered)

    def header(self, name: str) -> str:
        """Value of a header (name in lower case), empty when it is absent."""
        return self.headers.get(name, "")

    @cached_property
    def document(self) -> dict[str, Any]:
        """The body as a strictly read JSON object, read once; raises MalformedCallbackError."""
        return strict_json.load_object(self.body)


class Direction(StrEnum):
    """Which way the money went, seen from the school's account."""

    credit = "credit"
    debit = "debit"


class Status(StrEnum):
    """What the sender says of the transaction; only `settled` money can be credited."""

    settled = "settled"
    failed = "failed"
    void = "void"
    test = "test"


class Outcome(StrEnum):
    """What became of one delivered transaction; each adapter says it in its sender's words."""

    accepted = "accepted"
    duplicate = "duplicate"
    bad_signature = "bad_signature"
    stale = "stale"
    malformed = "malformed"
    foreign_account = "foreign_account"
    unknown_customer = "unknown_customer"
    unknown_bill = "unknown_bill"
    amount_differs = "amount_differs"
    already_paid = "already_paid"
    not_a_payment = "not_a_payment"
    internal = "internal"


class Reason(StrEnum):
    """Why a request is believed or not; kept with the raw callback, never told to the caller."""

    ok = "ok"
    no_credentials = "no_credentials"
    bad_signature = "bad_signature"
    stale = "stale"
    malformed = "malformed"
    unconfigured = "unconfigured"


_OUTCOME: Final = {
    Reason.ok: Outcome.accepted,
    Reason.no_credentials: Outcome.bad_signature,
    Reason.bad_signature: Outcome.bad_signature,
    Reason.stale: Outcome.stale,
    Reason.malformed: Outcome.malformed,
    Reason.unconfigured: Outcome.internal,  # our fault: the sender shall try again
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a request comes from the holder of a live secret and is fresh; not what it is worth."""

    valid: bool
    reason: Reason

    @property
    def outcome(self) -> Outcome:
        """The outcome to acknowledge when this verdict refuses the request."""
        return _OUTCOME[self.reason]


VALID: Final = Verdict(valid=True, reason=Reason.ok)


@dataclass(frozen=True, slots=True)
class Counterparty:
    """Who paid, as far as the sender tells: personal data, kept only where a refund needs it."""

    name: str | None = None
    account_number: str | None = None
    bank: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BankTransaction:
    """One movement of money as a sender reports it: whole đồng, always positive; see `direction`.

    `dedup_key` tells a repeated delivery from a second fact, within a connection, direction and status.
    Without `account_number` (the sender names none) nobody may be credited by it alone.
    """

    provider_txn_id: str
    bank_reference: str | None
    amount_vnd: int
    direction: Direction
    status: Status = Status.settled
    occurred_at: datetime
    value_date: date | None = None
    description: str
    account_number: str | None
    virtual_account: str | None = None
    customer_code: str | None = None
    order_ref: str | None = None
    counterparty: Counterparty | None = None
    balance_after_vnd: int | None = None
    dedup_key: str


EVERYTHING: Final = frozenset(field.name for field in fields(BankTransaction))
"""All fields of a transaction: what a password or a token in the message leaves unsigned."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer in the sender's own dialect."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Adapter(Protocol):
    """The names every adapter module has, in this order."""

    INTERFACE: int
    NAME: str
    SECRET_FIELDS: tuple[str, ...]
    """Every key a secret mapping may hold."""
    SECRET_CHOICES: tuple[tuple[str, ...], ...]
    """Sets of keys of which at least one must be complete for a new connection."""
    ROUTES: Mapping[str, str]
    """What lies below the connection's URL: rest of the path -> «notify», «token» or «inquire»."""
    BATCH: bool
    """Whether one request may carry several transactions."""

    # Optional. KEY_PAIRS: Mapping[str, str], the secret fields that hold a private key of ours -> «rsa» or «ed25519»:
    # hocphi makes such a key itself and shows its public part.

    def authenticate(self, request: Request, secrets: Secrets, now: Now) -> Verdict:
        """Say whether a live secret signed this request; never raises."""

    def parse(self, request: Request, secrets: Secrets) -> list[BankTransaction]:
        """Read the transactions (none: not about money); raises MalformedCallbackError."""

    def acknowledge(self, request: Request, outcomes: Sequence[Outcome], secrets: Secrets, now: Now) -> Answer:
        """Answer after the commit, one outcome per transaction (or one refusal); never raises."""


@runtime_checkable
class PartlySigned(Protocol):
    """An adapter whose sender signs a part of its message only, or proves itself by a word that signs nothing.

    Whoever reads one such message can write others. Said here once, the kit holds the adapter to the rest, and an
    operator knows where a list of addresses is needed. Without `UNSIGNED` every field must be covered.
    """

    UNSIGNED: Mapping[str, frozenset[str]]
    """Field of a secret -> fields of BankTransaction that a message proved by it leaves open to alteration."""


@runtime_checkable
class TokenIssuer(Protocol):
    """An adapter whose sender first asks us for a token."""

    def token(self, request: Request, secrets: Secrets, now: Now) -> Answer:
        """Answer the sender's request for a token; never raises."""


@dataclass(frozen=True, slots=True)
class Inquiry:
    """A bank asks what one of its customers may pay (hosted biller, «thu hộ»)."""

    customer_code: str
    service: str | None = None
    """The sender's name for whom the money is meant for; None where it has only one."""


@dataclass(frozen=True, slots=True)
class Bill:
    """One open invoice as a bank shows it: `amount_vnd` is what is still open, in whole đồng."""

    bill_id: str
    amount_vnd: int
    term: str = ""
    """Month or round of the bill, in plain letters."""


@dataclass(frozen=True, slots=True)
class Owed:
    """What we found for an inquiry: `outcome` accepted with bills (none: nothing is due), or why there are none."""

    outcome: Outcome
    customer_name: str = ""
    """Shortened and without diacritics: whoever knows a code must not learn who the child is."""
    bills: tuple[Bill, ...] = ()


@runtime_checkable
class Biller(Protocol):
    """An adapter whose bank first asks what a customer owes and then reports that a bill was paid.

    A payment names its bill in `order_ref` and its customer in `customer_code`. It is checked against the open
    invoices before it is taken, since the sender signs only a part of its message.
    """

    REFUSALS: frozenset[Outcome]
    """What may be refused because the sender's table says that this stops or undoes the debit."""

    def inquire(self, request: Request, secrets: Secrets) -> Inquiry:
        """Read what the bank asks for; raises MalformedCallbackError."""

    def answer_inquiry(self, request: Request, owed: Owed, secrets: Secrets, now: Now) -> Answer:
        """Answer in the sender's code table; never raises."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingRequest:
    """A call that an adapter wants made: it builds the request and reads the answer, others send it.

    `url` and `headers` may hold secrets: neither is ever written to a log.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class OutgoingResponse:
    """The answer to an `OutgoingRequest`; header names are kept in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def __post_init__(self) -> None:
        lowered = {name.lower(): value for name, value in self.headers.items()}
        object.__setattr__(self, "headers", lowered)

    @property
    def document(self) -> dict[str, Any]:
        """The body as a strictly read JSON object; raises MalformedCallbackError."""
        return strict_json.load_object(self.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class PollTerms:
    """How a sender may be asked for what it has told already; where it publishes no limit, we keep one of our own."""

    budget: str
    """Who shares the limit: adapters that ask the same service name the same."""
    calls: int
    per_s: float
    """At most ``calls`` requests in ``per_s`` seconds."""
    reach: timedelta
    """How far back it is asked at most."""
    overlap: timedelta
    """How late it may come to know of a transaction: so much is asked again each time."""
    every: timedelta = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Window:
    """What is asked for: transactions from ``since`` to ``until``, both aware and included."""

    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Page:
    """One answer: its transactions, and where the next page begins (None: this was the last one)."""

    transactions: tuple[BankTransaction, ...]
    next_cursor: str | None
    unreadable: int = 0
    """Rows that may be money and cannot be read: the others are taken, a person is told of these."""


@runtime_checkable
class Poller(Protocol):
    """An adapter whose sender can be asked for transactions: what its callbacks missed is fetched.

    A transaction that callbacks tell under the same id has the same `dedup_key` here; where ids differ, it is known by
    account, bank reference, amount and direction.
    """

    POLL: PollTerms
    POLL_FIELDS: tuple[str, ...]
    """Keys of the secret without which nobody can ask."""

    def poll_request(self, window: Window, cursor: str | None, secret: Mapping[str, str]) -> OutgoingRequest:
        """Ask for a page of the window: the first one, or the one that a page before it named."""

    def read_page(self, response: OutgoingResponse, window: Window, cursor: str | None) -> Page:
        """Read the answer to the request for the same window and cursor; raises PollError and nothing else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A payment that we ask a service to take for us: whole đồng, aware moments, addresses of our own pages."""

    order_ref: str
    """Ours, in the sender's form (`OrderChannel.order_ref`); callbacks name it."""
    amount_vnd: int
    memo: str
    """Our payment reference first, in plain letters; at most 19 characters."""
    return_url: str
    notify_url: str
    """The connection's own address at the banks' door."""
    created_at: datetime
    expires_at: datetime
    payer_address: str = "127.0.0.1"
    """The payer's IP address, where the sender wants one signed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """Where a payer pays an order: an address, a form to be sent there, a QR, or several of them."""

    url: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    """Not empty: the browser posts them to `url`, in this order."""
    qr: str = ""
    """The text of a QR code."""
    provider_order_id: str = ""


class OrderState(StrEnum):
    """What the sender says of an order."""

    pending = "pending"
    paid = "paid"
    closed = "closed"
    """Cancelled, expired or failed: no money will come."""
    unknown = "unknown"
    """The sender does not know it (yet)."""


@dataclass(frozen=True, slots=True)
class OrderStatus:
    """The answer to a question about an order; money that was paid, with the keys that its callback has."""

    state: OrderState
    transactions: tuple[BankTransaction, ...] = ()


class OrderChannel(Protocol):
    """What a sender that reports payments of our own orders has besides: its module's `ORDERS`.

    Functions are pure. Whatever an answer holds, reading it raises only MalformedCallbackError (unreadable, wrongly
    signed, about something else) and OrderRefusedError. An order is opened by one of two ways: `BrowserOrders` or
    `OpenedOrders`; what a sender has not stays absent.
    """

    ORDER_FIELDS: tuple[str, ...]
    """Keys that a secret must hold before orders can be opened with it."""
    CHECKOUT_HOSTS: tuple[str, ...]
    """Hosts, and domains with all below them (`.example.vn`), that a payer may be sent to."""
    LEAST_VND: int
    MOST_VND: int
    LONGEST_MINUTES: int
    """How long an order may stay open."""

    def order_ref(self, drawn: int, created_at: datetime) -> str:
        """A reference in the sender's form from a random number of 128 bits."""

    def ask_order(self, order: Order, secret: Mapping[str, str], now: Now) -> OutgoingRequest:
        """The question what has become of an order."""

    def asked(self, order: Order, response: OutgoingResponse, secret: Mapping[str, str]) -> OrderStatus:
        """Read the answer to `ask_order`."""


@runtime_checkable
class BrowserOrders(Protocol):
    """The payer's browser opens the order by what we signed."""

    def checkout(self, order: Order, secret: Mapping[str, str]) -> Checkout:
        """Sign the order."""


@runtime_checkable
class OpenedOrders(Protocol):
    """We open the order and are told where it is paid."""

    def open_order(self, order: Order, secret: Mapping[str, str]) -> OutgoingRequest:
        """The call that opens the order."""

    def opened(self, order: Order, response: OutgoingResponse, secret: Mapping[str, str]) -> Checkout:
        """Read the answer to `open_order`; raises OrderRefusedError when the sender refuses."""


@runtime_checkable
class CancellableOrders(Protocol):
    """An order that nobody has paid can be taken back."""

    def cancel_order(self, order: Order, secret: Mapping[str, str], now: Now) -> OutgoingRequest:
        """The call that cancels the order."""

    def cancelled(self, order: Order, response: OutgoingResponse, secret: Mapping[str, str]) -> OrderStatus:
        """Read the answer to `cancel_order`; an order that was paid before says so."""


def unix(now: Now) -> int:
    """Whole Unix seconds of an aware datetime (or of a number that already is one)."""
    if not isinstance(now, datetime):
        return int(now)
    if now.tzinfo is None:
        raise ValueError("now must be an aware datetime: a naive one has no place in time")
    return int(now.timestamp())
