"""The kit an adapter's author runs: vectors of signed requests, and the checks that are derived from them.

A vector is a JSON object: `id`, `adapter`, `key` (one secret mapping), `request` {method, headers, body,
query}, `verify_at_unix` (the clock; absent where the scheme has none), and what is expected, each optional:
`expect` {valid}, `expected_ack` {status, body}, `normalized` (fields of the transaction).

From a shell: `hocphi adapters check`. In a plug-in's own tests: `AdapterConformance`.
"""

from bank_adapters.conformance.author import AdapterConformance
from bank_adapters.conformance.judging import fits
from bank_adapters.conformance.kit import CHECKS, MEANINGS, Check, check_adapter, checks_of, examine
from bank_adapters.conformance.samples import samples_in, samples_of
from bank_adapters.conformance.subject import Subject
from bank_adapters.conformance.vectors import (
    Result,
    Vector,
    VectorError,
    check_vector,
    check_vectors,
    read_vectors,
    run,
    summary,
)

__all__ = [
    "CHECKS",
    "MEANINGS",
    "AdapterConformance",
    "Check",
    "Result",
    "Subject",
    "Vector",
    "VectorError",
    "check_adapter",
    "check_vector",
    "check_vectors",
    "checks_of",
    "examine",
    "fits",
    "read_vectors",
    "run",
    "samples_in",
    "samples_of",
    "summary",
]
