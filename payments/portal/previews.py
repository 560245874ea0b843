"""What a chat app's server and a search engine get of a parent's link: one card that says nothing, for every address.

The programs below fetch an address that somebody pastes, to draw a preview that a whole group sees. They get the card
before anything is looked up, so it is the same for a link that lives, one that was revoked and one that never was.
The names are those that the programs send themselves; a browser inside a chat app (its name holds Zalo, FBAN, FBAV,
Line, …) is a parent and gets the page, and so does a phone whose maker is called Cubot: no short «bot» stands here.
"""

import re

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from payments.web.security import Open

blueprint = Blueprint("previews", __name__, template_folder="templates")
ACCESS = Open.PUBLIC

KEYS = ("/p/", "/o/")
"""Addresses that are keys, or that stand for a payment."""
_FETCHERS = re.compile(
    r"facebookexternalhit|facebookcatalog|Facebot|meta-external(?:agent|fetcher)|TelegramBot|WhatsApp/|Twitterbot"
    r"|Slackbot|Discordbot|LinkedInBot|SkypeUriPreview|Googlebot|GoogleOther|bingbot|BingPreview|Applebot|YandexBot"
    r"|PetalBot|coccocbot|ZaloBot|Bytespider|GPTBot|ClaudeBot|CCBot",
    re.IGNORECASE,
)
CRAWLERS = "User-agent: *\nDisallow:\n"
"""Nothing is closed to crawlers on purpose: one that may not fetch a page never sees its ``noindex``, and may list the
bare address, which is the key (developers.google.com/search/docs/crawling-indexing/block-indexing)."""


def is_fetcher(agent: str) -> bool:
    """Whether a program that previews or indexes asks, by the name that it sends."""
    return _FETCHERS.search(agent) is not None


@blueprint.before_app_request
def card() -> ResponseReturnValue | None:
    """Answer such a program instead of the page, whatever the address is."""
    if request.path.startswith(KEYS) and is_fetcher(request.user_agent.string):
        return render_template("portal/card.html")
    return None


@blueprint.get("/robots.txt")
def robots() -> ResponseReturnValue:
    """Tell crawlers that they may look: each page says itself that it is not to be listed."""
    return CRAWLERS, {"Content-Type": "text/plain; charset=utf-8"}
