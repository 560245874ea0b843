"""VietQR payloads: ours against the fastest Python peer on PyPI and against a bare f-string."""

import time
from binascii import crc_hqx
from collections.abc import Callable, Iterator

from benchmarks.measuring import Results, Run, Sample, alternate
from benchmarks.report import Goal, Table
from payments.invoices import reference
from payments.vietqr import VietQR, encode, encode_transfer

PAYLOADS = 30_000
ACCOUNTS = 300
BIN = "970998"

Encode = Callable[[str, str, int, str], str]


def bare(bin_: str, account: str, amount_vnd: int, memo: str) -> str:
    """The limit: no check of anything, lengths and CRC only."""
    receiver = f"0006{bin_}01{len(account):02d}{account}"
    template = f"0010A00000072701{len(receiver):02d}{receiver}0208QRIBFTTA"
    amount = str(amount_vnd)
    text = (
        f"00020101021238{len(template):02d}{template}530370454{len(amount):02d}{amount}5802VN"
        f"62{len(memo) + 4:02d}08{len(memo):02d}{memo}6304"
    )
    return f"{text}{crc_hqx(text.encode(), 0xFFFF):04X}"


def by_value(bin_: str, account: str, amount_vnd: int, memo: str) -> str:
    """Ours, with a value object for each."""
    return encode(VietQR(bin=bin_, account=account, amount_vnd=amount_vnd, memo=memo))


def transfers() -> Iterator[tuple[str, str, int, str]]:
    """Invoices of a province: few accounts, an own reference and amount each."""
    for number in range(PAYLOADS):
        yield BIN, f"19{number % ACCOUNTS:010d}", 50_000 + number * 1_000, reference.generate()


def peer() -> Encode | None:
    """vnqr, where it is installed."""
    try:
        from vnqr import generate_vietqr_string  # noqa: PLC0415 - an extra of this folder alone
    except ImportError:
        return None
    return generate_vietqr_string  # type: ignore[no-any-return]  # it has no types


def timed(encoder: Encode, wanted: list[tuple[str, str, int, str]]) -> Run:
    def run() -> Sample:
        began = time.process_time()
        for one in wanted:
            encoder(*one)
        return {"rate": len(wanted) / (time.process_time() - began)}

    return run


def run() -> list[Table]:
    """Measure in processor time: one thread, nothing waits."""
    wanted = list(transfers())
    encoders: dict[str, Encode] = {
        "encode_transfer": encode_transfer,
        "encode(VietQR(…))": by_value,
        "bare f-string": bare,
    }
    vnqr = peer()
    if vnqr:
        encoders["vnqr"] = vnqr
    for name, encoder in encoders.items():
        if any(encoder(*one) != bare(*one) for one in wanted[:1000]):
            raise AssertionError(f"{name} writes other payloads")
    found = alternate({name: timed(encoder, wanted) for name, encoder in encoders.items()})
    rows = [
        [
            name,
            found.median(name),
            found.ratio(name, "vnqr") if vnqr else "not installed here",
            found.ratio(name, "bare f-string"),
        ]
        for name in encoders
    ]
    goals = _goals(found, has_peer=vnqr is not None)
    notes = [f"{PAYLOADS} payloads of {ACCOUNTS} accounts, equal texts checked; a second of processor time"]
    return [Table("VietQR payloads", ["", "a second", "× vnqr", "× bare"], rows, goals, notes)]


def _goals(found: Results, *, has_peer: bool) -> list[Goal]:
    """Both ways in are judged: four arguments, as the peer takes them, and the value with all its fields."""
    transfer, value = "encode_transfer", "encode(VietQR(…))"
    microseconds = 1e6 / found.median(transfer), 1e6 / found.median(value)
    cause = (
        f"checks and text take {microseconds[0]:.2f} µs; a value of sixteen named fields and looking at those left "
        f"empty add {microseconds[1] - microseconds[0]:.2f} µs, which the peer, a function of four arguments, has not"
    )
    yardsticks = ([("vnqr", 10.0)] if has_peer else []) + [("bare f-string", 0.5)]
    return [
        Goal(f"{name} to {other}", wanted, found.ratio(name, other), why)
        for other, wanted in yardsticks
        for name, why in ((transfer, ""), (value, cause))
    ]
