"""Accept many suggestions at once: a preview says what would happen, the deed does exactly that or nothing.

The token is a hash of all that the preview rests on. The deed computes it anew under the lease: if a transfer, an
invoice or a paid amount has changed since, nothing is assigned and the person looks again.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from payments.errors import ConflictError, DomainError
from payments.settlement import loading
from payments.settlement.assigning import assign, open_amounts
from payments.settlement.loading import Shelf

SHOWN = 3
MOST = 1000
"""In one go: a transaction that the rest of the school waits for must stay short."""

WAITING = text("""
    SELECT id, state, amount_vnd FROM bank_transaction
    WHERE school_id = :school_id AND direction = 'credit' AND id = ANY(CAST(:ids AS bigint[]))
""")

WHY: Mapping[str, tuple[str, str]] = {
    "not_found": ("Không tìm thấy giao dịch hoặc thông báo thu.", "No such transfer or invoice."),
    "not_unmatched": ("Giao dịch vừa được xử lý.", "The transfer has been dealt with meanwhile."),
    "transfer_twice": ("Giao dịch được chọn hai lần.", "The transfer was chosen twice."),
    "same_invoice_twice": ("Một thông báo thu được chọn hai lần.", "An invoice was chosen twice."),
    "no_invoices": ("Chưa chọn thông báo thu.", "No invoice was chosen."),
    "more_than_open": (
        "Số tiền nhiều hơn phần còn phải nộp; hãy quyết định riêng khoản này.",
        "It is more than what is open; decide on it by itself.",
    ),
}
"""Why a suggestion is not taken together with others, in Vietnamese and English."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A suggestion that a person wants to accept: these invoices in this order, and how sure the suggestion was."""

    transaction_id: int
    invoice_ids: tuple[int, ...]
    score: int


@dataclass(frozen=True, slots=True)
class Refused:
    """A suggestion that cannot be taken together with others; the reasons are the keys of ``WHY``."""

    wanted: Wanted
    code: str
    vi: str
    en: str


@dataclass(frozen=True, slots=True)
class BulkPreview:
    """What ``assign_many`` would do, in đồng; ``token`` stands for it."""

    count: int
    sum_vnd: int
    lowest_score: int | None
    lowest: tuple[Wanted, ...]
    """The least sure of those that would be taken, at most three."""
    refused: tuple[Refused, ...]
    taken: tuple[Wanted, ...]
    token: str


@dataclass(frozen=True, slots=True)
class BulkResult:
    """What was done: (transaction id, decision id) in the wanted order, and their sum in đồng."""

    decisions: tuple[tuple[int, int], ...]
    sum_vnd: int
    refused: tuple[Refused, ...]

    @property
    def count(self) -> int:
        """How many transfers were assigned."""
        return len(self.decisions)


def preview_many(session: Session, school_id: int, wanted: Sequence[Wanted]) -> BulkPreview:
    """Say what assigning these suggestions together would do; writes nothing.

    Taken is only what fits into what is open, counted down from one transfer to the next: an excess, and the second of
    two transfers for one debt, are for a person to look at. Holds the lease until the transaction ends, so that nothing
    settles meanwhile. Raises DomainError ``too_many`` beyond a thousand.
    """
    if len(wanted) > MOST:
        raise DomainError(
            "too_many", f"Mỗi lần nhận tối đa {MOST} giao dịch.", f"At most {MOST} transfers can be accepted at once."
        )
    loading.take_lease(session, school_id, wait=True)
    found = {
        row[0]: (str(row[1]), int(row[2]))
        for row in loading.rows_for(session, WAITING, school_id, {one.transaction_id for one in wanted})
    }
    shelf = Shelf(session, school_id)
    shelf.fetch(invoice_ids={invoice_id for one in wanted for invoice_id in one.invoice_ids})
    room = _Room(shelf)
    taken: list[Wanted] = []
    refused: list[Refused] = []
    for one in wanted:
        code = _problem(one, found, room, {earlier.transaction_id for earlier in taken})
        if code is None:
            taken.append(one)
            room.take(one.invoice_ids, found[one.transaction_id][1])
        else:
            refused.append(Refused(one, code, *WHY[code]))
    lowest = tuple(sorted(taken, key=lambda one: (one.score, one.transaction_id))[:SHOWN])
    return BulkPreview(
        count=len(taken),
        sum_vnd=sum(found[one.transaction_id][1] for one in taken),
        lowest_score=lowest[0].score if lowest else None,
        lowest=lowest,
        refused=tuple(refused),
        taken=tuple(taken),
        token=_token(school_id, wanted, found, room.at_first),
    )


