"""What an exception is, whose it is, how soon, and who may end it in which way. Pure.

The classes and their precedence are those of matching (``reconciliation.movements``). Owner, action and term of each:
design, one vocabulary; facts/domain.md §3.4 (missing at the bank: hold, ask after two days).
"""

import enum
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from payments.business_days import BusinessDays
from payments.errors import ConflictError

CASH: Final = "cash"
"""Flag of rows of the books that say cash (``reconciliation.matching.CASH``)."""


class State(enum.StrEnum):
    """Where the work stands; everything but ``resolved`` is live."""

    OPEN = "open"
    ASSIGNED = "assigned"
    PROPOSED = "proposed"
    """Somebody proposed how to end it; a second person decides."""
    RESOLVED = "resolved"


LIVE: Final = (State.OPEN, State.ASSIGNED, State.PROPOSED)


class Kind(enum.StrEnum):
    """What can happen to an exception; its state is the fold of these events."""

    SEEN = "seen"
    CHANGED = "changed"
    """A newer night found other facts."""
    ASSIGNED = "assigned"
    PROPOSED = "proposed"
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    """By its proposer, or because its facts changed: nobody approves what nobody proposed."""
    RESOLVED = "resolved"
    REOPENED = "reopened"
    NOTED = "noted"
    MATCHED_SINCE = "matched_since"
    """A newer night found the facts matched, or no exception any more."""
    MERGED = "merged"
    """Its facts now belong to the case of another exception, which goes on."""


class Resolution(enum.StrEnum):
    """How an exception ended."""

    MATCHED_SINCE = "matched_since"
    NO_LONGER_FOUND = "no_longer_found"
    MERGED = "merged"
    BOOKED = "booked"
    CORRECTED_IN_BOOKS = "corrected_in_books"
    BANK_CONFIRMED = "bank_confirmed"
    ACCEPTED_DIFFERENCE = "accepted_difference"
    CASH = "cash"
    REFUND = "refund"
    REVERSED = "reversed"
    WRITTEN_OFF = "written_off"
    OTHER = "other"


BY_SYSTEM: Final = frozenset({Resolution.MATCHED_SINCE, Resolution.NO_LONGER_FOUND, Resolution.MERGED})
"""Said by a night, never by a person: a night that finds otherwise takes them back."""
MOVES_MONEY: Final = frozenset(
    {Resolution.ACCEPTED_DIFFERENCE, Resolution.REFUND, Resolution.REVERSED, Resolution.WRITTEN_OFF}
)
"""Money moves, or a difference is accepted: one proposes, a principal approves."""
NEEDS_NOTE: Final = frozenset({Resolution.OTHER, Resolution.WRITTEN_OFF, Resolution.ACCEPTED_DIFFERENCE})
DOUBTFUL: Final = frozenset({"balance_break", "duplicate", "amount_diff", "missing_bank"})
"""Classes, and flags, where money itself is in doubt: nobody ends such a case alone."""


class Owner(enum.StrEnum):
    """Whose work it is by default."""

    ACCOUNTANT = "accountant"
    PRINCIPAL = "principal"
    OPERATOR = "operator"
    """Of the server: connections that are silent."""


class Action(enum.StrEnum):
    """The next step that we propose."""

    REIMPORT_STATEMENT = "reimport_statement"
    BOOK_IN_OPEN_PERIOD = "book_in_open_period"
    CHECK_DUPLICATE = "check_duplicate"
    CHOOSE = "choose"
    COMPARE_DOCUMENTS = "compare_documents"
    WAIT_THEN_ASK_BANK = "wait_then_ask_bank"
    CHECK_CONNECTION = "check_connection"
    POST_DRAFT = "post_draft"
    FIND_DOCUMENT = "find_document"
    MARK_CASH = "mark_cash"
    BOOK_FEE = "book_fee"
    BOOK_BY_BANK_DAY = "book_by_bank_day"


