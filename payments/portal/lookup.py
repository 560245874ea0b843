"""Finding a notice without a link: by a code and the date of birth, and a ticket for a quarter of an hour.

Every try takes the same steps and ends in the same answer unless both facts are right: which of the two was wrong,
or whether the code is closed for a while, is not told (docs/adr/0025).
"""

import base64
import binascii
import json
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from payments import clock
from payments.crypto import FieldCipher, SealError
from payments.portal.asking import Asked
from payments.portal.queries import Holder

TICKET_FOR = timedelta(minutes=15)
PLACE = "lookup.ticket"
MOST = 8
"""Schools at which one child may be found: it moved, its old school still waits for money."""

Who = tuple[int, int]
"""School and pupil."""

# A bundle's reference finds the pupils of its invoices: of several, the birthday says which.
# References are looked for in indexes by hash over all schools: one look, whether a code is known or not, and however
# many schools there are (school by school it was 60 ms for 2,000 of them, and as many cold pages). OFFSET 0 keeps each
# step a look into an index, whatever the planner expects. We compare the day ourselves, so that no plan hangs on it.
_FIND = text("""
    SELECT found.school_id, found.pupil_id, born.date_of_birth FROM (
        SELECT p.school_id, p.id AS pupil_id FROM pupil p WHERE p.sector_id = :code
        UNION
        SELECT i.school_id, i.pupil_id FROM invoice i WHERE i.reference = :reference
        UNION
        SELECT i.school_id, i.pupil_id
        FROM (SELECT school_id, id FROM bundle WHERE reference = :reference OFFSET 0) AS b
        JOIN bundle_line l ON l.school_id = b.school_id AND l.bundle_id = b.id
        JOIN invoice i ON i.school_id = l.school_id AND i.id = l.invoice_id
    ) AS found
    CROSS JOIN LATERAL (
        SELECT p.date_of_birth FROM pupil p
        WHERE p.school_id = found.school_id AND p.id = found.pupil_id OFFSET 0) AS born
    LIMIT :most
""")
_HOLDERS = text("""
    SELECT p.school_id, s.name, p.id, p.full_name,
        (SELECT c.name FROM enrollment e JOIN class_room c ON c.school_id = e.school_id AND c.id = e.class_id
         WHERE e.school_id = p.school_id AND e.pupil_id = p.id ORDER BY e.valid_from DESC, e.id DESC LIMIT 1)
    FROM unnest(CAST(:schools AS bigint[]), CAST(:pupils AS bigint[])) AS wanted (school_id, pupil_id)
    JOIN pupil p ON p.school_id = wanted.school_id AND p.id = wanted.pupil_id
    JOIN school s ON s.id = p.school_id
    ORDER BY p.school_id, p.id
""")


def find(session: Session, asked: Asked) -> list[Who]:
    """The pupils for whom both facts are right: nearly always one or none. One statement."""
    rows = session.execute(_FIND, {"code": asked.code, "reference": asked.reference, "most": MOST})
    return sorted((school_id, pupil_id) for school_id, pupil_id, born in rows if born == asked.born)


def holders(session: Session, found: list[Who]) -> list[Holder]:
    """Whom a ticket shows."""
    wanted = {"schools": [school for school, _ in found], "pupils": [pupil for _, pupil in found]}
    return [Holder(*row) for row in session.execute(_HOLDERS, wanted)]


def ticket(cipher: FieldCipher, found: list[Who]) -> str:
    """A sealed word of ours that its bearer has shown both facts just now; good for ``TICKET_FOR``."""
    said = {"who": found, "until": (clock.now() + TICKET_FOR).isoformat()}
    return base64.urlsafe_b64encode(cipher.seal(json.dumps(said).encode(), PLACE)).decode()


def holds(cipher: FieldCipher, word: str) -> list[Who]:
    """Whom a ticket is for; nobody when it is old, or not ours."""
    try:
        said = json.loads(cipher.open(base64.urlsafe_b64decode(word), PLACE))
    except (binascii.Error, SealError, ValueError):
        return []
    if datetime.fromisoformat(said["until"]) <= clock.now():
        return []
    return [(school_id, pupil_id) for school_id, pupil_id in said["who"]]
