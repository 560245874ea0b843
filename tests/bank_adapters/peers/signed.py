"""A payment as our side of each sender signs it."""

from collections.abc import Mapping
from datetime import UTC, datetime

from bank_adapters.contract import Request
from payments.developers.senders import Payment, signed_request

SENT = datetime(2026, 9, 22, 1, 15, 35, tzinfo=UTC)
URL = "https://hocphi.example/callbacks/x"
PAYMENT = Payment(
    account_number="0123499999",
    amount_vnd=1_250_000,
    memo="HP7K3M9Q2XAT học phí 9/2026 & tiền ăn",
    bank_reference="FT26265123456789",
    txn_id="92704001",
    occurred_at=datetime(2026, 9, 22, 1, 15, 30, tzinfo=UTC),
    order_ref="260900017",
)


def ours(adapter: str, secret: Mapping[str, str]) -> Request:
    return signed_request(adapter, secret, PAYMENT, sent_at=SENT, url=URL)
