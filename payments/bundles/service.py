"""Make a bundle: the same payer, account and list give the same one.

The caller knows that the invoices are the payer's.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from payments import clock
from payments.bundles import rules
from payments.errors import DomainError
from payments.invoices import reference

# The lock of the school's references (migration 0032): it puts equal requests, and the counting of the limits, in line.
LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('reference:' || CAST(:school_id AS bigint), 0))")

LISTED = text("""
    SELECT i.id, i.receiving_account_id
    FROM unnest(CAST(:ids AS bigint[])) AS wanted (id)
    JOIN invoice i ON i.school_id = :school_id AND i.id = wanted.id
    ORDER BY i.due_on, i.id
""")

SAME = text("""
    SELECT reference FROM bundle
    WHERE school_id = :school_id AND pupil_id IS NOT DISTINCT FROM CAST(:pupil_id AS bigint)
      AND family_id IS NOT DISTINCT FROM CAST(:family_id AS bigint)
      AND receiving_account_id = :account_id AND content_sha256 = :content
""")

COUNTED = text("""
    SELECT count(*) FILTER (WHERE b.created_at > :since),
           count(*) FILTER (WHERE EXISTS (
               SELECT FROM bundle_line line
               JOIN invoice_balance due ON due.school_id = line.school_id AND due.invoice_id = line.invoice_id
               WHERE line.school_id = b.school_id AND line.bundle_id = b.id AND due.state IN ('open', 'partial')))
    FROM bundle b
    WHERE b.school_id = :school_id AND b.pupil_id IS NOT DISTINCT FROM CAST(:pupil_id AS bigint)
      AND b.family_id IS NOT DISTINCT FROM CAST(:family_id AS bigint)
""")

# The statement writes the bundle only under a reference that is nobody's yet, and its list with it.
INSERT = text("""
    WITH made AS (
        INSERT INTO bundle (school_id, receiving_account_id, reference, pupil_id, family_id, content_sha256, created_at)
        SELECT :school_id, :account_id, :reference, CAST(:pupil_id AS bigint), CAST(:family_id AS bigint), :content,
               :moment
        WHERE NOT EXISTS (SELECT FROM invoice taken WHERE taken.school_id = :school_id AND taken.reference = :reference)
        ON CONFLICT (school_id, reference) DO NOTHING
        RETURNING id
    ), lines AS (
        INSERT INTO bundle_line (school_id, bundle_id, position, invoice_id)
        SELECT :school_id, made.id, listed.position, listed.invoice_id
        FROM made, unnest(CAST(:ids AS bigint[])) WITH ORDINALITY AS listed (invoice_id, position)
    )
    SELECT id FROM made
""")


@dataclass(frozen=True, slots=True)
class Payer:
    """For whom a bundle is: one pupil of the school, or one family."""

    pupil_id: int | None = None
    family_id: int | None = None


def make_bundle(session: Session, school_id: int, payer: Payer, invoice_ids: Sequence[int]) -> str:
    """The reference of the bundle of these invoices, the oldest due first; one that exists is given again.

    Raises DomainError ``not_one_account`` (invoices of several accounts, or not of this school), ``not_several``,
    ``too_many_invoices`` or ``too_many_bundles``.
    """
    wanted = sorted(set(invoice_ids))
    if len(wanted) < 2:
        raise DomainError("not_several", "Hãy chọn ít nhất hai khoản.", "Choose at least two items.")
    if len(wanted) > rules.MOST_INVOICES:
        raise DomainError(
            "too_many_invoices",
            f"Mỗi lần nộp gộp tối đa {rules.MOST_INVOICES} khoản; hãy chọn ít hơn.",
            f"At most {rules.MOST_INVOICES} items can be paid together; choose fewer.",
        )
    session.execute(LOCK, {"school_id": school_id})
    rows = session.execute(LISTED, {"school_id": school_id, "ids": wanted}).all()
    accounts = {account_id for _, account_id in rows}
    if len(rows) != len(wanted) or len(accounts) != 1:
        raise DomainError(
            "not_one_account",
            "Một mã nộp gộp chỉ dùng cho các khoản của cùng một tài khoản nhận.",
            "One code pays items of one receiving account only.",
        )
    ordered = [invoice_id for invoice_id, _ in rows]
    values = {
        "school_id": school_id,
        "pupil_id": payer.pupil_id,
        "family_id": payer.family_id,
        "account_id": accounts.pop(),
        "content": rules.content_sha256(ordered),
    }
    same: str | None = session.scalar(SAME, values)
    if same is not None:
        return same
    _require_few(session, school_id, payer)
    return _written(session, values | {"ids": ordered, "moment": clock.now()})


def _require_few(session: Session, school_id: int, payer: Payer) -> None:
    values = {
        "school_id": school_id,
        "pupil_id": payer.pupil_id,
        "family_id": payer.family_id,
        "since": clock.now() - rules.DAY,
    }
    recent, still_open = session.execute(COUNTED, values).one()
    if recent >= rules.MOST_IN_A_DAY or still_open >= rules.MOST_OPEN:
        raise DomainError(
            "too_many_bundles",
            "Đã tạo quá nhiều mã nộp gộp; hãy dùng mã đã có, nộp từng khoản, hoặc thử lại vào ngày mai.",
            "Too many codes for several items were made; use one of them, pay item by item, or try again tomorrow.",
        )


def _written(session: Session, values: dict[str, object]) -> str:
    """Draw until the reference is nobody's: once, but for a few times in 10¹³."""
    while True:
        drawn = reference.generate()
        if session.scalar(INSERT, {**values, "reference": drawn}) is not None:
            return drawn
