"""How a sender proves that it sent a request: the blocks [[signature]] of its data file."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from bank_adapters import fields, signatures
from bank_adapters.contract import EVERYTHING, VALID, MalformedCallbackError, Now, Reason, Verdict, unix
from bank_adapters.declarative.places import MessageRule, Place, Received, read_place
from bank_adapters.declarative.reading import Table, fault
from bank_adapters.declarative.templates import Template, read_template

MAX_WINDOW_S: Final = 3600

_HMACS: Final = {f"hmac-{name}": name for name in ("sha1", "sha256", "sha384", "sha512")}
_HASHES: Final = {name: name for name in ("md5", "sha1", "sha256", "sha512")}
_PUBLIC: Final = ("rsa-sha256", "ed25519")
TOKEN: Final = "token"  # noqa: S105 - the word of the data file
ALL: Final = "everything"
ALGORITHMS: Final = (*_HMACS, *_HASHES, *_PUBLIC, TOKEN)
ENCODINGS: Final = ("hex", "hex-upper", "hex-any-case", "base64", "base64url")
_KEYS: Final[Mapping[str, Callable[[str], bytes]]] = {
    "text": lambda text: text.encode("utf-8", "surrogatepass"),
    "hex": bytes.fromhex,
    "base64": lambda text: base64.b64decode(text, validate=True),
}


@dataclass(frozen=True, slots=True)
class Signature:
    """One proof; it is asked for where a connection's secret mapping holds the secrets that it needs."""

    place: Place
    prefix: str
    algorithm: str
    encoding: str
    key: str
    key_encoding: str
    text: Template
    time: Place | None
    window_s: int
    unsigned: frozenset[str]
    """Fields of BankTransaction that it leaves open to alteration."""

    @property
    def secrets(self) -> frozenset[str]:
        """The secrets without which it cannot be checked."""
        return self.text.secrets | ({self.key} if self.key else frozenset())

    @property
    def signs(self) -> bool:
        """Whether it covers what is sent; a token only shows who sends."""
        return self.algorithm != TOKEN

    def usable(self, secrets: Mapping[str, str]) -> bool:
        """Whether these secrets can prove anything: none is empty, and the key is a key."""
        if not all(secrets.get(name) for name in self.secrets):
            return False
        if self.algorithm == "rsa-sha256":
            return signatures.rsa_key(secrets[self.key]) is not None
        if self.algorithm == "ed25519":
            return signatures.ed25519_key(secrets[self.key]) is not None
        return not self.key or bool(self._key(secrets))

    def verify(self, received: Received, secrets: Mapping[str, str], now: Now) -> Verdict:
        """Judge a request by usable secrets; raises MalformedCallbackError."""
        given = received.at(self.place) or ""
        if not given:
            return Verdict(valid=False, reason=Reason.no_credentials)
        if given[: len(self.prefix)].casefold() != self.prefix.casefold():
            return Verdict(valid=False, reason=Reason.bad_signature)
        if not self._right(given[len(self.prefix) :], received, secrets):
            return Verdict(valid=False, reason=Reason.bad_signature)
        return VALID if self.time is None else self._fresh(received, now)

    def _right(self, given: str, received: Received, secrets: Mapping[str, str]) -> bool:
        messages = self.text.forms(received, secrets)
        if self.algorithm in _PUBLIC:
            raw = self._raw(given)
            return raw is not None and any(self._public(raw, message, secrets) for message in messages)
        told = given.lower() if self.encoding == "hex-any-case" else given
        return any(signatures.same(told, self._expected(message, secrets)) for message in messages)

    def _expected(self, message: bytes, secrets: Mapping[str, str]) -> str:
        if self.algorithm in _HMACS:
            return self._encoded(hmac.digest(self._key(secrets), message, _HMACS[self.algorithm]))
        if self.algorithm in _HASHES:
            # The sender's choice; its secret stands in the text.
            return self._encoded(hashlib.new(self.algorithm, message, usedforsecurity=False).digest())
        return base64.b64encode(message).decode() if self.encoding == "base64" else message.decode("utf-8", "replace")

    def _encoded(self, digest: bytes) -> str:
        match self.encoding:
            case "base64":
                return base64.b64encode(digest).decode()
            case "base64url":
                return base64.urlsafe_b64encode(digest).decode().rstrip("=")
            case "hex-upper":
                return digest.hex().upper()
            case _:
                return digest.hex()

    def _raw(self, given: str) -> bytes | None:
        try:
            if self.encoding.startswith("hex"):
                return bytes.fromhex(given)
            standard = given.translate(str.maketrans("-_", "+/")) if self.encoding == "base64url" else given
            return signatures.decode_base64(standard + "=" * (-len(standard) % 4 * (self.encoding == "base64url")))
        except ValueError:
            return None

    def _public(self, raw: bytes, message: bytes, secrets: Mapping[str, str]) -> bool:
        if self.algorithm == "rsa-sha256":
            rsa = signatures.rsa_key(secrets[self.key])
            return rsa is not None and signatures.rsa_matches(rsa, raw, message)
        ed25519 = signatures.ed25519_key(secrets[self.key])
        return ed25519 is not None and signatures.ed25519_matches(ed25519, raw, message)

    def _key(self, secrets: Mapping[str, str]) -> bytes:
        try:
            return _KEYS[self.key_encoding](secrets[self.key])
        except (ValueError, binascii.Error):
            return b""

    def _fresh(self, received: Received, now: Now) -> Verdict:
        assert self.time is not None  # noqa: S101 - only asked where there is one
        try:
            signed = fields.moment({"time": received.at(self.time)}, "time")
        except MalformedCallbackError:
            return Verdict(valid=False, reason=Reason.malformed)
        fresh = abs(unix(now) - unix(signed)) <= self.window_s
        return VALID if fresh else Verdict(valid=False, reason=Reason.stale)


