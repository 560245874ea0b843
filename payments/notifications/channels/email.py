"""E-mail by SMTP: free of charge, the first channel (facts: domain M28)."""

import smtplib
import ssl
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from types import TracebackType
from typing import Self
from urllib.parse import unquote, urlsplit

from payments.notifications.rules import TAKEN, Fate, Verdict, is_address, letter_refused, recipient_refused

TIMEOUT_S = 15
"""For each step of the dialogue."""
LETTERS_A_LINE = 50
"""Then the connection is made anew: many servers end one that brings more."""


@dataclass(frozen=True, slots=True)
class Letter:
    """What is sent. ``message_id`` is made from the cause, so that a letter sent twice is one for whoever compares."""

    recipient: str
    subject: str
    text: str
    message_id: str
    """Without angle brackets."""
    written_at: datetime
    sender_name: str = ""
    html: str | None = None
    unsubscribe: str | None = None
    """Where the recipient stops such letters, also by one click of the mail program (RFC 8058)."""


def one_line(text: str) -> str:
    """A text fit for a header: line breaks and other control characters become one blank."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def written(letter: Letter, sender: str) -> EmailMessage:
    """The MIME message: UTF-8 in quoted-printable or base64, plain text first, HTML as an alternative."""
    message = EmailMessage(policy=SMTP)
    name, address = parseaddr(sender)
    message["From"] = Address(one_line(letter.sender_name or name), addr_spec=address)
    message["To"] = letter.recipient
    message["Subject"] = one_line(letter.subject)
    message["Date"] = format_datetime(letter.written_at)
    message["Message-ID"] = f"<{letter.message_id}>"
    # RFC 3834: a machine wrote this, so that no holiday reply comes back; Exchange has its own name for it.
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    if letter.unsubscribe:
        message["List-Unsubscribe"] = f"<{letter.unsubscribe}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(letter.text)
    if letter.html:
        message.add_alternative(letter.html, subtype="html")
    return message


class MailServer:
    """A line to the mail server, opened with the first letter and kept for the next ones.

    ``url``: ``smtp://host:port`` (STARTTLS when offered), ``smtps://…``; user and password may stand in it.
    ``bounces_to``: the address that mail servers return undeliverable letters to; the sender's by default.
    """

    def __init__(self, url: str, sender: str, bounces_to: str | None = None) -> None:
        self._address = urlsplit(url)
        self._sender = sender
        self._bounces_to = bounces_to or parseaddr(sender)[1]
        self._line: smtplib.SMTP | None = None
        self._letters = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Say goodbye; a server that is gone already is no fault."""
        line, self._line, self._letters = self._line, None, 0
        if line is not None:
            try:
                line.quit()
            except (smtplib.SMTPException, OSError):
                line.close()

    def deliver(self, letter: Letter) -> Verdict:
        """Hand over one letter and say what the server answered; never raises for what a server can do."""
        if not is_address(letter.recipient):
            return Verdict(Fate.BAD_ADDRESS, "no_address")
        verdict = self._hand_over(letter)
        if verdict.fate is not Fate.TAKEN or self._letters >= LETTERS_A_LINE:
            self.close()  # a dialogue that broke off is not a good start for the next letter
        return verdict

    def _hand_over(self, letter: Letter) -> Verdict:
        try:
            if self._line is None:
                self._line = self._connect()
            self._letters += 1
            self._line.send_message(written(letter, self._sender), self._bounces_to, [letter.recipient])
        except smtplib.SMTPRecipientsRefused as error:
            code, text = error.recipients[letter.recipient]
            return recipient_refused(code, text.decode("utf-8", "replace"))
        except smtplib.SMTPDataError as error:
            return letter_refused(error.smtp_code)
        except smtplib.SMTPNotSupportedError:
            return Verdict(Fate.REFUSED, "not_supported")
        except smtplib.SMTPResponseException as error:
            return Verdict(Fate.AWAY, f"smtp_{error.smtp_code}")  # greeting, log-in, sender: not this letter's fault
        except (smtplib.SMTPException, OSError) as error:
            return Verdict(Fate.AWAY, type(error).__name__)
        return TAKEN

    def _connect(self) -> smtplib.SMTP:
        context = ssl.create_default_context()
        host = self._address.hostname or "localhost"
        if self._address.scheme == "smtps":
            line: smtplib.SMTP = smtplib.SMTP_SSL(host, self._address.port or 465, timeout=TIMEOUT_S, context=context)
        else:
            line = smtplib.SMTP(host, self._address.port or 25, timeout=TIMEOUT_S)
            line.ehlo()
            if line.has_extn("starttls"):
                line.starttls(context=context)
                line.ehlo()
        if self._address.username:
            line.login(unquote(self._address.username), unquote(self._address.password or ""))
        return line
