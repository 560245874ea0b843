"""What a mail server's answer means for a letter, its address and the rest of the queue: pure.

Sources: RFC 5321 (reply codes), RFC 3463 (enhanced status codes: X.1 addressing, X.2 mailbox, X.7 policy).
"""

import enum
import re
from dataclasses import dataclass

_ENHANCED = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b", re.ASCII)
_ADDRESS = re.compile(r"[^\s@,;:<>()\[\]\"\\]+@[^\s@,;:<>()\[\]\"\\]+\.[^\s@,;:<>()\[\]\"\\]+")
_NO_SUCH_ADDRESS = {550, 551, 553}
_ABOUT_THE_SENDER = {7, 8}
"""5.1.7 and 5.1.8 speak of the sender's address, not of the recipient's."""
SERVICE_AWAY = 421


class Fate(enum.StrEnum):
    """``later``: this letter again. ``away``: the server, so every letter. ``refused``: this letter never."""

    TAKEN = "taken"
    LATER = "later"
    AWAY = "away"
    REFUSED = "refused"
    BAD_ADDRESS = "bad_address"


@dataclass(frozen=True, slots=True)
class Verdict:
    """How an attempt ended. ``problem`` is a code without addresses or texts; None when the letter was taken."""

    fate: Fate
    problem: str | None = None


TAKEN = Verdict(Fate.TAKEN)


def is_address(text: str) -> bool:
    """Whether a text is one e-mail address and nothing else: no list, no name, no line break."""
    return len(text) <= 254 and _ADDRESS.fullmatch(text) is not None


def recipient_refused(code: int, text: str) -> Verdict:
    """The answer to RCPT TO, which speaks of the address; 5.7.x and a full mailbox do not make it a bad one."""
    if code == SERVICE_AWAY:
        return Verdict(Fate.AWAY, "smtp_421")
    if code < 500:
        return Verdict(Fate.LATER, f"smtp_{code}")
    enhanced = _ENHANCED.search(text)
    bad = is_bad_address(enhanced.group()) if enhanced else code in _NO_SUCH_ADDRESS
    return Verdict(Fate.BAD_ADDRESS if bad else Fate.REFUSED, f"smtp_{code}")


def letter_refused(code: int) -> Verdict:
    """The answer to DATA, which speaks of this letter."""
    if code == SERVICE_AWAY:
        return Verdict(Fate.AWAY, "smtp_421")
    return Verdict(Fate.LATER if code < 500 else Fate.REFUSED, f"smtp_{code}")


def is_bad_address(status: str) -> bool:
    """Whether an enhanced status code says that the address leads nowhere for good: 5.1.x, and 5.2.1 (disabled)."""
    found = _ENHANCED.fullmatch(status.strip())
    if found is None or found.group(1) != "5":
        return False
    subject, detail = int(found.group(2)), int(found.group(3))
    return (subject == 1 and detail not in _ABOUT_THE_SENDER) or (subject, detail) == (2, 1)
