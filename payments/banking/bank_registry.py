"""Keep the list of banks: from the registry that is shipped, or from a newer file, with a diff before it is done."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from payments import clock
from payments.audit.service import record
from payments.banking.models import Bank
from payments.vietqr.banks import Bank as ListedBank
from payments.vietqr.banks import FieldChange, Registry


@dataclass(frozen=True, slots=True)
class BankChanges:
    """What loading a list does, by BIN; banks that the list does not name are kept, accounts may be with them."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    unlisted: tuple[str, ...]
    cells: tuple[FieldChange, ...]
    """What stands in the changed banks now, and what would."""


def compare_bank_registry(session: Session, registry: Registry) -> BankChanges:
    """What loading this list would change."""
    known = {bank.bin: _told(bank) for bank in session.scalars(select(Bank))}
    listed = {bank.bin: _columns(bank) for bank in registry.banks}
    cells = [
        FieldChange(bin_, column, _words(known[bin_][column]), _words(after))
        for bin_ in sorted(listed.keys() & known.keys())
        for column, after in listed[bin_].items()
        if known[bin_][column] != after
    ]
    return BankChanges(
        added=tuple(sorted(listed.keys() - known.keys())),
        changed=tuple(dict.fromkeys(cell.bin for cell in cells)),
        unlisted=tuple(sorted(known.keys() - listed.keys())),
        cells=tuple(cells),
    )


def load_bank_registry(session: Session, registry: Registry, *, actor_id: int | None) -> BankChanges:
    """Add new banks, correct changed ones, keep those the list does not name; the same list again changes nothing."""
    changes = compare_bank_registry(session, registry)
    wanted = {*changes.added, *changes.changed}
    rows = [_columns(bank) | {"valid_from": clock.today()} for bank in registry.banks if bank.bin in wanted]
    if rows:
        adding = insert(Bank)
        session.execute(
            adding.on_conflict_do_update(
                index_elements=["bin"],
                set_={name: adding.excluded[name] for name in ("code", "short_name", "name", "aliases")},
            ),
            rows,
        )
        record(
            session,
            actor_id,
            "banks.loaded",
            subject_kind="bank",
            subject_id=None,
            school_id=None,
            detail={"added": list(changes.added), "changed": list(changes.changed)},
        )
    return changes


def _words(cell: str | list[str]) -> str:
    return cell if isinstance(cell, str) else ", ".join(cell)


def _columns(bank: ListedBank) -> dict[str, str | list[str]]:
    return {
        "bin": bank.bin,
        "code": bank.code,
        "short_name": bank.short_name,
        "name": bank.name,
        "aliases": sorted(bank.aliases()),
    }


def _told(bank: Bank) -> dict[str, str | list[str]]:
    return {
        "bin": bank.bin,
        "code": bank.code,
        "short_name": bank.short_name,
        "name": bank.name,
        "aliases": bank.aliases,
    }
