"""Settlement's use cases: assign by a person's decision, undo a decision."""

from payments.settlement.deciding import assign, undo

__all__ = ["assign", "undo"]
