"""Rows of the school's books on movements of money: pure, the same for every order of the facts.

What a person joined comes before all rules. Rows meet movements by the bank's document number (T0), by payment
reference (T1), in parts or sums (T3), or as the only candidates of equal amount and day (T2). Nobody's credit depends
on it, so where as many rows as movements are open all of them are booked, whichever row stands for which; where some
are missing and it matters which, a person decides.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date

from reconciliation import grounds
from reconciliation.decisions.rules import Hand, Joined, key_of
from reconciliation.faces import (
    NEAR_WINDOW,
    REFERENCE_WINDOW,
    SAME_DAY,
    Face,
    adds_up,
    agrees,
    any_face,
    any_row,
    by_bank_reference,
    by_document,
    by_names,
    by_references,
    certain,
    face_of,
    fits,
    groupings,
    nameless_face,
    nameless_row,
    near,
    of_names,
    place,
    place_of,
    total_of,
)
from reconciliation.facts import LedgerFact
from reconciliation.grounds import ALIKE, BOOKS, T0, T1, T2
from reconciliation.movements import Movement
from reconciliation.pairs import Key, Window, connected, grouped, neighbourhoods, one_to_one


def book(movements: Iterable[Movement], ledgers: Iterable[LedgerFact], hand: Hand | None = None) -> list[Movement]:
    """Put every row on its movement and return all movements; a row alone is one of its own.

    ``hand``: what people decided.
    """
    rows = sorted(ledgers, key=place)
    desk = Desk(list(movements), [row for row in rows if not row.is_cash], hand or Hand())
    desk.join_by_hand()
    desk.meet_by_document()
    desk.meet(T1, by_names, by_references)
    desk.meet_by_any_reference()
    desk.join_ties()
    desk.join_parts()
    desk.join_sums()
    desk.differ()
    desk.set_duplicates_aside()
    desk.join_same(nameless_face, nameless_row)
    desk.claim(any_face, nameless_row)
    desk.claim(nameless_face, any_row)
    desk.join_day_totals()
    return desk.movements + [alone(row) for row in (*desk.rows, *(row for row in rows if row.is_cash))]


def alone(row: LedgerFact) -> Movement:
    """A row that nothing stands for; word for word the same as another one, it was booked twice."""
    if row.occurrence == 1:
        return Movement(ledgers=[row])
    return Movement(ledgers=[row], grounds=[grounds.beside(grounds.AGAIN, grounds.LEDGER, [row])], keys={"duplicate"})


class Desk:
    """Movements that have no row yet, and rows that have no movement yet."""

    def __init__(self, movements: list[Movement], rows: list[LedgerFact], hand: Hand) -> None:
        self.movements = movements
        self.rows = rows
        self.hand = hand
        self.faces: list[Face] = []
        self.look()

    def look(self) -> None:
        """See which movements are open for the books."""
        self.faces = sorted((face_of(movement) for movement in self.movements if movement.open_for_books), key=place_of)

    def join_by_hand(self) -> None:
        """What a person said is one: movements that hold its facts become one, and its rows join it."""
        wanted = [said for said in self.hand.joins if said.ledgers or not (said.banks and said.gateways)]
        if not wanted:
            return
        holders = {key_of(fact): movement for movement in self.movements for fact in movement.facts}
        for said in wanted:
            named = [holders[key_of(fact)] for fact in said.facts if key_of(fact) in holders]
            held = {id(movement): movement for movement in named}
            first, *others = held.values() or [Movement()]
            if not held:
                self.movements.append(first)
            self.merge(first, others)
            holders |= {key_of(fact): first for fact in first.facts}
            self.decide(first, said)
        self.look()

    def decide(self, movement: Movement, said: Joined) -> None:
        """Put the rows of a decision on its movement; a sum that differs stays visible, what was clear becomes so."""
        movement.ledgers += said.ledgers
        between = BOOKS if said.ledgers else grounds.MONEY
        movement.grounds.append(grounds.decided(said.id, between, len(said.facts), movement.amount_vnd))
        held = {key_of(fact) for fact in movement.facts}
        if held == {key_of(fact) for fact in said.facts}:
            movement.keys -= {"ambiguous", "duplicate", "amount_diff"}
        if not agrees(movement):
            movement.keys.add("amount_diff")
        self.clear(said.ledgers)

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

    def join(self, pairs: Sequence[tuple[Face, LedgerFact]], rule: str, how: str = "") -> None:
        """Put rows on movements, except where a person parted the two."""
        kept = [(face, row) for face, row in pairs if not self.parted(face, [row])]
        for face, row in kept:
            face.movement.ledgers.append(row)
            face.movement.grounds.append(grounds.booked(face.movement.money[0], face.references, row, rule, how))
        self.clear([row for _, row in kept])

    def parted(self, face: Face, rows: Sequence[LedgerFact]) -> bool:
        """Whether a person said that these rows are not about this movement."""
        if not self.hand.apart:
            return False
        return self.hand.splits((*face.movement.banks, *face.movement.gateways), rows)

    def clear(self, taken: Sequence[LedgerFact]) -> None:
        """Drop rows that were taken, and movements that are open no more."""
        if not taken:
            return
        ids = {row.id for row in taken}
        self.rows = [row for row in self.rows if row.id not in ids]
        self.faces = [face for face in self.faces if face.movement.open_for_books]

    def rows_by_name(self, *, with_bundles: bool = False) -> dict[str, list[LedgerFact]]:
        """Rows that are left, by each payment reference; also by the bundles that may have paid what they name."""
        found: dict[str, list[LedgerFact]] = defaultdict(list)
        for row in self.rows:
            for name in row.names if with_bundles else row.references:
                found[name].append(row)
        return found

    def meet_by_any_reference(self) -> None:
        """Join rows and movements of equal amount that have some payment reference in common."""
        rows = self.rows_by_name()
        taken: set[int] = set()
        pairs = []
        for face in self.faces:
            candidates = (row for name in face.references for row in rows.get(name, ()))
            fitting = (row for row in candidates if row.id not in taken and fits(face, row))
            found = next((row for row in fitting if not self.parted(face, [row])), None)
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
                if (
                    row.id not in taken
                    and row.direction == movement.direction
                    and not self.parted(face_of(movement), [row])
                ):
                    taken[row.id] = row
                    movement.ledgers.append(row)
        self.clear(list(taken.values()))

    def join_parts(self) -> None:
        """Several rows for one movement: the parts of a payment by fee item, of several invoices in one memo, or of a
        bundle.
        """
        rows = self.rows_by_name(with_bundles=True)
        taken: dict[int, LedgerFact] = {}
        for face in self.faces:
            named = [row for row in of_names(rows, face.references) if row.id not in taken and near(face, row)]
            named = [row for row in named if not self.parted(face, [row])]
            parts = next((group for group in groupings(named) if adds_up(face.movement, group)), None)
            if parts is not None:
                taken |= {row.id: row for row in parts}
                names = tuple(sorted({name for row in parts for name in row.names} & set(face.references)))
                total_vnd = sum(row.amount_vnd for row in parts)
                face.movement.ledgers += parts
                face.movement.grounds.append(
                    grounds.several(grounds.PARTS, BOOKS, total_vnd, len(parts) + 1, names=names)
                )
        self.clear(list(taken.values()))

    def join_sums(self) -> None:
        """One row that names several payments and comes to their sum: booked as one posting with all its references."""
        by_name: dict[str, list[Face]] = defaultdict(list)
        for face in self.faces:
            for name in face.references:
                by_name[name].append(face)
        joined: list[tuple[Sequence[Face], Sequence[LedgerFact], grounds.Ground]] = []
        taken: set[int] = set()
        for row in [row for row in self.rows if len(set(row.references)) > 1]:
            named = {id(face): face for name in row.references for face in by_name.get(name, ())}
            faces = [face for key, face in named.items() if key not in taken and near(face, row)]
            total_vnd = sum(face.amount_vnd for face in faces)
            if len(faces) < 2 or total_vnd != row.amount_vnd or any(self.parted(face, [row]) for face in faces):
                continue
            names = grounds.common(row.references, tuple(name for face in faces for name in face.references))
            taken |= {id(face) for face in faces}
            joined.append((faces, [row], grounds.several(grounds.SUM, BOOKS, total_vnd, len(faces) + 1, names=names)))
        self.put_on_all(joined)

    def put_on_all(self, joined: Sequence[tuple[Sequence[Face], Sequence[LedgerFact], grounds.Ground]]) -> None:
        """Rows that stand for several movements together make one of them."""
        gone: list[Movement] = []
        for faces, rows, ground in joined:
            first, *others = (face.movement for face in sorted(faces, key=place_of))
            first.ledgers += rows
            first.grounds.append(ground)
            for other in others:
                first.absorb(other)
            gone += others
        self.forget(gone)
        self.clear([row for _, rows, _ in joined for row in rows])

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
            named = [row for row in named if not any(self.parted(face, [row]) for face in faces)]
            if not faces or not named:
                continue
            taken |= {row.id: row for row in named}
            first, *others = [face.movement for face in faces]
            first.ledgers += named
            first.keys.add("ambiguous" if others else "amount_diff")
            how = grounds.TIE if others else grounds.DIFFERS
            facts = [*(fact for face in faces for fact in face.movement.money), *named]
            first.grounds.append(grounds.beside(how, BOOKS, facts))
            self.merge(first, others)
            merged |= {id(face) for face in faces}
        self.clear(list(taken.values()))

    def merge(self, first: Movement, others: Sequence[Movement]) -> None:
        """Make one movement of several."""
        for other in others:
            first.absorb(other)
        self.forget(others)

    def forget(self, absorbed: Sequence[Movement]) -> None:
        """Movements that another one has taken over."""
        gone = {id(other) for other in absorbed}
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
        self.movements += [
            Movement(ledgers=[row], grounds=[grounds.beside(grounds.AGAIN, grounds.LEDGER, [row])], keys={"duplicate"})
            for row in found
        ]
        self.clear(found)

    def join_same(self, face_key: Callable[[Face], Key], row_key: Callable[[LedgerFact], Key]) -> None:
        """Interchangeable on both sides: as many as there are."""
        pairs: list[tuple[Face, LedgerFact]] = []
        alike: list[tuple[Face, LedgerFact]] = []
        for faces, rows in grouped(self.faces, self.rows, face_key, row_key):
            found = alike if max(len(faces), len(rows)) > 1 else pairs
            found += one_to_one(faces, rows, NEAR_WINDOW)
        self.join(pairs, T2)
        self.join(alike, T2, ALIKE)

    def claim(self, face_key: Callable[[Face], Key], row_key: Callable[[LedgerFact], Key]) -> None:
        """Equal amounts where a name stands on one side only: first within a day, then within the window."""
        for window in (SAME_DAY, NEAR_WINDOW):
            pairs: list[tuple[Face, LedgerFact]] = []
            alike: list[tuple[Face, LedgerFact]] = []
            ties: list[tuple[list[Face], list[LedgerFact]]] = []
            for group in grouped(self.faces, self.rows, face_key, row_key):
                for faces, rows in self._near(*group, window):
                    if certain(faces, rows):
                        found = alike if max(len(faces), len(rows)) > 1 else pairs
                        found += one_to_one(faces, rows, window)
                    elif window is NEAR_WINDOW:
                        ties.append((faces, rows))
            self.join(pairs, T2)
            self.join(alike, T2, ALIKE)
            for faces, rows in ties:
                self.tie(faces, rows)

    def _near(
        self, faces: Sequence[Face], rows: Sequence[LedgerFact], window: Window
    ) -> Iterable[tuple[list[Face], list[LedgerFact]]]:
        """Candidates for each other: what a person parted is none, so a tie may become clear."""
        for hood in neighbourhoods(faces, rows, window):
            if self.hand.apart:
                yield from connected(*hood, lambda some, others: any(self.parted(face, others) for face in some))
            else:
                yield hood

    def tie(self, faces: Sequence[Face], rows: Sequence[LedgerFact]) -> None:
        """One ambiguous case for a person."""
        first, *others = [face.movement for face in faces]
        facts = [*(fact for face in faces for fact in face.movement.money), *rows]
        first.ledgers += rows
        first.grounds.append(grounds.beside(grounds.TIE, BOOKS, facts))
        first.keys.add("ambiguous")
        self.merge(first, others)
        self.clear(rows)

    def join_day_totals(self) -> None:
        """Postings for all that is left of a day: a school that books the list («bảng kê») as one row, or as a row for
        each fund. First on the day itself, then later, where one day's total alone explains the row.
        """
        faces: dict[tuple[date, str], list[Face]] = defaultdict(list)
        for face in self.faces:
            faces[face.day, face.direction].append(face)
        totals = {key: sum(face.amount_vnd for face in group) for key, group in sorted(faces.items()) if len(group) > 1}
        rows: dict[tuple[date, str], list[LedgerFact]] = defaultdict(list)
        for row in self.rows:
            if not row.references:
                rows[row.day, row.direction].append(row)
        joined = []
        for key in [key for key in totals if key in rows]:
            found = total_of(rows[key], totals[key])
            if found and not any(self.parted(face, found) for face in faces[key]):
                joined.append((faces[key], found, _day_total(faces[key], found, totals.pop(key))))
        self.put_on_all(joined)
        self.join_later_totals(faces, totals)

    def join_later_totals(
        self, faces: Mapping[tuple[date, str], Sequence[Face]], totals: Mapping[tuple[date, str], int]
    ) -> None:
        """A day's total that was booked some days later: only where one row and one day explain each other."""
        by_total: dict[tuple[str, int], list[tuple[date, str]]] = defaultdict(list)
        for key, total_vnd in totals.items():
            by_total[key[1], total_vnd].append(key)
        rows: dict[tuple[str, int], list[LedgerFact]] = defaultdict(list)
        for row in self.rows:
            if not row.references and (row.direction, row.amount_vnd) in by_total:
                rows[row.direction, row.amount_vnd].append(row)
        joined = []
        for both, found in rows.items():
            days = by_total[both]
            if len(found) == len(days) == 1 and 0 < (found[0].day - days[0][0]).days <= NEAR_WINDOW[1]:
                group = faces[days[0]]
                if not any(self.parted(face, found) for face in group):
                    joined.append((group, found, _day_total(group, found, both[1])))
        self.put_on_all(joined)


def _day_total(faces: Sequence[Face], rows: Sequence[LedgerFact], total_vnd: int) -> grounds.Ground:
    return grounds.several(grounds.DAY_TOTAL, BOOKS, total_vnd, len(faces) + len(rows))
