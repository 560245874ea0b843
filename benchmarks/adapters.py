"""What one callback costs each adapter, all of them loaded: `authenticate` and `parse` of its first genuine sample."""

import gc
import time
from collections.abc import Iterable
from dataclasses import replace

from bank_adapters import adapter_names, get_adapter, load_all
from bank_adapters.conformance import Subject, samples_of
from bank_adapters.conformance.subject import Case
from bank_adapters.contract import Adapter
from benchmarks.measuring import Run, Sample, alternate
from benchmarks.report import Table

CALLS = 1_000


def reading(adapter: Adapter, case: Case) -> Run:
    """Time for one message that nothing has looked at before; what is read is compared with what was read first."""

    def run() -> Sample:
        requests = [replace(case.request) for _ in range(CALLS)]
        gc.collect()
        began = time.process_time()
        for request in requests:
            if not adapter.authenticate(request, case.secrets, case.now).valid:
                raise AssertionError(case.id)
            found = adapter.parse(request, case.secrets)
        seconds = time.process_time() - began
        if found != case.reading:
            raise AssertionError(case.id)
        return {"rate": CALLS / seconds, "microseconds": seconds / CALLS * 1e6}

    return run


def genuine() -> Iterable[tuple[Adapter, Case]]:
    """Each adapter once, with its first sample that moves money."""
    for name in dict.fromkeys(get_adapter(name).NAME for name in adapter_names()):
        adapter = get_adapter(name)
        cases = Subject(adapter, samples_of(adapter)).cases
        yield adapter, next(case for case in cases if isinstance(case.reading, list) and case.reading)


def run() -> list[Table]:
    load_all()
    chosen = {f"{adapter.NAME}: {case.id}": reading(adapter, case) for adapter, case in genuine()}
    results = alternate(chosen)
    rows = [
        (name, results.median(name, "microseconds"), results.median(name), *results.spread(name, "microseconds"))
        for name in sorted(chosen)
    ]
    columns = ["adapter: message", "median µs", "a second", "fastest µs", "slowest µs"]
    title = f"Believing and reading one message, {len(chosen)} adapters loaded; processor time of one core"
    return [Table(title, columns, rows)]
