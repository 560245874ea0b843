"""Checks of `authenticate`: nobody without the secret is believed, whatever is changed, left out, or said twice."""

import re
from collections.abc import Iterator
from dataclasses import replace

from bank_adapters.conformance.leaves import INSIDE, Leaf, leaves, twice, with_value, without
from bank_adapters.conformance.subject import Case, Findings, Subject, believed, forged, other_key
from bank_adapters.contract import EVERYTHING, Outcome, Reason, Request, Secrets
from bank_adapters.strict_json import Number

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)", re.ASCII)
DAY_S = 86_400
FLIPS = (0x01, 0x20)
"""Another letter or digit, and the other case of a letter."""
MOST_BYTES = 2_048
Altered = tuple[str, Request]


def forgery(subject: Subject, found: Findings) -> None:
    """Each byte changed, each field and header left out, cut, emptied or swapped: nothing else is ever believed."""
    for case in subject.kinds:
        told: set[frozenset[str]] = {frozenset()}
        for what, request in _alterations(case.request):
            fields = forged(subject.adapter, case, request)
            found.expect(
                fields in told,
                f"{case.id}: {what}: still believed, with another {', '.join(sorted(fields))}. Cover it, or name what "
                "the sender leaves unsigned in UNSIGNED",
            )
            told.add(fields)  # one alteration of each kind is enough to read
    open_to: frozenset[str] = frozenset().union(*(case.unsigned for case in subject.cases))
    if open_to:
        found.note = f"unsigned by the scheme: {'everything' if open_to == EVERYTHING else ', '.join(sorted(open_to))}"


def keys(subject: Subject, found: Findings) -> None:
    """Another key, an empty one or none believes nobody; two live keys both count, in any order."""
    adapter = subject.adapter
    for case in subject.cases:
        own, other = dict(case.secrets[0]), other_key(case.secrets[0])
        odd = dict.fromkeys(own, "một khóa khác")

        def valid(secrets: Secrets, case: Case = case) -> bool:
            return adapter.authenticate(case.request, secrets, case.now).valid

        found.expect(not valid([other]) and not valid([odd]), f"{case.id}: believed under another key")
        for live in ([other, own], [own, other], [odd, own], [own, odd]):
            found.expect(valid(live), f"{case.id}: refused while a second key is live")
        nothings: tuple[Secrets, ...] = ([], [{}], [dict.fromkeys(own, "")])
        for nothing in nothings:
            verdict = adapter.authenticate(case.request, nothing, case.now)
            found.expect(not verdict.valid, f"{case.id}: believed without a secret")
            found.expect(verdict.reason is Reason.unconfigured, f"{case.id}: without a secret not «unconfigured»")
        bare = replace(case.request, headers={}, body=_without_fields(case.request), query="")
        found.expect(not adapter.authenticate(bare, case.secrets, case.now).valid, f"{case.id}: an empty request")


def headers(subject: Subject, found: Findings) -> None:
    """Names of headers in any case say the same."""
    for case in subject.cases:
        for change in (str.upper, str.title):
            named = {change(name): value for name, value in case.request.headers.items()}
            request = replace(case.request, headers=named)
            reading = believed(subject.adapter, request, case.secrets, case.now)
            found.expect(reading == case.reading, f"{case.id}: names of headers are compared with regard to case")


def doubles(subject: Subject, found: Findings) -> None:
    """A field that is given twice has no reading: the request is not believed or is malformed."""
    for case in subject.cases:
        for leaf in leaves(case.request):
            request = twice(case.request, leaf, "7")
            if request is not None:
                reading = believed(subject.adapter, request, case.secrets, case.now)
                found.expect(reading is None, f"{case.id}: {leaf.name} given twice is read all the same")


