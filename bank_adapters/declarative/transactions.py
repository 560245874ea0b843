"""Which money moved: the tables [transaction] and [message] of a sender's data file."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from bank_adapters import fields
from bank_adapters.contract import BankTransaction, Direction, MalformedCallbackError, Status
from bank_adapters.declarative.places import RECEIPT, Place, Received, identifier, read_place, read_places
from bank_adapters.declarative.reading import Table, fault
from bank_adapters.declarative.signing import Signature

SIGNED_TEXT: Final = "signed_text"
"""As `key`: one signed text is one payment, however its characters are cut into fields."""
SIGN: Final = "sign"

_TEXTS: Final = ("bank_reference", "account_number", "virtual_account", "customer_code", "order_ref")
_PERSON: Final = ("counterparty_name", "counterparty_account", "counterparty_bank")
_OTHERS: Final = (*_TEXTS, *_PERSON, "description", "currency", "value_date", "balance_after")
NAMES: Final = ("id", "amount", "occurred_at", *_OTHERS)
_GROUPED: Final = re.compile(r"[0-9]{1,3}(?:([.,])[0-9]{3}(?:\1[0-9]{3})*)?", re.ASCII)
_PATTERN: Final = {"yyyy": "%Y", "MM": "%m", "dd": "%d", "HH": "%H", "mm": "%M", "ss": "%S"}

_YEARS: Final = range(2000, 2100)

Places = tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Codes:
    """What the values of one place mean; compared without case, an absent value is the empty text."""

    places: Places
    meanings: Mapping[str, str]
    otherwise: str
    """Empty: a value that is not listed makes the request malformed."""

    def meaning(self, received: Received, item: Mapping[str, Any]) -> str:
        """Raises MalformedCallbackError."""
        value = _first(self.places, received, item) or ""
        found = self.meanings.get(value.casefold(), self.otherwise)
        if not found:
            raise MalformedCallbackError("bad_field", str(self.places[0]))
        return found


@dataclass(frozen=True, slots=True)
class TransactionRule:
    """How one item of a message becomes a BankTransaction."""

    places: Mapping[str, Places]
    amount: str
    """How it is written: đồng, hundredths or grouped."""
    direction: Codes | str
    status: tuple[Codes, ...]
    moment_pattern: str
    key: tuple[Places, ...] | None
    """None: the signed text."""

    def read(self, received: Received, item: Mapping[str, Any], signed: Signature | None) -> BankTransaction:
        """One transaction; raises MalformedCallbackError naming the field, never its value."""
        said = {name: _first(places, received, item) for name, places in self.places.items()}
        texts = {name: identifier(name, said.get(name)) for name in _TEXTS}
        fields.require_vnd(said)
        direction, amount_vnd = self._money(received, item, said)
        txn_id = fields.identifier(said, "id")
        return BankTransaction(
            provider_txn_id=txn_id,
            amount_vnd=amount_vnd,
            direction=direction,
            status=self._status(received, item),
            occurred_at=self._moment(received, item),
            value_date=fields.optional_date(said, "value_date"),
            description=fields.free_text(said, "description"),
            counterparty=fields.counterparty(said, *_PERSON),
            balance_after_vnd=fields.balance_vnd(said, "balance_after"),
            dedup_key=self._key(received, item, signed),
            **texts,
        )

    def _money(
        self, received: Received, item: Mapping[str, Any], said: Mapping[str, str | None]
    ) -> tuple[Direction, int]:
        if self.amount == "grouped":
            value = said["amount"] or ""
            if not _GROUPED.fullmatch(value):
                raise MalformedCallbackError("bad_amount", "amount")
            said = {**said, "amount": re.sub("[.,]", "", value)}
        if self.direction == SIGN:
            direction, amount_vnd = fields.signed_amount_vnd(said, "amount")
        else:
            amount_vnd = fields.amount_vnd(said, "amount")
            told = self.direction
            direction = Direction(told.meaning(received, item) if isinstance(told, Codes) else told)
        if self.amount == "hundredths":
            amount_vnd, rest = divmod(amount_vnd, 100)
            if rest or not amount_vnd:
                raise MalformedCallbackError("bad_amount", "amount")
        return direction, amount_vnd

    def _status(self, received: Received, item: Mapping[str, Any]) -> Status:
        """The first rule that says something else than settled counts."""
        said = (Status(codes.meaning(received, item)) for codes in self.status)
        return next((status for status in said if status is not Status.settled), Status.settled)

    def _moment(self, received: Received, item: Mapping[str, Any]) -> datetime:
        for place in self.places["occurred_at"]:
            if place.kind == RECEIPT:
                return fields.moment_of_receipt(received.request)
            value = received.at(place, item)
            if value:
                return self._read_moment(value, str(place))
        raise MalformedCallbackError("missing_field", str(self.places["occurred_at"][0]))

    def _read_moment(self, value: str, name: str) -> datetime:
        if not self.moment_pattern:
            return fields.moment({name: value}, name)
        try:
            local = datetime.strptime(value, self.moment_pattern).replace(tzinfo=fields.VIETNAM)
        except ValueError:
            raise MalformedCallbackError("bad_time", name) from None
        if local.year not in _YEARS:
            raise MalformedCallbackError("bad_time", name)
        return local

    def _key(self, received: Received, item: Mapping[str, Any], signed: Signature | None) -> str:
        if self.key is None:
            assert signed is not None  # noqa: S101 - the reader has seen to it
            return hashlib.sha256(signed.text.key_text(received)).hexdigest()
        parts = [(str(places[0]), _first(places, received, item)) for places in self.key]
        found = [fields.identifier({name: value}, name) for name, value in parts]
        if len(found) == 1:
            return found[0]
        return ":".join(part.replace("%", "%25").replace(":", "%3A") for part in found)


def _first(places: Places, received: Received, item: Mapping[str, Any]) -> str | None:
    """What stands at the first place that is not empty."""
    return next((value for place in places if place.kind != RECEIPT and (value := received.at(place, item))), None)


def read_transaction(table: Table, signatures: Sequence[Signature], *, batch: bool) -> TransactionRule:
    """The table [transaction]; raises BrokenAdapterError."""
    places = {name: read_places(table, name) for name in NAMES}
    for needed in ("id", "amount", "occurred_at", "direction", "key"):
        table.value(needed)
    rule = TransactionRule(
        places=places,
        amount=table.choice("amount_written", ("dong", "hundredths", "grouped"), "dong"),
        direction=_read_direction(table),
        status=tuple(_read_status(one) for one in table.tables("status")),
        moment_pattern=_read_pattern(table),
        key=_read_key(table),
    )
    for name, listed in places.items():
        if name != "occurred_at" and any(place.kind == RECEIPT for place in listed):
            fault(table.where(name), "receipt is a moment: it belongs to occurred_at.")
    _require_signed_key(rule, signatures, table, batch=batch)
    table.done()
    return rule


def _read_direction(table: Table) -> Codes | str:
    if isinstance(table.value("direction"), str):
        return table.choice("direction", ("credit", "debit", SIGN))
    inner = table.table("direction")
    codes = read_codes(inner, ("credit", "debit"), "")
    inner.done()
    return codes


def _read_status(table: Table) -> Codes:
    words = [status.value for status in Status]
    codes = read_codes(table, words, table.choice("otherwise", words))
    table.done()
    return codes


def read_codes(table: Table, words: Sequence[str], otherwise: str) -> Codes:
    """A place and what its values mean; raises BrokenAdapterError."""
    meanings: dict[str, str] = {}
    places = tuple(read_place(one, table.where("from")) for one in table.text("from").split("|"))
    for word in words:
        for value in table.texts(word, ()):
            if meanings.setdefault(value.casefold(), word) != word:
                fault(table.where(word), f"{value!r} cannot mean both {meanings[value.casefold()]} and {word}.")
    if not meanings:
        fault(table.where(), f"say which values mean {' or '.join(words)}.")
    return Codes(places, meanings, otherwise)


def _read_pattern(table: Table) -> str:
    if not table.has("occurred_at_written"):
        return ""
    written = table.text("occurred_at_written")
    pattern = re.sub("yyyy|MM|dd|HH|mm|ss", lambda found: _PATTERN[found[0]], written.replace("%", "%%"))
    if any(pattern.count(_PATTERN[needed]) != 1 for needed in ("yyyy", "MM", "dd")):
        fault(table.where("occurred_at_written"), "write it like dd/MM/yyyy HH:mm:ss, each part once.")
    return pattern


def _read_key(table: Table) -> tuple[Places, ...] | None:
    listed = table.texts("key")
    if listed == (SIGNED_TEXT,):
        return None
    if not listed:
        fault(table.where("key"), "name a field, several fields, or signed_text.")
    return tuple(tuple(read_place(one, table.where("key")) for one in part.split("|")) for part in listed)


def _require_signed_key(rule: TransactionRule, signatures: Sequence[Signature], table: Table, *, batch: bool) -> None:
    """A key from fields that a forger may change would make two payments of one."""
    signing = [signature for signature in signatures if signature.signs]
    if rule.key is None:
        if not signing or batch:
            fault(table.where("key"), "signed_text needs one signed text for each payment.")
        if any(signature.text.joins_headers for signature in signing):
            fault(
                table.where("key"),
                "a header is joined to other values: a retry that is signed anew would be a second payment. Such a "
                "sender needs a module.",
            )
        return
    for signature in signing:
        if signature.text.joins:
            fault(
                table.where("key"),
                "the signed text joins values without anything between them, so characters can move from one field "
                f"to another: write key = {SIGNED_TEXT!r}.",
            )
        needed = [("key", part) for part in rule.key] + [("amount", rule.places["amount"])]
        for name, place in ((name, place) for name, places in needed for place in places):
            if not signature.text.covers(place):
                fault(table.where(name), f"{str(place)!r} is not in the signed text: anybody could change it.")
