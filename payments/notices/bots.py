"""A school's bot on a chat service and the groups of its classes; token and chat are sealed and never shown again."""

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from payments import clock
from payments.audit.service import record
from payments.errors import DomainError, NotFoundError
from payments.notices.models import ClassChat, NoticeBot
from payments.notices.outside import Outside
from payments.notifications.channels import chat
from payments.notifications.rules import Fate, Verdict
from payments.schools.models import ClassRoom

TOKEN_PLACE = "notice_bot.token"  # noqa: S105 - the name of a column
CHAT_PLACE = "class_chat.chat"


def set_bot(
    session: Session, outside: Outside, school_id: int, actor_id: int | None, *, service: str, token: str
) -> None:
    """Keep a bot's token, in place of the one before. Raises DomainError ``bad_token``."""
    if service not in chat.SERVICES or not chat.is_token(token):
        raise DomainError(
            "bad_token",
            "Mã của bot không đúng dạng «số:chữ»; hãy chép lại từ nơi tạo bot.",
            "A bot's token looks like «number:letters»; copy it again from where the bot was made.",
        )
    kept = {"token_sealed": outside.cipher.seal(token.encode(), TOKEN_PLACE), "set_by": actor_id, "set_at": clock.now()}
    session.execute(
        insert(NoticeBot)
        .values(school_id=school_id, service=service, **kept)
        .on_conflict_do_update(index_elements=["school_id", "service"], set_=kept)
    )
    _recorded(session, school_id, actor_id, "notice.bot_set", service)


def remove_bot(session: Session, school_id: int, actor_id: int | None, service: str) -> None:
    """Forget a bot and the groups that it wrote into. Raises NotFoundError."""
    bot_id = session.scalar(
        select(NoticeBot.id).where(NoticeBot.school_id == school_id, NoticeBot.service == service).with_for_update()
    )
    if bot_id is None:
        raise NotFoundError
    session.execute(delete(ClassChat).where(ClassChat.school_id == school_id, ClassChat.bot_id == bot_id))
    session.execute(delete(NoticeBot).where(NoticeBot.school_id == school_id, NoticeBot.id == bot_id))
    _recorded(session, school_id, actor_id, "notice.bot_removed", service)


def set_chat(
    session: Session,
    outside: Outside,
    school_id: int,
    actor_id: int | None,
    *,
    class_id: int,
    service: str,
    chat_id: str,
) -> None:
    """Say which group is a class's. An empty ``chat_id`` forgets it. Raises NotFoundError, DomainError ``bad_chat``."""
    bot_id = session.scalar(select(NoticeBot.id).where(NoticeBot.school_id == school_id, NoticeBot.service == service))
    if session.get(ClassRoom, (school_id, class_id)) is None or bot_id is None:
        raise NotFoundError
    if not chat_id:
        session.execute(delete(ClassChat).where(ClassChat.school_id == school_id, ClassChat.class_id == class_id))
    elif not chat.is_chat(service, chat_id):
        raise DomainError(
            "bad_chat",
            "Mã nhóm không đúng dạng; xem hướng dẫn lấy mã nhóm.",
            "The id of the group is malformed; see how to find it.",
        )
    else:
        kept = {
            "bot_id": bot_id,
            "chat_sealed": outside.cipher.seal(chat_id.encode(), CHAT_PLACE),
            "set_by": actor_id,
            "set_at": clock.now(),
        }
        session.execute(
            insert(ClassChat)
            .values(school_id=school_id, class_id=class_id, **kept)
            .on_conflict_do_update(index_elements=["school_id", "class_id"], set_=kept)
        )
    _recorded(session, school_id, actor_id, "notice.chat_set", service, class_id=class_id)


def post(session: Session, outside: Outside, school_id: int, class_id: int, text: str) -> Verdict:
    """Write into the group of a class."""
    row = session.execute(
        select(NoticeBot.service, NoticeBot.token_sealed, ClassChat.chat_sealed)
        .join(NoticeBot, (NoticeBot.school_id == ClassChat.school_id) & (NoticeBot.id == ClassChat.bot_id))
        .where(ClassChat.school_id == school_id, ClassChat.class_id == class_id)
    ).first()
    if row is None:
        return Verdict(Fate.BAD_ADDRESS, "no_address")
    token = outside.cipher.open(row.token_sealed, TOKEN_PLACE).decode()
    group = outside.cipher.open(row.chat_sealed, CHAT_PLACE).decode()
    return chat.post(row.service, token, group, text, outside.settings.outgoing_allow)


def _recorded(session: Session, school_id: int, actor_id: int | None, action: str, service: str, **detail: int) -> None:
    record(
        session,
        actor_id,
        action,
        subject_kind="school",
        subject_id=school_id,
        school_id=school_id,
        detail={"service": service, **detail},
    )
