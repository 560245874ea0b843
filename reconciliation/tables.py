"""Every table of reconciliation joins the metadata: for migrations, and for whoever needs them all."""

from reconciliation import models as nights
from reconciliation.closing import models as closing
from reconciliation.decisions import models as decisions
from reconciliation.exceptions import models as exceptions
from reconciliation.imports import models as imports

ROOMS = (closing, decisions, exceptions, imports, nights)
