"""Parents' links and how much of a name a page may show: pure.

token = base32(HMAC-SHA256(link key, kind | school | subject | epoch)[:20]): 160 bits that nobody can guess, derived, so
that paper and messages can carry the same link again without the token ever being stored.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping

from payments.errors import NotFoundError

TOKEN = re.compile(r"[a-z2-7]{32}", re.ASCII)
TOKEN_IN_TEXT = re.compile(r"(?<![a-z0-9])[a-z2-7]{32}(?![a-z0-9])", re.ASCII)
_DERIVED_BYTES = 20
KIND_PUPIL = "pupil"
IN_APP_MARKS = ("Zalo", "FBAN", "FBAV")
"""In the User-Agent of the browsers inside Zalo, Facebook and Messenger."""
KIND_FAMILY = "family"
NO_SCHOOL = 0
"""Stands for the school of a family, whose children may go to several."""
MOST_CHILDREN = 12
"""Of one family; each has a colour of its own."""
MOST_FAMILIES = 12
"""That one child may be in: parents who live apart, grandparents, and some that nobody kept."""
SAMPLE_BINS = frozenset({"970998", "970999"})
"""BINs of the demo's invented banks (NAPAS has given them to nobody): their pictures say «MẪU»."""


class UnknownLinkError(NotFoundError):
    """No live link has this token: never given, misspelt, revoked and expired are one answer."""

    def __init__(self) -> None:
        super().__init__(
            "Không tìm thấy thông báo thu tiền. Đường dẫn có thể đã hết hạn; vui lòng hỏi nhà trường.",
            "There is no such notice. The link may have expired; please ask the school for a new one.",
        )


def derive_token(link_key: bytes, school_id: int, pupil_id: int, epoch: int) -> str:
    """The token of a pupil's link (32 lower-case characters)."""
    return _token(link_key, KIND_PUPIL, school_id, pupil_id, epoch)


def derive_family_token(link_key: bytes, family_id: int, epoch: int) -> str:
    """The token of a family's link: as a pupil's, and never equal to one, for its kind is in what is hashed."""
    return _token(link_key, KIND_FAMILY, NO_SCHOOL, family_id, epoch)


def _token(link_key: bytes, kind: str, school_id: int, subject_id: int, epoch: int) -> str:
    subject = f"{kind}|{school_id}|{subject_id}|{epoch}".encode()
    return base64.b32encode(hmac.digest(link_key, subject, hashlib.sha256)[:_DERIVED_BYTES]).decode().lower()


def token_in(text: str) -> str | None:
    """The token in what a parent pasted: a link's address, with or without what stands around it, or the token alone.

    The last one counts: an address may begin with a host that looks like a token.
    """
    found = TOKEN_IN_TEXT.findall(text.strip().lower())
    return found[-1] if found else None


def token_hash(token: str) -> bytes:
    """What the table keeps."""
    return hashlib.sha256(token.encode()).digest()


def newest_key(link_keys: Mapping[int, bytes]) -> tuple[int, bytes]:
    """Version and key that new links are derived with: the first of the setting."""
    return next(iter(link_keys.items()))


def shown_name(full_name: str) -> str:
    """Family name, initials, given name: enough for a parent with several children, little for a stranger.

    «Nguyễn Thị Minh Anh» -> «Nguyễn T. M. Anh».
    """
    parts = full_name.split()
    if len(parts) < 3:
        return full_name
    middle = " ".join(f"{part[0]}." for part in parts[1:-1])
    return f"{parts[0]} {middle} {parts[-1]}"


def is_in_app(user_agent: str) -> bool:
    """Whether a page is shown inside a chat app, where downloads and the clipboard often do nothing."""
    return any(mark in user_agent for mark in IN_APP_MARKS)


def veiled_name(full_name: str) -> str:
    """Family name and initials, for pages reached without a link: «Nguyễn Thị Minh Anh» -> «Nguyễn T. M. A.»."""
    family, *others = full_name.split() or [""]
    return " ".join([family, *(f"{part[0]}." for part in others)])
