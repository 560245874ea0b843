"""Bank statements: one reader per file format, each giving lines, balances and a proof.

`read_statement(data, filename)` in read.py is the door; `prove` in proof.py and `natural_keys` in keys.py judge
and name what it returns; `read_tables` in tables.py is the guarded spreadsheet reader for every import.
"""
