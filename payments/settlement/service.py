"""Settlement's use cases beside the batches: a person's decisions, corrections of invoices with money on them."""

from payments.settlement.correcting import cancel_invoice, replace_invoice
from payments.settlement.deciding import assign, undo

__all__ = ["assign", "cancel_invoice", "replace_invoice", "undo"]
