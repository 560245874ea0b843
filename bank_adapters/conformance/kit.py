"""The conformance kit: every check by name, run against one adapter and its vectors."""

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from bank_adapters import shape
from bank_adapters.conformance import answering, comparing, fuzzing, reading, secrecy, trust
from bank_adapters.conformance.samples import module_of, samples_of
from bank_adapters.conformance.subject import Findings, Subject
from bank_adapters.conformance.vectors import Result, Vector, check_vector, chosen, first_name
from bank_adapters.contract import Adapter, BrokenAdapterError, UnknownAdapterError
from bank_adapters.registry import adapter_names, get_adapter

Run = Callable[[Subject, Findings], None]

TABLE: Final = (
    "Authentication",
    "Retries",
    "Idempotency key",
    "Amount format",
    "Time zone",
    "Source",
    "Certified by the bank: no",
)
"""The lines of an adapter's docstring."""


@dataclass(frozen=True, slots=True)
class Check:
    """What one check of one adapter found; `passed` is None where there was nothing to try."""

    adapter: str
    check: str
    passed: bool | None
    detail: str

    def as_dict(self) -> dict[str, Any]:
        """The form printed by `hocphi adapters check --json`."""
        return asdict(self)


def check_adapter(adapter: Adapter, vectors: Sequence[Vector] | None = None, name: str | None = None) -> list[Check]:
    """Run every check; without vectors on those that the adapter's package brings. Raises VectorError."""
    given = samples_of(adapter) if vectors is None else vectors
    return list(checks_of(adapter, [check_vector(vector, adapter) for vector in given], given, name))


def examine(name: str | None, vectors: Sequence[Vector] | None) -> tuple[list[Result], list[Check]]:
    """Vectors and checks of one adapter or of all that may be used, on the given vectors or on their own samples.

    Raises UnknownAdapterError and VectorError. An adapter that cannot be loaded is one check that failed.
    """
    if vectors is None:
        groups = [(one, _own_samples(one)) for one in ([name] if name else _first_names())]
    else:
        given = chosen(vectors, name)
        names = dict.fromkeys(first_name(vector["adapter"]) for vector in given)
        groups = [(one, [vector for vector in given if first_name(vector["adapter"]) == one]) for one in names]
    judged = {one: [check_vector(vector) for vector in group] for one, group in groups}
    checks = [check for one, group in groups for check in _checks_by_name(one, judged[one], group)]
    if vectors is None:
        return [result for results in judged.values() for result in results], checks
    # In the order of the file, whose vectors may be mixed.
    queues = {one: iter(results) for one, results in judged.items()}
    return [next(queues[first_name(vector["adapter"])]) for vector in given], checks


def _first_names() -> list[str]:
    """All adapters that may be used, each under one name."""
    return list(dict.fromkeys(map(first_name, adapter_names())))


def _own_samples(name: str) -> Sequence[Vector]:
    try:
        return samples_of(get_adapter(name))
    except BrokenAdapterError:
        return []


def _checks_by_name(name: str, results: Sequence[Result], vectors: Sequence[Vector]) -> Iterator[Check]:
    try:
        yield from checks_of(get_adapter(name), results, vectors, name)
    except BrokenAdapterError as error:
        yield Check(name, "interface", passed=False, detail=str(error))
    except UnknownAdapterError:
        return  # its vectors say «not installed», and nothing is judged


def checks_of(
    adapter: Adapter, results: Sequence[Result], vectors: Sequence[Vector], name: str | None = None
) -> Iterator[Check]:
    """As `check_adapter`, for vectors whose results are there already."""
    name = name or adapter.NAME
    yield vectors_check(name, results)
    subject = Subject(adapter, vectors)
    yield from (run_check(name, subject, check) for check in CHECKS)


def vectors_check(name: str, results: Sequence[Result]) -> Check:
    """All vectors give what they expect."""
    if not results:
        return Check(
            name, "vectors", passed=False, detail="no sample to try: bring samples/*.json, or give --vectors FILE"
        )
    failed = [result.id for result in results if result.passed is False]
    judged = [result for result in results if result.passed is not None]
    detail = f"{len(judged)} of {len(results)} judged"
    if failed:
        return Check(name, "vectors", passed=False, detail=f"{', '.join(failed[:3])}; {detail}")
    return Check(name, "vectors", passed=True if judged else None, detail=detail)


def run_check(name: str, subject: Subject, check: str) -> Check:
    """One check by its name; whatever an adapter raises is a fault of the adapter."""
    found = Findings()
    try:
        CHECKS[check](subject, found)
    except Exception as error:  # noqa: BLE001 - the kit must tell of it, whatever it is
        found.faults.append(f"{type(error).__name__} is raised")
    if found.faults:
        return Check(name, check, passed=False, detail="; ".join(found.faults))
    if not found.tried:
        return Check(name, check, passed=None, detail="no genuine message among the vectors to try it on")
    return Check(name, check, passed=True, detail="; ".join(filter(None, [f"{found.tried:,} tried", found.note])))


def interface(subject: Subject, found: Findings) -> None:
    """Names, kinds and arguments of the contract, in their order, and the table in the docstring."""
    adapter = subject.adapter
    for fault in shape.faults(adapter):
        found.expect(held=False, fault=f"it {fault}")
    text = inspect.getdoc(adapter) or ""
    places = [f"\n{text}".find(f"\n{heading}") for heading in TABLE]
    missing = [heading for heading, place in zip(TABLE, places, strict=True) if place < 0]
    found.expect(not missing, f"the docstring of {module_of(adapter)} lacks: {', '.join(missing)}")
    found.expect(missing or places == sorted(places), "the docstring's table has another order")


CHECKS: Final[Mapping[str, Run]] = {
    "interface": interface,
    "forgery": trust.forgery,
    "keys": trust.keys,
    "headers": trust.headers,
    "doubles": trust.doubles,
    "clock": trust.clock,
    "replay": reading.replay,
    "amounts": reading.amounts,
    "time_zone": reading.time_zone,
    "answers": answering.answers,
    "redaction": secrecy.redaction,
    "comparison": comparing.comparison,
    "fuzz": fuzzing.fuzz,
}
"""In the order in which they are told."""

MEANINGS: Final[Mapping[str, str]] = {
    "vectors": "mọi mẫu cho đúng kết quả / every vector gives what it expects",
    "interface": "đủ tên, đúng dạng, bảng mô tả / names, kinds, table of the docstring",
    "forgery": "sửa, bớt, dời ký tự: không tin / altered, cut, moved: not believed",
    "keys": "khóa khác, rỗng, hai khóa cùng dùng / other, empty, two live keys",
    "headers": "tên đầu mục không phân biệt hoa thường / header names in any case",
    "doubles": "trường lặp hai lần: không đọc / a field given twice is not read",
    "clock": "quá cũ, quá sớm: từ chối / too old, too early: refused",
    "replay": "gửi lại: cùng giao dịch, cùng khóa / again: same transactions, same key",
    "amounts": "số tiền là đồng nguyên, lớn hơn 0 / whole đồng above zero",
    "time_zone": "giờ có múi giờ, máy chủ ở đâu cũng vậy / moments with a zone, anywhere",
    "answers": "trả lời mọi trường hợp, không nhận nhầm / every outcome, no false success",
    "redaction": "không lộ khóa, nội dung, tên, số tài khoản / no secret, memo, name, account",
    "comparison": "so khóa trong thời gian không đổi / comparisons in constant time",
    "fuzz": "dữ liệu ngẫu nhiên / random and mutated requests",
}
"""What each check shows, for people."""
