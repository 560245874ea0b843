"""What payers and banks make of a memo: the texts in which a reference must be found again, or must not be invented."""

import random
from collections.abc import Sequence

from payments.invoices import reference
from payments.schools.rules import search_key

LOOKS_LIKE = {"5": "S", "S": "5", "8": "B", "B": "8", "2": "Z", "Z": "2", "6": "G", "G": "6"}
"""Characters that people take for each other; all of them are in the alphabet, so the code is damaged."""
READ_BACK = str.maketrans("01", "OI")
"""Confusions that cost nothing: they are folded when a code is looked for."""
LONGEST = 50
"""Some banks cut a memo here."""

CLEAN = ("{code}", "{code}", "{code}", "{code} hoc phi", "{code} nop tien thang 10")
MANGLED = (
    "{lower} nop tien hoc",
    "{head} {tail} chuyen tien",
    "{head}-{tail}.hoc phi",
    "MBVCB.{serial}.{code}.CT tu {serial} toi tk truong",
    "IBFT {code} nop hoc phi thang 10",
    "CT DEN:{serial} {code} NOP TIEN",
    "{code}-CHUYEN TIEN-OQCH{serial}-MOMO",
    "{confused}",
    "Nop tien hoc thang 10 {head}\n{tail}",
    "Nộp tiền học cho con {code} cảm ơn",
)
NAMELESS = ("nop tien hoc cho con {name}", "{name} dong tien truong", "tien hoc thang 10 {name}")


def clean(code: str, chance: random.Random) -> str:
    """The memo as the QR code carries it, at most with a word of the payer's behind it."""
    return _filled(CLEAN, code, chance)


def mangled(code: str, chance: random.Random) -> str:
    """A memo from which the whole code can still be read."""
    return _filled(MANGLED, code, chance)


def _filled(patterns: Sequence[str], code: str, chance: random.Random) -> str:
    """Fill a pattern; one in which another code could be read by accident is drawn again."""
    while True:
        at = chance.randrange(4, 10)
        memo = chance.choice(patterns).format(
            code=code,
            lower=code.lower(),
            confused=code.translate(READ_BACK),
            head=code[:at],
            tail=code[at:],
            serial=chance.randrange(10**9, 10**10),
        )[:LONGEST]
        if reference.find(memo) == [code]:
            return memo


def nameless(pupil_name: str, chance: random.Random) -> str:
    """A memo without any code: the payer typed something else."""
    return chance.choice(NAMELESS).format(name=search_key(pupil_name))


def damaged(code: str, chance: random.Random) -> str:
    """A memo whose code has one wrong character: no valid reference is left in it."""
    while True:
        at = chance.randrange(2, len(code))
        wrong = LOOKS_LIKE.get(code[at]) or chance.choice(reference.ALPHABET.replace(code[at], ""))
        memo = f"{code[:at]}{wrong}{code[at + 1 :]} nop tien"
        if not reference.find(memo):
            return memo


def for_class(class_name: str, pupils: int) -> str:
    """What a teacher writes who brings the money of several pupils."""
    return f"GVCN lop {search_key(class_name)} nop tien {pupils} hs"


def for_several(codes: Sequence[str]) -> str:
    """One transfer for brothers and sisters."""
    return " ".join(codes)
