"""What may be shown of a request: by default nothing but facts about money, times and ids; secrets never. Pure.

Whatever is not known to be harmless is masked, so a field that a sender adds tomorrow is masked too. «Opened» is the
operator's explicit, recorded step: then only secrets and signatures stay masked.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import parse_qsl

from bank_adapters.contract import Request
from payments.invoices import reference

MASK: Final = "•••"
SHORTEST_SECRET: Final = 6
"""Shorter values are no keys (a duplicate code, say), and masking them would blank half the text."""
_PLAIN_LENGTH: Final = 64
_PLAIN_TEXT: Final = re.compile(r"[\w.:,+/|-]*|[\d.:/-]+ [\d.:/+-]+", re.ASCII)
"""One word, or a day and a time: a person's name has several words."""
_PLAIN_PATH: Final = re.compile(r"[A-Za-z0-9_/-]{0,64}", re.ASCII)

_SECRET: Final = re.compile(
    r"sign|hash|checksum|secret|token|passw|^pass$|^pwd$|auth|cookie|apikey|accesskey|privatekey|credential|^key$"
    r"|mac$|jws|jwt|certificate"
)
_HEADERS: Final = frozenset(
    {
        *("accept", "accept-encoding", "connection", "content-digest", "content-encoding", "content-length"),
        *("content-type", "date", "host", "transfer-encoding", "user-agent"),
        *("webhook-id", "webhook-timestamp", "x-request-timestamp", "x-sepay-timestamp"),
    }
)
FACTS: Final = frozenset(
    {
        # money
        *("amount", "amountin", "amountout", "currency", "currencycode", "debitamount", "realamount", "orderamount"),
        *("ordercurrency", "totalamount", "transactionamount", "transactioncurrency", "transferamount", "vnpamount"),
        # time
        *(
            "apptime",
            "createdat",
            "occurredat",
            "paydate",
            "responsetime",
            "servertime",
            "timestamp",
            "transactiondate",
        ),
        *("transactiondatetime", "transactiontime", "transdate", "transtime", "valuedate", "vnppaydate", "when"),
        # what kind of message, and what became of it
        *("bankabbreviation", "bankname", "channel", "channelid", "error", "errorcode", "gateway", "msgtype"),
        *("notificationtype", "orderstatus", "ordertype", "paymentmethod", "paytype", "respcode"),
        *(
            "resultcode",
            "success",
            "transactionstatus",
            "transactiontype",
            "transfertype",
            "transtype",
            "type",
            "version",
        ),
        *("vnpbankcode", "vnpcardtype", "vnpresponsecode", "vnptransactionstatus"),
    }
)
"""Fields that say how much, when and what kind: harmless by themselves."""
IDS: Final = frozenset(
    {
        *("apptransid", "bankreference", "banktransid", "billid", "billnumber", "ftcode", "id", "merchantid", "msgid"),
        *("ordercode", "orderid", "orderinvoicenumber", "paymentlinkid", "providerid", "reference", "referencecode"),
        *("referenceid", "referencenumber", "requestid", "serviceid", "tid", "tracetransfer", "transactionid"),
        *("transactionnumber", "transid", "txnid", "vnpbanktranno", "vnptransactionno", "vnptxnref", "zptransid"),
    }
)
"""Ids of a transaction and of what it pays: shown to whoever may see the delivery, never carried out of the house."""


class Number(str):
    """The text of a JSON number, as it was sent."""

    __slots__ = ()


class Pairs(list[tuple[str, Any]]):
    """A JSON object with every pair that was sent, repeated names too."""


def is_secret(name: str) -> bool:
    """Whether a header or field carries a secret or a signature, by its name."""
    return _SECRET.search(folded(name)) is not None


def is_plain(value: str) -> bool:
    """Whether a value is a number, a code or a moment, not a sentence."""
    return len(value) <= _PLAIN_LENGTH and _PLAIN_TEXT.fullmatch(value) is not None


