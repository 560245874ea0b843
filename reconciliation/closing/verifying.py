"""Is a file what a school signed, and does it stand? By public keys alone, or against the chain of a database. Pure.

The chain is checked as far as it is known: between the files that are given, or as a whole where the database is asked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Literal

from payments.errors import DomainError
from reconciliation.closing import canonical, certificates, signing
from reconciliation.closing.signing import Signature

Verdict = Literal["valid", "superseded", "altered", "unknown_key", "chain_broken"]
WORST: tuple[Verdict, ...] = ("altered", "unknown_key", "chain_broken", "superseded", "valid")
OLD_FORMAT = "hocphi-close/0"


@dataclass(frozen=True, slots=True)
class Link:
    """A link of a chain as it is stored; ``standing`` False: reopened since, or a reopening itself."""

    sequence: int
    document: bytes
    sha256: str
    previous: str | None
    signature: bytes | None
    key: str | None
    standing: bool
    kind: str = "close"


@dataclass(frozen=True, slots=True)
class Found:
    """What a file turned out to be."""

    name: str
    verdict: Verdict
    school: str = ""
    sequence: int = 0
    kind: str = ""
    period: tuple[str, str] = ("", "")
    signed_by: str = ""
    signed_at: str = ""
    sha256: str = ""
    certificates: tuple[str, ...] = ()
    previous: str | None = None
    chain: str = "not checked"
    """not checked · files · database."""

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``."""
        return {
            "file": self.name,
            "verdict": self.verdict,
            "school": self.school,
            "sequence": self.sequence,
            "kind": self.kind,
            "from": self.period[0],
            "through": self.period[1],
            "signed_by": self.signed_by,
            "signed_at": self.signed_at,
            "sha256": self.sha256,
            "certificates": list(self.certificates),
            "chain": self.chain,
        }


@dataclass(frozen=True, slots=True)
class Known:
    """What files are held against; ``links`` None: no database was asked."""

    keys: Mapping[str, bytes]
    links: Sequence[Link] | None = field(default=None)


def judge_signed(name: str, data: bytes, known: Known) -> Found:
    """A ``*.json`` with its signatures."""
    opened = signing.open_envelope(data)
    if opened is None:
        return Found(name, "altered")
    document, signatures = opened
    found = _described(name, document)
    verdict = _by_keys(document, signatures, known.keys)
    if verdict != "valid":
        return _with(found, verdict)
    try:
        names = tuple(_certified(document, one) for one in signatures if one.certificate is not None)
    except DomainError:
        return _with(found, "altered")
    return _in_chain(_with(found, "valid", certificates=names), known.links)


def judge_minutes(name: str, data: bytes, known: Known) -> Found:
    """A PDF: its line and every byte before it."""
    minutes = signing.open_minutes(data)
    if minutes is None:
        return Found(name, "altered")
    found = Found(name, "valid", minutes.school, minutes.sequence, sha256=minutes.sha256)
    public = known.keys.get(minutes.key)
    if public is None:
        return _with(found, "unknown_key")
    if not minutes.holds(public):
        return _with(found, "altered")
    return _in_chain(found, known.links)


def judge_files(found: Sequence[Found]) -> list[Found]:
    """The chain between files of one school: each names the one before it, and none is missing in between."""
    judged = list(found)
    order = sorted(
        (one.school, one.sequence, place) for place, one in enumerate(judged) if one.previous or one.sequence
    )
    for (school, number, before), (other, next_number, place) in pairwise(order):
        one, two = judged[before], judged[place]
        if school != other or number == next_number or two.kind == "" or one.kind == "":
            continue
        whole = next_number == number + 1 and two.previous == one.sha256
        if two.verdict in {"valid", "superseded"}:
            verdict: Verdict = two.verdict if whole else "chain_broken"
            judged[place] = _with(two, verdict, chain="files" if two.chain == "not checked" else two.chain)
    return judged


def broken_link(links: Sequence[Link], keys: Mapping[str, bytes]) -> str | None:
    """The first link of a stored chain that does not hold, in words; None: the chain is whole."""
    previous: str | None = None
    for number, link in enumerate(links, start=1):
        old = b'"format":"' + OLD_FORMAT.encode() in link.document
        if link.sequence != number:
            return f"link {number} is missing"
        if link.sha256 != canonical.digest(link.document) or link.previous != previous:
            return f"link {number} does not follow the one before"
        if not old and not _names_its_place(link):
            return f"link {number} says that it stands elsewhere"
        public = keys.get(link.key or "")
        signed = link.signature is not None and public is not None
        if not old and not (signed and signing.verify(public or b"", link.document, link.signature or b"")):
            return f"link {number} is not signed by a key of the school"
        previous = link.sha256
    return None


def worst(found: Sequence[Found]) -> Verdict:
    """The verdict over all files."""
    return min((one.verdict for one in found), key=WORST.index, default="valid")


def _names_its_place(link: Link) -> bool:
    said = canonical.decode(link.document)
    return said is not None and (said.get("sequence"), said.get("previous_sha256")) == (link.sequence, link.previous)


def _described(name: str, document: bytes) -> Found:
    said = canonical.decode(document) or {}
    try:
        return Found(
            name,
            "valid",
            said["school"]["code"],
            said["sequence"],
            said["kind"],
            (said["period"]["from"], said["period"]["through"]),
            said["signed_by"]["name"],
            said["signed_at"],
            canonical.digest(document),
            previous=said["previous_sha256"],
        )
    except (KeyError, TypeError):
        return Found(name, "altered")


def _by_keys(document: bytes, signatures: Sequence[Signature], keys: Mapping[str, bytes]) -> Verdict:
    """Ours must be there and right; the file's own word on which key it was is only where we look."""
    ours = [one for one in signatures if one.certificate is None]
    if not ours or any(one.algorithm != signing.ED25519 for one in ours):
        return "altered"
    if any(one.key not in keys for one in ours):
        # A signature that a known key made under another name is a forged name, and no unknown key.
        return "unknown_key"
    fine = all(signing.verify(keys[one.key or ""], document, one.value) for one in ours)
    return "valid" if fine else "altered"


def _certified(document: bytes, one: Signature) -> str:
    """Who signed by certificate. Raises DomainError when it does not fit."""
    certificate = one.certificate or b""
    if certificates.algorithm_of(certificate, document, one.value) != one.algorithm:
        raise DomainError("signature_differs", "Chữ ký không khớp.", "The signature differs.")
    return certificates.shown(certificate).subject


def _in_chain(found: Found, links: Sequence[Link] | None) -> Found:
    if links is None:
        return found
    stored = next((one for one in links if one.sequence == found.sequence), None)
    if stored is None or stored.sha256 != found.sha256:
        return _with(found, "chain_broken", chain="database")
    said = _described(found.name, stored.document) if not found.kind else found
    standing: Verdict = "valid" if stored.standing or stored.kind == "reopen" else "superseded"
    return _with(said, standing, chain="database", certificates=found.certificates)


def _with(found: Found, verdict: Verdict, **more: Any) -> Found:
    values = {name: getattr(found, name) for name in Found.__dataclass_fields__}
    return Found(**(values | {"verdict": verdict} | more))