@dataclass(frozen=True, slots=True)
class Handling:
    """What is done about a class: by whom, what, within how many business days, and how it may end."""

    owner: Owner
    action: Action
    days: int
    ends: tuple[Resolution, ...]


_R = Resolution
HANDLING: Final[Mapping[str, Handling]] = {
    "balance_break": Handling(
        Owner.ACCOUNTANT, Action.REIMPORT_STATEMENT, 1, (_R.BANK_CONFIRMED, _R.ACCEPTED_DIFFERENCE, _R.OTHER)
    ),
    "closed_period": Handling(
        Owner.PRINCIPAL, Action.BOOK_IN_OPEN_PERIOD, 3, (_R.BOOKED, _R.CORRECTED_IN_BOOKS, _R.REFUND, _R.OTHER)
    ),
    "duplicate": Handling(
        Owner.ACCOUNTANT,
        Action.CHECK_DUPLICATE,
        2,
        (_R.CORRECTED_IN_BOOKS, _R.BANK_CONFIRMED, _R.REFUND, _R.REVERSED, _R.OTHER),
    ),
    "ambiguous": Handling(
        Owner.ACCOUNTANT, Action.CHOOSE, 2, (_R.BANK_CONFIRMED, _R.CORRECTED_IN_BOOKS, _R.REFUND, _R.OTHER)
    ),
    "amount_diff": Handling(
        Owner.ACCOUNTANT,
        Action.COMPARE_DOCUMENTS,
        2,
        (
            *(_R.CORRECTED_IN_BOOKS, _R.BANK_CONFIRMED, _R.ACCEPTED_DIFFERENCE, _R.REFUND, _R.REVERSED),
            *(_R.WRITTEN_OFF, _R.OTHER),
        ),
    ),
    "missing_bank": Handling(
        Owner.ACCOUNTANT, Action.WAIT_THEN_ASK_BANK, 2, (_R.BANK_CONFIRMED, _R.REVERSED, _R.REFUND, _R.OTHER)
    ),
    "missing_gateway": Handling(
        Owner.OPERATOR, Action.CHECK_CONNECTION, 1, (_R.BANK_CONFIRMED, _R.REFUND, _R.REVERSED, _R.OTHER)
    ),
    "missing_ledger": Handling(Owner.ACCOUNTANT, Action.POST_DRAFT, 5, (_R.BOOKED, _R.WRITTEN_OFF, _R.OTHER)),
    "only_ledger": Handling(
        Owner.ACCOUNTANT,
        Action.FIND_DOCUMENT,
        5,
        (_R.CASH, _R.CORRECTED_IN_BOOKS, _R.BANK_CONFIRMED, _R.WRITTEN_OFF, _R.OTHER),
    ),
    "fee_netted": Handling(Owner.ACCOUNTANT, Action.BOOK_FEE, 5, (_R.BOOKED, _R.ACCEPTED_DIFFERENCE, _R.OTHER)),
    "date_cutoff": Handling(
        Owner.ACCOUNTANT, Action.BOOK_BY_BANK_DAY, 5, (_R.BANK_CONFIRMED, _R.BOOKED, _R.CORRECTED_IN_BOOKS, _R.OTHER)
    ),
}

AGES: Final[tuple[tuple[str, int, int | None], ...]] = (
    ("0-1", 0, 1),
    ("2-3", 2, 3),
    ("4-7", 4, 7),
    ("8-30", 8, 30),
    ("31-", 31, None),
)
"""Age bucket, its first and last day (facts/reconciliation.md §2)."""


def age_of(days: int) -> str:
    """The bucket of a case that is so many days old."""
    return next((key for key, _, last in AGES if last is not None and days <= last), AGES[-1][0])


def action_of(primary_class: str, flags: Collection[str] = ()) -> Action:
    """The proposed next step; a row of the books that says cash needs no document of the bank."""
    if primary_class == "only_ledger" and CASH in flags:
        return Action.MARK_CASH
    return HANDLING[primary_class].action


