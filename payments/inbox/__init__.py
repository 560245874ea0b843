"""The banks' door, evidence, and the bank transactions behind it."""
