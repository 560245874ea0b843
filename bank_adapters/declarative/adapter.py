"""The one adapter behind all data files: the names of `bank_adapters.contract.Adapter`, filled from a file."""

from collections.abc import Mapping, Sequence
from typing import Final

from bank_adapters.contract import (
    INTERFACE,
    Answer,
    BankTransaction,
    MalformedCallbackError,
    Now,
    Outcome,
    Reason,
    Request,
    Secrets,
    Verdict,
)
from bank_adapters.declarative.answering import Reply, read_answers, reply
from bank_adapters.declarative.places import MessageRule, Place, Received, read_place
from bank_adapters.declarative.reading import Table, fault, read_toml
from bank_adapters.declarative.signing import Signature, read_signature
from bank_adapters.declarative.transactions import Codes, TransactionRule, read_codes, read_transaction

HEADINGS: Final = {
    "authentication": "Authentication",
    "retries": "Retries",
    "idempotency_key": "Idempotency key",
    "amount_format": "Amount format",
    "time_zone": "Time zone",
    "source": "Source",
}
CERTIFIED: Final = "certified_by_the_bank"


class DeclarativeAdapter:
    """A sender that is described by a data file; see docs/declarative-senders.md."""

    def __init__(self, text: str, file: str) -> None:
        """Read the file's text; raises BrokenAdapterError naming the place of every fault."""
        root = read_toml(text, file)
        self.INTERFACE = root.whole("interface", 0, INTERFACE, INTERFACE)
        self.NAME = root.text("name")
        self.__doc__ = _read_about(self.NAME, root.text("sender"), root.table("about"))
        self.SECRET_FIELDS, self.SECRET_CHOICES = _read_secrets(root.table("secrets"))
        message = root.table("message")
        self.rule = _read_rule(message)
        self._only = tuple(_read_only(one) for one in message.tables("only"))
        self.ROUTES: Mapping[str, str] = dict.fromkeys(message.texts("paths", ("",)), "notify")
        message.done()
        self.BATCH = bool(self.rule.items)
        self._signatures = _read_signatures(root, self)
        self.UNSIGNED = {name: proof.unsigned for proof in self._signatures for name in proof.secrets if proof.unsigned}
        self._transaction: TransactionRule = read_transaction(
            root.table("transaction"), self._signatures, batch=self.BATCH
        )
        self._replies: Mapping[Outcome, Reply] = read_answers(root.table("answers"))
        root.done()

    def __repr__(self) -> str:
        """For people who look at a list of adapters."""
        return f"<DeclarativeAdapter {self.NAME}>"

    def authenticate(self, request: Request, secrets: Secrets, now: Now) -> Verdict:
        """Accept what satisfies one whole secret mapping: every proof whose secrets it holds. Raises nothing."""
        usable = [(mapping, proofs) for mapping in secrets if (proofs := self._proofs(mapping))]
        if not usable:
            return Verdict(valid=False, reason=Reason.unconfigured)
        received = Received(request, self.rule)
        verdict = Verdict(valid=False, reason=Reason.malformed)
        try:
            for mapping, proofs in usable:
                verdicts = [proof.verify(received, mapping, now) for proof in proofs]
                verdict = next((one for one in verdicts if not one.valid), verdicts[0])
                if verdict.valid or verdict.reason is Reason.stale:
                    return verdict
        except MalformedCallbackError:
            return Verdict(valid=False, reason=Reason.malformed)
        return verdict

    def parse(self, request: Request, secrets: Secrets) -> list[BankTransaction]:
        """Read the transactions; messages about something else give none. Raises MalformedCallbackError."""
        received = Received(request, self.rule)
        document = received.document
        if any(codes.meaning(received, document) == "other" for codes in self._only):
            return []
        signing = [proof for proof in self._signatures if proof.signs]
        for proof in signing:
            proof.text.require_one_reading(received)
        signed = signing[0] if signing else None
        return [self._transaction.read(received, item, signed) for item in received.items]

    def acknowledge(self, request: Request, outcomes: Sequence[Outcome], secrets: Secrets, now: Now) -> Answer:
        """The answer that the file names for the gravest outcome. Raises nothing."""
        return reply(self._replies, outcomes).answer(Received(request, self.rule))

    def _proofs(self, mapping: Mapping[str, str]) -> list[Signature]:
        """What this mapping can prove; none where a proof that it holds secrets for is unusable."""
        held = [proof for proof in self._signatures if all(mapping.get(name) for name in proof.secrets)]
        return held if all(proof.usable(mapping) for proof in held) else []


def _read_about(name: str, sender: str, table: Table) -> str:
    """The same table that every adapter module has at its head."""
    lines = [f"{heading:<17} {' '.join(table.text(key).split())}" for key, heading in HEADINGS.items()]
    certified = table.text(CERTIFIED)
    table.done()
    return "\n".join(
        [f"{sender} (data file of the adapter {name}).", "", *lines, f"Certified by the bank: {certified}"]
    )


def _read_secrets(table: Table) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """Names of the secrets, and the sets of which one must be complete (by default all together)."""
    names = table.texts("fields")
    choices = table.value("choices", [list(names)])
    if not names or not isinstance(choices, list) or not choices:
        fault(table.where(), "name at least one secret.")
    for choice in choices:
        if not isinstance(choice, list) or not choice or not set(choice) <= set(names):
            fault(table.where("choices"), f"write lists of the fields {', '.join(names)}.")
    table.done()
    return names, tuple(tuple(choice) for choice in choices)


def _read_rule(table: Table) -> MessageRule:
    written = table.text("from", "body")
    place: Place | None = None
    if written not in {"body", "form", "query"}:
        place = read_place(written, table.where("from"))
        if place.kind not in {"form", "query", "header"}:
            fault(table.where("from"), "write body, form, query, form:FIELD, query:FIELD or header:NAME.")
    is_base64 = table.choice("encoding", ("none", "base64"), "none") == "base64"
    if is_base64 and written in {"form", "query"}:
        fault(table.where("encoding"), f"name the field that holds the base64: {written}:FIELD.")
    return MessageRule("place" if place else written, place, is_base64, table.text("list", ""))


def _read_only(table: Table) -> Codes:
    codes = read_codes(table, ("values",), "other")
    table.done()
    return codes


def _read_signatures(root: Table, adapter: DeclarativeAdapter) -> tuple[Signature, ...]:
    names = set(adapter.SECRET_FIELDS)
    where = root.where("[signature]")
    found = tuple(read_signature(one, adapter.rule) for one in root.tables("signature"))
    if not found:
        fault(where, "is missing: nobody may be believed without a proof.")
    used = frozenset().union(*(signature.secrets for signature in found))
    if unknown := sorted(used - names):
        fault(where, f"the secret {unknown[0]!r} is not among the fields of [secrets].")
    if idle := sorted(names - used):
        fault(root.where("[secrets]"), f"the secret {idle[0]!r} proves nothing: no [signature] uses it.")
    for choice in adapter.SECRET_CHOICES:
        if not any(signature.secrets <= set(choice) for signature in found):
            fault(root.where("[secrets]"), f"with {', '.join(choice)} alone no [signature] could be checked.")
    return found
