"""What a round will issue: every line computed from the catalogue, before anything is written."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from payments.errors import DomainError
from payments.fees.queries import Charges, PupilOnDay, charges_for_round
from payments.fees.rules import compute_line
from payments.fees.terms import Participation, Refusal, Relief
from payments.invoices import rules
from payments.invoices.models import CollectionRound, RoundFee, RoundQuantity
from payments.invoices.rules import Draft, DraftLine, Sheet


class Total(NamedTuple):
    """What some lines or invoices of a plan add up to; ``gross - relief = amount``, in đồng."""

    lines: int = 0
    gross_vnd: int = 0
    relief_vnd: int = 0

    @property
    def amount_vnd(self) -> int:
        """What is due."""
        return self.gross_vnd - self.relief_vnd

    def plus(self, line: DraftLine, times: int) -> "Total":
        """With a line that stands on so many invoices."""
        gross, relief = line.quantity * line.unit_price_vnd, line.relief_vnd
        return Total(self.lines + times, self.gross_vnd + times * gross, self.relief_vnd + times * relief)


@dataclass(frozen=True)
class RoundPlan:
    """The invoices of a round as the catalogue stands now; ``refusals``: why lines may not be charged, each once."""

    school_id: int
    round_id: int
    drafts: Sequence[Draft]
    refusals: Sequence[Refusal]
    account_ids: Sequence[int]
    """The receiving accounts that its fee items name."""

    @property
    def amount_vnd(self) -> int:
        """The sum of all its invoices, in đồng."""
        return sum(draft.sheet.amount_vnd for draft in self.drafts)

    @cached_property
    def sha256(self) -> str:
        """Fingerprint of everything its invoices will say."""
        return rules.fingerprint(self.drafts)

    def by_fee(self) -> dict[int, Total]:
        """What each fee item adds up to, by its id: together they are the sum of the invoices."""
        sheets = {id(draft.sheet): draft.sheet for draft in self.drafts}
        times = Counter(id(draft.sheet) for draft in self.drafts)
        totals: defaultdict[int, Total] = defaultdict(Total)
        for key, sheet in sheets.items():
            for line in sheet.lines:
                totals[line.fee_item_id] = totals[line.fee_item_id].plus(line, times[key])
        return totals


@dataclass(frozen=True, slots=True)
class _Terms:
    """The catalogue on the round's first day, and the quantities that the round sets."""

    charges: Charges
    grouping: str
    round_quantities: Mapping[int, int | None]
    """By fee item id."""
    pupil_quantities: Mapping[tuple[int, int], int]
    """By (pupil id, fee item id)."""
    refusals: dict[str, Refusal] = field(default_factory=dict)
    """Why lines may not be charged, by sentence."""
    _known: dict[tuple[object, ...], list[Sheet]] = field(default_factory=dict)
    """Pupils with the same grade, registrations, quantities and reliefs are charged the same: computed once."""

    def drafts(self, pupil: PupilOnDay) -> list[Draft]:
        """One pupil's invoices; refusals are noted."""
        pupil_id = pupil.pupil_id
        participations = tuple(self.charges.participations.get((pupil_id, item)) for item in self.charges.items)
        quantities = tuple(self.pupil_quantities.get((pupil_id, item)) for item in self.charges.items)
        reliefs = self.charges.reliefs.get(pupil_id, ())
        terms = (pupil.grade, participations, quantities, reliefs)
        if terms not in self._known:
            self._known[terms] = self._sheets(pupil.grade, participations, quantities, reliefs)
        return [Draft(pupil_id, sheet) for sheet in self._known[terms]]

    def _sheets(
        self,
        grade: int | None,
        participations: Sequence[Participation | None],
        quantities: Sequence[int | None],
        reliefs: Sequence[Relief],
    ) -> list[Sheet]:
        lines = []
        of_pupil = zip(self.charges.items.items(), participations, quantities, strict=True)
        for (fee_item_id, item), registration, quantity in of_pupil:
            line = compute_line(
                item,
                self.charges.school,
                grade=grade,
                day=self.charges.day,
                registration=registration,
                round_quantity=self.round_quantities[fee_item_id],
                pupil_quantity=quantity,
                reliefs=reliefs,
            )
            if isinstance(line, Refusal):
                self.refusals.setdefault(line.text.en, line)
            elif line is not None:
                account_id = self.charges.receiving_accounts[fee_item_id]
                lines.append(rules.draft_line(fee_item_id, account_id, item, line))
        return rules.draft_sheets(lines, self.grouping)


def plan_round(session: Session, collection_round: CollectionRound) -> RoundPlan:
    """Compute all invoices of a round, in eight statements whatever its size. Raises NotFoundError."""
    terms = _terms(session, collection_round)
    # By key: a pupil in two classes on the same day is charged once.
    drafts = {draft.key: draft for pupil in terms.charges.pupils for draft in terms.drafts(pupil)}
    return RoundPlan(
        collection_round.school_id,
        collection_round.id,
        list(drafts.values()),
        list(terms.refusals.values()),
        sorted(set(terms.charges.receiving_accounts.values())),
    )


def plan_pupil(session: Session, collection_round: CollectionRound, pupil_id: int) -> list[Draft]:
    """Compute the invoices of one pupil in a round as the catalogue stands now; empty when nothing is due.

    Raises NotFoundError, and DomainError with the code of the refusal when a line may not be charged.
    """
    terms = _terms(session, collection_round)
    pupil = next((pupil for pupil in terms.charges.pupils if pupil.pupil_id == pupil_id), None)
    drafts = terms.drafts(pupil) if pupil else []
    refuse_any(list(terms.refusals.values()))
    return drafts


def refuse_any(refusals: Sequence[Refusal]) -> None:
    """Raise DomainError with the first refusal's code and the sentences of all."""
    if refusals:
        raise DomainError(
            refusals[0].code,
            " ".join(refusal.text.vi for refusal in refusals),
            " ".join(refusal.text.en for refusal in refusals),
        )


def _terms(session: Session, collection_round: CollectionRound) -> _Terms:
    school_id = collection_round.school_id
    rows = session.execute(
        select(RoundFee.fee_item_id, RoundFee.quantity, RoundQuantity.pupil_id, RoundQuantity.quantity)
        .outerjoin(
            RoundQuantity,
            (RoundQuantity.school_id == RoundFee.school_id)
            & (RoundQuantity.round_id == RoundFee.round_id)
            & (RoundQuantity.fee_item_id == RoundFee.fee_item_id),
        )
        .where(RoundFee.school_id == school_id, RoundFee.round_id == collection_round.id)
        .order_by(RoundFee.id)
    ).all()
    round_quantities = {fee_item_id: quantity for fee_item_id, quantity, _, _ in rows}
    charges = charges_for_round(
        session,
        school_id,
        day=collection_round.starts_on,
        year_id=collection_round.year_id,
        fee_item_ids=list(round_quantities),
    )
    return _Terms(
        charges,
        collection_round.grouping,
        round_quantities,
        {
            (pupil_id, fee_item_id): quantity
            for fee_item_id, _, pupil_id, quantity in rows
            if pupil_id is not None and quantity is not None
        },
    )
