"""Is a file what a school signed, and does it stand? By public keys alone, or against the chain of a database. Pure.

The chain is checked as far as it is known: between the files that are given, or as a whole where the database is asked.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Literal

from payments.errors import DomainError
from reconciliation.closing import canonical, certificates, signing
from reconciliation.closing.signing import Signature

Verdict = Literal["valid", "superseded", "altered", "unknown_key", "chain_broken"]
WORST: tuple[Verdict, ...] = ("altered", "unknown_key", "chain_broken", "superseded", "valid")
STANDS: frozenset[Verdict] = frozenset({"valid", "superseded"})
OLD_FORMAT = "hocphi-close/0"
MOST_LINKS = 10**9


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
    certificates: frozenset[str] = frozenset()
    """SHA-256 of the certificates whose signatures the school has taken."""


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
    names_previous: bool = False
    """Whether the file says which link came before; minutes do not."""
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


def known_by_file(data: bytes) -> Callable[[str], Known]:
    """What a file of public keys lets us know of a school: its own keys, and nothing of another school.

    Raises ValueError.
    """
    school, publics = signing.read_keys(data)
    return lambda asked: Known(publics if asked == school else {})


def judge_signed(name: str, data: bytes, known: Known) -> Found:
    """A ``*.json`` with its signatures."""
    opened = signing.open_envelope(data)
    if opened is None:
        return Found(name, "altered")
    document, signatures = opened
    found = _described(name, document)
    verdict = _by_keys(document, signatures, known.keys) if found.verdict == "valid" else found.verdict
    if verdict != "valid":
        return _with(found, verdict)
    try:
        names = tuple(_certified(document, one) for one in signatures if one.certificate is not None)
    except DomainError:
        return _with(found, "altered")
    judged = _in_chain(_with(found, "valid", certificates=names), known.links)
    # The signatures stand beside what is signed: whoever has the file can add one of their own making.
    return _with(judged, "altered") if _adds_certificates(found, signatures, known.links) else judged


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
    """The chain between files of one school: each names the one before it, none is missing, and no number is twice.

    Minutes count with the hash that they carry; they do not say which close came before.
    """
    judged = list(found)
    schools: dict[str, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
    for one in found:
        if one.verdict in STANDS and one.sequence:
            schools[one.school][one.sequence].add(one.sha256)
    for place, one in enumerate(found):
        if one.verdict not in STANDS or not one.sequence:
            continue
        numbers = schools[one.school]
        before = {later: earlier for earlier, later in pairwise(sorted(numbers))}.get(one.sequence)
        split = len(numbers[one.sequence]) > 1
        tells = before is not None and one.names_previous
        follows = not tells or (before == one.sequence - 1 and one.previous in numbers[before])
        if split or not follows:
            judged[place] = _with(one, "chain_broken", chain=_told_by(one))
        elif tells:
            judged[place] = _with(one, one.verdict, chain=_told_by(one))
    return judged


def _told_by(one: Found) -> str:
    return "files" if one.chain == "not checked" else one.chain


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
    """What a document says of itself; ``altered`` where something has another type than ours, or cannot be read."""
    said = canonical.decode(document) or {}
    try:
        texts = [
            said["school"]["code"],
            said["kind"],
            said["period"]["from"],
            said["period"]["through"],
            said["signed_by"]["name"],
            said["signed_at"],
        ]
        number, previous = said["sequence"], said["previous_sha256"]
    except (KeyError, TypeError):
        return Found(name, "altered")
    readable = all(isinstance(one, str) and one.isprintable() for one in [*texts, previous or ""])
    if not readable or type(number) is not int or not 1 <= number < MOST_LINKS:
        return Found(name, "altered")
    code, kind, first, through, signer, moment = texts
    return Found(
        name,
        "valid",
        code,
        number,
        kind,
        (first, through),
        signer,
        moment,
        canonical.digest(document),
        previous=previous,
        names_previous=True,
    )


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


def _adds_certificates(found: Found, signatures: Sequence[Signature], links: Sequence[Link] | None) -> bool:
    """Whether a file carries certificates that the school has not taken; without its database nobody can say."""
    stored = next((one for one in links or () if one.sequence == found.sequence), None)
    given = {canonical.digest(one.certificate) for one in signatures if one.certificate is not None}
    return stored is not None and not given <= stored.certificates


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
