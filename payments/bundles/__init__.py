"""Bundles («nộp gộp»): one transfer for several invoices of one receiving account."""
