"""Memos as banks pass them on, with the noise of real transfers, and bank text that holds no reference of ours.

The kinds and their shares are those that other tools were measured with, so figures can be compared: half of the memos
are clean in a bank's wrapper, the others are damaged in one way each. Drawn from a seed; names are invented.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from payments.invoices import reference

SHARES = {
    "clean": 50,
    "lower": 5,
    "blank": 8,
    "separators": 8,
    "truncated": 4,
    "typo": 4,
    "swap": 2,
    "confusable": 3,
    "two_codes": 4,
    "no_code": 7,
    "wrong_amount": 3,
    "paid_again": 2,
}
"""Kind -> how many of a hundred memos."""
LOSSLESS = ("clean", "lower", "blank", "separators", "confusable", "two_codes", "wrong_amount", "paid_again")
"""What names its invoices beyond doubt, whatever it looks like and whatever the amount is."""
DAMAGED = ("truncated", "typo", "swap")
SURNAMES = tuple("NGUYEN TRAN LE PHAM HOANG HUYNH PHAN VU VO DANG BUI DO HO NGO DUONG LY HA MAI".split())  # noqa: SIM905 - reads better
MIDDLE = tuple("VAN THI HUU DUC NGOC MINH THANH QUANG HONG KIM".split())  # noqa: SIM905 - as above
GIVEN = tuple("AN BINH CHI DUNG GIANG HANH HUONG KHOA LAN LINH MAI NAM PHUC PHUONG QUAN SON THAO TRANG TUAN VY".split())  # noqa: SIM905 - as above
WRAPPERS = (
    "{code}",
    "{code} nop tien hoc thang 10",
    "{digits6}.{day}.{clock}.{code}",
    "MBVCB.{digits10}.{digits6}.{code}.CT tu {account} {name} toi {account} TRUONG TIEU HOC MAU",
    "{trace}.{digits5} .{digits6}.{code}",
    "{name} chuyen tien {code} FT{digits14}",
    "SHGD:{digits8}.DD:{day}.BO:{name}.Remark:{code}",
    "CT DEN:{digits12} {code}",
    "IBFT {code} {name} nop hoc phi",
    "SEVQR {code}",
    "{code}-CHUYEN TIEN-OQCH{digits6}-MOMO",
    "{name} {code} GD {digits6}-{day} {clock}",
    "Thanh toan QR {code} {name} lop {grade}",
)
"""Where a reference stands in what banks pass on (facts on reconciliation, section 3)."""
PHRASES = (
    "nop tien hoc thang {month}",
    "HP thang {month} con {name}",
    "hoc phi hk1 chau {name} lop {grade}",
    "NOP HP T{month} {name} {grade}",
    "tien an ban tru {name}",
    "PHU HUYNH {name} DONG TIEN TRUONG",
    "dong quy lop {grade}",
    "hp {year} {name}",
    "HPT{month}{year} {grade} {name}",
    "chuyen tien",
    "HOC PHI {name} SDT {phone}",
    "Nộp tiền học cho cháu {name} lớp {grade}",
    "tien nuoc + BHYT {name} {amount}",
    "MA HS {digits10} {name}",
    "{other} {name}",
    "TT don hang {other}",
    "HP{digits10}",
    "HP {digits6} {digits5}",
    "HS{digits10} nop hp",
    "{prefix}{chars10} nop tien",
    "HP{chars10}",
    "GVCN lop {grade} nop {amount}",
    "MA GD {chars12}",
    "hphp {chars12}",
)
"""What people write where no reference of ours stands; some of it looks like one on purpose."""
NASTY = (
    "",
    " ",
    "HP",
    "HPHPHPHPHPHPHPHPHPHPHPHP",
    "HP0000000000",
    "HP 0 0 0 0 0 0 0 0 0 0",
    "HP1111111111 HP2222222222 HP9999999999",
    "HPABCDEFGHJK",
    "HP-HOC-PHI-THANG-10",
    "HP7K3M9Q2XA",
    "HP7K3M9Q2XA?",
    "7K3M9Q2XAT",
    "H P",
    "HPT10/2025 lop 1A1 Nguyen Ha Phuong 0912345678",
    "020097048809081200152024abcd123456.12345 .123456.HP thang 10",
    "MBVCB.7575327615.426726.HP.CT tu 0011001932418 HOANG PHUC toi 0000000002 TRUONG MAU tai ACB",
    "HP" + "0123456789" * 20,
    "ＨＰ１２３４５６７８９０",
    "HP\u0000\u0001\u00021234567890",
    "<script>HP1234567890</script>",
    "'; DROP TABLE invoice; --HP0000000001",
    "Học phí HÀ PHƯƠNG 10 học sinh",
    "ƯỚC GÌ HP ĐƯỢC MIỄN 100%",
)


@dataclass(frozen=True, slots=True)
class Target:
    """An invoice that may be paid."""

    place: int
    """Which of the caller's invoices."""
    code: str
    amount_vnd: int


