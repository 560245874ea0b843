"""The engine keeps what pupils' rows say out of errors, and takes the transaction from a process that hangs."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from payments.db import HANGING_MS

pytestmark = pytest.mark.db


def test_the_error_of_a_statement_does_not_quote_its_values(engine):
    with engine.connect() as connection, pytest.raises(DBAPIError) as caught:
        connection.execute(text("SELECT :memo FROM no_such_table"), {"memo": "Nguyễn Mẫu An nộp tiền"})
    assert "Nguyễn" not in str(caught.value)


def test_a_transaction_that_nobody_works_on_ends_and_frees_its_locks(engine):
    with engine.connect() as connection:
        limit = connection.scalar(
            text("SELECT setting FROM pg_settings WHERE name = 'idle_in_transaction_session_timeout'")
        )
    assert int(limit) == HANGING_MS