def read_signature(table: Table, rule: MessageRule) -> Signature:
    """One block [[signature]]; raises BrokenAdapterError for what cannot prove anything."""
    algorithm = table.choice("algorithm", ALGORITHMS)
    place = read_place(table.text("from"), table.where("from"))
    encodings = ("plain", "base64") if algorithm == TOKEN else ENCODINGS
    key = table.text("key", "")
    signature = Signature(
        place=place,
        prefix=table.text("prefix", ""),
        algorithm=algorithm,
        encoding=table.choice("encoding", encodings, "plain" if algorithm == TOKEN else "hex"),
        key=key,
        key_encoding=table.choice("key_encoding", _KEYS, "text"),
        text=read_template(table.text("text"), table.where("text"), place, rule),
        time=read_place(table.text("time"), table.where("time")) if table.has("time") else None,
        window_s=table.whole("window_s", signatures.TOLERANCE_S, 1, MAX_WINDOW_S),
        unsigned=EVERYTHING if algorithm == TOKEN else _read_unsigned(table),
    )
    _require_sense(signature, table)
    table.done()
    return signature


def _read_unsigned(table: Table) -> frozenset[str]:
    names = frozenset(table.texts("unsigned", ()))
    if names == {ALL}:
        return EVERYTHING
    if unknown := sorted(names - EVERYTHING):
        fault(
            table.where("unsigned"), f"no transaction has {unknown[0]!r}; there are: {', '.join(sorted(EVERYTHING))}."
        )
    return names


def _require_sense(signature: Signature, table: Table) -> None:
    needs_key = signature.algorithm in _HMACS or signature.algorithm in _PUBLIC
    if signature.algorithm in _PUBLIC and signature.encoding == "hex-any-case":
        fault(table.where("encoding"), "write hex: the bytes of this signature are read, not compared as text.")
    if needs_key and not signature.key:
        fault(table.where("key"), f"{signature.algorithm} needs the name of a secret.")
    if not needs_key and signature.key:
        fault(table.where("key"), f"{signature.algorithm} takes no key: write {{secret:…}} into text.")
    if not needs_key and not signature.text.secrets:
        fault(table.where("text"), "without {secret:…} in it anybody could make this.")
    if signature.algorithm == TOKEN and any(piece.place or piece.word for piece in signature.text.pieces):
        fault(table.where("text"), "a token is made of secrets alone; to sign what is sent choose another algorithm.")
    if not table.has("time") and table.has("window_s"):
        fault(table.where("window_s"), "without time there is no window.")
    if signature.time and not (signature.signs and signature.text.covers(signature.time)):
        fault(table.where("time"), "this time is not in text: unsigned, it proves nothing.")
