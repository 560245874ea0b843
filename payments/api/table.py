"""Every operation of the API, in the order of the description."""

from payments.api.operation import Operation
from payments.api.resources import fees, invoices, movements, receipts, registrations, roster, rounds, school

VERSION = "/api/v1"

OPERATIONS: tuple[Operation, ...] = (
    *school.OPERATIONS,
    *roster.OPERATIONS,
    *registrations.OPERATIONS,
    *fees.OPERATIONS,
    *rounds.OPERATIONS,
    *invoices.OPERATIONS,
    *movements.OPERATIONS,
    *receipts.OPERATIONS,
)
