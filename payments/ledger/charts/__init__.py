"""Presets of charts of accounts, one JSON file a chart: from our ledger roles to the accounts of a school's books.

``verified`` rows were read in the accounting help of a widespread product (postings under TT 107/2017); every other row
is a proposal that the school's accountant confirms («kế toán xác nhận») or replaces.
"""
