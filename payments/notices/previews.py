"""What a campaign would be, before anybody starts it: how many by which channel for how much, and three samples."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from payments import clock
from payments.i18n import Language, Text
from payments.notices import audience
from payments.notices.models import Campaign
from payments.notices.outside import Outside
from payments.notices.rules import FREE, Channel, Kind
from payments.notices.service import Choice, price_of, send_from, settings_of
from payments.notices.texts import PLACEHOLDERS, Template, chat_text, filled, letter_text
from payments.notices.wording import LANGUAGES, text_kind, texts_of
from payments.notices.writing import NO_LINK, templates_of, values_for_class, values_for_pupil
from payments.notifications.channels import paid
from payments.schools.models import School

_DUE = text("SELECT due_on FROM collection_round WHERE school_id = :school_id AND id = :round_id")


@dataclass(frozen=True, slots=True)
class Cost:
    """A channel: whom it would reach, what a message and all of them cost; ``off`` when it cannot be used here."""

    channel: Channel
    audience: audience.Audience
    price_vnd: int | None
    off: bool

    @property
    def total_vnd(self) -> int | None:
        """None: nobody has said what a message costs."""
        return None if self.price_vnd is None else self.price_vnd * self.audience.told


@dataclass(frozen=True, slots=True)
class Sample:
    """A notice as it would read, without the link."""

    subject: str
    text: str


@dataclass(frozen=True, slots=True)
class Preview:
    """What a person sees before «Bắt đầu gửi»."""

    costs: Sequence[Cost]
    chosen: Cost
    samples: Sequence[Sample]
    leaves_at: datetime
    minutes: int


def preview(session: Session, outside: Outside, school_id: int, choice: Choice) -> Preview:
    """Count, price and write samples; nothing is kept."""
    costs = [cost(session, outside, school_id, choice, channel) for channel in Channel]
    chosen = next(one for one in costs if one.channel is choice.channel)
    pace = settings_of(session, school_id).per_minute
    return Preview(
        costs,
        chosen,
        _samples(session, outside, school_id, choice),
        send_from(session, school_id, clock.now()),
        -(-chosen.audience.told // pace),
    )


def cost(session: Session, outside: Outside, school_id: int, choice: Choice, channel: Channel) -> Cost:
    """One row of the table of channels."""
    question = audience.Question(school_id, choice.round_id, choice.kind, channel)
    off = outside.settings.smtp_url is None if channel is Channel.EMAIL else False
    return Cost(
        channel,
        audience.count(session, outside.cipher, question),
        price_of(session, school_id, channel),
        off or (channel not in FREE and paid.sender(channel) is None),
    )


def _samples(session: Session, outside: Outside, school_id: int, choice: Choice) -> list[Sample]:
    question = audience.Question(school_id, choice.round_id, choice.kind, choice.channel)
    campaign = Campaign(
        school_id=school_id,
        round_id=choice.round_id,
        kind=choice.kind,
        channel=choice.channel,
        language=choice.language,
        price_vnd=price_of(session, school_id, choice.channel) or 0,
        texts=texts_of(session, school_id, text_kind(choice.kind, choice.channel), choice.language),
    )
    due: date | None = audience.due_on(session, question)
    found = audience.sample(session, outside.cipher, question)
    return [_sample(session, outside, campaign, who, due) for who in found] if due else []


def _sample(session: Session, outside: Outside, campaign: Campaign, who: int, due: date) -> Sample:
    templates, languages = templates_of(campaign.texts), LANGUAGES[campaign.language]
    if campaign.channel is Channel.CHAT:
        return Sample("", chat_text(templates, languages, values_for_class(session, outside, campaign, who)))
    values = values_for_pupil(session, outside, campaign, who, due)
    if campaign.channel is Channel.EMAIL:
        values["ngung"] = NO_LINK
    body = letter_text if campaign.channel is Channel.EMAIL else chat_text
    return Sample(filled(templates[languages[0]].subject, values), body(templates, languages, values))


_EXAMPLE = {
    "dot_thu": Text("Đợt thu tháng 9", "September fees"),
    "han_nop": Text("20/09/2025", "20/09/2025"),
    "ngay_nhan": Text("10/09/2025", "10/09/2025"),
    "lop": Text("1A", "1A"),
    "ten_rut_gon": Text("Nguyễn M. An", "Nguyễn M. An"),
    "duong_dan": Text(NO_LINK, NO_LINK),
    "tra_cuu": Text(NO_LINK, NO_LINK),
    "phi": Text("0 đ", "0 đ"),
    "ngung": Text(NO_LINK, NO_LINK),
}


def example(
    session: Session, outside: Outside, school_id: int, which: tuple[Kind, Language], text_: Template
) -> Sample:
    """A text with invented values, beside the editor."""
    kind, language = which
    school = session.get_one(School, school_id)
    values = {name: said.in_(language) for name, said in _EXAMPLE.items()} | {
        "ten_truong": school.name,
        "dien_thoai": settings_of(session, school_id).contact_phone or "",
        "kiem_tra": f"{outside.settings.base_url}/s/{school.code}",
        "tra_cuu": f"{outside.settings.base_url}/tra-cuu",
    }
    assert set(PLACEHOLDERS) <= set(values)  # noqa: S101 - each placeholder has an example
    body = chat_text if kind is Kind.GROUP else letter_text
    return Sample(filled(text_.subject, values), body({language: text_}, (language,), values))
