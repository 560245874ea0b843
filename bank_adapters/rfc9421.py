"""HTTP Message Signatures (RFC 9421): for a bank that wants its requests bound to one address.

Authentication    `Signature-Input` and `Signature`: HMAC-SHA256 with a shared secret, or ed25519, ECDSA and RSA with
                  a public key, whose kind pins the algorithm; `created` within five minutes. A covered
                  Content-Digest (SHA-256, SHA-512) is compared with the body. A signature that leaves out the
                  method, the address or the digest may be genuine and says nothing of this message: `parse` refuses
                  it, so nothing is taken on its word.
Retries           any status outside 200-299 is sent again, as the sender has configured.
Idempotency key   `data.txn_id` for the money.
Amount format     integer đồng in `data.amount`; the direction is in `type`, as with `standard_webhooks`.
Time zone         ISO 8601 with offset; without one Viet Nam is meant.
Source            RFC 9421 and RFC 9530; published vector B.2.5.
Certified by the bank: no
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, urlsplit

from bank_adapters import bank_events, public_keys, signatures
from bank_adapters.answers import success_flag
from bank_adapters.contract import (
    Answer,
    BankTransaction,
    MalformedCallbackError,
    Now,
    Outcome,
    Reason,
    Request,
    Secrets,
    Verdict,
    unix,
)

INTERFACE: Final = 1
NAME: Final = "rfc9421"
SECRET_FIELDS: Final = ("shared_secret_b64", "public_pem", "keyid")
SECRET_CHOICES: Final = (("shared_secret_b64",), ("public_pem",))
ROUTES: Final = {"": "notify"}
BATCH: Final = False

MAX_HEADER: Final = 4096
MAX_SIGNATURES: Final = 4
"""More than rotation ever needs; longer lists would only make us calculate."""
_HMAC: Final = "hmac-sha256"
_NEEDED: Final = ({"@method", "@target-uri", "content-digest"}, {"@method", "@authority", "@path", "content-digest"})
"""What a signature must cover, one of these sets, before anything is taken on its word."""
_DIGESTS: Final = {"sha-256": "sha256", "sha-512": "sha512"}
_PORTS: Final = {"http": ":80", "https": ":443"}

# Structured fields (RFC 8941) as far as they occur here: each is read to its end or not at all.
_INPUT: Final = re.compile(
    r'([a-z*][a-z0-9_.*-]*)=\( *((?:"[a-z0-9@._-]+" *)*)\)'
    r'((?:; *[a-z*][a-z0-9_.*-]*(?:=(?:"[ !#-\[\]-~]*"|[0-9]{1,15}))?)*)(?: *, *|$)',
    re.ASCII,
)
_BYTES: Final = re.compile(r"([a-z*][a-z0-9_.*-]*)=:([A-Za-z0-9+/=]*):(?: *, *|$)", re.ASCII)
_PARAMETER: Final = re.compile(r'; *([a-z*][a-z0-9_.*-]*)(?:=("[^"]*"|[0-9]+))?', re.ASCII)


@dataclass(frozen=True, slots=True)
class _Signed:
    """One signature of a request and what it covers."""

    components: tuple[str, ...]
    parameters: Mapping[str, str]
    raw: bytes

    @property
    def line(self) -> str:
        """The inner list in its canonical form, the last line of what is signed."""
        names = " ".join(f'"{name}"' for name in self.components)
        return f"({names})" + "".join(
            f";{key}={value}" if value else f";{key}" for key, value in self.parameters.items()
        )


def authenticate(request: Request, secrets: Secrets, now: Now) -> Verdict:
    """Accept a signature that is right under a live key, fresh, and whose digest, if covered, is the body's."""
    keys = [mapping for mapping in secrets if _usable(mapping)]
    if not keys:
        return Verdict(valid=False, reason=Reason.unconfigured)
    if not request.header("signature-input") or not request.header("signature"):
        return Verdict(valid=False, reason=Reason.no_credentials)
    try:
        right = _right(request, keys)
        if right is None or ("content-digest" in right.components and not _digest_fits(request)):
            return Verdict(valid=False, reason=Reason.bad_signature)
    except MalformedCallbackError:
        return Verdict(valid=False, reason=Reason.malformed)
    expires = right.parameters.get("expires", "")
    if expires.isdecimal() and unix(now) > int(expires):
        return Verdict(valid=False, reason=Reason.stale)
    return signatures.fresh(right.parameters.get("created", ""), now)


def parse(request: Request, secrets: Secrets) -> list[BankTransaction]:
    """Read the one transaction of a message that its signature covers."""
    right = _right(request, [mapping for mapping in secrets if _usable(mapping)])
    if right is None or not any(needed <= set(right.components) for needed in _NEEDED):
        raise MalformedCallbackError("not_covered", "signature-input")
    return bank_events.read(request.document, right.parameters.get("created", ""))


