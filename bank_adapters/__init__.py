"""Bytes in, BankTransaction out: one plain module per sender; no web, no database, no queue."""

from bank_adapters.registry import (
    adapter_names,
    adapter_states,
    allow_only,
    get_adapter,
    load_all,
    register,
    unregister,
)

__all__ = ["adapter_names", "adapter_states", "allow_only", "get_adapter", "load_all", "register", "unregister"]
