"""Làng Pay, a sender that nobody has heard of: transfers into a cooperative's accounts, as forms.

Authentication    `sig`: HMAC-SHA512 in upper-case hex over all other fields as `k=v|k=v`, sorted by name, values
                  decoded, secret as text; `sent_at` is among them: five minutes.
Retries           until the answer's first line is `OK`.
Idempotency key   `branch` and `slip`: a slip's number is unique within its branch only.
Amount format     đồng with `.00`, as text; `kind` in | out, `refund` takes a credit back.
Time zone         `yyyyMMddHHmmss` in Viet Nam.
Source            invented for a test.
Certified by the bank: no
"""

from collections.abc import Sequence
from typing import Final

from bank_adapters import fields, forms, signatures
from bank_adapters.answers import gravest
from bank_adapters.contract import (
    Answer,
    BankTransaction,
    Direction,
    MalformedCallbackError,
    Now,
    Outcome,
    Reason,
    Request,
    Secrets,
    Status,
    Verdict,
)

INTERFACE: Final = 1
NAME: Final = "lang_pay"
SECRET_FIELDS: Final = ("secret",)
SECRET_CHOICES: Final = (("secret",),)
ROUTES: Final = {"": "notify"}
BATCH: Final = False

_KINDS: Final = {
    "in": (Direction.credit, Status.settled),
    "out": (Direction.debit, Status.settled),
    "refund": (Direction.credit, Status.void),
}
_WORDS: Final = {
    Outcome.bad_signature: (403, "NO"),
    Outcome.stale: (403, "NO"),
    Outcome.malformed: (422, "NO"),
    Outcome.internal: (503, "AGAIN"),
}


def authenticate(request: Request, secrets: Secrets, now: Now) -> Verdict:
    """Accept when the signature over the sorted fields is right, and fresh."""
    keys = signatures.secret_values(secrets, "secret")
    if not keys:
        return Verdict(valid=False, reason=Reason.unconfigured)
    try:
        form = forms.load(request.body)
    except MalformedCallbackError:
        return Verdict(valid=False, reason=Reason.malformed)
    given = form.pop("sig", "")
    if not given:
        return Verdict(valid=False, reason=Reason.no_credentials)
    text = "|".join(f"{name}={form[name]}" for name in sorted(form))
    if not signatures.any_same(given.lower(), keys, text.encode(), "sha512"):
        return Verdict(valid=False, reason=Reason.bad_signature)
    return signatures.fresh(form.get("sent_at", ""), now)


def parse(request: Request, secrets: Secrets) -> list[BankTransaction]:
    """Read the one movement; a value that holds the separator has two readings."""
    form = forms.load(request.body)
    if any("|" in value for value in form.values()) or form.get("kind") not in _KINDS:
        raise MalformedCallbackError("bad_field", "kind")
    direction, status = _KINDS[form["kind"]]
    branch, slip = fields.identifier(form, "branch"), fields.identifier(form, "slip")
    return [
        BankTransaction(
            provider_txn_id=slip,
            bank_reference=None,
            amount_vnd=fields.amount_vnd(form, "amount"),
            direction=direction,
            status=status,
            occurred_at=fields.moment_of_14_digits(form, "booked"),
            description=fields.free_text(form, "memo"),
            account_number=fields.identifier(form, "account"),
            dedup_key=f"{branch}:{slip}",
        )
    ]


def acknowledge(request: Request, outcomes: Sequence[Outcome], secrets: Secrets, now: Now) -> Answer:
    """One word in plain text."""
    status, word = _WORDS.get(gravest(outcomes), (200, "OK"))
    return Answer(status, {"Content-Type": "text/plain; charset=utf-8"}, word.encode())