def shown_path(request: Request, *, opened: bool) -> str:
    """What follows the token, unless it is no path that an adapter could have."""
    return request.path if opened or _PLAIN_PATH.fullmatch(request.path) else MASK


def shown_headers(request: Request, secrets: Iterable[str], *, opened: bool) -> list[tuple[str, str]]:
    """Header names with what may be shown of their values."""
    values = known_secrets(secrets)
    return [
        (name, without(value, values) if not is_secret(name) and (opened or name in _HEADERS) else MASK)
        for name, value in sorted(request.headers.items())
    ]


def shown_query(request: Request, secrets: Iterable[str], *, opened: bool) -> str:
    """The query, one name a line; empty when there is none."""
    return without(_form(request.query, opened=opened), known_secrets(secrets)) if request.query else ""


def shown_body(request: Request, secrets: Iterable[str], *, opened: bool) -> str:
    """The body as JSON with one field a line, or as a form; what is neither is hidden until it is opened."""
    if not request.body:
        return ""
    text = request.body.decode("utf-8", "replace")
    return without(_body(text, request.header("content-type"), opened=opened), known_secrets(secrets))


def known_secrets(secrets: Iterable[str]) -> tuple[str, ...]:
    """Values to mask wherever they stand, longest first."""
    return tuple(sorted({value for value in secrets if len(value) >= SHORTEST_SECRET}, key=lambda one: -len(one)))


def secret_values(mappings: Sequence[Mapping[str, str]]) -> list[str]:
    """Every value of a connection's live secrets."""
    return [value for mapping in mappings for value in mapping.values()]


def without(text: str, secrets: Sequence[str]) -> str:
    """The text with each of the secrets masked."""
    for value in secrets:
        text = text.replace(value, MASK)
    return text


def _body(text: str, content_type: str, *, opened: bool) -> str:
    document = document_in(text)
    if document is not None:
        return _render(document, "", opened=opened)
    if "form" in content_type and "multipart" not in content_type:
        return _form(text, opened=opened)
    return text if opened else MASK


def document_in(text: str) -> Any:
    """The JSON of a text with numbers as they were written, None where there is none."""
    try:
        return json.loads(text, parse_int=Number, parse_float=Number, object_pairs_hook=Pairs)
    except (ValueError, RecursionError):
        return None


def _form(text: str, *, opened: bool) -> str:
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=200)
    except ValueError:
        return MASK
    return "\n".join(f"{name} = {_leaf(name, value, opened=opened)}" for name, value in pairs)


def _render(value: Any, name: str, margin: str = "", *, opened: bool) -> str:
    deeper = margin + "  "
    if isinstance(value, Pairs):
        lines = [f"{deeper}{_quoted(key)}: {_render(one, key, deeper, opened=opened)}" for key, one in value]
        return "{\n" + ",\n".join(lines) + f"\n{margin}}}" if lines else "{}"
    if isinstance(value, list):
        lines = [deeper + _render(one, name, deeper, opened=opened) for one in value]
        return "[\n" + ",\n".join(lines) + f"\n{margin}]" if lines else "[]"
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    shown = _leaf(name, value, opened=opened)
    return shown if isinstance(value, Number) and shown == value else _quoted(shown)


def _leaf(name: str, value: str, *, opened: bool) -> str:
    if not value:
        return ""
    if is_secret(name):
        return MASK
    inner = document_in(value) if value.startswith("{") and not isinstance(value, Number) else None
    if inner is not None:  # ZaloPay's «data» is a document within a text
        return _render(inner, name, opened=opened)
    if opened or (folded(name) in FACTS | IDS and is_plain(value)):
        return value
    found = reference.find(value)
    return " ".join([MASK, *found, MASK]) if found else MASK


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def folded(name: str) -> str:
    """A field's name without case and punctuation: ``vnp_TxnRef`` -> vnptxnref."""
    return "".join(letter for letter in name.lower() if letter.isalnum())
