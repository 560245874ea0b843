"""What a receipt of a pupil says, for the PDF and for the page alike."""

from sqlalchemy.orm import Session

from payments.portal import queries
from payments.receipts.document import Contents, Item
from payments.receipts.queries import ReceiptRow


def contents_of(session: Session, who: queries.Holder, kept: ReceiptRow, base_url: str) -> Contents:
    """The receipt with its parts as the books put them today; ``base_url``: where anybody can check it."""
    shares = queries.shares(session, who, kept.transaction_id)
    items = [Item(share.description or "Tiền thừa, giữ cho học sinh", share.amount_vnd) for share in shares]
    if sum(item.amount_vnd for item in items) != kept.amount_vnd:
        # What was recorded anew, or taken back, is no longer where the receipt once put it.
        items = [Item("Tiền chuyển vào tài khoản của trường", kept.amount_vnd)]
    return Contents(
        school_name=who.school_name,
        number=kept.name,
        pupil_name=who.full_name,
        class_name=who.class_name,
        amount_vnd=kept.amount_vnd,
        received_on=kept.received_on,
        issued_at=kept.issued_at,
        bank_reference=queries.bank_reference(session, who, kept.transaction_id),
        items=tuple(items),
        words=kept.words,
        revoked=kept.revoked_at is not None,
        verify_url=f"{base_url}/verify/{kept.verify_code}",
    )
