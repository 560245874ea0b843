"""The slot for channels that cost money (Zalo ZNS, SMS): counted and priced, off until an operator brings a sender.

A sender is an entry point of the group ``hocphi.paid_senders`` named as the channel: a function
``send(phone: str, text: str, cause: str) -> str | None`` that hands one message to a provider and gives None, or a
short code why not (``bad_address``: there is no such number, ask no more). ``cause`` is the same for the same message:
a provider that takes one folds a message sent twice.
No sender comes with hocphi: each needs a contract, and a template that the provider has approved.
"""

import re
from collections.abc import Callable
from functools import cache
from importlib.metadata import entry_points

from payments.notifications.rules import TAKEN, Fate, Verdict

GROUP = "hocphi.paid_senders"
Sender = Callable[[str, str, str], str | None]
_CODE = re.compile(r"[a-z0-9_]{1,40}")


@cache
def sender(channel: str) -> Sender | None:
    """The sender that the operator has installed for a channel; None: the channel is off.

    Looked for once a process: the search reads every installed package.
    """
    found = next(iter(entry_points(group=GROUP, name=channel)), None)
    if found is None:
        return None
    made: Sender = found.load()
    return made


def deliver(send: Sender, phone: str, words: str, cause: str) -> Verdict:
    """Hand one message to a sender; it is another's code, so whatever it raises is this message's trouble alone.

    Nothing of an exception or of a longer answer is kept: it may hold the number or the text.
    """
    try:
        problem = send(phone, words, cause)
    except Exception:  # noqa: BLE001 - code that is not ours
        return Verdict(Fate.LATER, "sender_failed")
    if problem is None:
        return TAKEN
    known = problem if isinstance(problem, str) and _CODE.fullmatch(problem) else "sender_refused"
    return Verdict(Fate.BAD_ADDRESS if known == "bad_address" else Fate.LATER, known)
