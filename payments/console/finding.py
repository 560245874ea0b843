"""One search for the whole desk: pupils, invoices, transfers and receipts by whatever the accountant has at hand."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import RowMapping, TextClause, text
from sqlalchemy.orm import Session

from payments.errors import DomainError
from payments.invoices.asking import STATE_AS_READ
from payments.invoices.reference import find
from payments.money import parse_vnd
from payments.schools.rules import search_key

SHOWN = 20
"""Of each kind; more are told by a number."""
LONGEST = 200
_RECEIPT = re.compile(r"(?:([0-9]{4})/)?(?:([A-Z0-9]{1,10})/)?([0-9]{1,9})", re.ASCII)

_CLASS = (
    "(SELECT c.name FROM enrollment e JOIN class_room c ON c.school_id = e.school_id AND c.id = e.class_id"
    " WHERE e.school_id = p.school_id AND e.pupil_id = p.id ORDER BY e.valid_from DESC, e.id DESC LIMIT 1)"
)
_PUPILS = text(
    f"SELECT * FROM (SELECT p.id, p.full_name, p.sector_id, p.search_key, p.sort_key, {_CLASS} AS class_name"  # noqa: S608 - our own text
    "  FROM pupil p WHERE p.school_id = :school_id) p"
    " WHERE p.sector_id = :typed OR NOT EXISTS (SELECT FROM unnest(CAST(:words AS text[])) w"
    "   WHERE ' ' || p.search_key || ' ' || lower(coalesce(p.class_name, '')) || ' ' NOT LIKE '% ' || w || '%')"
    ' ORDER BY p.sort_key COLLATE "C", p.id LIMIT :limit'
)
_INVOICES = text(
    f"SELECT i.id, i.reference, r.name AS round_name, p.id AS pupil_id, p.full_name, {_CLASS} AS class_name,"  # noqa: S608 - our own text
    f"  b.amount_vnd, b.paid_vnd, {STATE_AS_READ} AS state"
    " FROM invoice i JOIN invoice_balance b ON b.school_id = i.school_id AND b.invoice_id = i.id"
    " JOIN pupil p ON p.school_id = i.school_id AND p.id = i.pupil_id"
    " JOIN collection_round r ON r.school_id = i.school_id AND r.id = i.round_id"
    " WHERE i.school_id = :school_id AND i.id IN ("
    "   SELECT named.id FROM invoice named WHERE named.school_id = :school_id AND named.reference = ANY(:references)"
    "   UNION ALL SELECT l.invoice_id FROM bundle b"
    "   JOIN bundle_line l ON l.school_id = b.school_id AND l.bundle_id = b.id"
    "   WHERE b.school_id = :school_id AND b.reference = ANY(:references)) ORDER BY i.id LIMIT :limit"
)
_TRANSFERS = text(
    "SELECT t.id, t.value_date, t.amount_vnd, t.direction, t.bank_reference, t.description, t.state, a.fund"
    " FROM bank_transaction t JOIN receiving_account a ON a.school_id = t.school_id AND a.id = t.account_id"
    " WHERE t.school_id = :school_id AND (t.bank_reference = :typed OR t.amount_vnd = ANY(CAST(:amounts AS bigint[]))"
    '   OR t."references" && CAST(:references AS text[])'
    "   OR (:like <> '' AND (lower(t.description) LIKE '%' || :like || '%'"
    "     OR lower(t.description) LIKE '%' || :folded || '%')))"
    " ORDER BY t.value_date DESC, t.id DESC LIMIT :limit"
)
_RECEIPTS = text(
    "SELECT rc.year, rc.series, rc.number, rc.amount_vnd, rc.received_on, rc.revoked_at, p.id AS pupil_id, p.full_name"
    " FROM receipt rc JOIN pupil p ON p.school_id = rc.school_id AND p.id = rc.pupil_id"
    " WHERE rc.school_id = :school_id AND rc.number = :number AND (CAST(:year AS int) IS NULL OR rc.year = :year)"
    "  AND (CAST(:series AS text) IS NULL OR rc.series = :series) ORDER BY rc.year DESC, rc.series LIMIT :limit"
)


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found, each kind on its own."""

    pupils: Sequence[RowMapping]
    invoices: Sequence[RowMapping]
    transfers: Sequence[RowMapping]
    receipts: Sequence[RowMapping]

    @property
    def nothing(self) -> bool:
        """Whether nothing was found at all."""
        return not (self.pupils or self.invoices or self.transfers or self.receipts)


def search(session: Session, school_id: int, typed: str) -> Found:
    """Look for what was typed: part of a name without diacritics, class, identifier, reference, amount, bank number."""
    typed = "".join(char for char in typed if char.isprintable()).strip()[:LONGEST]
    words = search_key(typed).split()
    if not words:
        return Found((), (), (), ())
    references = find(typed)
    common = {"school_id": school_id, "limit": SHOWN, "typed": typed}
    texts = {"like": escaped(typed.lower()) if len(typed) > 2 else "", "folded": escaped(" ".join(words))}
    return Found(
        _all(session, _PUPILS, words=[escaped(word) for word in words], **common),
        _all(session, _INVOICES, references=references, **common) if references else (),
        _all(session, _TRANSFERS, references=references, amounts=amounts(typed), **texts, **common),
        _receipts(session, typed, common),
    )


def amounts(typed: str) -> list[int]:
    """The amount of đồng that was typed, «1.250.000», «1,250,000» or «1250000»; nothing if it is none."""
    try:
        return [parse_vnd(typed)]
    except DomainError:
        return []


def escaped(words: str) -> str:
    """Text that LIKE takes word for word."""
    return re.sub(r"([\\%_])", r"\\\1", words)


def _receipts(session: Session, typed: str, common: dict[str, object]) -> Sequence[RowMapping]:
    named = _RECEIPT.fullmatch(typed.upper())
    if named is None:
        return ()
    year, series, number = named.groups()
    return _all(session, _RECEIPTS, year=int(year) if year else None, series=series, number=int(number), **common)


def _all(session: Session, query: TextClause, **values: object) -> Sequence[RowMapping]:
    return session.execute(query, values).mappings().all()
