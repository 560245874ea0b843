"""A sender invented for a test, written from docs/adding-a-bank.md, and its signing as its own code would do it."""

import hashlib
import hmac
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from bank_adapters import scaffold

NAME = "lang_pay"
SECRET = "test-only-lang-secret"
SENT_AT = 1790039740
MODULE = Path(__file__).with_name("adapter.py")
ACCOUNT = "8800112233"
PAID = {
    "branch": "017",
    "slip": "000451",
    "kind": "in",
    "amount": "1250000.00",
    "account": ACCOUNT,
    "booked": "20260922081530",
    "memo": "HP7K3M9Q2XAT nộp học phí & ăn bán trú",
}


def body(fields: Mapping[str, Any], secret: str = SECRET, sent_at: int = SENT_AT) -> str:
    """A message signed by other code than ours."""
    form = {**fields, "sent_at": str(sent_at)}
    text = "|".join(f"{name}={form[name]}" for name in sorted(form))
    digest = hmac.new(secret.encode(), text.encode(), hashlib.sha512).hexdigest().upper()
    return urlencode({**form, "sig": digest})


def vectors() -> list[dict[str, Any]]:
    """What its engineer would send with the document."""

    def vector(what: str, text: str, *, valid: bool, status: int, word: str, **more: Any) -> dict[str, Any]:
        return {
            "id": f"lang-{what}",
            "adapter": NAME,
            "key": {"secret": SECRET},
            "request": {"headers": {"Content-Type": "application/x-www-form-urlencoded"}, "body": text},
            "verify_at_unix": SENT_AT + 20,
            "expect": {"valid": valid},
            "expected_ack": {"status": status, "body": word},
            **more,
        }

    read = {"amount": 1_250_000, "direction": "credit", "status": "settled", "account_number": ACCOUNT}
    out, back = {**PAID, "kind": "out", "slip": "000452"}, {**PAID, "kind": "refund"}
    changed = body(PAID).replace("1250000", "9250000")
    return [
        vector("in", body(PAID), valid=True, status=200, word="OK", normalized=read),
        vector("out", body(out), valid=True, status=200, word="OK", normalized={"direction": "debit"}),
        vector("refund", body(back), valid=True, status=200, word="OK", normalized={"status": "void"}),
        vector("separator", body({**PAID, "memo": "a|slip=9"}), valid=True, status=422, word="NO"),
        vector("changed", changed, valid=False, status=403, word="NO"),
        vector("old", body(PAID, sent_at=SENT_AT - 900), valid=False, status=403, word="NO"),
        vector("other-key", body(PAID, "another"), valid=False, status=403, word="NO"),
    ]


def package(folder: Path) -> Path:
    """What `hocphi adapters new lang_pay` writes, with module and samples replaced."""
    place = scaffold.write(NAME, folder, "hmac-sha256")
    inside = place / f"hocphi_{NAME}"
    (inside / "adapter.py").write_text(MODULE.read_text(encoding="utf-8"), encoding="utf-8")
    for sample in (inside / "samples").iterdir():
        sample.unlink()
    for vector in vectors():
        (inside / "samples" / f"{vector['id']}.json").write_text(scaffold.as_json(vector), encoding="utf-8")
    return place
