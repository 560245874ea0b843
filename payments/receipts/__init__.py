"""Numbered receipts without gaps, and their revocation."""
