"""The slot for channels that cost money (Zalo ZNS, SMS): counted and priced, off until an operator brings a sender.

A sender is an entry point of the group ``hocphi.paid_senders`` named as the channel: a function
``send(phone: str, text: str, cause: str) -> str | None`` that hands one message to a provider and gives None, or a
short code why not. ``cause`` is the same for the same message: a provider that takes one folds a message sent twice.
No sender comes with hocphi: each needs a contract, and a template that the provider has approved.
"""

from collections.abc import Callable
from functools import cache
from importlib.metadata import entry_points

GROUP = "hocphi.paid_senders"
Sender = Callable[[str, str, str], str | None]


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
