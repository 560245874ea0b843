"""Lines that a file words otherwise than an earlier one did: the same facts, though their natural keys differ.

A spreadsheet program keeps fifteen digits of a long reference, MT940 has no reference where the workbook has one, a
payer's name is cut elsewhere. Where two proved statements go over the same days from the same opening to the same
closing balance they tell the same movements: for each direction and amount of a day, a line that is not known stands
for one that is known and that the file does not name otherwise.

Nothing less will do: they are all that is known of those days, and no number of the bank says otherwise (then a person
is asked, ``reconciliation/doubts.py``). A second statement of a day that begins where the first one ended tells other
movements, of which some may well be equal to earlier ones, and all of them are money.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from bank_adapters.statements.keys import fold


@dataclass(frozen=True, slots=True)
class Told:
    """One line, of a file or of the database; ``key`` with its occurrence number, amount in đồng."""

    key: str
    booked_on: date
    direction: str
    amount_vnd: int
    description: str
    bank_reference: str | None = None
    references: tuple[str, ...] = ()
    """Payment references that it names."""
    format: str = ""
    """Of its statement, as ``bank_statement.format``."""
    place: str = ""
    """In the file."""

    @property
    def movement(self) -> tuple[date, str, int]:
        """What must be equal for two lines to be one fact."""
        return self.booked_on, self.direction, self.amount_vnd


# An account that is swept empty comes back to the same balances on one day: then more is known of the day than one such
# statement tells, or the bank counts another number of a statement.
_SAME = text("""
    SELECT EXISTS (
        SELECT FROM bank_statement
        WHERE school_id = :school_id AND account_id = :account_id AND proved AND break_at IS NULL
          AND period_from = :first AND period_to = :last AND opening_vnd = :opening_vnd AND closing_vnd = :closing_vnd
          AND (format <> :format OR sequence IS NULL OR sequence IS NOT DISTINCT FROM
            coalesce(CAST(:sequence AS bigint), sequence)))
      AND :closing_vnd - :opening_vnd = (
        SELECT coalesce(sum(CASE WHEN direction = 'credit' THEN amount_vnd ELSE -amount_vnd END), 0) FROM bank_line
        WHERE school_id = :school_id AND account_id = :account_id AND booked_on BETWEEN :first AND :last
          AND strpos(natural_key, '!') = 0)
""")
# A line of a statement that contradicts itself has a «!» in its key and says nothing about others.
_LINES_NEAR = text("""
    SELECT line.natural_key, line.booked_on, line.direction, line.amount_vnd, line.description, line.bank_reference,
        line."references", st.format
    FROM bank_line line JOIN bank_statement st ON st.school_id = line.school_id AND st.id = line.statement_id
    WHERE line.school_id = :school_id AND line.account_id = :account_id
      AND line.booked_on BETWEEN :first AND :last AND strpos(line.natural_key, '!') = 0
      AND (line.booked_on = ANY(CAST(:days AS date[]))
        OR split_part(split_part(line.natural_key, '|', 4), '#', 1) = ANY(CAST(:numbers AS text[]))
        OR EXISTS (SELECT FROM unnest(line."references") AS name WHERE name = ANY(CAST(:names AS text[]))))
    ORDER BY line.id
""")


@dataclass(frozen=True, slots=True)
class Stretch:
    """What a proved statement goes over: days, and balances in đồng."""

    first: date
    last: date
    opening_vnd: int | None
    closing_vnd: int | None
    format: str
    sequence: int | None
    """The bank's own number of the statement."""


def told_before(session: Session, owner: Mapping[str, Any], stretch: Stretch) -> bool:
    """Whether a proved statement of the account goes over the same days between the same balances, and tells all."""
    return bool(session.scalar(_SAME, {**owner, **asdict(stretch)}))


def stored_near(
    session: Session, owner: Mapping[str, Any], lines: Collection[Told], margin: timedelta, numbers: Collection[str]
) -> list[Told]:
    """Known lines of the same days, and of the days around those with one of the folded numbers or their invoices."""
    if not lines:
        return []
    days = sorted({line.booked_on for line in lines})
    span = {"first": days[0] - margin, "last": days[-1] + margin, "days": days, "numbers": sorted(numbers)}
    names = sorted({name for line in lines for name in line.references})
    rows = session.execute(_LINES_NEAR, {**owner, **span, "names": names})
    return [
        Told(
            row.natural_key,
            row.booked_on,
            row.direction,
            row.amount_vnd,
            row.description,
            row.bank_reference,
            tuple(row.references),
            row.format,
        )
        for row in rows
    ]


def known_otherwise(
    session: Session, owner: Mapping[str, Any], lines: Sequence[Told], known_keys: Collection[str]
) -> list[tuple[Told, Told]]:
    """Pair lines that are not known of statements that were told before with the known lines of the same facts."""
    unknown = [line for line in lines if line.key not in known_keys]
    days = {line.booked_on for line in unknown}
    stored = stored_near(session, owner, unknown, timedelta(0), ())
    stored = [line for line in stored if line.booked_on in days]
    ours, theirs = {line.key: line for line in lines}, {line.key: line for line in stored}
    found = same_facts([line for line in lines if line.booked_on in days], stored)
    return [(ours[key], theirs[known]) for key, known in found.items()]


def same_facts(told: Iterable[Told], stored: Iterable[Told]) -> dict[str, str]:
    """Pair the lines of whole days that only one side names, within equal day, direction and amount.

    Equal words first, then in the order of the rows: which of several equal amounts is which moves no money.
    """
    ours = {line.key: line for line in told}
    theirs = {line.key: line for line in stored}
    left: dict[tuple[date, str, int], list[Told]] = defaultdict(list)
    for line in theirs.values():
        if line.key not in ours:
            left[line.movement].append(line)
    pairs: dict[str, str] = {}
    for by_words in (True, False):
        for line in ours.values():
            free = left[line.movement] if line.key not in theirs and line.key not in pairs else []
            words = fold(line.description)
            twin = next((one for one in free if not by_words or fold(one.description) == words), None)
            if twin is not None:
                pairs[line.key] = twin.key
                free.remove(twin)
    return pairs
