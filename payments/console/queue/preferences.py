"""Whether single keys act at a person's desk: on, until the person switches them off (WCAG 2.1.4)."""

from sqlalchemy import text
from sqlalchemy.orm import Session

from payments.console.models import DeskPreference

_SET = text("""
    INSERT INTO desk_preference (user_id, shortcuts) VALUES (:user_id, :shortcuts)
    ON CONFLICT (user_id) DO UPDATE SET shortcuts = excluded.shortcuts
""")


def shortcuts_on(session: Session, user_id: int) -> bool:
    """Whether single keys act for this person."""
    chosen = session.get(DeskPreference, user_id)
    return chosen is None or chosen.shortcuts


def switch_shortcuts(session: Session, user_id: int, *, on: bool) -> None:
    """Keep the person's choice, for every desk of theirs."""
    session.execute(_SET, {"user_id": user_id, "shortcuts": on})
