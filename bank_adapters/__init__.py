"""Bytes in, BankTransaction out: one plain module per sender; no web, no database, no queue."""
