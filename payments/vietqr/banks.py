"""The registry of banks: keyed by BIN, found by code, name or former name, updated from a file with a diff.

Short codes are no keys: two public lists disagree on thirteen of them, and «BVB» is two banks. Any BIN can
receive; one that is missing here is a warning, not an error.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, fields
from difflib import get_close_matches

from payments.errors import DomainError
from payments.vietqr.text import to_ascii

_KEY_NOISE = re.compile(r"[^A-Z0-9]+")
_COMMENT = re.compile(r"\((?:now|renamed)\b[^)]*\)")
_LEGAL_FORM = re.compile("^(NGANHANG|NH)(THUONGMAI|TM)?(COPHAN|CP|TNHHMTV|TNHH)?")
_NAME_SEPARATORS = re.compile(r"[/();]")


@dataclass(frozen=True)
class Bank:
    """One row of the list; texts are empty where nothing is known.

    ``code_npm`` is the code of the second public list. ``deeplink_autofill_since`` is the date from which
    the app fills in a transfer that a link describes.
    """

    bin: str
    code: str
    code_npm: str
    short_name: str
    name: str
    swift: str
    former_names: str
    deeplink_app: str
    deeplink_autofill_since: str
    android_package: str
    ios_app_store: str
    note: str

    def aliases(self) -> set[str]:
        """Everything this bank is called, folded to upper-case letters and digits."""
        former = _NAME_SEPARATORS.split(_COMMENT.sub("", self.former_names))
        names = (self.bin, self.code, self.code_npm, self.short_name, self.name, self.swift, *former)
        return {key for name in names if (key := _fold(name))} | {_proper_part(_fold(self.name))}


COLUMNS = tuple(column.name for column in fields(Bank))


class UnknownBankError(DomainError):
    """No bank is called so; the sentence offers near ones."""

    def __init__(self, asked: str, near: Iterable[str]) -> None:
        hint = ", ".join(near)
        super().__init__(
            "unknown_bank",
            f"Không tìm thấy ngân hàng «{asked}»." + (f" Có phải: {hint}?" if hint else " Hãy dùng mã BIN 6 chữ số."),
            f"No bank is called «{asked}»." + (f" Did you mean: {hint}?" if hint else " Use the 6-digit BIN."),
        )


class AmbiguousBankError(DomainError):
    """Several banks are called so; ``banks`` lists them all and a person chooses by BIN."""

    def __init__(self, asked: str, banks: tuple[Bank, ...]) -> None:
        choice = ", ".join(f"{bank.short_name} ({bank.bin})" for bank in banks)
        super().__init__(
            "ambiguous_bank",
            f"«{asked}» là tên của nhiều ngân hàng: {choice}. Hãy dùng mã BIN.",
            f"«{asked}» names several banks: {choice}. Use the BIN.",
        )
        self.banks = banks


@dataclass(frozen=True)
class FieldChange:
    """One cell that differs between two lists."""

    bin: str
    column: str
    before: str
    after: str


@dataclass(frozen=True)
class RegistryDiff:
    """What replacing one list by another would do; shown to a person before it is done."""

    added: tuple[Bank, ...]
    removed: tuple[Bank, ...]
    changed: tuple[FieldChange, ...]


class Registry:
    """An immutable list of banks with look-ups."""

    def __init__(self, banks: Iterable[Bank]) -> None:
        self._by_bin: dict[str, Bank] = {bank.bin: bank for bank in banks}
        self._by_alias: dict[str, list[Bank]] = {}
        for bank in self._by_bin.values():
            for alias in bank.aliases():
                self._by_alias.setdefault(alias, []).append(bank)

    @property
    def banks(self) -> tuple[Bank, ...]:
        """All banks, in the order of the file."""
        return tuple(self._by_bin.values())

    def by_bin(self, bin_: str) -> Bank | None:
        """The bank with this BIN; None is a reason to warn, not to refuse."""
        return self._by_bin.get(bin_)

    def lookup(self, text: str) -> Bank:
        """The one bank of this BIN, code, SWIFT code or present or former name; case and diacritics do not matter.

        Raises UnknownBankError or AmbiguousBankError.
        """
        key = _fold(text)
        found = self._by_alias.get(key) or self._by_alias.get(_proper_part(key), [])
        if len(found) > 1:
            raise AmbiguousBankError(text, tuple(found))
        if not found:
            near = get_close_matches(key, self._by_alias, n=3)
            raise UnknownBankError(text, dict.fromkeys(self._by_alias[alias][0].short_name for alias in near))
        return found[0]

    def search(self, text: str) -> list[Bank]:
        """All banks with a name that contains the text, for a list to choose from."""
        key = _fold(text)
        if text and not key:
            return []
        return [bank for bank in self.banks if any(key in alias for alias in bank.aliases())]


def diff(before: Registry, after: Registry) -> RegistryDiff:
    """What would change if ``after`` replaced ``before``."""
    return RegistryDiff(
        added=tuple(bank for bank in after.banks if before.by_bin(bank.bin) is None),
        removed=tuple(bank for bank in before.banks if after.by_bin(bank.bin) is None),
        changed=tuple(
            FieldChange(bank.bin, column, getattr(old, column), getattr(bank, column))
            for bank in after.banks
            if (old := before.by_bin(bank.bin)) is not None
            for column in COLUMNS
            if getattr(old, column) != getattr(bank, column)
        ),
    )


def _fold(text: str) -> str:
    return _KEY_NOISE.sub("", to_ascii(text).upper())


def _proper_part(key: str) -> str:
    """A folded name without the legal form: «Ngân hàng TMCP Á Châu» -> ACHAU."""
    return _LEGAL_FORM.sub("", key).removesuffix("VIETNAM")
