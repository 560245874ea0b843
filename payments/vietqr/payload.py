"""What a VietQR says: one frozen value, and where each part of it stands in the payload.

Source of the table: NAPAS, VietQR format v1.0 (09/2021), tables 1, 2, 4 and 8.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypedDict, Unpack

Service = Literal["account", "card"]

GUID = "A000000727"
SERVICE_CODES: dict[str, str] = {"account": "QRIBFTTA", "card": "QRIBFTTC"}
SERVICES: dict[str, Service] = {"QRIBFTTA": "account", "QRIBFTTC": "card"}
CURRENCY = "704"
COUNTRY = "VN"
MAX_ACCOUNT = 19
MAX_AMOUNT_DIGITS = 13
MAX_MEMO = 25

# Texts without a rule of their own: attribute, place, longest value.
TEXTS: tuple[tuple[str, str, int], ...] = (
    ("merchant_name", "59", 25),
    ("city", "60", 15),
    ("bill_number", "62.01", 25),
    ("mobile", "62.02", 25),
    ("store", "62.03", 25),
    ("reference", "62.05", 25),
    ("customer", "62.06", 25),
    ("terminal", "62.07", 25),
)


class _Said(TypedDict, total=False):
    bin: str | None
    account: str | None
    service: Service
    amount_vnd: int | None
    memo: str | None
    bill_number: str | None
    mobile: str | None
    store: str | None
    reference: str | None
    customer: str | None
    terminal: str | None
    mcc: str | None
    merchant_name: str | None
    city: str | None
    reusable: bool | None
    raw: Mapping[str, str] | None


_NAMES = frozenset(_Said.__annotations__)


@dataclass(frozen=True, kw_only=True, init=False)
class VietQR:
    """One payment QR. ``bin`` and ``account`` are None only when it was read from a foreign QR.

    ``amount_vnd`` is whole đồng. ``reusable`` None means: exactly when there is no amount. ``raw`` holds
    all that was read, by path ("38.01.00", "26.01", "80"); encoding keeps what it does not know.
    """

    bin: str | None = None
    account: str | None = None
    service: Service = "account"
    amount_vnd: int | None = None
    memo: str | None = None
    bill_number: str | None = None
    mobile: str | None = None
    store: str | None = None
    reference: str | None = None
    customer: str | None = None
    terminal: str | None = None
    mcc: str | None = None
    merchant_name: str | None = None
    city: str | None = None
    reusable: bool | None = None
    raw: Mapping[str, str] = field(hash=False)

    def __init__(self, **said: Unpack[_Said]) -> None:
        # What is not said keeps the default of the class. Naming and storing all sixteen for each value, as a generated
        # method does, would cost twice as much as encoding it (benchmarks/).
        if not _NAMES.issuperset(said):
            raise TypeError(f"VietQR has no {', '.join(sorted(set(said) - _NAMES))}")
        if said.get("raw") is None:
            said["raw"] = {}
        object.__setattr__(self, "__dict__", said)