def assign_many(session: Session, school_id: int, wanted: Sequence[Wanted], actor_id: int, *, token: str) -> BulkResult:
    """Assign what a preview said, each transfer by a decision of its own, all of them or none.

    Raises ConflictError ``changed_since_preview`` when the preview would say something else by now, and what
    ``preview_many`` raises.
    """
    loading.take_lease(session, school_id, wait=True)
    preview = preview_many(session, school_id, wanted)
    if preview.token != token:
        raise ConflictError(
            "changed_since_preview",
            "Dữ liệu đã thay đổi từ khi xem trước; chưa gán khoản nào. Hãy xem trước lại.",
            "Something has changed since the preview; nothing was assigned. Preview it again.",
        )
    decisions = tuple(
        (one.transaction_id, assign(session, school_id, one.transaction_id, one.invoice_ids, actor_id))
        for one in preview.taken
    )
    return BulkResult(decisions, preview.sum_vnd, preview.refused)


class _Room:
    """What is open on the invoices where money lands, counted down as suggestions are taken."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._left: dict[int, int] = {}
        for invoice_id in shelf.invoices:
            landing = shelf.book.landing(shelf.invoices[invoice_id]).id
            self._left[landing] = open_amounts(shelf, [invoice_id])[0]
        self.at_first = dict(self._left)

    def knows(self, invoice_ids: Iterable[int]) -> bool:
        """Whether all of them are invoices of the school."""
        return set(invoice_ids) <= self._shelf.invoices.keys()

    def are_one_each(self, invoice_ids: Sequence[int]) -> bool:
        """Whether no two of them land on the same one."""
        return len(self._landing(invoice_ids)) == len(invoice_ids)

    def left(self, invoice_ids: Iterable[int]) -> int:
        """What is open on all of these together, in đồng."""
        return sum(self._left[key] for key in self._landing(invoice_ids))

    def take(self, invoice_ids: Iterable[int], amount_vnd: int) -> None:
        """Pay them in order."""
        for key in self._landing(invoice_ids):
            part_vnd = min(self._left[key], amount_vnd)
            self._left[key] -= part_vnd
            amount_vnd -= part_vnd

    def _landing(self, invoice_ids: Iterable[int]) -> list[int]:
        book = self._shelf.book
        return list(dict.fromkeys(book.landing(book.invoices[invoice_id]).id for invoice_id in invoice_ids))


def _problem(one: Wanted, found: Mapping[int, tuple[str, int]], room: _Room, taken: set[int]) -> str | None:
    """Why a suggestion cannot be taken after those that are; a key of ``WHY``."""
    known = one.transaction_id in found and room.knows(one.invoice_ids)
    problems = {
        "not_found": not known,
        "transfer_twice": one.transaction_id in taken,
        "not_unmatched": known and found[one.transaction_id][0] != "unmatched",
        "no_invoices": not one.invoice_ids,
        "same_invoice_twice": known and not room.are_one_each(one.invoice_ids),
        "more_than_open": known and found[one.transaction_id][1] > room.left(one.invoice_ids),
    }
    return next((code for code, holds in problems.items() if holds), None)


def _token(
    school_id: int, wanted: Sequence[Wanted], found: Mapping[int, tuple[str, int]], open_vnd: Mapping[int, int]
) -> str:
    """A hash of what was asked for, of the transfers' states, and of what is open, wherever the money would land."""
    asked = [(one.transaction_id, one.invoice_ids, one.score) for one in wanted]
    seen = json.dumps([school_id, asked, sorted(found.items()), sorted(open_vnd.items())])
    return hashlib.sha256(seen.encode()).hexdigest()
