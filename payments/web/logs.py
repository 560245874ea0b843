"""What a log may say of an address: parents' links and the banks' addresses are keys, so their tokens are cut out."""

import logging
import re

from flask import Flask

_TOKEN = re.compile(r"(/(?:p|callbacks)/)[^/\s?\"'\]]+")


def masked(line: str) -> str:
    """The line with «…» in place of each token in a path."""
    return _TOKEN.sub(r"\1…", line)


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
