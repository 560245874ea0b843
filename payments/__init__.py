"""The gateway's rooms: one folder a subject, the same furniture in each (docs/architecture.md).

From the top: ``app`` and ``cli`` compose; ``developers``, ``console`` and ``portal`` are faces; ``settlement`` and
``inbox`` carry the money path; ``receipts``, ``invoices``, ``fees``, ``banking`` and ``schools`` are the school's
business; ``ledger``, ``notifications``, ``access``, ``audit`` and ``web`` serve them all; ``vietqr`` and the plain
modules below know no room.
"""