def clock(subject: Subject, found: Findings) -> None:
    """A message a day too old or too early is refused where the scheme signs a time; elsewhere no clock counts."""
    for case in subject.cases:
        now = int(case.now) if isinstance(case.now, int | float) else 0
        late, early = (subject.adapter.authenticate(case.request, case.secrets, now + by) for by in (DAY_S, -DAY_S))
        if not case.has_clock:
            found.expect(late.valid and early.valid, f"{case.id}: the clock counts, and the vector has none")
            continue
        found.expect(not late.valid, f"{case.id}: believed a day later")
        found.expect(late.valid or late.outcome is Outcome.stale, f"{case.id}: a day later is not called stale")
        # A token that we issued has an end and no beginning: nobody else could have made it.
        issued = case.request.header("authorization").lower().startswith("bearer ")
        found.expect(issued or not early.valid, f"{case.id}: believed a day before it was sent")


def _alterations(request: Request) -> Iterator[Altered]:
    yield from _changed_bytes(request)
    yield from _changed_headers(request)
    yield from _changed_fields(request)
    yield from _moved(request)


def _changed_bytes(request: Request) -> Iterator[Altered]:
    for place in _places(len(request.body)):
        for flip in FLIPS:
            body = bytearray(request.body)
            body[place] ^= flip
            yield f"byte {place} of the body changed", replace(request, body=bytes(body))
    for place in _places(len(request.query)):
        for flip in FLIPS:
            query = _flipped(request.query, place, flip)
            yield f"character {place} of the query changed", replace(request, query=query)


def _changed_headers(request: Request) -> Iterator[Altered]:
    for name, value in request.headers.items():
        others = {key: text for key, text in request.headers.items() if key != name}
        yield f"header {name} left out", replace(request, headers=others)
        for text in ("", value[:-1], value[: len(value) // 2], f"{value},{value}", f"{value}, {value}", f" {value}"):
            yield f"header {name} emptied, cut or doubled", replace(request, headers={**others, name: text})
        for place in _places(len(value)):
            for flip in FLIPS:
                changed = {**others, name: _flipped(value, place, flip)}
                yield f"character {place} of header {name} changed", replace(request, headers=changed)


def _changed_fields(request: Request) -> Iterator[Altered]:
    for leaf in leaves(request):
        yield f"{leaf.name} left out", without(request, leaf)
        for value in ("", "1", Number("1"), None, True):
            yield f"{leaf.name} replaced", with_value(request, leaf, value)
        if isinstance(leaf.value, str):
            kind = type(leaf.value)
            for text in (leaf.value[:-1], leaf.value + "0", leaf.value * 2):
                yield f"{leaf.name} cut or made longer", with_value(request, leaf, kind(text))


def _moved(request: Request) -> Iterator[Altered]:
    """One character moved from a field to another, for schemes that join fields without a separator."""
    texts = [leaf for leaf in leaves(request) if isinstance(leaf.value, str) and INSIDE not in leaf.path]
    for one in texts:
        for two in texts:
            if one.path == two.path:
                continue
            if one.value:
                shorter = with_value(request, one, _like(one.value, one.value[:-1]))
                yield _moving(one, two), with_value(shorter, two, _like(two.value, one.value[-1] + two.value))
            if two.value:
                longer = with_value(request, one, _like(one.value, one.value + two.value[0]))
                yield _moving(two, one), with_value(longer, two, _like(two.value, two.value[1:]))


def _moving(source: Leaf, target: Leaf) -> str:
    return f"a character moved from {source.name} to {target.name}"


def _like(was: str, text: str) -> str:
    """A bare number stays one where JSON has such a number."""
    return Number(text) if isinstance(was, Number) and _NUMBER.fullmatch(text) else text


def _places(length: int) -> range:
    return range(0, length, max(1, length // MOST_BYTES))


def _flipped(text: str, place: int, flip: int) -> str:
    return text[:place] + chr(ord(text[place]) ^ flip) + text[place + 1 :]


def _without_fields(request: Request) -> bytes:
    return b"{}" if request.body else b""
