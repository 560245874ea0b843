"""The sandbox: signed callbacks of every kind, sent over HTTP to the door of this installation, at test connections.

A test connection is isolated from real money by the door itself: its evidence is marked, leaves no work behind and
never becomes a bank transaction (payments/inbox/storing.py, payments/inbox/attaching.py).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import RowMapping
from sqlalchemy.orm import Session

from bank_adapters import get_adapter
from bank_adapters.billing import SAMPLE, SAMPLE_CUSTOMER, judge
from bank_adapters.contract import Adapter, BankTransaction, Biller, MalformedCallbackError, Reason, Request
from payments import clock
from payments.audit.service import record
from payments.banking.queries import TOKEN_PLACE, DoorConnection, connection_by_token
from payments.crypto import FieldCipher
from payments.developers import queries
from payments.developers.calling import SLOW_PAUSE_S, Heard, call, unreachable
from payments.developers.desk import Reach
from payments.developers.redaction import known_secrets, secret_values
from payments.developers.rehearsal import would_settle
from payments.developers.rules import EXPECTED, HUGE_BYTES, LARGEST_VND, SMALLEST_VND, Scenario, Shot, shots
from payments.developers.senders import granted_token, signed_request, token_request
from payments.developers.sending import Payment
from payments.developers.vectors import invented
from payments.errors import ConflictError, DomainError
from payments.inbox.sealing import MAX_BODY_BYTES
from payments.invoices import reference

LONGEST_MEMO = 200
Sessions = Callable[[], AbstractContextManager[Session]]
"""Opens a session that is committed at the end of its block."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What to play; ``amount_vnd`` is what the pretended notice is about, ``code`` its payment reference."""

    connection_id: int
    scenario: Scenario
    amount_vnd: int
    code: str
    memo: str = ""
    """Further words of the memo."""


@dataclass(frozen=True, slots=True)
class Played:
    """One message, what it was answered, and what became of it."""

    request: Request
    heard: Heard
    expected: str
    """The outcome that the scenario is about."""
    event_id: int | None
    outcome: str | None
    reason: str | None
    settles_as: str
    """What settlement would call it, against the pretended notice; empty: no money."""

    @property
    def as_expected(self) -> bool:
        """Whether the door said what the scenario is about."""
        return self.outcome == self.expected


@dataclass(frozen=True, slots=True)
class Report:
    """A scenario that was played."""

    asked: Asked
    adapter: str
    played: Sequence[Played]
    evidence: Sequence[RowMapping]
    transactions: int
    """Bank transactions behind this evidence: always 0, or the isolation is broken."""
    keys: Sequence[str] = field(repr=False)
    """Live secrets, to be masked wherever the messages are shown."""

    @property
    def as_expected(self) -> bool:
        """Whether everything came as the scenario says."""
        return all(one.as_expected for one in self.played) and self.transactions == 0


@dataclass(frozen=True, slots=True)
class _Stage:
    """The connection that the scenario is played at."""

    door: DoorConnection
    adapter: Adapter
    adapter_name: str
    token: str
    accounts: Sequence[RowMapping]

    @property
    def secret(self) -> Mapping[str, str]:
        return self.door.secrets[0]


def check_asked(asked: Asked) -> Asked:
    """What was asked, cleaned; raises DomainError ``bad_amount``, ``bad_code`` or ``memo_too_long``."""
    if not SMALLEST_VND <= asked.amount_vnd <= LARGEST_VND:
        raise DomainError(
            "bad_amount",
            "Số tiền phải từ 1.000 đến 999.999.999 đồng.",
            "The amount must be 1,000 to 999,999,999 đồng.",
        )
    code = asked.code.strip().upper() or reference.generate()
    if not reference.is_valid(code):
        raise DomainError(
            "bad_code",
            "Mã thanh toán phải có dạng HP và 10 ký tự, ký tự cuối là ký tự kiểm tra; để trống thì hệ thống tự đặt.",
            "A payment reference is HP and 10 characters, the last a check character; leave it empty to have one made.",
        )
    memo = " ".join(asked.memo.split())
    if len(memo) > LONGEST_MEMO:
        raise DomainError(
            "memo_too_long",
            f"Nội dung thêm tối đa {LONGEST_MEMO} ký tự.",
            f"Further words of the memo are {LONGEST_MEMO} characters at most.",
        )
    return replace(asked, code=code, memo=memo)


def simulate(
    sessions: Sessions,
    cipher: FieldCipher,
    reach: Reach,
    base_url: str,
    asked: Asked,
    *,
    pause_s: float = SLOW_PAUSE_S,
) -> Report:
    """Play a scenario at a test connection and report; no transaction is open while the door is called.

    Raises NotFoundError, ConflictError ``not_a_sandbox`` or ``connection_closed``, and DomainError ``no_sender``,
    ``door_unreachable`` or as ``check_asked``.
    """
    asked = check_asked(asked)
    with sessions() as session:
        stage = _stage(session, cipher, reach, asked)
        after = queries.newest_id(session)
    payment = _payment(stage, asked, clock.now())
    with _politely(stage.adapter_name):
        requests = [_request(stage, shot, base_url) for shot in shots(asked.scenario, payment, clock.now())]
    heard = [
        call(base_url, stage.token, request, pause_s=pause_s if asked.scenario is Scenario.SLOW else 0.0)
        for request in requests
    ]
    if all(one.status is None for one in heard):
        raise unreachable(base_url)
    with sessions() as session:
        return _report(session, stage, asked, list(zip(requests, heard, strict=True)), after)


