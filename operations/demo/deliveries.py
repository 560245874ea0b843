"""The calls that the invented banks will make: in which order, how often, and which of them are not what they claim.

A call is a request to one door. Its kind says what it is: the first call, a repetition, a second message with another
amount, a forgery, an old one, an unreadable one, or one about an account that the door does not know.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random
from typing import Literal

from bank_adapters import tokens
from bank_adapters.contract import Direction, Request
from operations.demo import memos
from operations.demo.chance import generator
from operations.demo.draw import OPENS_S, at_least, at_second
from operations.demo.facts import Bill, Movement, Plan
from operations.demo.founding import Door, new_secret
from payments.developers.senders import Payment, casso_v1_batch, signed_request

Kind = Literal["call", "repeat", "other_amount", "forged", "stale", "malformed", "foreign_account"]

REPEATED_OF_1000, MOST_REPEATS = 20, 3
REORDERED_OF_1000, FARTHEST = 5, 200
LARGEST_BATCH = 5
SIGN_AGAIN_AFTER = timedelta(minutes=3)
"""Before the receivers' five minutes are over."""
TOO_OLD = timedelta(hours=1)
OF_1000: Mapping[Kind, int] = {"forged": 2, "stale": 1, "malformed": 1, "foreign_account": 1}
SENT_BY: Mapping[Kind, frozenset[str]] = {
    "forged": frozenset({"sepay", "casso_v2", "casso_v1", "payos", "vietqr_vn", "standard_webhooks"}),
    "stale": frozenset({"sepay", "standard_webhooks"}),
    "malformed": frozenset({"casso_v1"}),
    "foreign_account": frozenset({"sepay", "casso_v2", "casso_v1", "standard_webhooks"}),
}
FOREIGN_NUMBER = "0000009999"
BATCHING = "casso_v1"


@dataclass(eq=False, slots=True)
class Call:
    """One call; repetitions send the bytes of the call they repeat."""

    door: Door
    kind: Kind
    payments: tuple[Payment, ...]
    repeats: "Call | None" = None
    body: bytes = b""
    """What was sent, once it was."""
    _signed_at: datetime | None = field(default=None, repr=False)
    _request: Request | None = field(default=None, repr=False)

    def request(self, now: datetime, bearer: str) -> Request:
        """The signed request; signed anew only when the signature has grown old."""
        if self.repeats is not None:
            return self.repeats.request(now, bearer)
        if self._request is None or self._signed_at is None or now - self._signed_at > SIGN_AGAIN_AFTER:
            self._signed_at, self._request = now, self._sign(now, bearer)
        return self._request

    def _sign(self, now: datetime, bearer: str) -> Request:
        door = self.door
        if self.kind == "forged":
            secret = new_secret(door.adapter)
            bearer = tokens.issue("mau", secret["jwt_secret"], now) if "jwt_secret" in secret else ""
            return signed_request(door.adapter, secret, self.payments[0], sent_at=now, bearer=bearer)
        if self.kind == "stale":
            return signed_request(door.adapter, door.secret, self.payments[0], sent_at=now - TOO_OLD, bearer=bearer)
        if door.adapter == BATCHING:
            request = casso_v1_batch(door.secret, self.payments)
            if self.kind == "malformed":
                return replace(request, body=request.body.replace(b'"amount":', b'"amount":"x",\n"was":'))
            return request
        return signed_request(door.adapter, door.secret, self.payments[0], sent_at=now, bearer=bearer)


def payment_of(movement: Movement, amount_vnd: int | None = None) -> Payment:
    """A movement as its bank reports it."""
    return Payment(
        account_number=movement.account.number,
        amount_vnd=amount_vnd or movement.amount_vnd,
        memo=movement.memo,
        bank_reference=movement.bank_reference,
        txn_id=movement.txn_id,
        occurred_at=movement.occurred_at,
        direction=Direction(movement.direction),
    )


