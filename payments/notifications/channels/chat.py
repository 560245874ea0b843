"""Messages into a group chat by a bot, through apprise: Zalo Bot and Telegram. Free of charge.

The address that apprise reads is put together here from parts of known shape. Nobody writes one whole: it could name
any service, any host, or switch certificates off. Both services have one host each, redirects are not followed.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from apprise import Apprise, AppriseAsset, NotifyFormat, PersistentStoreMode

from payments.notifications.rules import TAKEN, Fate, Verdict
from payments.outgoing import OutgoingError, check_host
from payments.settings import IPNetwork

_TOKEN = re.compile(r"[0-9]{4,20}:[A-Za-z0-9_-]{8,128}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Service:
    """A chat service as apprise knows it (apprise 2.3: plugins ``zalo`` and ``telegram``)."""

    name: str
    scheme: str
    host: str
    chat: re.Pattern[str]
    options: str


SERVICES: Mapping[str, Service] = {
    "zalo": Service(
        "Zalo Bot", "zalo", "bot-api.zaloplatforms.com", re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII), "redirect=no"
    ),
    "telegram": Service(
        "Telegram",
        "tgram",
        "api.telegram.org",
        re.compile(r"-?[0-9]{1,32}", re.ASCII),
        "redirect=no&preview=no&image=no&format=text",
    ),
}
"""``options``: no picture of apprise's beside the text, no preview of our links made by somebody else's server."""


def is_token(token: str) -> bool:
    """Whether a text has the shape of a bot's token; both services write ``number:letters``."""
    return _TOKEN.fullmatch(token) is not None


def is_chat(service: str, chat: str) -> bool:
    """Whether a text has the shape of a chat's id on a service."""
    return SERVICES[service].chat.fullmatch(chat) is not None


def post(service: str, token: str, chat: str, text: str, allowed: Sequence[IPNetwork] = ()) -> Verdict:
    """Write a text into a chat. Never raises for what a service can do; the problem names neither token nor chat."""
    known = SERVICES[service]
    if not is_token(token) or not is_chat(service, chat):
        return Verdict(Fate.BAD_ADDRESS, "bad_chat")
    try:
        check_host(known.host, allowed)
    except OutgoingError as error:
        return Verdict(Fate.AWAY, f"chat_{error.code}")
    asset = AppriseAsset(app_id="hocphi", async_mode=False, storage_mode=PersistentStoreMode.MEMORY)
    bot = Apprise(asset=asset)
    if not bot.add(f"{known.scheme}://{token}/{chat}/?{known.options}"):
        return Verdict(Fate.BAD_ADDRESS, "bad_chat")
    # apprise says yes or no and keeps the reason to its log: a chat that was closed looks like a service that rests.
    return TAKEN if bot.notify(body=text, body_format=NotifyFormat.TEXT) else Verdict(Fate.LATER, "chat_refused")
