"""School ledgers: one reader per accounting export, each giving ledger rows."""