def plan_calls(plan: Plan, doors: Sequence[Door], seed: int) -> list[Call]:
    """All calls in the order in which they are made; second messages come at the very end."""
    chance = generator(seed, "calls")
    by_account: dict[object, list[Door]] = defaultdict(list)
    for door in doors:
        by_account[door.account].append(door)
    reported = sorted((movement for movement in plan.movements if movement.called), key=lambda one: one.occurred_at)
    calls = _batched([(_door_for(movement, by_account[movement.account]), movement) for movement in reported], chance)
    _reorder(calls, chance)
    calls = _with_repeats(calls, chance)
    for kind, of_1000 in OF_1000.items():
        for _ in range(at_least(1, of_1000, len(calls))):
            at = chance.randrange(len(calls) + 1)
            calls.insert(at, _impostor(kind, doors, plan.unpaid, chance))
    return calls + _second_messages(plan.movements, calls)


def _door_for(movement: Movement, doors: Sequence[Door]) -> Door:
    """The service that watches the account; the intermediary reports its own payments."""
    return next(door for door in doors if door.intermediary == (movement.kind == "netted"))


def _batched(reports: Iterable[tuple[Door, Movement]], chance: Random) -> list[Call]:
    """One call for each movement, or for a few of them where the sender batches."""
    calls: list[Call] = []
    open_batches: dict[int, tuple[Call, int]] = {}
    for door, movement in reports:
        call, room = open_batches.get(id(door), (None, 0))
        if call is not None and room > 0:
            call.payments = (*call.payments, payment_of(movement))
        else:
            call = Call(door, "call", (payment_of(movement),))
            calls.append(call)
            room = chance.randint(1, LARGEST_BATCH) if door.adapter == BATCHING else 1
        open_batches[id(door)] = (call, room - 1)
    return calls


def _reorder(calls: list[Call], chance: Random) -> None:
    """Some calls are held up on their way."""
    for _ in range(at_least(1, REORDERED_OF_1000, len(calls))):
        call = calls.pop(chance.randrange(len(calls)))
        calls.insert(min(len(calls), chance.randrange(len(calls) + 1) + chance.randint(1, FARTHEST)), call)


def _with_repeats(calls: Sequence[Call], chance: Random) -> list[Call]:
    """Some calls are made two to four times: the same bytes again, a little later."""
    repeated = chance.sample(range(len(calls)), at_least(1, REPEATED_OF_1000, len(calls)))
    later: list[tuple[int, Call]] = [(place, call) for place, call in enumerate(calls)]
    for place in repeated:
        first = calls[place]
        later += [
            (place + chance.randint(1, FARTHEST), Call(first.door, "repeat", first.payments, first))
            for _ in range(chance.randint(1, MOST_REPEATS))
        ]
    return [call for _, call in sorted(later, key=lambda item: item[0])]


def _impostor(kind: Kind, doors: Sequence[Door], unpaid: Sequence[Bill], chance: Random) -> Call:
    """A call that claims a bill was paid which nobody paid."""
    able = [door for door in doors if door.adapter in SENT_BY[kind] and not door.intermediary]
    door = chance.choice(able)
    bill = chance.choice([bill for bill in unpaid if bill.account == door.account] or list(unpaid))
    serial = chance.randrange(10**8, 10**9)
    payment = Payment(
        account_number=FOREIGN_NUMBER if kind == "foreign_account" else door.account.number,
        amount_vnd=bill.amount_vnd,
        memo=memos.clean(bill.reference, chance),
        bank_reference=f"FX{serial}",
        txn_id=str(serial),
        occurred_at=at_second(bill.due_on, OPENS_S),
    )
    return Call(door, kind, (payment,))


def _second_messages(movements: Iterable[Movement], calls: Sequence[Call]) -> list[Call]:
    """The same id again with another amount, after the first has been taken."""
    doors = {payment.txn_id: call.door for call in calls if call.kind == "call" for payment in call.payments}
    return [
        Call(doors[movement.txn_id], "other_amount", (payment_of(movement, movement.resent_vnd),))
        for movement in movements
        if movement.resent_vnd is not None
    ]
