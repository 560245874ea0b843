"""Closes of earlier versions become links of the chain: unsigned, in their places, and the days stay closed."""

import psycopg

from operations.invariants import check_invariants
from operations.migrate import downgrade, upgrade
from payments.db import make_engine

BEFORE = "0021"
ROWS = """
    INSERT INTO organisation (id, code, name, kind) VALUES (1, 'TH01', 'Trường mẫu', 'school');
    INSERT INTO school (id, code, name, level, ownership, invoice_grouping, created_at, number_words)
    VALUES (1, 'TH01', 'Trường mẫu', 'primary', 'public', 'per_account', '2025-09-01', 'north');
    INSERT INTO app_user (username, full_name, password_hash, active, failed_logins, created_at)
    VALUES ('ke.toan', 'Kế toán (mẫu)', '-', true, 0, '2025-09-01');
    INSERT INTO period_close (school_id, through, closed_by, closed_at)
    SELECT 1, day, (SELECT min(id) FROM app_user), '2025-11-02'
    FROM unnest(ARRAY['2025-09-30', '2025-10-31']::date[]) AS day;
"""


def test_old_closes_stand_in_the_chain_and_go_down_again(database_url):
    downgrade(database_url, BEFORE)
    with psycopg.connect(database_url) as connection:
        connection.execute(ROWS)
    upgrade(database_url)
    with psycopg.connect(database_url) as connection:
        links = connection.execute(
            "SELECT sequence, first::text, through::text, signature, previous_sha256 IS NULL"
            " FROM period_close ORDER BY 1"
        ).fetchall()
        assert links == [(1, "2025-09-30", "2025-09-30", None, True), (2, "2025-10-01", "2025-10-31", None, False)]
        assert connection.execute("SELECT sequence, through::text FROM books_closed").fetchall() == [(2, "2025-10-31")]
    engine = make_engine(database_url)
    with engine.connect() as opened:
        assert [check for check in check_invariants(opened, ["closes"]) if not check.ok] == []
    engine.dispose()
    downgrade(database_url, BEFORE)
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT count(*) FROM period_close").fetchone() == (2,)
