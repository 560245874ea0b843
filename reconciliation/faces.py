"""A movement as the books may show it, a row as it may stand for a movement, and when the two fit. Pure."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from reconciliation.facts import GatewayFact, LedgerFact
from reconciliation.movements import Movement
from reconciliation.pairs import Key, Window, within

SHORTEST_DOCUMENT = 6
"""Shorter numbers are the school's own vouchers: not the bank's reference."""
REFERENCE_WINDOW: Window = (-10, 45)
"""From the movement's day to the day of the books, where a reference joins them."""
NEAR_WINDOW: Window = (-1, 10)
SAME_DAY: Window = (0, 0)


@dataclass(slots=True, eq=False)
class Face:
    """A movement as the books may show it."""

    movement: Movement
    day: date
    direction: str
    amount_vnd: int
    references: tuple[str, ...]


def place(row: LedgerFact) -> tuple[Hashable, ...]:
    """Order of rows: what they say, not when they came."""
    return (row.day, row.direction, row.amount_vnd, row.references, row.document, row.occurrence, row.id)


def face_of(movement: Movement) -> Face:
    """What the books should show: the day of the bank, else of the sender."""
    day = min(fact.day for fact in movement.money)
    return Face(movement, day, movement.direction, movement.amount_vnd, movement.references)


def place_of(face: Face) -> tuple[Hashable, ...]:
    """Order of movements; the id is the last resort among equal ones."""
    return (face.day, face.direction, face.amount_vnd, face.references, face.movement.money[0].id)


def by_bank_reference(face: Face) -> Key:
    """Same bank reference and amount."""
    number = face.movement.money[0].bank_reference
    return (face.direction, face.amount_vnd, number) if number else None


def by_document(row: LedgerFact) -> Key:
    """The same of a row whose document may be the bank's notice."""
    return (row.direction, row.amount_vnd, row.document) if len(row.document) >= SHORTEST_DOCUMENT else None


def by_names(face: Face) -> Key:
    """Same payment references and amount."""
    return (face.direction, face.amount_vnd, face.references) if face.references else None


def by_references(row: LedgerFact) -> Key:
    """Same payment references and amount."""
    names = tuple(sorted(set(row.references)))
    return (row.direction, row.amount_vnd, names) if names else None


def any_face(face: Face) -> tuple[str, int]:
    """Which way and how much."""
    return face.direction, face.amount_vnd


def nameless_face(face: Face) -> Key:
    """Same amount, no payment reference."""
    return None if face.references else any_face(face)


def any_row(row: LedgerFact) -> Key:
    """Same amount."""
    return row.direction, row.amount_vnd


def nameless_row(row: LedgerFact) -> Key:
    """Same amount, no payment reference."""
    return None if row.references else any_row(row)


def near(face: Face, row: LedgerFact) -> bool:
    """Whether a row may be about a movement by direction and day."""
    return row.direction == face.direction and within(face, row, REFERENCE_WINDOW)


def fits(face: Face, row: LedgerFact) -> bool:
    """As above, with equal amount."""
    return row.amount_vnd == face.amount_vnd and near(face, row)


def of_names(rows: dict[str, list[LedgerFact]], names: Iterable[str]) -> list[LedgerFact]:
    """Rows with any of the names, once each, in canonical order."""
    found = {row.id: row for name in names for row in rows.get(name, ())}
    return sorted(found.values(), key=place)


def groupings(rows: Sequence[LedgerFact]) -> Iterable[list[LedgerFact]]:
    """All of the rows, then those of one day and document."""
    yield list(rows)
    by_document: dict[Hashable, list[LedgerFact]] = defaultdict(list)
    for row in rows:
        by_document[row.day, row.document].append(row)
    yield from by_document.values()


def total_of(rows: Sequence[LedgerFact], total_vnd: int) -> list[LedgerFact]:
    """The one row of the day's total, else all rows of the day where they come to it; none where nobody can say."""
    single = [row for row in rows if row.amount_vnd == total_vnd]
    if single:
        return single if len(single) == 1 else []
    return list(rows) if sum(row.amount_vnd for row in rows) == total_vnd else []


def agrees(movement: Movement) -> bool:
    """Whether the sources of a movement come to one sum; what an intermediary kept is no difference."""
    paid_vnd, told_vnd = (sum(fact.amount_vnd for fact in side) for side in (movement.banks, movement.gateways))
    both = movement.banks and movement.gateways and "fee_netted" not in movement.keys
    if both and paid_vnd != told_vnd:
        return False
    return not movement.money or not movement.ledgers or adds_up(movement, movement.ledgers)


def adds_up(movement: Movement, rows: Sequence[LedgerFact]) -> bool:
    """Whether rows make up a movement: what arrived, or what was paid before an intermediary's fee."""
    gross_vnd = sum(signed_vnd(fact) for fact in movement.owed or movement.gateways)
    total_vnd = sum(row.amount_vnd for row in rows)
    return bool(rows) and total_vnd in ({movement.amount_vnd, gross_vnd} if gross_vnd else {movement.amount_vnd})


def signed_vnd(fact: GatewayFact) -> int:
    """Money in is positive."""
    return fact.amount_vnd if fact.direction == "credit" else -fact.amount_vnd


def certain(faces: Sequence[Face], rows: Sequence[LedgerFact]) -> bool:
    """Whether no guess is needed: all are booked, or it does not matter which are not."""
    if len(faces) == len(rows):
        return True
    fewer_rows = len(rows) < len(faces)
    names = {face.references for face in faces} if fewer_rows else {row.references for row in rows}
    return len(names) == 1
