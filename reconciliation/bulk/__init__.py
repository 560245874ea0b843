"""The mass of a night: payments on which bank, gateway and books plainly agree, judged together in SQL.

What is left goes to ``reconciliation.matching``; both together give what it would give alone (ADR 0021).
"""
