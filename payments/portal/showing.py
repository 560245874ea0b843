"""One page of a parent as one value: every notice with its state, its words, what can be paid on it, and its story."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from payments import clock
from payments.i18n import Text
from payments.money import format_vnd
from payments.payer_claims.queries import ClaimState
from payments.portal import happenings, queries, sentences, status
from payments.portal.choosing import Option, chosen_vnd_of, options
from payments.portal.claims import SeenClaim
from payments.portal.explaining import Change, changes
from payments.portal.payable import Payable
from payments.portal.states import NOT_TAKEN, OWED, SETTLED, Facts, Payment, Reporting, Seen, State, state_of
from payments.portal.telling import Event, story

LOOK_BACK = timedelta(days=90)
"""How long a notice stays on the page after it was paid, replaced or cancelled."""
_QUIET = frozenset({*SETTLED, *NOT_TAKEN})


@dataclass(frozen=True, slots=True)
class Said:
    """A state in words."""

    tone: str
    icon: str
    happened: Text
    to_do: Text
    once: Text


@dataclass(frozen=True, slots=True)
class Notice:
    """One notice of fees as it is shown."""

    due: queries.Due
    state: State
    said: Said
    payable: Payable | None
    """What headline, QR, copy fields and the link into a bank's app ask for; None: nothing is to be paid."""
    options: Sequence[Option]
    story: Sequence[Event]
    changes: Sequence[Change]
    """What it asks for otherwise than the notice that it stands for."""
    is_claimed: bool
    """Somebody of the family has said that they paid it, and the school has not looked yet."""
    excess_vnd: int
    """What its payments brought too much, where its state tells so."""

    @property
    def chosen(self) -> tuple[int, ...]:
        """Voluntary lines that are in the payable."""
        return tuple(option.line.id for option in self.options if option.chosen)

    @property
    def is_owed(self) -> bool:
        """Something mandatory can be paid now."""
        return self.state in OWED

    @property
    def is_folded(self) -> bool:
        """Its ways to pay are folded away: money for it is probably here, or on its way."""
        return self.state is State.SEEN or self.is_claimed


@dataclass(frozen=True, slots=True)
class Page:
    """Everything that the page of one pupil shows of notices."""

    notices: Sequence[Notice]
    version: str
    is_slow: bool

    @property
    def owed(self) -> list[Notice]:
        """Notices on which something mandatory can be paid."""
        return [notice for notice in self.notices if notice.is_owed]

    @property
    def owed_vnd(self) -> int:
        """The sum of what is owed and can be paid now."""
        return sum(notice.due.open_vnd for notice in self.owed)

    @property
    def told_excess(self) -> set[tuple[int, int]]:
        """(account, đồng) of what was paid too much, as far as one notice tells all of it."""
        return {(notice.due.account_id, notice.excess_vnd) for notice in self.notices if notice.excess_vnd}

    @property
    def open_first(self) -> int | None:
        """The notice that is shown unfolded: one with something chosen, else the first that can be paid."""
        payable = [notice for notice in self.notices if notice.payable is not None]
        first = next((notice for notice in payable if notice.chosen), payable[0] if payable else None)
        first = first or (self.notices[0] if self.notices else None)
        return None if first is None else first.due.invoice_id


def build(session: Session, who: queries.Holder, token: str, claims: Sequence[SeenClaim]) -> Page | None:
    """The page of a holder. None: the link has just ended."""
    now = clock.now()
    looked = status.look(session, token, now, clock.today())
    if looked is None:
        return None
    known = queries.notices(session, who)
    paid = _landed(known, happenings.payments(session, who))
    seen = (*happenings.nearly_named(session, who, known), *(one.seen for one in claims if one.seen))
    by_reference = {due.reference: due for due in known}
    claimed = {one.invoice_id for one in claims if one.state is not ClaimState.ANSWERED}
    notices = [
        _notice(
            due,
            facts_of(due, paid.get(due.invoice_id, ()), [one for one in seen if one.invoice_id == due.invoice_id]),
            looked.reporting(due.account_id),
            by_reference.get(due.replaces or ""),
            is_claimed=due.invoice_id in claimed,
        )
        for due in known
        if _is_shown(due, now)
    ]
    notices.sort(key=_place)
    slow = any(looked.reporting(one.due.account_id) is Reporting.SLOW for one in notices if one.is_owed)
    return Page(notices, looked.version, slow)