def due_on(primary_class: str, since: date, calendar: BusinessDays) -> date:
    """By when it should be done: so many business days after the day on which it was seen."""
    return calendar.later(since, HANDLING[primary_class].days)


def in_doubt(primary_class: str, flags: Iterable[str]) -> bool:
    """Whether money itself is in doubt, also where a class of higher precedence hides it."""
    return primary_class in DOUBTFUL or any(flag in DOUBTFUL for flag in flags)


def needs_second_person(primary_class: str, flags: Iterable[str], resolution: Resolution) -> bool:
    """Whether one person proposes and a principal approves. The database says the same (``guard_exception_event``)."""
    return resolution in MOVES_MONEY or in_doubt(primary_class, flags)


def ends_alone(primary_class: str, flags: Collection[str]) -> tuple[Resolution, ...]:
    """The ends that one person may choose."""
    return tuple(one for one in HANDLING[primary_class].ends if not needs_second_person(primary_class, flags, one))


_FROM: Final[Mapping[Kind, frozenset[State]]] = {
    Kind.SEEN: frozenset({State.OPEN}),
    Kind.CHANGED: frozenset(State),
    Kind.NOTED: frozenset(State),
    Kind.ASSIGNED: frozenset(LIVE),
    Kind.PROPOSED: frozenset({State.OPEN, State.ASSIGNED}),
    Kind.APPROVED: frozenset({State.PROPOSED}),
    Kind.REJECTED: frozenset({State.PROPOSED}),
    Kind.WITHDRAWN: frozenset({State.PROPOSED}),
    Kind.RESOLVED: frozenset({State.OPEN, State.ASSIGNED}),
    Kind.REOPENED: frozenset({State.RESOLVED}),
    Kind.MATCHED_SINCE: frozenset(State),
    Kind.MERGED: frozenset(State),
}
"""From which states an event may come; the database refuses all others (``guard_exception_event``)."""
_ENDS: Final = frozenset({Kind.APPROVED, Kind.RESOLVED, Kind.MATCHED_SINCE, Kind.MERGED})
_REFUSALS: Final[Mapping[State, tuple[str, str]]] = {
    State.RESOLVED: ("Ngoại lệ này đã xử lý xong.", "This exception has been resolved."),
    State.PROPOSED: (
        "Đang có một đề nghị chờ người thứ hai; hãy duyệt, từ chối hoặc rút đề nghị trước.",
        "A proposal waits for a second person: approve, reject or withdraw it first.",
    ),
    State.OPEN: ("Không có đề nghị nào đang chờ.", "No proposal is waiting."),
    State.ASSIGNED: ("Không có đề nghị nào đang chờ.", "No proposal is waiting."),
}


def after(kind: Kind, state: State, *, assigned: bool) -> State:
    """The state after an event; ``assigned``: whether somebody has the work then.

    Raises ConflictError ``exception_state`` where the event cannot happen in this state.
    """
    if state not in _FROM[kind]:
        vi, en = _REFUSALS[state]
        if state is State.RESOLVED and kind in {Kind.APPROVED, Kind.REJECTED, Kind.WITHDRAWN}:
            raise ConflictError("decided_already", "Đề nghị này đã được quyết định.", "This proposal has been decided.")
        raise ConflictError("exception_state", f"{vi} Hãy tải lại trang.", f"{en} Load the page again.")
    if kind in _ENDS:
        return State.RESOLVED
    if kind is Kind.PROPOSED or (kind is Kind.ASSIGNED and state is State.PROPOSED):
        return State.PROPOSED
    if kind in {Kind.SEEN, Kind.ASSIGNED, Kind.REJECTED, Kind.WITHDRAWN, Kind.REOPENED}:
        return State.ASSIGNED if assigned else State.OPEN
    return state
