"""The files of a close, regenerated from what was signed: the same bytes in any process, at any later time."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from payments.crypto import FieldCipher
from payments.errors import DomainError
from reconciliation.closing import canonical, chain, keys, minutes, signing, workbook
from reconciliation.closing.models import CloseKey, CloseSignature, PeriodClose
from reconciliation.closing.signing import ED25519, Signature
from reconciliation.closing.verifying import Known, Link

PDF = "application/pdf"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
JSON = "application/json"
KINDS: Mapping[str, str] = {"pdf": PDF, "xlsx": XLSX, "json": JSON}


def write(session: Session, cipher: FieldCipher, link: PeriodClose, kind: str) -> bytes:
    """A file of a close: ``json`` signed, ``pdf`` signed, or ``xlsx``.

    Raises DomainError ``unsigned_close`` for one of an earlier version, SealError, KeyError for another kind.
    """
    if link.signature is None:
        raise DomainError(
            "unsigned_close",
            "Lần khóa sổ này có từ trước khi hệ thống biết ký, nên không có biên bản.",
            "This close is older than signatures: it has no minutes.",
        )
    return {"json": _signed, "pdf": _minutes, "xlsx": _workbook}[kind](session, cipher, link)


def name(link: PeriodClose, school_code: str, kind: str) -> str:
    """What the file is called."""
    word = "bien-ban-doi-soat" if link.kind == "close" else "mo-lai-ky"
    return f"{word}-{school_code}-{link.sequence}-{link.through:%Y%m%d}.{kind}"


def signatures_of(session: Session, link: PeriodClose) -> list[Signature]:
    """All signatures on a link, ours first."""
    found: list[Signature] = []
    key = session.get(CloseKey, (link.school_id, link.key_id)) if link.key_id is not None else None
    if key is not None and link.signature is not None:
        found.append(Signature(ED25519, link.signature, signing.key_name(key.public)))
    added = session.scalars(
        select(CloseSignature)
        .where(CloseSignature.school_id == link.school_id, CloseSignature.close_id == link.id)
        .order_by(CloseSignature.id)
    )
    found += [Signature(one.algorithm, one.signature, certificate=one.certificate) for one in added]
    return found


def known_of(session: Session, school_id: int) -> Known:
    """Keys and chain of a school, to hold files against."""
    named = {key.id: signing.key_name(key.public) for key in keys.all_keys(session, school_id)}
    publics = {signing.key_name(key.public): key.public for key in keys.all_keys(session, school_id)}
    standing = {one.sequence for one in chain.standing(session, school_id)}
    added: dict[int, set[str]] = defaultdict(set)
    taken = select(CloseSignature.close_id, CloseSignature.certificate).where(CloseSignature.school_id == school_id)
    for close_id, certificate in session.execute(taken):
        added[close_id].add(canonical.digest(certificate))
    links = [
        _link(one, named, one.sequence in standing, frozenset(added[one.id])) for one in chain.links(session, school_id)
    ]
    return Known(publics, links)


def _link(
    one: PeriodClose,
    named: Mapping[int, str],
    standing: bool,  # noqa: FBT001 - one of its fields
    certificates: frozenset[str],
) -> Link:
    return Link(
        one.sequence,
        one.document,
        one.sha256.hex(),
        one.previous_sha256.hex() if one.previous_sha256 else None,
        one.signature,
        named.get(one.key_id) if one.key_id is not None else None,
        standing,
        one.kind.value,
        certificates,
    )


def _signed(session: Session, _cipher: FieldCipher, link: PeriodClose) -> bytes:
    return signing.envelope(link.document, signatures_of(session, link))


def _minutes(session: Session, cipher: FieldCipher, link: PeriodClose) -> bytes:
    signatures = signatures_of(session, link)
    said = json.loads(link.document)
    pdf = minutes.render(
        said, link.sha256.hex(), signing.envelope(link.document, signatures), signatures, link.closed_at
    )
    key = session.get_one(CloseKey, (link.school_id, link.key_id))
    named = (said["school"]["code"], link.sequence, link.sha256.hex())
    return signing.seal_minutes(pdf, named, key.public, keys.private_half(cipher, key))


def _workbook(session: Session, _cipher: FieldCipher, link: PeriodClose) -> bytes:
    said: dict[str, Any] = json.loads(link.document)
    rows: Sequence[Signature] = signatures_of(session, link)
    return workbook.write(said, link.sha256.hex(), rows, link.closed_at)