def payable_of(due: queries.Due) -> Payable:
    """What the QR of an invoice asks for: what is owed, and the voluntary lines that were chosen."""
    return Payable(
        reference=due.reference,
        amount_vnd=due.open_vnd + chosen_vnd_of(due),
        bin=due.bin,
        bank_name=due.bank_name,
        account_number=due.account_number,
        holder_name=due.holder_name,
        memo_prefix=due.memo_prefix or "",
    )


def asked_of(due: queries.Due) -> Payable | None:
    """What can be paid on a notice; None: nothing, so there is no QR."""
    if not is_payable(due):
        return None
    payable = payable_of(due)
    return payable if payable.amount_vnd else None


def is_payable(due: queries.Due) -> bool:
    """Whether the notice stands, its round is open, and something of it is."""
    return due.state in {"open", "partial"} and not due.round_closed


def facts_of(due: queries.Due, payments: Sequence[Payment], seen: Sequence[Seen]) -> Facts:
    """What decides the state of a notice."""
    return Facts(
        kept=due.state,
        amount_vnd=due.amount_vnd,
        mandatory_vnd=due.mandatory_vnd,
        paid_vnd=due.paid_vnd,
        has_mandatory=any(line.mandatory for line in due.lines),
        due_on=due.due_on,
        round_closed=due.round_closed,
        waived=due.waived,
        payments=payments,
        seen=seen,
    )


def _notice(
    due: queries.Due,
    facts: Facts,
    reporting: Reporting,
    before: queries.Due | None,
    *,
    is_claimed: bool,
) -> Notice:
    state = state_of(facts, clock.today())
    return Notice(
        due=due,
        state=state,
        said=_said(state, due, facts, reporting),
        payable=asked_of(due),
        options=options(due, payable=is_payable(due) and state is not State.SEEN),
        story=story(due, facts.payments, facts.seen),
        changes=changes(before.by_fee, due.by_fee) if before else (),
        is_claimed=is_claimed,
        excess_vnd=sum(one.excess_vnd for one in facts.payments) if state in {State.OVER, State.TWICE} else 0,
    )


def _said(state: State, due: queries.Due, facts: Facts, reporting: Reporting) -> Said:
    payments, seen = facts.payments, facts.seen
    words = sentences.SENTENCES[state]
    last = payments[-1] if payments else None
    moment = seen[-1].at if seen else (last and last.taken_back_at)
    chosen_vnd = chosen_vnd_of(due)
    values = {
        "paid": format_vnd(due.paid_vnd),
        "open": format_vnd(due.open_vnd),
        "asked": format_vnd(due.open_vnd + chosen_vnd),
        "chosen": format_vnd(chosen_vnd),
        "excess": format_vnd(sum(payment.excess_vnd for payment in payments)),
        "amount": format_vnd(last.amount_vnd) if last else "",
        "due": f"{due.due_on:%d/%m/%Y}",
        "at": _moment(moment) if moment else "",
        "fund": due.fund,
        "bank_references": ", ".join(payment.bank_reference or "–" for payment in payments),
        "ticket": seen[-1].ticket if seen else "",
        "other": due.successor or "",
    }
    when = sentences.WHEN[reporting]

    def filled(text: Text) -> Text:
        vi, en = (side.format(**values) if chosen_vnd else "" for side in sentences.EXTRA)
        return Text(text.vi.format(**values, when=when.vi, extra=vi), text.en.format(**values, when=when.en, extra=en))

    return Said(words.tone, words.icon, filled(words.happened), filled(words.to_do), filled(words.once))


def _landed(known: Sequence[queries.Due], payments: Mapping[int, Sequence[Payment]]) -> dict[int, Sequence[Payment]]:
    """A second payment that names a replaced notice belongs to the one that stands for it."""
    successor = {due.invoice_id: due.successor for due in known}
    by_reference = {due.reference: due.invoice_id for due in known}
    landed: dict[int, list[Payment]] = {}
    for invoice_id, some in payments.items():
        last = invoice_id
        for _ in known:
            last = by_reference.get(successor.get(last) or "", last)
        for payment in some:
            landed.setdefault(invoice_id if payment.allocated_vnd else last, []).append(payment)
    return {key: sorted(some, key=lambda one: one.confirmed_at) for key, some in landed.items()}


def _is_shown(due: queries.Due, now: datetime) -> bool:
    return due.state in {"open", "partial"} or due.changed_at > now - LOOK_BACK


def _place(notice: Notice) -> tuple[object, ...]:
    """What can be paid comes first, the oldest due date before others; what is done comes last."""
    return (not notice.is_owed, notice.state in _QUIET, notice.due.due_on, notice.due.invoice_id)


def _moment(value: datetime) -> str:
    return f"{value.astimezone(clock.VIETNAM):%H:%M %d/%m/%Y}"