@dataclass(frozen=True, slots=True)
class Memo:
    """A transfer, and which invoices it is truly meant for."""

    kind: str
    text: str
    amount_vnd: int
    targets: tuple[Target, ...]
    unchanged: bool = False
    """The damage left the code as it was: two equal neighbours changed places."""


def kinds_of(count: int, chance: random.Random) -> list[str]:
    """As many kinds as memos, in the very shares, shuffled."""
    kinds = [kind for kind, share in SHARES.items() for _ in range(share * count // 100)]
    kinds += ["clean"] * (count - len(kinds))
    chance.shuffle(kinds)
    return kinds


def memos(targets: Sequence[Target], count: int, chance: random.Random) -> list[Memo]:
    """Memos of all kinds, each for invoices of its own; what is paid again was paid by an earlier memo."""
    fresh = iter(chance.sample(list(targets), len(targets)))
    made: list[Memo] = []
    for kind in kinds_of(count, chance):
        made.append(_memo(kind, fresh, made, chance))
    return made


def _memo(kind: str, fresh: Iterator[Target], earlier: Sequence[Memo], chance: random.Random) -> Memo:
    if kind == "paid_again":
        paid = [memo for memo in earlier[-200:] if memo.kind == "clean"]
        target = chance.choice(paid).targets[0] if paid else next(fresh)
        return Memo(kind, wrapped(target.code, chance), target.amount_vnd, (target,))
    target = next(fresh)
    if kind == "two_codes":
        other = next(fresh)
        codes = chance.choice((" ", " va ", ", ", ";", "+", "\n")).join((target.code, other.code))
        return Memo(kind, wrapped(codes, chance), target.amount_vnd + other.amount_vnd, (target, other))
    if kind == "no_code":
        return Memo(kind, bank_text(chance), target.amount_vnd, (target,))
    amount_vnd = target.amount_vnd
    if kind == "wrong_amount":
        amount_vnd += chance.choice((-20_000, -10_000, -5_000, 1_000, 10_000, 50_000, 100_000))
    if kind == "truncated":
        return Memo(kind, _cut(target.code, chance), amount_vnd, (target,))
    code = MANGLERS[kind](target.code, chance) if kind in MANGLERS else target.code
    unchanged = kind in DAMAGED and code == target.code
    return Memo(kind, wrapped(code, chance), amount_vnd, (target,), unchanged)


def wrapped(code: str, chance: random.Random) -> str:
    """A code in what a bank passes on."""
    return _filled(chance.choice(WRAPPERS), chance, code=code)


def bank_text(chance: random.Random) -> str:
    """What a bank passes on where the payer wrote something else: never a reference that exists."""
    return wrapped(_filled(chance.choice(PHRASES), chance), chance)


def _cut(code: str, chance: random.Random) -> str:
    """One to five characters are cut off: by the memo's own end, or by what the bank wrote behind it."""
    left = code[: -chance.randint(1, 5)]
    whole = wrapped("\0", chance)
    before, _, after = whole.partition("\0")
    return before + left if chance.random() < 0.5 else before + left + after


def _blank(code: str, chance: random.Random) -> str:
    """Blanks or line breaks inside, as a line wraps."""
    return _inserted(code, (" ", "\n", "  ", "\r\n"), chance)


def _separated(code: str, chance: random.Random) -> str:
    return _inserted(code, ("-", ".", "/", "_", ",", ":"), chance)


def _inserted(code: str, what: Sequence[str], chance: random.Random) -> str:
    places = sorted(chance.sample(range(1, len(code)), chance.randint(1, 3)), reverse=True)
    for place in places:
        code = code[:place] + chance.choice(what) + code[place:]
    return code


def _mistyped(code: str, chance: random.Random) -> str:
    """One wrong letter or digit, that no reading takes for the right one."""
    place = chance.randrange(len(code))
    alike = {"0": "0O", "1": "1IL"}.get(code[place], code[place])
    wrong = [char for char in "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ" if char not in alike]
    return code[:place] + chance.choice(wrong) + code[place + 1 :]


def _swapped(code: str, chance: random.Random) -> str:
    place = chance.randrange(len(code) - 1)
    return code[:place] + code[place + 1] + code[place] + code[place + 2 :]


def _confused(code: str, chance: random.Random) -> str:
    """O for 0, I or L for 1: what people read."""
    return "".join({"0": "O", "1": chance.choice("IL")}.get(char, char) for char in code)


MANGLERS = {
    "lower": lambda code, _: code.lower(),
    "blank": _blank,
    "separators": _separated,
    "typo": _mistyped,
    "swap": _swapped,
    "confusable": _confused,
}


def _filled(pattern: str, chance: random.Random, code: str = "") -> str:
    """Fill a pattern with numbers, names and days."""
    return pattern.format_map(_Drawn(chance, code))


class _Drawn(dict[str, str]):
    """What a pattern asks for, drawn when it is asked for; what stands twice is the same twice."""

    def __init__(self, chance: random.Random, code: str) -> None:
        super().__init__(code=code)
        self._chance = chance

    def __missing__(self, name: str) -> str:
        kind = name.rstrip("0123456789")
        self[name] = drawn = DRAWN[kind](self._chance, int(name[len(kind) :] or 0))
        return drawn


def _chars(chance: random.Random, alphabet: str, count: int) -> str:
    return "".join(chance.choices(alphabet, k=count))


DIGITS, LETTERS = "0123456789", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
DRAWN: dict[str, Callable[[random.Random, int], str]] = {
    "name": lambda chance, _: f"{chance.choice(SURNAMES)} {chance.choice(MIDDLE)} {chance.choice(GIVEN)}",
    "grade": lambda chance, _: f"{chance.randint(1, 12)}{chance.choice('ABCDE')}{chance.randint(1, 9)}",
    "month": lambda chance, _: f"{chance.randint(1, 12)}",
    "year": lambda chance, _: f"202{chance.randint(4, 6)}",
    "amount": lambda chance, _: f"{chance.randint(50, 3000)}000",
    "phone": lambda chance, _: f"0{_chars(chance, DIGITS, 9)}",
    "day": lambda chance, _: f"{chance.randint(1, 28):02d}{chance.randint(1, 12):02d}25",
    "clock": lambda chance, _: f"{chance.randint(0, 23):02d}{chance.randint(0, 59):02d}{chance.randint(0, 59):02d}",
    "account": lambda chance, _: _chars(chance, DIGITS, chance.choice((10, 12, 13))),
    "trace": lambda chance, _: _chars(chance, "0123456789abcdef", 20),
    "prefix": lambda chance, _: _chars(chance, LETTERS, 2),
    "other": lambda chance, _: f"DH{_chars(chance, DIGITS, 10)}",
    "digits": lambda chance, count: _chars(chance, DIGITS, count),
    "chars": lambda chance, count: _chars(chance, DIGITS + LETTERS, count),
}


def references_by_chance(texts: Sequence[str]) -> int:
    """How many references of valid form bank text holds by chance: the check character lets one in 37 through."""
    return sum(len(found.split()) for found in reference.find_each(texts))
