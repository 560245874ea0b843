"""Every table of the gateway, so that foreign keys by name find their targets whatever room is loaded first."""

from payments import outbox
from payments.access import models as access
from payments.api import models as api
from payments.audit import models as audit
from payments.banking import models as banking
from payments.bundles import models as bundles
from payments.clearing import models as clearing
from payments.console import models as console
from payments.events import models as events
from payments.fees import models as fees
from payments.inbox import models as inbox
from payments.invoices import models as invoices
from payments.ledger import models as ledger
from payments.notices import models as notices
from payments.notifications import models as notifications
from payments.orders import models as orders
from payments.paper import models as paper
from payments.payer_claims import models as payer_claims
from payments.portal import models as portal
from payments.receipts import models as receipts
from payments.schools import models as schools
from payments.settlement import models as settlement
from payments.throttle import models as throttle
from payments.transparency import models as transparency

ROOMS = (
    access,
    api,
    audit,
    banking,
    bundles,
    clearing,
    console,
    events,
    fees,
    inbox,
    invoices,
    ledger,
    notices,
    notifications,
    orders,
    outbox,
    payer_claims,
    paper,
    portal,
    receipts,
    schools,
    settlement,
    transparency,
    throttle,
)
METADATA = outbox.OutboxRow.metadata
