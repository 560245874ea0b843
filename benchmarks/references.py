"""What one callback costs in pure Python: references in memos, and each sender's message from bytes to transactions."""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from bank_adapters import get_adapter
from bank_adapters.contract import Request, TokenIssuer
from benchmarks.measuring import Run, Sample, alternate
from benchmarks.report import Table
from payments.developers.senders import Payment, granted_token, signed_request, token_request
from payments.invoices import reference

MEMOS = 20_000
MESSAGES = 3_000
NOISE = (
    "MBVCB.7575327615.426726.{}.CT tu 0011001234567 PHU HUYNH toi TRUONG TIEU HOC tai ACB",
    "{} nop tien hoc thang 10 cho con lop 1A",
    "PHU HUYNH chuyen tien FT24323362960955 GD 703855-111724 17:58:18 {}",
    "Nộp tiền ăn bán trú cho cháu, mã {} ạ",
    "thanh toan tien hoc, quen ma",
)
SECRETS = {
    "casso_v1": {"secure_token": "a secret of the benchmark alone"},
    "casso_v2": {"checksum_key": "a secret of the benchmark alone"},
    "mb_mms": {"access_key": "a secret of the benchmark alone"},
    "momo": {"access_key": "a name", "secret_key": "a secret of the benchmark alone"},
    "payos": {"checksum_key": "a secret of the benchmark alone"},
    "sepay": {"secret": "a secret of the benchmark alone"},
    "sepay_pg": {"secret_key": "a secret of the benchmark alone"},
    "standard_webhooks": {"secret": "whsec_YSBzZWNyZXQgb2YgdGhlIGJlbmNobWFyayBhbG9uZQ=="},
    "vietqr_vn": {
        "username": "bank",
        "password": "a secret of the benchmark alone",
        "jwt_secret": "a longer secret of the benchmark alone, for tokens",
    },
    "vnpay": {"hash_secret": "a secret of the benchmark alone"},
    "zalopay": {"key2": "a secret of the benchmark alone"},
}


def finding(memos: Sequence[str]) -> Run:
    def run() -> Sample:
        return _timed(len(memos), lambda: [reference.find(memo) for memo in memos])

    return run


def reading(name: str) -> Run:
    """Authenticate and parse messages that nothing has looked at before."""
    adapter, secret, now = get_adapter(name), SECRETS[name], datetime.now(UTC)
    bearer = ""
    if isinstance(adapter, TokenIssuer) and "jwt_secret" in secret:
        bearer = granted_token(adapter.token(token_request(secret), [secret], now).body)

    def message(number: int) -> Request:
        payment = Payment(
            account_number="1900000000017",
            amount_vnd=250_000 + number,
            memo=f"MBVCB.757532.426726.{reference.generate()}.CT tu 0011 PHU HUYNH",
            bank_reference=f"FT{number:012d}",
            txn_id=str(number),
            occurred_at=now,
        )
        return signed_request(name, secret, payment, sent_at=now, bearer=bearer)

    def run() -> Sample:
        messages = [message(number) for number in range(1, MESSAGES + 1)]

        def read() -> list[object]:
            return [adapter.authenticate(one, [secret], now).valid and adapter.parse(one, [secret]) for one in messages]

        if not all(read()):
            raise AssertionError(f"{name} does not believe its sender")
        messages = [message(number) for number in range(1, MESSAGES + 1)]
        return _timed(len(messages), read)

    return run


def _timed(things: int, work: Callable[[], object]) -> Sample:
    began = time.process_time()
    work()
    spent = time.process_time() - began
    return {"rate": things / spent, "us": 1e6 * spent / things}


def run() -> list[Table]:
    """Measure in processor time: one thread, nothing waits."""
    memos = [NOISE[number % len(NOISE)].format(reference.generate()) for number in range(MEMOS)]
    runs = {"find references in a memo": finding(memos)} | {f"read {name}": reading(name) for name in SECRETS}
    found = alternate(runs)
    rows = [[name, found.median(name), found.median(name, "us")] for name in runs]
    notes = ["read: authenticate and parse one message; a second and µs of processor time"]
    return [Table("References and senders' messages", ["", "a second", "µs"], rows, (), notes)]
