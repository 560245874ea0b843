"""Bring invoices, credits and receipts to the fold of their claims: one read step, one pure decision, one write step.

Whatever changes the claims on an invoice comes through here: new transfers, a reversal, a replaced invoice, a
person's decision and its undo.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from payments.ledger.models import LedgerRole
from payments.ledger.service import AccountKey, PostingLine
from payments.settlement import changes, loading, writing
from payments.settlement.changes import Place, Standing
from payments.settlement.folding import Verdict, decide
from payments.settlement.loading import Purse, Shelf
from payments.settlement.receipting import follow
from payments.settlement.rules import Invoice, Line, Reading, SettlementOutcome, Transfer, assigned, read
from payments.settlement.writing import Stamp


@dataclass(frozen=True, slots=True)
class Applied:
    """What came of it: verdicts of the fresh readings, and what each transfer moves in the books."""

    verdicts: dict[int, Verdict]
    sides: dict[int, list[PostingLine]]
    """By transfer: the lines against bank or suspense; a transfer that only moved has lines that sum to zero."""
    by_pupil: dict[int, dict[int, int]]
    """What fresh money of bundles brings each pupil, in đồng, by transfer."""


@dataclass(frozen=True, slots=True)
class _Scene:
    """All that a fold needs: who claims what now, and what stands."""

    touched: set[int]
    standing: list[Reading]
    """Earlier transfers with claims on touched invoices."""
    gone: set[int]
    """Withdrawn transfers."""
    allocations: list[Standing]
    credits: list[Standing]
    transfers: dict[int, Transfer]
    lines: dict[int, tuple[Invoice, Line]]

    def by_pupil(self, verdicts: Iterable[Verdict]) -> dict[int, dict[int, int]]:
        """What money of bundles brings each pupil, in đồng, by transfer."""
        pupils = {line_id: invoice.pupil_id for line_id, (invoice, _) in self.lines.items()}
        pooled = (one for one in verdicts if one.reading.bundle is not None)
        return {one.reading.transfer.id: one.by_pupil(pupils) for one in pooled}


def apply(
    session: Session,
    shelf: Shelf,
    stamp: Stamp,
    fresh: Sequence[Reading],
    withdrawn: Sequence[Transfer] = (),
    *,
    purses: Collection[Purse] = (),
) -> Applied:
    """Add the claims of fresh readings, end those of withdrawn transfers, and write what changes.

    Invoices of the claims are on the shelf, so locked. Dead invoices on the shelf hand what was paid on to their
    successors or to credit. ``purses``: whose invoices have become more or fewer. The caller writes settlements, states
    and ledger entries.
    """
    scene = _look_around(session, shelf, fresh, withdrawn, purses)
    verdicts = decide([*fresh, *scene.standing], shelf.book, scene.touched)
    wanted = {(key, line): vnd for key, verdict in verdicts.items() for line, vnd in verdict.allocated.items()}
    moved = changes.differences(wanted, changes.totals(scene.allocations))
    fresh_ids = {reading.transfer.id for reading in fresh}
    credit = _credit_changes(scene, verdicts, fresh_ids, moved)
    writing.add_allocations(
        session,
        stamp,
        changes.new_rows(moved, scene.allocations),
        {line_id: invoice.id for line_id, (invoice, _) in scene.lines.items()},
    )
    writing.add_credits(
        session,
        stamp,
        changes.new_rows(credit, scene.credits),
        {key: transfer.account_id for key, transfer in scene.transfers.items()},
    )
    paid = _paid_changes(shelf, scene, wanted)
    writing.set_paid(session, stamp, paid)
    shelf.paid_vnd.update(paid)
    _rename(session, shelf.school_id, scene.standing, verdicts)
    named = [(one.bundle.id, one.transfer.id) for one in fresh if one.bundle is not None]
    writing.note_bundles(session, shelf.school_id, named)
    by_pupil = scene.by_pupil(verdicts.values())
    standing = {key: sums for key, sums in by_pupil.items() if key not in fresh_ids}
    follow(session, shelf.school_id, standing, scene.transfers)
    return Applied(
        {key: verdicts[key] for key in fresh_ids},
        _sides(scene, moved, credit),
        {key: sums for key, sums in by_pupil.items() if key in fresh_ids},
    )


def stands(session: Session, school_id: int, invoice_id: int) -> bool:
    """Whether money is where the fold of what is known now would have it, on an invoice and all that hangs together
    with it. Writes nothing; the caller holds the lease.
    """
    shelf = Shelf(session, school_id)
    shelf.fetch(invoice_ids=[invoice_id])
    scene = _look_around(session, shelf, [], [], (), asked={invoice_id})
    verdicts = decide(scene.standing, shelf.book, scene.touched)
    wanted = {(key, line): vnd for key, verdict in verdicts.items() for line, vnd in verdict.allocated.items()}
    return not changes.differences(wanted, changes.totals(scene.allocations))


def _look_around(
    session: Session,
    shelf: Shelf,
    fresh: Sequence[Reading],
    withdrawn: Sequence[Transfer],
    purses: Collection[Purse],
    *,
    asked: Collection[int] = (),
) -> _Scene:
    """Find what else bears on the invoices: earlier claims on them, also those that became credit altogether."""
    gone = {transfer.id for transfer in withdrawn}
    left = set().union(*loading.allocations_of(session, shelf.school_id, gone).values())
    shelf.fetch(invoice_ids=left)
    touched = (
        left | set(asked) | {claim.invoice_id for reading in fresh for claim in reading.claims} | shelf.dead_but_paid()
    )
    book = shelf.book
    touched |= {book.landing(shelf.invoices[invoice_id]).id for invoice_id in touched}
    own, pooled = _spread(session, shelf, touched, fresh, purses)
    touched |= own.invoices | pooled.invoices
    contended = {invoice_id for invoice_id in touched if shelf.paid_vnd[invoice_id]}
    allocations = loading.allocations_on(session, shelf.school_id, contended)
    earlier = {row.place[0] for row in allocations} - gone
    pupils = {shelf.invoices[invoice_id].pupil_id for invoice_id in contended}
    credited = loading.credited_transfers(session, shelf.school_id, pupils) - gone
    known = (earlier | credited | own.transfers | pooled.transfers) - gone
    standing = [one for one in _read_again(session, shelf, known) if _bears_on(one, touched, own, pooled)]
    if lost := earlier - {reading.transfer.id for reading in standing}:
        raise ValueError(f"transfers {sorted(lost)} are allocated but claim nothing")
    transfers = {reading.transfer.id: reading.transfer for reading in standing}
    transfers |= {transfer.id: transfer for transfer in withdrawn}
    stands = loading.credits_of(session, shelf.school_id, transfers)
    transfers |= {reading.transfer.id: reading.transfer for reading in fresh}
    lines = {line.id: (invoice, line) for invoice in shelf.invoices.values() for line in invoice.lines}
    return _Scene(touched, standing, gone, allocations, stands, transfers, lines)


@dataclass(frozen=True, slots=True)
class _OwnMoney:
    """Purses in which money on pupils' own accounts lies, with that money and all invoices that it may pay."""

    purses: set[Purse]
    transfers: set[int]
    invoices: set[int]


