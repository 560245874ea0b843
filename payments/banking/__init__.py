"""Receiving accounts, bank connections with their secrets, and channels with their cost."""
