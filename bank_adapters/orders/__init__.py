"""How orders are opened, asked about and cancelled at the senders that report nothing else (`OrderChannel`)."""
