"""A desk with money that waits: each transfer names its pupil and class, so that it has a suggestion."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from payments.db import session_scope
from payments.schools.models import Pupil
from payments.schools.rules import search_key, sort_key
from payments.settlement.settling import settle_transactions
from tests.payments.faces import Faces, faces
from tests.payments.setting import make_pupil
from tests.payments.settlement.setting import Issued, arrive, issue, open_round

NAMES = ("Bảo", "Châu", "Dũng", "Giang", "Hà", "Khánh", "Lan", "Minh", "Ngọc", "Oanh")
STEP_VND = 5_000


def fill(home: Faces, count: int) -> tuple[list[Issued], list[int]]:
    """So many pupils with an invoice each and a transfer that names the pupil, settled; invoices and transfers.

    Each pays another amount, so that every suggestion is alone and right.
    """
    issued, transfers = [], []
    with session_scope(home.engine) as session:
        round_id = open_round(session, home.school)
        for number in range(count):
            given = f"{NAMES[number % len(NAMES)]} {_letters(number)}"
            pupil = make_pupil(session, home.school.id, home.school.class_room, given)
            _fold_name(session, home.school.id, pupil)
            amount = 200_000 + STEP_VND * number
            issued.append(issue(session, home.school, amount, pupil=pupil, round_id=round_id))
            memo = f"MBVCB.71{number:06d}.NGUYEN MAU {given} LOP 1A NOP TIEN HOC.CT TU 07{number:08d}"
            transfers.append(arrive(session, home.school, amount, _plain(memo)))
        settle_transactions(session, home.school.id, transfers)
    return issued, transfers


@contextmanager
def busy_desk(engine: Engine, database_url: str, count: int) -> Iterator[tuple[Faces, list[Issued], list[int]]]:
    """A desk with ``count`` transfers that wait."""
    with faces(engine, database_url) as home:
        issued, transfers = fill(home, count)
        yield home, issued, transfers


def _fold_name(session: Session, school_id: int, pupil_id: int) -> None:
    """The keys of the name as the roster import computes them."""
    pupil = session.get_one(Pupil, (school_id, pupil_id))
    pupil.search_key, pupil.sort_key = search_key(pupil.full_name), sort_key(pupil.full_name)
    session.flush()


def _letters(number: int) -> str:
    """A second given name of letters only: names hold no digits."""
    return "".join(chr(ord("a") + (number // 26**place) % 26) for place in (1, 0))


def _plain(text: str) -> str:
    table = str.maketrans("ảâãàáọũ", "aaaaaou")
    return text.translate(table).upper()
