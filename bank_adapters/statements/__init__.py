"""Bank statements: one reader per file format, each giving transactions and balances."""
