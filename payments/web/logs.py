"""What a log may say of an address: parents' links, the banks' addresses, receipts' codes and the links that stop
letters are keys, so they are cut out.

So are payment references, which stand in the addresses of pictures: each is one child's.
"""

import logging
import re

from flask import Flask

_TOKEN = re.compile(r"(/(?:p|callbacks|verify|notices/stop)/)[^/\s?\"'\]]+")
_REFERENCE = re.compile(r"\bHP[0-9A-HJKMNP-TV-Z]{10}\b")


def masked(line: str) -> str:
    """The line with «…» in place of each token in a path and of each payment reference."""
    return _REFERENCE.sub("HP…", _TOKEN.sub(r"\1…", line))


class MaskedTokens(logging.Filter):
    """Masks the message of a record; Flask writes the path of every request that fails into it."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Change the record, keep it."""
        record.msg, record.args = masked(record.getMessage()), ()
        return True


_MASK = MaskedTokens()


def install(app: Flask) -> None:
    """Let the application's own log pass through the mask."""
    app.logger.addFilter(_MASK)