@dataclass(slots=True)
class _Pooled:
    """Bundles with money, that money, and all invoices that it may pay."""

    bundles: set[int] = field(default_factory=set)
    transfers: set[int] = field(default_factory=set)
    invoices: set[int] = field(default_factory=set)


def _spread(
    session: Session, shelf: Shelf, touched: set[int], fresh: Sequence[Reading], purses: Iterable[Purse]
) -> tuple[_OwnMoney, _Pooled]:
    """All that hangs together with touched invoices by money that takes what is open.

    A bundle with money ties its invoices together, one pupil's own money another's; so until nothing new is found.
    """
    reach = set(touched)
    while True:
        own = _own_money(session, shelf, reach, fresh, purses)
        pooled = _pooled_money(session, shelf, reach | own.invoices, fresh)
        if pooled.invoices <= reach | own.invoices:
            return own, pooled
        reach |= own.invoices | pooled.invoices


def _pooled_money(session: Session, shelf: Shelf, touched: Iterable[int], fresh: Sequence[Reading]) -> _Pooled:
    """Money of bundles that touched invoices are on, with all other invoices of those bundles."""
    found = loading.bundle_money(session, shelf.school_id, touched)
    pooled = _Pooled({one.bundle.id for one in fresh if one.bundle is not None} | {key for key, _ in found})
    if pooled.bundles:
        pooled.transfers = {transfer_id for _, transfer_id in found}
        shelf.fetch_bundles(pooled.bundles)
        book = shelf.book
        listed = {invoice_id for key in pooled.bundles for invoice_id in shelf.bundles[key].invoice_ids}
        pooled.invoices = {book.landing(shelf.invoices[invoice_id]).id for invoice_id in listed}
    return pooled


def _own_money(
    session: Session, shelf: Shelf, touched: Iterable[int], fresh: Sequence[Reading], purses: Iterable[Purse]
) -> _OwnMoney:
    """Where own money pays what claims leave open, each invoice bears on all others of its pupil and account."""
    paying = {(one.owner_id, one.transfer.account_id) for one in fresh if one.owner_id is not None}
    asked = {(shelf.invoices[key].pupil_id, shelf.invoices[key].account_id) for key in touched}
    earlier = loading.on_own_accounts(session, shelf.school_id, {*asked, *paying, *purses})
    mine = {*paying, *earlier.values()}
    invoices = loading.live_invoices(session, shelf.school_id, mine)
    shelf.fetch(invoice_ids=invoices)
    return _OwnMoney(mine, set(earlier), invoices)


