"""The closed family of errors this package raises; `bank_adapters.contract` exports them all.

Sentences name the place and the way out and never repeat what a sender wrote: a callback holds personal data.
"""

from typing import Final


class AdapterError(Exception):
    """Base of every error of this package."""

    code: str = "adapter_error"


class MalformedCallbackError(AdapterError, ValueError):
    """What arrived cannot be read: `code` says how, `where` names the field or the body.

    `outcome` is the value of the Outcome to answer with, where the sender's table has a finer word than «malformed».
    """

    def __init__(self, code: str, where: str = "body", sentence: str = "", *, outcome: str = "malformed") -> None:
        self.code = code
        self.where: Final = where
        self.outcome: Final = outcome
        super().__init__(sentence or f"{where}: {code.replace('_', ' ')}")


class PollError(AdapterError):
    """A sender that was asked gave no page: `code` is unauthorised, rate_limited, sender_failed, refused or garbage.

    `retry_after_s`: how many seconds it wants to be left alone, where it says so.
    """

    def __init__(self, code: str, retry_after_s: float | None = None) -> None:
        self.code = code
        self.retry_after_s: Final = retry_after_s
        super().__init__(code)


class UnknownAdapterError(AdapterError, LookupError):
    """No adapter of that name is installed and allowed."""

    code = "unknown_adapter"


class DuplicateAdapterError(AdapterError):
    """Two plug-ins claim one name: nothing may start, since evidence could be read by the wrong one."""

    code = "duplicate_adapter"


class BrokenAdapterError(AdapterError):
    """A plug-in cannot be loaded or does not keep the contract."""

    code = "broken_adapter"


class OrderRefusedError(AdapterError):
    """A payment service refuses an order: `code` is ours, `said` the sender's own code (never its sentence)."""

    code = "order_refused"

    def __init__(self, said: str = "") -> None:
        self.said: Final = said if len(said) <= 32 and said.isprintable() else ""
        super().__init__(f"The service refuses the order ({self.said or 'no code'}).")
