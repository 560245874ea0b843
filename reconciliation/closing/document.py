"""The documents that are signed: what each says is written here, how its bytes look in ``canonical``. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from reconciliation.closing import canonical
from reconciliation.closing.rules import PROVED, Draft, Section

FORMAT = "hocphi-close/1"
BALANCES = ("opening_vnd", "credits_vnd", "debits_vnd", "closing_vnd")


@dataclass(frozen=True, slots=True)
class School:
    """The school as its documents name it."""

    id: int
    code: str
    name: str


@dataclass(frozen=True, slots=True)
class Person:
    """Who signs or proposes, as documents name them."""

    id: int
    name: str
    role: str
    """accountant or principal."""

    def as_dict(self) -> dict[str, str]:
        """As signed."""
        return {"name": self.name, "role": self.role}


def close(
    school: School,
    draft: Draft,
    signer: Person,
    signed_at: datetime,
    *,
    reports: Mapping[int, tuple[str, str]],
    note: str | None,
    check_at: str,
) -> dict[str, Any]:
    """A close but for its place in the chain; ``reports``: run -> SHA-256 of its report and results."""
    acknowledged = {
        "note": note,
        "open_exceptions": len(draft.open_odd),
        "silent_accounts": [section.account for section in draft.silent],
        "books_apart": [section.account for section in draft.books_apart],
    }
    return {
        "format": FORMAT,
        "kind": "close",
        "school": {"code": school.code, "name": school.name},
        "period": {"from": draft.first, "through": draft.through},
        "signed_by": signer.as_dict(),
        "signed_at": signed_at,
        "check_at": check_at,
        "accounts": [_account(section, reports) for section in draft.sections],
        "totals": {name: draft.total(name) for name in BALANCES},
        "classes": _classes(draft.classes()),
        "exceptions": [one.as_dict() for one in draft.odd],
        "acknowledged": acknowledged if draft.needs_note else None,
    }


@dataclass(frozen=True, slots=True)
class Reopening:
    """What is reopened, and why."""

    first: date
    through: date
    closes: tuple[int, ...]
    reason: str
    proposed_at: datetime
    still_closed: date | None


def reopening(
    school: School, what: Reopening, proposer: Person, principal: Person, signed_at: datetime, *, check_at: str
) -> dict[str, Any]:
    """A reopening but for its place in the chain."""
    return {
        "format": FORMAT,
        "kind": "reopen",
        "school": {"code": school.code, "name": school.name},
        "period": {"from": what.first, "through": what.through},
        "reopens": what.closes,
        "reason": what.reason,
        "still_closed_through": what.still_closed,
        "proposed_by": proposer.as_dict(),
        "proposed_at": what.proposed_at,
        "signed_by": principal.as_dict(),
        "signed_at": signed_at,
        "check_at": check_at,
    }


def fingerprint(draft: Draft) -> str:
    """What a person sees before signing, in short: it changes when the figures do, not when a run is made anew."""
    accounts = [_account(section, {}) for section in draft.sections]
    seen = {
        "period": [draft.first, draft.through],
        "accounts": [{name: value for name, value in one.items() if name != "runs"} for one in accounts],
        "exceptions": [
            {name: value for name, value in one.as_dict().items() if name not in {"run", "position"}}
            for one in draft.odd
        ],
    }
    return canonical.digest(canonical.encode(seen))[:32]


def _account(section: Section, reports: Mapping[int, tuple[str, str]]) -> dict[str, Any]:
    return {
        "account": section.account,
        "fund": section.fund,
        "from": section.first,
        "through": section.last,
        **{name: getattr(section, name) for name in BALANCES},
        "silent": section.silent,
        "books": section.books,
        "classes": _classes(section.classes),
        "runs": [
            {
                "id": run.id,
                "from": run.first,
                "through": run.last,
                "state": run.state,
                "inputs_sha256": run.inputs_sha256,
                "report_sha256": reports[run.id][0] if run.id in reports else None,
                "results_sha256": reports[run.id][1] if run.id in reports else None,
            }
            for run in section.runs
            if run.state == PROVED
        ],
    }


def _classes(classes: Mapping[str, tuple[int, int]]) -> dict[str, dict[str, int]]:
    return {key: {"count": count, "vnd": vnd} for key, (count, vnd) in classes.items()}
