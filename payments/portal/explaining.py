"""How an amount came about, in a parent's words: «22 ngày × 30.000 − 2 ngày nghỉ × 30.000»; pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from payments.fees.terms import RELIEF_WORDS, UNIT_WORDS, ReliefKind, Unit
from payments.i18n import Text
from payments.money import format_number

DAYS_OFF = Text("ngày nghỉ", "absent days")
REDUCED = Text("miễn, giảm theo quy định", "reduction")
FREE_AMOUNT = Text("số tiền gia đình tự chọn", "an amount of the family's choice")


def arithmetic(
    *, unit: Unit, quantity: int, unit_price_vnd: int, planned: int | None, relief_vnd: int, relief_kind: str | None
) -> Text:
    """The sum behind a line: what everybody of the round gets, less what this pupil does not, less a reduction.

    ``planned``: the round's quantity; the pupil's own ``quantity`` is another one where days were missed.
    """
    if unit is Unit.FREE_AMOUNT:
        return FREE_AMOUNT
    words, price = UNIT_WORDS[unit], format_number(unit_price_vnd)
    whole = max(planned or 0, quantity)
    vi, en = (f"{word} × {price}" for word in _counted(whole, words))
    if whole > quantity:
        less = _counted(whole - quantity, DAYS_OFF if unit is Unit.DAY else words)
        vi, en = f"{vi} − {less.vi} × {price}", f"{en} − {less.en} × {price}"
    if relief_vnd:
        taken, why = format_number(relief_vnd), _why(relief_kind)
        vi, en = f"{vi} − {taken} ({why.vi})", f"{en} − {taken} ({why.en})"
    return Text(vi, en)


def _counted(count: int, words: Text) -> Text:
    """«1 tiết», "1 period"."""
    number, one = format_number(count), words.en.removesuffix("s")
    return Text(f"{number} {words.vi}", f"{number} {one if count == 1 else words.en}")


def _why(kind: str | None) -> Text:
    return REDUCED if kind is None else RELIEF_WORDS[ReliefKind(kind)]


@dataclass(frozen=True, slots=True)
class Change:
    """A fee item that a later notice asks for otherwise; None: it is not on that notice."""

    name: str
    before_vnd: int | None
    after_vnd: int | None


def changes(before: Mapping[str, int], after: Mapping[str, int]) -> list[Change]:
    """What a notice asks for otherwise than the one that it stands for; both as fee item -> đồng."""
    names = {**before, **after}
    return [Change(name, before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name)]
