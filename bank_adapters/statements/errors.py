"""The one error of the file readers: what is wrong, where it stands, and the way out, in two languages."""

from bank_adapters.errors import AdapterError


class StatementError(AdapterError):
    """A file, or a place in it, that cannot be read; nothing of the file may then be imported.

    `code` is closed (see CODES), `place` names line, row and column or the XML path, `vi` and `en` are
    sentences for a person. `others` holds further places of the same file, so that one look shows them all.
    """

    CODES = frozenset(
        {
            "too_large",
            "bad_container",
            "zip_bomb",
            "encrypted",
            "bad_encoding",
            "bad_xml",
            "doctype",
            "unknown_format",
            "unknown_layout",
            "no_header",
            "missing_value",
            "bad_amount",
            "bad_reference",
            "bad_date",
            "bad_currency",
            "bad_structure",
            "formula",
            "too_many_rows",
        }
    )

    def __init__(self, code: str, place: str, vi: str, en: str, others: "tuple[StatementError, ...]" = ()) -> None:
        if code not in self.CODES:
            raise ValueError(f"unknown statement error code {code}")
        super().__init__(f"{code} at {place}: {en}" if place else f"{code}: {en}")
        self.code = code
        self.place = place
        self.vi = vi
        self.en = en
        self.others = others


class Problems:
    """Gathers the bad places of one file, up to a limit that a person can still correct."""

    LIMIT = 1000

    def __init__(self) -> None:
        self.found: list[StatementError] = []

    def add(self, error: StatementError) -> None:
        """Keep an error; beyond the limit the file is refused at once."""
        self.found.append(error)
        if len(self.found) >= self.LIMIT:
            self.raise_if_any()

    def raise_if_any(self) -> None:
        """Raise the first error, with the others attached."""
        if self.found:
            first, *others = self.found
            raise StatementError(first.code, first.place, first.vi, first.en, tuple(others))