def acknowledge(request: Request, outcomes: Sequence[Outcome], secrets: Secrets, now: Now) -> Answer:
    """`{"success": true}` once it is safe with us."""
    return success_flag(outcomes)


def _usable(mapping: Mapping[str, str]) -> bool:
    shared, pem = mapping.get("shared_secret_b64", ""), mapping.get("public_pem", "")
    return bool(shared and signatures.decode_base64(shared)) or bool(pem and public_keys.load(pem))


def _right(request: Request, keys: Sequence[Mapping[str, str]]) -> _Signed | None:
    """The first signature that is right under one of the keys; raises MalformedCallbackError."""
    for signed in _signed(request):
        base = _base(request, signed)
        if base is not None and any(_matches(signed, base, mapping) for mapping in keys):
            return signed
    return None


def _matches(signed: _Signed, base: bytes, mapping: Mapping[str, str]) -> bool:
    """The key decides which algorithm it is; a message may only name the same."""
    named = signed.parameters.get("alg", "").strip('"')
    if mapping.get("keyid") and not signatures.same(signed.parameters.get("keyid", "").strip('"'), mapping["keyid"]):
        return False
    shared = signatures.decode_base64(mapping.get("shared_secret_b64", ""))
    if shared and named in {"", _HMAC} and hmac.compare_digest(hmac.digest(shared, base, "sha256"), signed.raw):
        return True
    key = public_keys.load(mapping.get("public_pem", ""))
    return key is not None and public_keys.matches(key, named, signed.raw, base)


def _signed(request: Request) -> Iterator[_Signed]:
    """Every signature with its input; raises MalformedCallbackError."""
    raws = dict(_members(_BYTES, request.header("signature"), "signature"))
    inputs = list(_members(_INPUT, request.header("signature-input"), "signature-input"))
    if len(inputs) > MAX_SIGNATURES:
        raise MalformedCallbackError("too_many", "signature-input")
    for label, (components, parameters) in ((label, rest) for label, rest in inputs):
        names = tuple(components.replace('"', " ").split())
        found = _PARAMETER.findall(parameters)
        raw = signatures.decode_base64(raws[label][0]) if label in raws else None
        if len(set(names)) != len(names) or len({key for key, _ in found}) != len(found):
            raise MalformedCallbackError("duplicate_key", "signature-input")
        if raw is not None:
            yield _Signed(names, dict(found), raw)


def _members(pattern: re.Pattern[str], header: str, name: str) -> list[tuple[str, tuple[str, ...]]]:
    """The members of a dictionary (RFC 8941) as label and groups; raises MalformedCallbackError."""
    text, end, found = header.strip(" "), 0, []
    if len(text) > MAX_HEADER:
        raise MalformedCallbackError("too_large", name)
    while end < len(text):
        member = pattern.match(text, end)
        if member is None:
            raise MalformedCallbackError("bad_field", name)
        found.append((member[1], member.groups()[1:]))
        end = member.end()
    if len({label for label, _ in found}) != len(found):
        raise MalformedCallbackError("duplicate_key", name)
    return found


def _base(request: Request, signed: _Signed) -> bytes | None:
    """The bytes that were signed; None when the request lacks a component."""
    url = urlsplit(_url(request))
    lines = []
    for name in signed.components:
        value = _derived(request, url, name) if name.startswith("@") else request.headers.get(name)
        if value is None:
            return None
        lines.append(f'"{name}": {value.strip()}')
    lines.append(f'"@signature-params": {signed.line}')
    return "\n".join(lines).encode("utf-8", "surrogatepass")


def _url(request: Request) -> str:
    """The address that was called; test vectors carry it as their query, a door never does."""
    if request.url:
        return request.url
    return request.query if request.query.startswith(("https://", "http://")) else ""


def _derived(request: Request, url: SplitResult, name: str) -> str | None:
    if name == "@method":
        return request.method
    if not url.netloc:
        return None
    query = f"?{url.query}"
    path = url.path or "/"
    authority = url.netloc.lower().removesuffix(_PORTS.get(url.scheme, " "))
    return {
        "@target-uri": _url(request),
        "@authority": authority,
        "@scheme": url.scheme,
        "@request-target": path + (query if url.query else ""),
        "@path": path,
        "@query": query,
    }.get(name)


def _digest_fits(request: Request) -> bool:
    """Whether every digest that we know is the body's, and there is one; raises MalformedCallbackError."""
    told = [
        (_DIGESTS.get(name), text) for name, (text,) in _members(_BYTES, request.header("content-digest"), "digest")
    ]
    known = [(algorithm, text) for algorithm, text in told if algorithm]
    expected = [base64.b64encode(hashlib.new(name, request.body).digest()).decode() for name, _ in known]
    return bool(known) and all(signatures.same(text, one) for (_, text), one in zip(known, expected, strict=True))
