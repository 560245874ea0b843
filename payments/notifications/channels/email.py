"""E-mail by SMTP: free of charge, the first channel (facts: domain M28)."""

import smtplib
import ssl
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

TIMEOUT_S = 15


def send(smtp_url: str, sender: str, recipient: str, subject: str, body: str) -> str | None:
    """Send one message; None when the server took it, else a reason without addresses or texts.

    ``smtp_url``: ``smtp://host:port`` (STARTTLS when offered), ``smtps://…``; user and password may stand in it.
    """
    address = urlsplit(smtp_url)
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, recipient, subject
    message.set_content(body)
    try:
        with _connect(address.scheme, address.hostname or "localhost", address.port) as server:
            if address.username:
                server.login(unquote(address.username), unquote(address.password or ""))
            server.send_message(message)
    except smtplib.SMTPResponseException as error:
        return f"smtp_{error.smtp_code}"
    except (smtplib.SMTPException, OSError) as error:
        return type(error).__name__
    return None


def _connect(scheme: str, host: str, port: int | None) -> smtplib.SMTP:
    context = ssl.create_default_context()
    if scheme == "smtps":
        return smtplib.SMTP_SSL(host, port or 465, timeout=TIMEOUT_S, context=context)
    server = smtplib.SMTP(host, port or 25, timeout=TIMEOUT_S)
    server.ehlo()
    if server.has_extn("starttls"):
        server.starttls(context=context)
        server.ehlo()
    return server
