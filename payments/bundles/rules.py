"""How much of bundles a payer may have, and what makes two of them the same: pure."""

import hashlib
from collections.abc import Sequence
from datetime import timedelta

MOST_INVOICES = 40
"""On one list: a family's year of dues at one account is a few dozen."""
MOST_OPEN = 30
"""Bundles of one payer of which something is still open: every choice of checkboxes is one."""
MOST_IN_A_DAY = 20
DAY = timedelta(days=1)


def content_sha256(invoice_ids: Sequence[int]) -> bytes:
    """The fingerprint of an ordered list of invoices."""
    return hashlib.sha256(",".join(map(str, invoice_ids)).encode()).digest()
