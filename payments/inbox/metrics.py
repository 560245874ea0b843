"""Counters of the banks' door for Prometheus: deliveries by outcome, and how long an answer takes."""

from collections.abc import Iterable

from prometheus_client import Counter, Histogram

from payments.inbox.models import DeliveryOutcome

THROTTLED = "throttled"
UNANSWERED = "unanswered"
"""Not stored: the database was away; the sender was asked to try again."""

DELIVERIES = Counter("hocphi_deliveries", "Requests at the banks' door by outcome", ["outcome"])
SECONDS = Histogram(
    "hocphi_door_seconds",
    "From the whole request to its answer",
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0),
)
_BY_OUTCOME = {outcome: DELIVERIES.labels(outcome=outcome) for outcome in (*DeliveryOutcome, THROTTLED, UNANSWERED)}


def count(outcomes: Iterable[str]) -> None:
    """Count deliveries (each item of a batch counts as one)."""
    for outcome in outcomes:
        _BY_OUTCOME[outcome].inc()
