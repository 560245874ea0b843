"""Messages into a group chat by a bot, through apprise: Zalo Bot and Telegram. Free of charge.

The two plugins are made from parts of known shape. Nobody writes an address for apprise: it could name any service, any
host, or switch certificates off. Both services have one host each, redirects are not followed.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast
from urllib.parse import urlsplit

from apprise import Apprise, AppriseAsset, NotifyBase, NotifyFormat, PersistentStoreMode
from apprise.plugins.telegram import NotifyTelegram
from apprise.plugins.zalo import NotifyZalo

from payments.notifications.rules import TAKEN, Fate, Verdict
from payments.outgoing import OutgoingError, check_host
from payments.settings import IPNetwork

_TOKEN = re.compile(r"[0-9]{4,20}:[A-Za-z0-9_-]{8,128}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Service:
    """A chat service: the shape of its chats' ids, and apprise's plugin for a bot and a chat."""

    name: str
    plugin: type[NotifyZalo] | type[NotifyTelegram]
    chat: re.Pattern[str]
    made: Callable[[str, str, AppriseAsset], NotifyBase]

    @property
    def host(self) -> str:
        """The one host that the plugin calls."""
        return urlsplit(str(self.plugin.notify_url)).hostname or ""


def _zalo(token: str, group: str, asset: AppriseAsset) -> NotifyBase:
    return NotifyZalo(token=token, targets=group, asset=asset, redirect="no", format="text")


def _telegram(token: str, group: str, asset: AppriseAsset) -> NotifyBase:
    # No picture of apprise's beside the text, and no preview of our links made by somebody else's server.
    wishes = {"include_image": False, "preview": False, "redirect": "no", "format": "text"}
    plugin = cast("Callable[..., NotifyBase]", NotifyTelegram)  # apprise has not typed it yet
    return plugin(bot_token=token, targets=group, asset=asset, **wishes)


SERVICES: Mapping[str, Service] = {
    "zalo": Service("Zalo Bot", NotifyZalo, re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII), _zalo),
    "telegram": Service("Telegram", NotifyTelegram, re.compile(r"-?[0-9]{1,32}", re.ASCII), _telegram),
}


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
    bot.add(known.made(token, chat, asset))
    # apprise says yes or no and keeps the reason to its log: a chat that was closed looks like a service that rests.
    return TAKEN if bot.notify(body=text, body_format=NotifyFormat.TEXT) else Verdict(Fate.LATER, "chat_refused")
