"""Two languages, Vietnamese first: the language of a request and pairs of sentences."""

from typing import Literal, NamedTuple

Language = Literal["vi", "en"]


class Text(NamedTuple):
    """One sentence in both languages."""

    vi: str
    en: str

    def in_(self, language: Language) -> str:
        """The sentence in the language asked for."""
        return self.en if language == "en" else self.vi


def pick_language(asked: str | None) -> Language:
    """The page language: English only when asked for by name, else Vietnamese."""
    return "en" if asked == "en" else "vi"
