"""A notice is written in the moment it is sent: with the address, the link and what is open as they are then.

So no table holds a parent's link or a text about a child, and who has paid meanwhile is not asked again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import text
from sqlalchemy.orm import Session

from payments import clock
from payments.i18n import Language
from payments.money import format_number
from payments.notices import audience
from payments.notices.addresses import Address, addresses, usable
from payments.notices.models import Campaign, Notice
from payments.notices.outside import Outside
from payments.notices.rules import Channel, Kind
from payments.notices.service import settings_of
from payments.notices.texts import Template, as_html, chat_text, filled, letter_text, tamed
from payments.notices.wording import LANGUAGES
from payments.notifications.channels.email import Letter
from payments.portal.rules import shown_name
from payments.portal.service import link_of

NO_LINK = "…"
"""Stands for a link in previews and samples: a link opens the family's page for whoever has it."""

_PUPIL = text("""
    SELECT s.code, s.name AS school, p.full_name, (
        SELECT c.name FROM enrollment e
        JOIN class_room c ON c.school_id = e.school_id AND c.id = e.class_id
        WHERE e.school_id = p.school_id AND e.pupil_id = p.id ORDER BY e.valid_from DESC, e.id DESC LIMIT 1
    ) AS class_name
    FROM pupil p JOIN school s ON s.id = p.school_id
    WHERE p.school_id = :school_id AND p.id = :pupil_id
""")
_CLASS = text("""
    SELECT s.code, s.name AS school, c.name AS class_name
    FROM class_room c JOIN school s ON s.id = c.school_id WHERE c.school_id = :school_id AND c.id = :class_id
""")
_ROUND = text("SELECT name, due_on FROM collection_round WHERE school_id = :school_id AND id = :round_id")
_PAYMENT = text("""
    SELECT r.received_on FROM receipt r
    WHERE r.school_id = :school_id AND r.transaction_id = :transaction_id AND r.pupil_id = :pupil_id
      AND r.revoked_at IS NULL
    ORDER BY r.id LIMIT 1
""")


@dataclass(frozen=True, slots=True)
class Unsent:
    """There is nothing to send: ``paid`` (nothing is open), ``no_address``, ``no_link`` or ``revoked``."""

    reason: str


@dataclass(frozen=True, slots=True)
class Written:
    """A notice as it goes out."""

    subject: str
    text: str
    address: Address | None
    message_id: str
    unsubscribe: str | None
    sender_name: str

    def letter(self) -> Letter:
        """As an e-mail."""
        return Letter(
            recipient=self.address.address if self.address else "",
            subject=self.subject,
            text=self.text,
            html=as_html(self.text),
            message_id=self.message_id,
            written_at=clock.now(),
            sender_name=self.sender_name,
            unsubscribe=self.unsubscribe,
        )


def templates_of(texts: Mapping[str, Mapping[str, str]]) -> dict[Language, Template]:
    """The texts that a campaign keeps."""
    return {_language(name): Template(one["subject"], one["body"]) for name, one in texts.items()}


def _language(name: str) -> Language:
    return "en" if name == "en" else "vi"


def mark_of(outside: Outside, school_id: int, notice_id: int) -> str:
    """Proof that a Message-ID or a stop link is ours: a keyed hash that nobody else can make."""
    return outside.cipher.blind_index(f"{school_id}.{notice_id}", "notice.mark")[:12].hex()


def name_of(outside: Outside, school_id: int, notice_id: int) -> str:
    """The name of a notice in Message-IDs and stop links: the same whenever it is sent."""
    return f"{school_id}.{notice_id}.{mark_of(outside, school_id, notice_id)}"


