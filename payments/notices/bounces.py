"""Letters that come back: reports of mail servers (RFC 3464) mark the address that they name.

Anybody can write a letter that looks like such a report, and silence a parent by it. So a report is believed only when
it returns the Message-ID of a notice of ours, whose keyed mark nobody can invent, and names the very address that the
notice was sent to. Everything else is counted and left alone.
"""

import email
import enum
import hmac
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import default

from sqlalchemy.orm import Session

from payments import clock
from payments.audit.service import record
from payments.notices.addresses import Reach, index_of, mark_bounced
from payments.notices.models import Campaign, Notice
from payments.notices.outside import Outside
from payments.notices.rules import NoticeState
from payments.notices.writing import mark_of
from payments.notifications.rules import is_address, is_bad_address

MOST_BYTES = 1024 * 1024
UNREADABLE = (AttributeError, LookupError, TypeError, ValueError, RecursionError)
"""What Python's own parser raises for letters that a stranger makes: «Message-ID: <>», thousands of letters within one
another. Whoever pipes a mailbox to us must go on with the next letter."""
_NAME = re.compile(r"<(\d{1,18})\.(\d{1,18})\.([0-9a-f]{24})@[^<>\s]{1,255}>", re.ASCII)


class Heard(enum.StrEnum):
    """What became of a letter that was read. ``not_final``: delayed, delivered, or a full mailbox."""

    MARKED = "marked"
    NOT_A_REPORT = "not_a_report"
    NOT_FINAL = "not_final"
    NOT_OURS = "not_ours"


@dataclass(frozen=True, slots=True)
class Report:
    """One recipient of a delivery report."""

    address: str
    action: str
    status: str


def reports_of(letter: EmailMessage) -> list[Report]:
    """The recipients that a delivery report speaks of; none for any other letter."""
    found = []
    for part in letter.walk():
        if part.get_content_type() == "message/delivery-status":
            blocks = [block for block in part.get_payload() if isinstance(block, EmailMessage)]
            found += [report for block in blocks if (report := _report(block)) is not None]
    return found


def _report(block: EmailMessage) -> Report | None:
    final = str(block.get("Original-Recipient") or block.get("Final-Recipient") or "")
    kind, _, address = final.partition(";")
    address = address.strip().strip("<>").lower()
    if kind.strip().lower() != "rfc822" or not is_address(address):
        return None
    status = str(block.get("Status") or "").split()
    return Report(address, str(block.get("Action") or "").strip().lower(), status[0] if status else "")


def names_in(letter: EmailMessage) -> Iterator[tuple[int, int, str]]:
    """(school, notice, mark) of each of our Message-IDs that a report returns in the letter's headers or text."""
    for part in letter.walk():
        if part.get_content_type() in {"text/rfc822-headers", "message/rfc822-headers", "message/global-headers"}:
            body = part.get_payload(decode=True)
            text = body.decode("utf-8", "replace") if isinstance(body, bytes) else ""
        elif part is not letter:
            text = str(part.get("Message-ID") or "")
        else:
            continue
        for found in _NAME.finditer(text):
            yield int(found[1]), int(found[2]), found[3]


def hear(session: Session, outside: Outside, raw: bytes) -> Heard:
    """Read one letter of the bounce mailbox, and mark the address that it proves to be bad."""
    try:
        letter = email.message_from_bytes(raw[:MOST_BYTES], policy=default)
        reports, names = reports_of(letter), list(names_in(letter))
    except UNREADABLE:
        return Heard.NOT_A_REPORT
    if not reports:
        return Heard.NOT_A_REPORT
    final = [one for one in reports if one.action == "failed" and is_bad_address(one.status)]
    if not final:
        return Heard.NOT_FINAL
    for school_id, notice_id, mark in names:
        if hmac.compare_digest(mark, mark_of(outside, school_id, notice_id)) and _believed(
            session, outside, (school_id, notice_id), final
        ):
            return Heard.MARKED
    return Heard.NOT_OURS


def _believed(session: Session, outside: Outside, key: tuple[int, int], reports: list[Report]) -> bool:
    notice = session.get(Notice, key, with_for_update=True)
    if notice is None:
        return False
    campaign = session.get_one(Campaign, (notice.school_id, notice.campaign_id))
    for report in reports:
        if index_of(outside.cipher, campaign.channel, report.address) == notice.address_index:
            code = f"dsn_{report.status}"
            mark_bounced(session, outside.cipher, Reach(notice.school_id, campaign.channel, report.address), code)
            notice.state, notice.problem, notice.ended_at = NoticeState.BAD_ADDRESS, code, clock.now()
            record(
                session,
                None,
                "notice.bounced",
                subject_kind="notice",
                subject_id=notice.id,
                school_id=notice.school_id,
                detail={"status": report.status},
            )
            return True
    return False
