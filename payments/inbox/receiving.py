"""The heart of the banks' door, without input or output: a raw request in; rows to store, then the answer, out.

A shell (payments/inbox/views.py, payments/inbox/door.py) splits the path, looks the connection up, calls ``receive``,
judges again with fresh secrets what the kept ones do not vouch for (``Reception.doubted``), looks up what the reception
asks for (``Reception.asks``: bills of hosted billers, orders of services that name no account), stores its rows, and
hands the results to ``Reception.answer``. Success is thus never said before the commit (invariant I4). Whatever
arrives, ``receive`` raises nothing.
"""

import hashlib
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, Final, cast

from bank_adapters import get_adapter
from bank_adapters.billing import judge, sample_owed
from bank_adapters.contract import (
    Adapter,
    AdapterError,
    Answer,
    BankTransaction,
    Biller,
    Inquiry,
    MalformedCallbackError,
    Outcome,
    Reason,
    Request,
    TokenIssuer,
)
from payments.banking.queries import DoorConnection
from payments.banking.rules import Target, account_text
from payments.crypto import FieldCipher
from payments.inbox.billing import ORDERED, OWED, OWN_NUMBER, Known, Question
from payments.inbox.evidence_rows import evidence_row, target_of
from payments.inbox.models import DeliveryOutcome
from payments.inbox.rules import may_call
from payments.inbox.sealing import MAX_BODY_BYTES, seal
from payments.inbox.storing import Row

log = logging.getLogger(__name__)

Rows = Sequence[Sequence[Any]]

PREFIX: Final = "/callbacks/"
KEPT_BODY_BYTES: Final = 16 * 1024
"""Of a request that nobody vouches for; what senders send is far smaller, so theirs is kept whole."""
METHODS: Final = frozenset({"GET", "POST"})

_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{16,128}", re.ASCII)
_JSON: Final = {"Content-Type": "application/json"}
NOT_FOUND: Final = Answer(404, _JSON, b'{"error":"not_found"}')
WRONG_METHOD: Final = Answer(405, {**_JSON, "Allow": "GET, POST"}, b'{"error":"method_not_allowed"}')
TOO_LARGE: Final = Answer(413, _JSON, b'{"error":"too_large"}')
INCOMPLETE: Final = Answer(400, _JSON, b'{"error":"incomplete"}')
"""Half a request is no message: whoever sent it knows, and sends it again."""
NOT_ALLOWED: Final = Answer(403, _JSON, b'{"error":"forbidden"}')
UNAVAILABLE: Final = Answer(503, {**_JSON, "Retry-After": "5"}, b'{"error":"try_again"}')
"""Retryable for every sender: they all send again after a 5xx."""


@dataclass(frozen=True, slots=True)
class Reception:
    """What a request came to: rows to store first, then the answer to their results."""

    request: Request
    rows: Sequence[Row]
    """Empty: nothing counts as received (a token was asked for)."""
    decided: Answer | None = None
    """The answer, where the results cannot change it."""
    may_throttle: bool = False
    """Nobody vouches for it: beyond the rate it is counted instead of stored."""
    doubted: bool = False
    """Refused because no secret that we know vouches for it; one that was added a moment ago may."""
    secret_id: int | None = None
    """Of the secret that vouches for it."""
    adapter: Adapter | None = None
    connection: DoorConnection | None = None
    success: Outcome = Outcome.accepted
    """What is told when the rows are accepted: a bill that was paid before is taken too, and called so."""
    asks: Question | None = None
    """A look-up whose rows come first, and lead to the reception that counts."""
    resume: Callable[[Rows], "Reception"] | None = None

    def told(self, rows: Rows) -> "Reception":
        """The reception once what it asks for is known; raises nothing."""
        return self if self.resume is None else self.resume(rows)

    def answer(self, results: Sequence[str], now: datetime) -> Answer:
        """The answer in the sender's dialect, to be given after the commit; results as ``STORE`` gave them.

        Raises nothing: where an adapter cannot answer, its sender tries again and finds its message safe.
        """
        if self.decided is not None:
            return self.decided
        if self.adapter is None or self.connection is None:
            return UNAVAILABLE
        outcomes = [_TOLD[DeliveryOutcome(result)] for result in results]
        outcomes = [self.success if outcome is Outcome.accepted else outcome for outcome in outcomes]
        try:
            answer = self.adapter.acknowledge(self.request, outcomes, self.connection.secrets, now)
        except Exception as error:  # noqa: BLE001 - as in ``receive``
            log.error("door: connection %s: %s", self.connection.id, type(error).__name__)  # noqa: TRY400 - no traceback
            return UNAVAILABLE
        return answer if isinstance(answer, Answer) else UNAVAILABLE


