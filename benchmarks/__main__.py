"""``python -m benchmarks [NAME…]``: print tables, and keep the figures in ``.bench/results.json``."""

import importlib
import json
import platform
import sys
import time

from benchmarks.machine import KEPT, described

BENCHMARKS = (
    "payload",
    "references",
    "accuracy",
    "adapters",
    "statements",
    "issuing",
    "settlement",
    "door",
    "night",
    "desk",
    "waiting",
    "province",
    "paper",
    "printing",
)


def main(names: list[str]) -> int:
    """Run the named benchmarks, all by default. Exit 2: no such benchmark."""
    if "--lines" in names:  # How large a province: its benchmark reads it.
        place = names.index("--lines")
        names = names[:place] + names[place + 2 :]
    names = [name for name in names if name != "--full"]  # The whole size of what has a smaller one: it reads it.
    unknown = sorted(set(names) - set(BENCHMARKS))
    if unknown:
        print(f"no such benchmark: {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}", file=sys.stderr)
        return 2
    print(
        f"{described()}; medians of alternating rounds, ratios are medians of the ratios within each round", flush=True
    )
    found = {}
    for name in names or BENCHMARKS:
        began = time.monotonic()
        tables = importlib.import_module(f"benchmarks.{name}").run()
        for table in tables:
            print(table.text(), flush=True)
        print(f"  took  {time.monotonic() - began:.0f} s", flush=True)
        found[name] = [table.data() for table in tables]
    KEPT.mkdir(exist_ok=True)
    results = {"machine": described(), "python": platform.python_version(), "benchmarks": found}
    (KEPT / "results.json").write_text(json.dumps(results, ensure_ascii=False, indent=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