def write_notice(session: Session, outside: Outside, campaign: Campaign, notice: Notice) -> Written | Unsent:
    """Write a notice to a pupil's guardian, or say why there is none to send."""
    assert notice.pupil_id is not None  # noqa: S101 - notices to classes are written by write_group
    due = _due(session, campaign, notice)
    if isinstance(due, Unsent):
        return due
    known = addresses(session, outside.cipher, notice.school_id, campaign.channel, notice.pupil_id)
    address = usable(session, notice.school_id, campaign.channel, known)
    if address is None:
        return Unsent("no_address")
    token = link_of(session, outside.settings.link_keys, notice.school_id, notice.pupil_id)
    if token is None:
        return Unsent("no_link")
    name = name_of(outside, notice.school_id, notice.id)
    stop = f"{outside.settings.base_url}/notices/stop/{name}"
    values = {
        **values_for_pupil(session, outside, campaign, notice.pupil_id, due),
        "duong_dan": f"{outside.settings.base_url}/p/{token}",
        "ngung": stop if campaign.channel is Channel.EMAIL else "",
    }
    templates, languages = templates_of(campaign.texts), LANGUAGES[campaign.language]
    body = letter_text if campaign.channel is Channel.EMAIL else chat_text
    return Written(
        subject=filled(templates[languages[0]].subject, values),
        text=body(templates, languages, values),
        address=address,
        message_id=f"{name}@{outside.mail_domain}",
        unsubscribe=stop,
        sender_name=values["ten_truong"],
    )


def write_group(session: Session, outside: Outside, campaign: Campaign, class_id: int) -> str | Unsent:
    """The text for the group of a class: about everybody and nobody."""
    question = audience.Question(campaign.school_id, campaign.round_id or 0, campaign.kind, campaign.channel)
    if audience.due_on(session, question) is None:
        return Unsent("paid")
    values = values_for_class(session, outside, campaign, class_id)
    return chat_text(templates_of(campaign.texts), LANGUAGES[campaign.language], values)


def _due(session: Session, campaign: Campaign, notice: Notice) -> date | Unsent:
    """The day that the notice speaks of: when it is due, or when the money came."""
    if campaign.kind is Kind.RECEIVED:
        values = {
            "school_id": notice.school_id,
            "transaction_id": notice.transaction_id,
            "pupil_id": notice.pupil_id,
        }
        came: date | None = session.scalar(_PAYMENT, values)
        return came or Unsent("revoked")
    question = audience.Question(
        notice.school_id, campaign.round_id or 0, campaign.kind, campaign.channel, notice.pupil_id
    )
    return audience.due_on(session, question) or Unsent("paid")


def values_for_pupil(
    session: Session, outside: Outside, campaign: Campaign, pupil_id: int, day: date
) -> dict[str, str]:
    """What the placeholders stand for, without the link."""
    row = session.execute(_PUPIL, {"school_id": campaign.school_id, "pupil_id": pupil_id}).one()
    round_ = session.execute(_ROUND, {"school_id": campaign.school_id, "round_id": campaign.round_id}).first()
    return {
        **_of_school(session, outside, campaign, row.code, row.school),
        **values_of_pupil(row.full_name, day),
        "dot_thu": tamed(round_.name) if round_ else "",
        "lop": tamed(row.class_name or ""),
    }


def values_of_pupil(full_name: str, day: date) -> dict[str, str]:
    """What differs from pupil to pupil of a class."""
    return {
        "han_nop": f"{day:%d/%m/%Y}",
        "ngay_nhan": f"{day:%d/%m/%Y}",
        "ten_rut_gon": tamed(shown_name(full_name)),
        "duong_dan": NO_LINK,
        "ngung": "",
    }


def values_for_class(session: Session, outside: Outside, campaign: Campaign, class_id: int) -> dict[str, str]:
    """The same for a group text."""
    row = session.execute(_CLASS, {"school_id": campaign.school_id, "class_id": class_id}).one()
    round_ = session.execute(_ROUND, {"school_id": campaign.school_id, "round_id": campaign.round_id}).one()
    return {
        **_of_school(session, outside, campaign, row.code, row.school),
        "dot_thu": tamed(round_.name),
        "han_nop": f"{round_.due_on:%d/%m/%Y}",
        "lop": tamed(row.class_name),
        "tra_cuu": f"{outside.settings.base_url}/tra-cuu",
    }


def _of_school(session: Session, outside: Outside, campaign: Campaign, code: str, name: str) -> dict[str, str]:
    return {
        "ten_truong": tamed(name),
        "dien_thoai": settings_of(session, campaign.school_id).contact_phone or "",
        "kiem_tra": f"{outside.settings.base_url}/s/{code}",
        "phi": f"{format_number(campaign.price_vnd)} đ",
    }