def _stage(session: Session, cipher: FieldCipher, reach: Reach, asked: Asked) -> _Stage:
    row = queries.connection(session, reach, asked.connection_id)
    if not row["sandbox"]:
        raise ConflictError(
            "not_a_sandbox",
            "Đây là kết nối thật. Chỉ kết nối thử (--sandbox) mới nhận tin giả lập.",
            "This is a real connection. Only test connections (--sandbox) take simulated messages.",
        )
    door = connection_by_token(session, cipher, bytes(row["token_hash"]))
    if door is None or not door.secrets:
        raise ConflictError("connection_closed", "Kết nối thử này đã ngắt.", "This test connection is closed.")
    record(
        session,
        reach.actor_id,
        "sandbox.simulated",
        subject_kind="connection",
        subject_id=door.id,
        school_id=None,
        detail={"scenario": asked.scenario.value},
    )
    token = cipher.open(bytes(row["token_sealed"]), TOKEN_PLACE).decode("ascii")
    return _Stage(door, get_adapter(door.adapter), door.adapter, token, queries.accounts(session, door.id))


def _payment(stage: _Stage, asked: Asked, now: datetime) -> Payment:
    named = {account["kind"]: account["identifier"] for account in stage.accounts}
    prefix = named.get("virtual_prefix")
    serial = str(int(now.timestamp() * 1000))
    # A bank that pays bills pays the one bill of the sample pupil, the only one that test connections know.
    [bill] = SAMPLE.bills
    billed = isinstance(stage.adapter, Biller)
    return Payment(
        account_number=named.get("number") or named.get("merchant") or "",
        virtual_account=f"{prefix}{serial[-4:]}" if prefix else None,
        customer_code=SAMPLE_CUSTOMER if billed else None,
        order_ref=bill.bill_id if billed else None,
        amount_vnd=bill.amount_vnd if billed else asked.amount_vnd,
        memo=f"{asked.code} {asked.memo}".strip(),
        bank_reference=f"FT{serial}",
        txn_id=serial,
        occurred_at=now,
    )


def _request(stage: _Stage, shot: Shot, base_url: str) -> Request:
    """The message as its sender signs it. Raises LookupError or ValueError where there is no sender for it."""
    secret = invented(stage.secret) if shot.wrong_key else stage.secret
    bearer = _token(stage, base_url) if "jwt_secret" in stage.secret else ""
    if shot.wrong_key and bearer:
        bearer = bearer[:-6] + bearer[-6:][::-1]
    url = f"{base_url}/callbacks/{stage.token}"
    request = signed_request(stage.adapter_name, secret, shot.payment, sent_at=shot.sent_at, bearer=bearer, url=url)
    if shot.huge:
        # Blanks after a document change nothing but its size.
        request = replace(request, body=request.body + b" " * HUGE_BYTES)
    return request


def _token(stage: _Stage, base_url: str) -> str:
    """The sender asks us for a token first, over HTTP like everything else. Raises LookupError, DomainError."""
    heard = call(base_url, stage.token, token_request(stage.secret))
    if heard.status is None:
        raise unreachable(base_url)
    return granted_token(heard.body)


@contextmanager
def _politely(adapter: str) -> Iterator[None]:
    """Says so where nobody wrote how this sender signs, or the connection's secret is not one to sign with."""
    try:
        yield
    except (LookupError, ValueError) as error:
        raise DomainError(
            "no_sender",
            f"Chưa có bộ gửi thử ký được như bên gửi «{adapter}» bằng khóa của kết nối này.",
            f"There is no sender that signs as {adapter!r} does with the secret of this connection.",
        ) from error


def _report(
    session: Session, stage: _Stage, asked: Asked, calls: Sequence[tuple[Request, Heard]], after: int
) -> Report:
    arrived = list(queries.arrived(session, stage.door.id, after))
    requests = [request for request, _ in calls]
    found = [_take(arrived, request) for request in requests]
    told = [_told(stage, request, row) for request, row in zip(requests, found, strict=True)]
    money = [one for one in told if one is not None]
    keys = iter(would_settle(asked.code, asked.amount_vnd, money))
    played = [
        Played(
            request,
            answer,
            _expected(stage, request, wanted),
            row and row["id"],
            row and row["outcome"],
            row and row["reason"],
            next(keys) if one is not None else "",
        )
        for (request, answer), wanted, row, one in zip(calls, EXPECTED[asked.scenario], found, told, strict=True)
    ]
    evidence = queries.evidence(session, stage.door.id, [one.dedup_key for one in money])
    transactions = sum(row["transaction_id"] is not None for row in evidence)
    masked = known_secrets(secret_values(stage.door.secrets))
    return Report(asked, stage.adapter_name, played, evidence, transactions, masked)


def _take(arrived: list[Any], request: Request) -> Any:
    """The stored delivery of a request: the first with its body that no earlier request took."""
    digest = sha256(request.body[:MAX_BODY_BYTES]).digest()
    for place, row in enumerate(arrived):
        if bytes(row["body_sha256"]) == digest:
            return arrived.pop(place)
    return None


def _told(stage: _Stage, request: Request, row: Any) -> BankTransaction | None:
    """The money that an accepted message tells of."""
    if row is None or row["outcome"] != "accepted":
        return None
    try:
        return next(iter(stage.adapter.parse(request, stage.door.secrets)), None)
    except MalformedCallbackError:
        return None


def _expected(stage: _Stage, request: Request, wanted: str) -> str:
    """A sender that signs no time cannot be stale: then its message is as good as any. Bills are judged."""
    if wanted == "stale":
        verdict = stage.adapter.authenticate(request, stage.door.secrets, clock.now())
        return "stale" if verdict.reason is Reason.stale else "accepted"
    if wanted == "accepted" and isinstance(stage.adapter, Biller):
        judged = {judge(one, SAMPLE) for one in stage.adapter.parse(request, stage.door.secrets)}
        return next((outcome.value for outcome in judged & stage.adapter.REFUSALS), wanted)
    return wanted