_TOLD: Final = {
    DeliveryOutcome.ACCEPTED: Outcome.accepted,
    DeliveryOutcome.NOT_A_PAYMENT: Outcome.not_a_payment,
    DeliveryOutcome.DUPLICATE: Outcome.duplicate,
    DeliveryOutcome.AMOUNT_DIFF: Outcome.amount_differs,
    DeliveryOutcome.FOREIGN_ACCOUNT: Outcome.foreign_account,
    DeliveryOutcome.MALFORMED: Outcome.malformed,
    DeliveryOutcome.BAD_SIGNATURE: Outcome.bad_signature,
    DeliveryOutcome.STALE: Outcome.stale,
    DeliveryOutcome.INTERNAL: Outcome.internal,
}


def split_path(path: str) -> tuple[str, str] | None:
    """``/callbacks/<token>[/<rest>]`` -> (token, rest); None when no connection can have that path."""
    token, _, rest = path.removeprefix(PREFIX).partition("/")
    return (token, rest.rstrip("/")) if _TOKEN.fullmatch(token) else None


def receive(
    connection: DoorConnection | None, request: Request, now: datetime, cipher: FieldCipher, *, too_large: bool = False
) -> Reception:
    """Judge one request. ``request.path`` is what follows the token; ``connection`` None: no such connection."""
    reception = _Reception(connection, request, now, cipher)
    try:
        return reception.judge(too_large=too_large)
    except Exception as error:  # noqa: BLE001 - a fault in an adapter must not take the door away from others
        # The name only: an exception's text may quote what was received.
        log.error("door: connection %s: %s", connection and connection.id, type(error).__name__)  # noqa: TRY400 - no traceback
        return reception.refuse(DeliveryOutcome.INTERNAL, "unexpected_error", UNAVAILABLE)