def _read_again(session: Session, shelf: Shelf, ids: Iterable[int]) -> list[Reading]:
    """Earlier transfers, as they are meant by what is known now."""
    transfers = loading.transfers(session, shelf.school_id, ids)
    shares = loading.decided_shares(session, shelf.school_id, transfers)
    shelf.fetch(
        {reference for key, transfer in transfers.items() if key not in shares for reference in transfer.references},
        {invoice_id for decided in shares.values() for invoice_id, _ in decided.invoices},
    )
    book = shelf.book
    return [
        assigned(transfer, shares[key], book, "") if key in shares else read(transfer, book)
        for key, transfer in transfers.items()
    ]


def _bears_on(reading: Reading, touched: set[int], own: _OwnMoney, pooled: _Pooled) -> bool:
    """Whether a transfer claims a touched invoice, or is money of one of the purses and bundles."""
    return (
        any(claim.invoice_id in touched for claim in reading.claims)
        or (reading.owner_id, reading.transfer.account_id) in own.purses
        or (reading.bundle is not None and reading.bundle.id in pooled.bundles)
    )


def _credit_changes(
    scene: _Scene, verdicts: Mapping[int, Verdict], fresh: Collection[int], moved: Mapping[Place, int]
) -> dict[Place, int]:
    """Changes of pupils' credit by (transfer, pupil).

    A fresh transfer brings its excess, a withdrawn one takes its credit along, an earlier one turns into credit what
    its allocations lose, and the other way round. That is the credit of the invoice's pupil, of a bundle's money that
    of another one: all its invoices are in the fold, so its credit is what the fold says.
    """
    changed: dict[Place, int] = defaultdict(int)
    anew = {key for key, verdict in verdicts.items() if key in fresh or verdict.reading.bundle is not None}
    for key in anew:
        for pupil_id, amount_vnd in verdicts[key].credit.items():
            changed[key, pupil_id] += amount_vnd
    for (key, line_id), amount_vnd in moved.items():
        if key not in anew and key not in scene.gone:
            changed[key, scene.lines[line_id][0].pupil_id] -= amount_vnd
    for row in scene.credits:
        if row.place[0] in scene.gone | anew:
            changed[row.place] -= row.amount_vnd
    return {place: changed[place] for place in sorted(changed) if changed[place]}


def _paid_changes(shelf: Shelf, scene: _Scene, wanted: Mapping[Place, int]) -> dict[int, int]:
    """Invoice id -> paid amount in đồng, of invoices where it changes."""
    paid = dict.fromkeys(scene.touched, 0)
    for (_, line_id), amount_vnd in wanted.items():
        paid[scene.lines[line_id][0].id] += amount_vnd
    return {key: paid[key] for key in sorted(paid) if paid[key] != shelf.paid_vnd[key]}


def _rename(session: Session, school_id: int, standing: Sequence[Reading], verdicts: Mapping[int, Verdict]) -> None:
    """Earlier outcomes that follow from amounts are what they would have been in the order of the fold."""
    named = {
        reading.transfer.id: (verdicts[reading.transfer.id].outcome, verdicts[reading.transfer.id].flags)
        for reading in standing
        if (len(reading.claims) == 1 or reading.takes_what_is_open)
        and reading.outcome is not SettlementOutcome.ASSIGNED
    }
    writing.rename_outcomes(session, school_id, named)


def _sides(scene: _Scene, moved: Mapping[Place, int], credit: Mapping[Place, int]) -> dict[int, list[PostingLine]]:
    """What each transfer moves on receivables, income and credit (signs: debit +, credit −)."""
    sums: dict[int, dict[AccountKey, int]] = defaultdict(lambda: defaultdict(int))
    for (key, line_id), amount_vnd in moved.items():
        invoice, line = scene.lines[line_id]
        # Cancelling took the open receivable back, so what leaves a dead invoice takes the rest of its income back.
        role = LedgerRole.RECEIVABLE if line.mandatory and invoice.live else LedgerRole.INCOME
        sums[key][AccountKey(role, None, line.fee_item_id)] -= amount_vnd
    for (key, _), amount_vnd in credit.items():
        sums[key][AccountKey(LedgerRole.CREDIT, scene.transfers[key].account_id, None)] -= amount_vnd
    return {
        key: [PostingLine(*account, amount_vnd) for account, amount_vnd in side.items() if amount_vnd]
        for key, side in sums.items()
    }
