"""Customer codes: what a payer tells a bank that asks us for bills, one for each pupil of the province.

Drawn like payment references, with their alphabet and check character, under another prefix: opaque, so that nobody can
count through them, and not the sector's identifier, which schools print on lists.
"""

from sqlalchemy import text
from sqlalchemy.orm import Session

from payments.invoices import reference

PREFIX = "KH"

WITHOUT = text("""
    SELECT p.id FROM pupil p
    WHERE p.school_id = :school_id
      AND NOT EXISTS (SELECT FROM payer_code known WHERE known.school_id = p.school_id AND known.pupil_id = p.id)
    ORDER BY p.id
""")
ADD = text("""
    INSERT INTO payer_code (school_id, pupil_id, code)
    SELECT :school_id, * FROM unnest(CAST(:pupil_ids AS bigint[]), CAST(:codes AS text[]))
    ON CONFLICT DO NOTHING
""")


def generate() -> str:
    """Draw a code, for example KH7K3M9Q2XAT."""
    return PREFIX + reference.generate().removeprefix(reference.PREFIX)


def ensure_payer_codes(session: Session, school_id: int) -> int:
    """Give every pupil of a school who has none a code, and return how many; two statements whatever their number.

    A code that somebody else drew first is drawn again the next time.
    """
    pupil_ids = session.scalars(WITHOUT, {"school_id": school_id}).all()
    if pupil_ids:
        drawn = [generate() for _ in pupil_ids]
        session.execute(ADD, {"school_id": school_id, "pupil_ids": list(pupil_ids), "codes": drawn})
    return len(pupil_ids)
