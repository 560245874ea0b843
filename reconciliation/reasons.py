"""Why facts stand together, in plain Vietnamese: the stored grounds of an item as sentences."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from payments.money import format_number
from reconciliation import grounds
from reconciliation.words import RULES

Ground = Mapping[str, Any]
SIDES = {
    grounds.MONEY: "Sao kê – báo có",
    grounds.BOOKS: "Sổ kế toán",
    grounds.BANK: "Sao kê",
    grounds.GATEWAY: "Báo có",
    grounds.LEDGER: "Sổ kế toán",
}
FEES = {"stated": "dòng sao kê ghi rõ", "tariff": "theo biểu phí", "payout": "theo lô quyết toán"}
RULES_SHOWN = (*RULES, grounds.PERSON)


def why_vi(found: Iterable[Ground]) -> str:
    """All grounds of an item: «Sao kê – báo có: cùng số tham chiếu ngân hàng FT1 và số tiền 500.000 đồng (T0). …»."""
    return " ".join(f"{SIDES[one['between']]}: {HOW[one['how']](one)}{_tier(one)}." for one in found)


def _tier(one: Ground) -> str:
    return f" ({one['rule']})" if one["rule"] in RULES else ""


def _money(one: Ground, name: str = "amount_vnd") -> str:
    return f"{format_number(one.get(name, 0))} đồng"


def _shared(one: Ground) -> list[str]:
    """What both sides name."""
    number, names = one.get("number"), one.get("names", ())
    return [f"số tham chiếu ngân hàng {number}"] * bool(number) + [f"mã thanh toán {', '.join(names)}"] * bool(names)


def _days(one: Ground) -> str:
    days = one.get("days", 0)
    return f", {'sau' if days > 0 else 'trước'} {abs(days)} ngày" if days else ""


def _same(one: Ground) -> str:
    return f"cùng {' và '.join([*_shared(one), f'số tiền {_money(one)}'])}{_days(one)}"


def _only(one: Ground) -> str:
    return f"khoản duy nhất cùng số tiền {_money(one)} trong những ngày đó{_days(one)}"


def _alike(one: Ground) -> str:
    return f"các khoản giống nhau cùng số tiền {_money(one)}, ghép khoản nào cũng như nhau{_days(one)}"


def _attached(one: Ground) -> str:
    return f"đã gắn vào một giao dịch ngân hàng; {_same(one)}"


def _batch(one: Ground) -> str:
    fee = f", trừ phí {_money(one, 'fee_vnd')} ({FEES[one['fee_by']]})" if one.get("fee_vnd") else ""
    names = f", nêu mã {', '.join(one['names'])}" if one.get("names") else ""
    return f"một dòng cho {_several(one) - 1} khoản, cộng {_money(one)}{fee}{names}"


def _payout(one: Ground) -> str:
    fee = f", trừ phí {_money(one, 'fee_vnd')}" if one.get("fee_vnd") else ""
    return f"lô quyết toán của trung gian, cộng {_money(one)}{fee}"


def _parts(one: Ground) -> str:
    names = f" cùng mã {', '.join(one['names'])}" if one.get("names") else ""
    return f"{_several(one) - 1} phần{names} cộng thành {_money(one)}"


def _sum(one: Ground) -> str:
    return f"một dòng nêu mã {', '.join(one.get('names', ()))} cho {_several(one) - 1} khoản, cộng {_money(one)}"


def _day_total(one: Ground) -> str:
    return f"ghi gộp theo ngày, {_several(one)} dòng, cộng {_money(one)}"


def _decided(one: Ground) -> str:
    return f"ghép tay theo quyết định số {one['decision']}, {_several(one)} dòng"


def _differs(one: Ground) -> str:
    return f"cùng {' và '.join(_shared(one)) or 'khoản'} nhưng khác số tiền"


def _tie(one: Ground) -> str:
    return f"{_several(one)} dòng đều có thể, không có căn cứ để chọn"


def _again(one: Ground) -> str:
    shared = " và ".join(_shared(one))
    return f"ghi lại lần nữa{f' {shared}' if shared else ''}"


def _several(one: Ground) -> int:
    return int(one.get("facts", 2))


HOW: Mapping[str, Callable[[Ground], str]] = {
    grounds.NUMBER: _same,
    grounds.NAMES: _same,
    grounds.ONLY: _only,
    grounds.ALIKE: _alike,
    grounds.ATTACHED: _attached,
    grounds.BATCH: _batch,
    grounds.PAYOUT: _payout,
    grounds.PARTS: _parts,
    grounds.SUM: _sum,
    grounds.DAY_TOTAL: _day_total,
    grounds.DECIDED: _decided,
    grounds.DIFFERS: _differs,
    grounds.TIE: _tie,
    grounds.AGAIN: _again,
}
