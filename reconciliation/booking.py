"""Rows of the school's books on movements of money: pure, the same for every order of the facts.

Rows meet movements by the bank's document number (T0), by payment reference (T1), in parts or sums (T3), or as the only
candidates of equal amount and day (T2). Nobody's credit depends on it, so where as many rows as movements are open all
of them are booked, whichever row stands for which; where some are missing and it matters which, a person decides.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from reconciliation.facts import GatewayFact, LedgerFact
from reconciliation.movements import T0, T1, T2, T3, Movement
from reconciliation.pairs import Key, Window, grouped, neighbourhoods, one_to_one, within

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


def book(movements: Iterable[Movement], ledgers: Iterable[LedgerFact]) -> list[Movement]:
    """Put every row on its movement and return all movements; a row alone is one of its own."""
    rows = sorted(ledgers, key=place)
    desk = Desk(list(movements), [row for row in rows if not row.is_cash])
    desk.meet_by_document()
    desk.meet(T1, by_names, by_references)
    desk.meet_by_any_reference()
    desk.join_ties()
    desk.join_parts()
    desk.differ()
    desk.set_duplicates_aside()
    desk.join_same(nameless_face, nameless_row)
    desk.claim(any_face, nameless_row)
    desk.claim(nameless_face, any_row)
    desk.join_day_totals()
    alone = desk.rows + [row for row in rows if row.is_cash]
    return desk.movements + [Movement(ledgers=[row], keys={"duplicate"} if is_copy(row) else set()) for row in alone]


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


class Desk:
    """Movements that have no row yet, and rows that have no movement yet."""

    def __init__(self, movements: list[Movement], rows: list[LedgerFact]) -> None:
        self.movements = movements
        self.rows = rows
        self.faces = sorted((face_of(movement) for movement in movements if movement.open_for_books), key=place_of)

    def meet_by_document(self) -> None:
        """Join rows whose document is the bank's own notice."""
        if any(by_document(row) for row in self.rows):
            self.meet(T0, by_bank_reference, by_document)

    def meet(self, rule: str, face_key: Callable[[Face], Key], row_key: Callable[[LedgerFact], Key]) -> None:
        """Join rows and movements of equal keys one-to-one."""
        pairs = [
            found
            for group in grouped(self.faces, self.rows, face_key, row_key)
            for found in one_to_one(*group, REFERENCE_WINDOW)
        ]
        self.join(pairs, rule)

    def join(self, pairs: Sequence[tuple[Face, LedgerFact]], rule: str) -> None:
        """Put rows on movements."""
        for face, row in pairs:
            face.movement.ledgers.append(row)
            face.movement.rules.append(rule)
        self.clear([row for _, row in pairs])

    def clear(self, taken: Sequence[LedgerFact]) -> None:
        """Drop rows that were taken, and movements that are open no more."""
        if not taken:
            return
        ids = {row.id for row in taken}
        self.rows = [row for row in self.rows if row.id not in ids]
        self.faces = [face for face in self.faces if face.movement.open_for_books]

    def rows_by_name(self) -> dict[str, list[LedgerFact]]:
        """Rows that are left, by each payment reference."""
        found: dict[str, list[LedgerFact]] = defaultdict(list)
        for row in self.rows:
            for name in row.references:
                found[name].append(row)
        return found

    def meet_by_any_reference(self) -> None:
        """Join rows and movements of equal amount that have some payment reference in common."""
        rows = self.rows_by_name()
        taken: set[int] = set()
        pairs = []
        for face in self.faces:
            candidates = (row for name in face.references for row in rows.get(name, ()))
            found = next((row for row in candidates if row.id not in taken and fits(face, row)), None)
            if found is not None:
                taken.add(found.id)
                pairs.append((face, found))
        self.join(pairs, T1)

    def join_ties(self) -> None:
        """Rows that name a payment of an ambiguous case belong to that case."""
        ties = [movement for movement in self.movements if "ambiguous" in movement.keys]
        rows = self.rows_by_name() if ties else {}
        taken: dict[int, LedgerFact] = {}
        for movement in ties:
            for row in (row for name in movement.references for row in rows.get(name, ())):
                if row.id not in taken and row.direction == movement.direction:
                    taken[row.id] = row
                    movement.ledgers.append(row)
        self.clear(list(taken.values()))

    def join_parts(self) -> None:
        """Several rows for one movement: the parts of a payment by fee item, or of several invoices in one memo."""
        rows = self.rows_by_name()
        taken: dict[int, LedgerFact] = {}
        for face in self.faces:
            named = [row for row in of_names(rows, face.references) if row.id not in taken and near(face, row)]
            parts = next((group for group in groupings(named) if adds_up(face.movement, group)), None)
            if parts is not None:
                taken |= {row.id: row for row in parts}
                face.movement.ledgers += parts
                face.movement.rules.append(T3)
        self.clear(list(taken.values()))

    def differ(self) -> None:
        """Rows that name a movement but give another amount; of several movements nobody can say which."""
        rows = self.rows_by_name()
        taken: dict[int, LedgerFact] = {}
        merged: set[int] = set()
        by_name: dict[str, list[Face]] = defaultdict(list)
        for face in self.faces:
            for name in face.references:
                by_name[name].append(face)
        for name in sorted(by_name):
            faces = [face for face in by_name[name] if face.movement.open_for_books and id(face) not in merged]
            named = [row for row in rows.get(name, ()) if row.id not in taken]
            named = [row for row in named if any(near(face, row) for face in faces)]
            if not faces or not named:
                continue
            taken |= {row.id: row for row in named}
            first, *others = [face.movement for face in faces]
            first.ledgers += named
            first.keys.add("ambiguous" if others else "amount_diff")
            self.merge(first, others)
            merged |= {id(face) for face in faces}
        self.clear(list(taken.values()))

    def merge(self, first: Movement, others: Sequence[Movement]) -> None:
        """Make one movement of several."""
        gone = {id(other) for other in others}
        for other in others:
            first.absorb(other)
        if gone:
            self.movements = [movement for movement in self.movements if id(movement) not in gone]
            self.faces = [face for face in self.faces if id(face.movement) not in gone]

    def set_duplicates_aside(self) -> None:
        """A row that says again what a row on a movement says: booked twice."""
        seen = {by_references(row) for movement in self.movements for row in movement.ledgers}
        found = []
        for row in self.rows:
            key = by_references(row)
            if key is not None and key in seen:
                found.append(row)
            seen.add(key)
        self.movements += [Movement(ledgers=[row], keys={"duplicate"}) for row in found]
        self.clear(found)

    def join_same(self, face_key: Callable[[Face], Key], row_key: Callable[[LedgerFact], Key]) -> None:
        """Interchangeable on both sides: as many as there are."""
        pairs = [
            found
            for group in grouped(self.faces, self.rows, face_key, row_key)
            for found in one_to_one(*group, NEAR_WINDOW)
        ]
        self.join(pairs, T2)

    def claim(self, face_key: Callable[[Face], Key], row_key: Callable[[LedgerFact], Key]) -> None:
        """Equal amounts where a name stands on one side only: first within a day, then within the window."""
        for window in (SAME_DAY, NEAR_WINDOW):
            pairs: list[tuple[Face, LedgerFact]] = []
            ties: list[tuple[list[Face], list[LedgerFact]]] = []
            for group in grouped(self.faces, self.rows, face_key, row_key):
                for faces, rows in neighbourhoods(*group, window):
                    if certain(faces, rows):
                        pairs += one_to_one(faces, rows, window)
                    elif window is NEAR_WINDOW:
                        ties.append((faces, rows))
            self.join(pairs, T2)
            for faces, rows in ties:
                self.tie(faces, rows)

    def tie(self, faces: Sequence[Face], rows: Sequence[LedgerFact]) -> None:
        """One ambiguous case for a person."""
        first, *others = [face.movement for face in faces]
        first.ledgers += rows
        first.keys.add("ambiguous")
        self.merge(first, others)
        self.clear(rows)

    def join_day_totals(self) -> None:
        """One row for all that is left of a day: a school that books the list («bảng kê») as one posting."""
        faces: dict[Hashable, list[Face]] = defaultdict(list)
        for face in self.faces:
            faces[face.day, face.movement.direction].append(face)
        rows: dict[Hashable, list[LedgerFact]] = defaultdict(list)
        for row in self.rows:
            if not row.references:
                rows[row.day, row.direction].append(row)
        for key, group in faces.items():
            total_vnd = sum(face.amount_vnd for face in group)
            totals = [row for row in rows.get(key, ()) if row.amount_vnd == total_vnd]
            if len(group) > 1 and len(totals) == 1:
                first, *others = [face.movement for face in group]
                first.ledgers += totals
                first.rules.append(T3)
                self.merge(first, others)
                self.clear(totals)


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


def is_copy(row: LedgerFact) -> bool:
    """Whether a row repeats another one word for word, and nothing at the bank stands for it."""
    return row.occurrence > 1
