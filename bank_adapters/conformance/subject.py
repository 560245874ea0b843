"""What is under test: an adapter with its vectors, and the genuine messages among them."""

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cache, cached_property

from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from bank_adapters.billing import judge, sample_owed
from bank_adapters.conformance.vectors import Vector, request_of
from bank_adapters.contract import (
    EVERYTHING,
    Adapter,
    BankTransaction,
    Biller,
    Inquiry,
    MalformedCallbackError,
    Now,
    Outcome,
    Request,
    Secrets,
    TokenIssuer,
)

MOST_FAULTS = 3
Reading = list[BankTransaction] | Inquiry


@dataclass(slots=True)
class Findings:
    """What a check saw: how much it tried, and each fault in words that hold nothing of the message."""

    tried: int = 0
    faults: list[str] = field(default_factory=list)
    note: str = ""

    def expect(self, held: object, fault: str) -> None:
        """Count one trial; keep the fault unless what must hold held."""
        self.tried += 1
        if not held and fault not in self.faults and len(self.faults) < MOST_FAULTS:
            self.faults.append(fault)


@dataclass(frozen=True, slots=True)
class Case:
    """One genuine message: believed and readable."""

    id: str
    request: Request
    secrets: Secrets
    now: Now
    reading: Reading
    has_clock: bool
    unsigned: frozenset[str]
    """Fields that the scheme leaves open to alteration, by the adapter's own word."""


@dataclass(frozen=True)
class Subject:
    """An adapter and the vectors that are meant for it."""

    adapter: Adapter
    vectors: Sequence[Vector]

    @cached_property
    def cases(self) -> list[Case]:
        """The genuine messages, read once."""
        return [case for vector in self.vectors if (case := self._case(vector))]

    @cached_property
    def kinds(self) -> list[Case]:
        """One genuine message of each kind (secrets, path, headers), for checks that try thousands of alterations."""
        kinds: dict[object, Case] = {}
        for case in self.cases:
            names = (frozenset(case.secrets[0]), case.request.path, frozenset(case.request.headers))
            kinds.setdefault((*names, bool(case.reading)), case)
        return list(kinds.values())

    # Looking a protocol up costs more than most that an adapter does, and fuzzing would do it for every request.
    @cached_property
    def biller(self) -> Biller | None:
        """The adapter as one whose bank asks for bills."""
        return self.adapter if isinstance(self.adapter, Biller) else None

    @cached_property
    def issuer(self) -> TokenIssuer | None:
        """The adapter as one whose sender asks for a token."""
        return self.adapter if isinstance(self.adapter, TokenIssuer) else None

    @property
    def payments(self) -> Iterator[tuple[Case, BankTransaction]]:
        """Each transaction of the genuine messages."""
        return ((case, one) for case in self.cases if isinstance(case.reading, list) for one in case.reading)

    def _case(self, vector: Vector) -> Case | None:
        request, secrets = request_of(self.adapter, vector["request"]), [vector["key"]]
        now = vector.get("verify_at_unix") or 0
        if self.adapter.ROUTES.get(request.path) not in ("notify", "inquire"):
            return None
        reading = believed(self.adapter, request, secrets, now)
        if reading is None:
            return None
        has_clock = vector.get("verify_at_unix") is not None
        return Case(vector["id"], request, secrets, now, reading, has_clock, unsigned(self.adapter, vector["key"]))


def unsigned(adapter: Adapter, key: Mapping[str, str]) -> frozenset[str]:
    """What a message that is proved by one of these secrets leaves open."""
    declared: Mapping[str, frozenset[str]] = getattr(adapter, "UNSIGNED", {})
    return frozenset().union(*(declared.get(name, frozenset()) for name, value in key.items() if value))


def believed(adapter: Adapter, request: Request, secrets: Secrets, now: Now) -> Reading | None:
    """What the adapter reads out of a request that it believes; None when it is refused or cannot be read."""
    if not adapter.authenticate(request, secrets, now).valid:
        return None
    try:
        if adapter.ROUTES.get(request.path) == "inquire" and isinstance(adapter, Biller):
            return adapter.inquire(request, secrets)
        return adapter.parse(request, secrets)
    except MalformedCallbackError:
        return None


def forged(adapter: Adapter, case: Case, request: Request) -> frozenset[str]:
    """Fields that an altered request, made without the secret, gets believed though they must be covered; none: good.

    A message that has become no payment is no forgery, nor is a bill that the invoices refuse.
    """
    found = believed(adapter, request, case.secrets, case.now)
    if not found:
        return frozenset()
    if isinstance(found, Inquiry) or isinstance(case.reading, Inquiry):
        return frozenset() if found == case.reading else frozenset({"customer_code"}) - case.unsigned
    if len(found) != len(case.reading):
        return EVERYTHING - case.unsigned
    pairs = zip(case.reading, found, strict=True)
    return (
        frozenset().union(
            *(_altered(was, now) for was, now in pairs if _counts(adapter, was) and _counts(adapter, now))
        )
        - case.unsigned
    )


def _altered(was: BankTransaction, now: BankTransaction) -> frozenset[str]:
    names = frozenset(one.name for one in fields(was) if getattr(was, one.name) != getattr(now, one.name))
    # Evidence is unique for a key, a direction and a status: where these two differ the key may too.
    return names - {"dedup_key"} if names & {"direction", "status"} else names


def _counts(adapter: Adapter, found: BankTransaction) -> bool:
    if found.order_ref is None or not isinstance(adapter, Biller):
        return True
    return judge(found, sample_owed(Inquiry(found.customer_code or ""))) in (Outcome.accepted, Outcome.already_paid)


def other_key(key: Mapping[str, str]) -> dict[str, str]:
    """Secrets of the same kinds that are somebody else's."""
    return {name: _other(name, value) for name, value in key.items()}


def _other(name: str, value: str) -> str:
    if value.startswith("-----BEGIN PUBLIC KEY"):
        return _other_public_pem(value)
    for prefix in ("whsec_", "whpk_"):
        if value.startswith(prefix):
            return prefix + base64.b64encode(hashlib.sha256(value.encode()).digest()).decode()
    if name.endswith("_b64"):
        return base64.b64encode(hashlib.sha256(value.encode()).digest()).decode()
    if name.endswith("_hex"):
        return hashlib.sha512(value.encode()).hexdigest()[: len(value)]
    return value if value.startswith("-----BEGIN") else f"other-{value}"


@cache
def _other_public_pem(pem: str) -> str:
    """A fresh key of the same kind."""
    same_kind = load_pem_public_key(pem.encode())
    if isinstance(same_kind, rsa.RSAPublicKey):
        key: rsa.RSAPublicKey | ed25519.Ed25519PublicKey
        key = rsa.generate_private_key(public_exponent=65537, key_size=same_kind.key_size).public_key()
    else:
        key = ed25519.Ed25519PrivateKey.generate().public_key()
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