class _Reception:
    """The steps of ``receive`` with what they share."""

    def __init__(self, connection: DoorConnection | None, request: Request, now: datetime, cipher: FieldCipher) -> None:
        self._connection = connection
        self._connection_id = connection.id if connection else None
        self._request = request
        self._now = now
        self._cipher = cipher
        self._secret_id: int | None = None

    def judge(self, *, too_large: bool) -> Reception:
        connection = self._connection
        if connection is None:
            return self.refuse(DeliveryOutcome.UNKNOWN_CONNECTION, "unknown_connection", NOT_FOUND)
        unfit = self._unfit(connection, too_large=too_large)
        if unfit is not None:
            return self.refuse(*unfit)
        try:
            adapter = get_adapter(connection.adapter)
        except AdapterError as error:
            return self._unavailable(error.code)
        return self._by_route(adapter, connection)

    def _unfit(self, connection: DoorConnection, *, too_large: bool) -> tuple[DeliveryOutcome, str, Answer] | None:
        """Why the request is refused unread: outcome, reason, answer."""
        if not may_call(self._request.remote_addr, connection.networks):
            return DeliveryOutcome.BAD_ADDRESS, "bad_address", NOT_ALLOWED
        if self._request.method not in METHODS:
            return DeliveryOutcome.MALFORMED, "wrong_method", WRONG_METHOD
        if too_large:
            return DeliveryOutcome.MALFORMED, "too_large", TOO_LARGE
        return None

    def _by_route(self, adapter: Adapter, connection: DoorConnection) -> Reception:
        if not connection.secrets:
            return self._unavailable("no_live_secret")
        route = adapter.ROUTES.get(self._request.path)
        if route == "token":
            return self._token(cast("TokenIssuer", adapter), connection)
        if route not in {"notify", "inquire"}:
            return self.refuse(DeliveryOutcome.MALFORMED, "unknown_path", NOT_FOUND)
        return self._not_believed(adapter, connection) or self._believed(adapter, connection, route)

    def _believed(self, adapter: Adapter, connection: DoorConnection, route: str) -> Reception:
        try:
            if route == "inquire":
                return self._inquired(adapter, connection)
            return self._notified(adapter, connection)
        except MalformedCallbackError as error:
            return self._malformed(adapter, connection.secrets, error.code, Outcome(error.outcome))
        except UnicodeEncodeError:
            return self._malformed(adapter, connection.secrets, "bad_text")

    def _token(self, issuer: TokenIssuer, connection: DoorConnection) -> Reception:
        """A wrong name or password is stored like every refusal, so that a person sees who guesses."""
        answer = issuer.token(self._request, connection.secrets, self._now)
        if answer.status != 200:
            return self.refuse(DeliveryOutcome.BAD_SIGNATURE, "bad_credentials", answer, doubted=True)
        used = self._vouching(connection, lambda secret: issuer.token(self._request, [secret], self._now).status == 200)
        return Reception(self._request, (), answer, secret_id=used)

    def _not_believed(self, adapter: Adapter, connection: DoorConnection) -> Reception | None:
        """The refusal of a request that the adapter does not believe."""
        request, secrets = self._request, connection.secrets
        verdict = adapter.authenticate(request, secrets, self._now)
        if verdict.reason is Reason.unconfigured:
            return self._unavailable("no_live_secret")
        if verdict.valid:
            self._secret_id = self._vouching(
                connection, lambda secret: adapter.authenticate(request, [secret], self._now).valid
            )
            return None
        answer = adapter.acknowledge(request, [verdict.outcome], secrets, self._now)
        doubted = verdict.outcome is Outcome.bad_signature
        return self.refuse(DeliveryOutcome(verdict.outcome), verdict.reason.value, answer, doubted=doubted)

    def _vouching(self, connection: DoorConnection, vouches: Callable[[Mapping[str, str]], bool]) -> int | None:
        """The id of the secret behind a request that is believed; only during a rotation there is a choice."""
        ids = connection.secret_ids
        if len(ids) < 2:
            return ids[0] if ids else None
        pairs = zip(ids, connection.secrets, strict=True)
        return next((secret_id for secret_id, secret in pairs if vouches(secret)), None)

    def _notified(self, adapter: Adapter, connection: DoorConnection) -> Reception:
        """Raises MalformedCallbackError and UnicodeEncodeError."""
        found = adapter.parse(self._request, connection.secrets)
        if found and _names_no_account(found[0]) and isinstance(adapter, Biller):
            # Its banks pay one bill at a time.
            paid = found[0]
            resume = partial(self._billed, adapter, connection, paid)
            return self._asking(adapter, connection, Question(OWED, paid.customer_code or ""), resume)
        if found and _names_no_account(found[0]) and hasattr(adapter, "ORDERS"):
            return self._ordered(adapter, connection, found[0])
        number = found[0].account_number if len(found) == 1 else None
        if number and connection.accounts.may_be_own(number, found[0].virtual_account):
            return self._on_own_number(adapter, connection, found[0], account_text(number))
        items = [evidence_row(connection, transaction, target_of(connection, transaction)) for transaction in found]
        return self._recorded(adapter, connection, items)

    def _ordered(self, adapter: Adapter, connection: DoorConnection, paid: BankTransaction) -> Reception:
        """Its service names no account: the connection's only one is meant, else the one that the order is for."""

        def resume(rows: Rows) -> Reception:
            target = Target(*rows[0]) if rows else connection.accounts.only
            return self._recorded(adapter, connection, [evidence_row(connection, paid, target)])

        if connection.accounts.only is not None or not paid.order_ref:
            return resume(())
        return self._asking(adapter, connection, Question(ORDERED, paid.order_ref), resume)

    def _on_own_number(
        self, adapter: Adapter, connection: DoorConnection, paid: BankTransaction, number: str
    ) -> Reception:
        """Its sender names a pupil's own account as the account; a number that nobody was given stays foreign."""

        def resume(rows: Rows) -> Reception:
            target = Target(*rows[0]) if rows else None
            return self._recorded(
                adapter, connection, [evidence_row(connection, replace(paid, virtual_account=number), target)]
            )

        return self._asking(adapter, connection, Question(OWN_NUMBER, number), resume)

    def _recorded(
        self, adapter: Adapter, connection: DoorConnection, items: Sequence[Row], success: Outcome = Outcome.accepted
    ) -> Reception:
        first = items[0] if items else Row(connection.id, DeliveryOutcome.NOT_A_PAYMENT.value)
        rows = [self._with_raw(first, "ok"), *items[1:]]
        return Reception(
            self._request, rows, secret_id=self._secret_id, adapter=adapter, connection=connection, success=success
        )

    def _billed(self, adapter: Adapter, connection: DoorConnection, paid: BankTransaction, rows: Rows) -> Reception:
        """A bill was paid: checked against what its customer owes, since the bank signs only a part of its message."""
        known = _known(connection, rows, paid.customer_code or "")
        outcome = judge(paid, known.owed) if paid.customer_code else Outcome.accepted
        if outcome in cast("Biller", adapter).REFUSALS:
            answer = adapter.acknowledge(self._request, [outcome], connection.secrets, self._now)
            row = self._with_raw(Row(self._connection_id, DeliveryOutcome(outcome).value), outcome.value)
            return Reception(self._request, [row], answer)
        target = known.targets.get(paid.order_ref or "") or connection.accounts.only
        success = outcome if outcome is Outcome.already_paid else Outcome.accepted
        return self._recorded(adapter, connection, [evidence_row(connection, paid, target)], success)

    def _inquired(self, adapter: Adapter, connection: DoorConnection) -> Reception:
        """Raises MalformedCallbackError. Nothing is recorded: a question moves no money."""
        biller = cast("Biller", adapter)
        inquiry = biller.inquire(self._request, connection.secrets)

        def resume(rows: Rows) -> Reception:
            owed = _known(connection, rows, inquiry.customer_code).to_pay
            answer = biller.answer_inquiry(self._request, owed, connection.secrets, self._now)
            if owed.outcome is Outcome.accepted:
                return Reception(self._request, (), answer)
            # Kept like a refusal, so that a person sees who tries codes, and throttled like one.
            return self.refuse(DeliveryOutcome.UNKNOWN_CUSTOMER, "unknown_customer", answer)

        return self._asking(adapter, connection, Question(OWED, inquiry.customer_code), resume)

    def _asking(
        self, adapter: Adapter, connection: DoorConnection, question: Question, resume: Callable[[Rows], Reception]
    ) -> Reception:
        """A reception that goes on when the answer is known; its second half raises as little as the first."""

        def guarded(rows: Rows) -> Reception:
            try:
                return resume(rows)
            except MalformedCallbackError as error:
                return self._malformed(adapter, connection.secrets, error.code, Outcome(error.outcome))
            except UnicodeEncodeError:
                return self._malformed(adapter, connection.secrets, "bad_text")
            except Exception as error:  # noqa: BLE001 - as in ``receive``
                log.error("door: connection %s: %s", self._connection_id, type(error).__name__)  # noqa: TRY400 - no traceback
                return self.refuse(DeliveryOutcome.INTERNAL, "unexpected_error", UNAVAILABLE)

        return Reception(self._request, (), secret_id=self._secret_id, asks=question, resume=guarded)

    def _malformed(
        self,
        adapter: Adapter,
        secrets: Sequence[Mapping[str, str]],
        code: str,
        outcome: Outcome = Outcome.malformed,
    ) -> Reception:
        """Authentic and unreadable: never throttled, for its sender holds the secret and needs to be told."""
        answer = adapter.acknowledge(self._request, [outcome], secrets, self._now)
        row = self._with_raw(Row(self._connection_id, DeliveryOutcome.MALFORMED.value), code)
        return Reception(self._request, [row], answer, secret_id=self._secret_id)

    def _unavailable(self, code: str) -> Reception:
        log.critical("door: connection %s cannot be served: %s", self._connection_id, code)
        return self.refuse(DeliveryOutcome.INTERNAL, code, UNAVAILABLE)

    def refuse(self, outcome: DeliveryOutcome, reason: str, answer: Answer, *, doubted: bool = False) -> Reception:
        """Nobody vouches for the request: it is stored for a person to see, under no key of evidence."""
        row = self._with_raw(Row(self._connection_id, outcome.value), reason, KEPT_BODY_BYTES)
        return Reception(self._request, [row], answer, may_throttle=True, doubted=doubted)

    def _with_raw(self, row: Row, reason: str, keep: int = MAX_BODY_BYTES) -> Row:
        request = self._request
        return row._replace(
            received_at=self._now,
            remote_addr=request.remote_addr,
            sealed=seal(request, self._cipher, keep),
            body_sha256=hashlib.sha256(request.body).digest(),
            body_bytes=len(request.body),
            reason=reason,
        )


def _known(connection: DoorConnection, rows: Rows, asked: str) -> Known:
    """A test connection sees the sample pupil and nobody else."""
    if not connection.sandbox:
        return Known.of(rows)
    return Known(sample_owed(Inquiry(asked)), {})


def _names_no_account(transaction: BankTransaction) -> bool:
    return transaction.account_number is None and transaction.virtual_account is None
