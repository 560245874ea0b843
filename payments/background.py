"""What workers run and beat starts: the tasks of all rooms, without their pages.

A worker and a beat start in half the time when they load neither.
"""

from collections.abc import Mapping
from typing import Any

from payments import tables  # noqa: F401 - foreign keys are named by table: a task needs every table known
from payments.banking import tasks as accounts
from payments.clearing import tasks as clearing
from payments.events import tasks as telling
from payments.inbox import asking
from payments.inbox import tasks as polling
from payments.invoices import tasks as issuing
from payments.notices import tasks as waves
from payments.notifications import tasks as notices
from payments.paper import tasks as printing
from payments.settlement import tasks as settling
from payments.throttle import tasks as tries
from payments.transparency import tasks as publishing

BEAT: Mapping[str, Any] = {
    **notices.BEAT,
    **waves.BEAT,
    **telling.BEAT,
    **issuing.BEAT,
    **accounts.BEAT,
    **settling.BEAT,
    **clearing.BEAT,
    **polling.BEAT,
    **asking.BEAT,
    **publishing.BEAT,
    **tries.BEAT,
    **printing.BEAT,
}
"""What beat starts by the clock: the sweeps of the rooms."""
