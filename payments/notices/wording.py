"""The texts of a school: its newest versions, or what hocphi brings; every version is kept."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from payments import clock
from payments.audit.service import record
from payments.i18n import Language
from payments.notices.defaults import DEFAULTS
from payments.notices.models import NoticeTemplate
from payments.notices.rules import Channel, Kind
from payments.notices.texts import Template, check, cleaned
from payments.schools.models import School

LANGUAGES: Mapping[str, tuple[Language, ...]] = {"vi": ("vi",), "en": ("en",), "both": ("vi", "en")}


def template_of(session: Session, school_id: int, kind: Kind, language: Language) -> Template:
    """The text of a school: its newest version, or what hocphi brings."""
    row = session.execute(
        select(NoticeTemplate.subject, NoticeTemplate.body)
        .where(NoticeTemplate.school_id == school_id, NoticeTemplate.kind == kind, NoticeTemplate.language == language)
        .order_by(NoticeTemplate.version.desc())
        .limit(1)
    ).first()
    return Template(*DEFAULTS[kind, language]) if row is None or row.body is None else Template(row.subject, row.body)


def save_template(
    session: Session, school_id: int, actor_id: int, which: tuple[Kind, Language], template: Template | None
) -> None:
    """Keep a new version of a text; None: back to the text that hocphi brings. Raises DomainError of texts.check.

    Campaigns that run keep the text with which they were started.
    """
    kind, language = which
    if template is not None:
        template = cleaned(template)
        check(kind, template)
    mine = (
        NoticeTemplate.school_id == school_id,
        NoticeTemplate.kind == kind,
        NoticeTemplate.language == language,
    )
    session.get(School, school_id, with_for_update=True)  # two people who save at once make two versions in order
    version = (session.scalar(select(func.max(NoticeTemplate.version)).where(*mine)) or 0) + 1
    session.add(
        NoticeTemplate(
            school_id=school_id,
            kind=kind,
            language=language,
            version=version,
            subject=template.subject if template else None,
            body=template.body if template else None,
            created_by=actor_id,
            created_at=clock.now(),
        )
    )
    record(
        session,
        actor_id,
        "notice.template_saved",
        subject_kind="school",
        subject_id=school_id,
        school_id=school_id,
        detail={"kind": kind.value, "language": language, "version": version, "reset": template is None},
    )


def text_kind(kind: Kind, channel: Channel) -> Kind:
    """Which text a campaign sends: a group is told in general, whatever the campaign is about."""
    return Kind.GROUP if channel is Channel.CHAT else kind


def texts_of(session: Session, school_id: int, kind: Kind, language: str) -> dict[str, Any]:
    """The texts of a campaign as its row keeps them."""
    found = {one: template_of(session, school_id, kind, one) for one in LANGUAGES[language]}
    return {one: {"subject": template.subject, "body": template.body} for one, template in found.items()}
