"""Write the province's month into the real tables by COPY, as imports and settlement would have left it."""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, timedelta

import psycopg

from benchmarks.province.plan import FIRST, LAST, PUPILS_PER_LINE, Said, School
from payments.access.models import User
from payments.crypto import FieldCipher
from payments.db import libpq_url, make_engine, session_scope
from reconciliation.closing import chain
from reconciliation.closing.chain import NewLink
from reconciliation.closing.models import LinkKind

OPENING_VND = 50_000_000
MIDDLE = date(2025, 10, 15)
"""A month is two statements."""
ARRIVED = "2025-11-03 02:00:00+00"
PROPOSED = "2025-08-01 02:00:00+00"
SIGNED = datetime(2025, 10, 20, 2, tzinfo=UTC)
CALLED = 1 << 40
"""Ids of callbacks lie above those of statement lines."""
LINE = "\t".join


def load(url: str, schools: Iterable[School], *, tell: Callable[[str], None] = lambda _: None) -> None:
    """Write all schools into an empty, migrated database, and let it know its new sizes."""
    made = list(schools)
    with psycopg.connect(libpq_url(url)) as connection:
        # The rows fit by construction, and checking millions of keys one by one is not what is measured.
        connection.execute("SET session_replication_role = replica")
        for table, columns, rows in TABLES:
            tell(f"writing {table}")
            with connection.cursor().copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
                for school in made:
                    copy.write("".join(line + "\n" for line in rows(school)))
        for table in IDENTITIES:
            connection.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), 1 << 42)")
        connection.commit()
        _sign(url, [school for school in made if school.closed])
        connection.autocommit = True
        connection.execute("VACUUM (ANALYZE)")
        connection.execute("CHECKPOINT")


def add(url: str, schools: Iterable[School], day: date) -> None:
    """Write one day more for schools that are there: a statement that follows theirs, messages and rows."""
    made = list(schools)
    facts = {"bank_line", "evidence", "bank_transaction", "transaction_evidence", "allocation", "ledger_row"}
    with psycopg.connect(libpq_url(url)) as connection:
        connection.execute("SET session_replication_role = replica")
        for school in made:
            moved = sum(one.amount_vnd for one in school.banks)
            connection.execute(NEXT_STATEMENT, {"school": school.id, "first": LAST + DAY, "day": day, "moved": moved})
            connection.execute(NEXT_IMPORT, {"school": school.id, "day": day})
        for table, columns, rows in TABLES:
            if table in facts:
                with connection.cursor().copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
                    for school in made:
                        copy.write("".join(line + "\n" for line in rows(school)))
        connection.execute(
            "UPDATE bank_line SET statement_id = (1::bigint << 41) + school_id WHERE booked_on = %s", [day]
        )
        connection.commit()
        connection.autocommit = True
        connection.execute("VACUUM (ANALYZE)")
        connection.execute("CHECKPOINT")


DAY = timedelta(days=1)
NEXT_STATEMENT = """
    INSERT INTO bank_statement (school_id, id, account_id, file_name, file_sha256, content_sha256, format, period_from,
        period_to, opening_vnd, closing_vnd, proved, imported_at)
    SELECT school_id, (1::bigint << 41) + school_id, account_id, 'moi.xml', sha256('new'), sha256('new'), format,
        %(first)s, %(day)s, closing_vnd, closing_vnd + %(moved)s, true, now()
    FROM bank_statement WHERE school_id = %(school)s ORDER BY period_to DESC LIMIT 1
"""
NEXT_IMPORT = """
    INSERT INTO ledger_import (school_id, id, file_name, file_sha256, content_sha256, format, period_from, period_to,
        account_ids, imported_at)
    SELECT school_id, (1::bigint << 41) + school_id, 'moi.xlsx', sha256('new'), sha256('new'), format, %(day)s, %(day)s,
        account_ids, now()
    FROM ledger_import WHERE school_id = %(school)s
"""


def _names(said: Said) -> str:
    return "{" + ",".join(said.references) + "}"


def _school(school: School) -> Iterator[str]:
    yield LINE((str(school.id), f"T{school.id:05d}", "Truong", "primary", "public", "per_fee_item", ARRIVED, "north"))


def _organisation(school: School) -> Iterator[str]:
    yield LINE((str(school.id), f"T{school.id:05d}", "Truong", "school"))


def _account(school: School) -> Iterator[str]:
    number = f"1{school.id:09d}"
    yield LINE(
        (str(school.id), str(school.id), "970998", number, "TRUONG", "Thu ho", "active", "1", PROPOSED, "2", ARRIVED)
    )


def _connection(school: School) -> Iterator[str]:
    token = f"\\\\x{school.id:032x}"
    yield LINE((str(school.id), "bank", "sepay", token, token, "{}", "f", "t", ARRIVED))


def _lease(school: School) -> Iterator[str]:
    yield str(school.id)


def _pupils(school: School) -> Iterator[str]:
    for number in range(int(len(school.banks) * PUPILS_PER_LINE)):
        key = str(school.id * 100_000 + number)
        yield LINE((str(school.id), key, key, "Hoc sinh", "hoc sinh", "hoc sinh", "2018-01-01", "female", "unverified"))


def _invoices(school: School) -> Iterator[str]:
    pupils = max(1, int(len(school.banks) * PUPILS_PER_LINE))
    once = {one.references[0]: one for one in reversed(school.booked)}
    for place, one in enumerate(once.values()):
        pupil = school.id * 100_000 + place % pupils
        amount = str(one.amount_vnd)
        issued = (str(school.id), str(one.id), "1", str(pupil), str(school.id), "AN", one.references[0])
        yield LINE((*issued, amount, amount, LAST.isoformat(), ARRIVED))


def _statements(school: School) -> Iterator[str]:
    """Two of them; where the balance breaks, the second begins with more than the first one ended with."""
    first = sum(one.amount_vnd for one in school.banks if one.day <= MIDDLE)
    whole = sum(one.amount_vnd for one in school.banks)
    more = 70_000 if school.broken else 0
    halves = (
        (FIRST, MIDDLE, OPENING_VND, OPENING_VND + first),
        (MIDDLE + timedelta(days=1), LAST, OPENING_VND + first + more, OPENING_VND + whole + more),
    )
    for place, (start, end, opening, closing) in enumerate(halves):
        digest = f"\\\\x{2 * school.id + place:064x}"
        head = (str(school.id), str(2 * school.id + place), str(school.id), "saoke.xml", digest, digest, "camt.053")
        yield LINE((*head, str(start), str(end), str(opening), str(closing), "t", ARRIVED))


def _lines(school: School) -> Iterator[str]:
    for one in school.banks:
        statement = 2 * school.id + (one.day > MIDDLE)
        day, key = one.day.isoformat(), str(one.id)
        head = (str(school.id), key, str(school.id), str(statement), key, one.number, "1", day, day, "credit")
        yield LINE((*head, str(one.amount_vnd), one.number, one.text, _names(one)))


def _evidence(school: School) -> Iterator[str]:
    for one in school.banks:
        head = (str(one.id), "statement", "\\N", str(school.id), str(school.id), "0001", one.number)
        yield LINE((*head, *_said(one)))
    for one in school.sent:
        head = (str(CALLED + one.id), "callback", str(school.id), str(school.id), str(school.id), "0001", one.number)
        yield LINE((*head, *_said(one)))


def _said(one: Said) -> tuple[str, ...]:
    day = one.day.isoformat()
    said = (
        "credit",
        "settled",
        str(one.amount_vnd),
        f"{day} 03:00:00+00",
        day,
        one.number,
        one.number,
        "MBVCB nop tien",
    )
    return (*said, _names(one), "\\\\x00", "f", "f", f"{day} 03:00:01+00")


def _transactions(school: School) -> Iterator[str]:
    known: dict[int, Said] = {}
    for one in (*school.banks, *school.sent):
        known.setdefault(one.transaction_id, one)
    for number, one in known.items():
        day = one.day.isoformat()
        state = "credited" if len(one.references) == 1 else "unmatched"
        head = (str(school.id), str(number), str(school.id), "credit", str(one.amount_vnd), day, f"{day} 03:00:00+00")
        yield LINE((*head, one.number, "MBVCB nop tien", _names(one), state, ARRIVED))


def _allocations(school: School) -> Iterator[str]:
    known: dict[int, Said] = {}
    for one in (*school.banks, *school.sent):
        known.setdefault(one.transaction_id, one)
    for number, one in known.items():
        if len(one.references) == 1:
            yield LINE((str(school.id), str(number), str(number), str(number), "1", str(one.amount_vnd), ARRIVED))


def _links(school: School) -> Iterator[str]:
    for one in school.banks:
        head = (str(school.id), str(one.id), str(one.transaction_id), str(one.id), "statement", "created")
        yield LINE((*head, one.number))
    for one in school.sent:
        number, source = str(CALLED + one.id), f"callback:{school.id}"
        yield LINE((str(school.id), number, str(one.transaction_id), number, source, "bank_reference", one.number))


def _imports(school: School) -> Iterator[str]:
    digest, key = f"\\\\x{school.id:064x}", str(school.id)
    head = (key, key, "so.xlsx", digest, digest, "template")
    yield LINE((*head, str(FIRST), str(LAST), f"{{{key}}}", ARRIVED))


def _rows(school: School) -> Iterator[str]:
    for one in school.booked:
        head = (str(school.id), str(one.id), str(school.id), str(school.id), f"{one.number}#1", "1", str(one.day))
        booked = (one.number, "Thu hoc phi", "1121", "531", "credit", str(one.amount_vnd), _names(one), one.number, "f")
        yield LINE((*head, *booked))


def _sign(url: str, schools: Iterable[School]) -> None:
    """Let schools sign the month before, by the chain itself: it takes no row that does not continue it."""
    engine, cipher = make_engine(url), FieldCipher({1: bytes(32)})
    with session_scope(engine) as session:
        person = User(id=1, username="b", full_name="B", password_hash="-", failed_logins=0, created_at=SIGNED)
        session.add(person)
        session.flush()
        for school in schools:
            link = NewLink(
                kind=LinkKind.CLOSE,
                first=FIRST - timedelta(days=30),
                through=FIRST - timedelta(days=1),
                signed_by=1,
                signed_at=SIGNED,
                document={"school": school.id},
            )
            chain.append(session, cipher, school.id, link)
    engine.dispose()


SAID = (
    "direction, status, amount_vnd, occurred_at, value_date, provider_txn_id, bank_reference, description,"
    ' "references", content_sha256, conflicting, sandbox, received_at'
)
TABLES: tuple[tuple[str, str, Callable[[School], Iterator[str]]], ...] = (
    ("organisation", "id, code, name, kind", _organisation),
    ("school", "id, code, name, level, ownership, invoice_grouping, created_at, number_words", _school),
    ("settlement_lease", "school_id", _lease),
    (
        "receiving_account",
        "school_id, id, bin, number, holder_name, fund, state, proposed_by, proposed_at, approved_by, usable_at",
        _account,
    ),
    (
        "connection",
        "id, name, adapter, token_hash, token_sealed, allowed_networks, sandbox, active, created_at",
        _connection,
    ),
    (
        "pupil",
        "school_id, id, sector_id, full_name, sort_key, search_key, date_of_birth, sex, identity_status",
        _pupils,
    ),
    (
        "invoice",
        (
            "school_id, id, round_id, pupil_id, receiving_account_id, group_key, reference, amount_vnd, mandatory_vnd,"
            " due_on, issued_at"
        ),
        _invoices,
    ),
    (
        "bank_statement",
        (
            "school_id, id, account_id, file_name, file_sha256, content_sha256, format, period_from, period_to,"
            " opening_vnd, closing_vnd, proved, imported_at"
        ),
        _statements,
    ),
    (
        "bank_line",
        (
            "school_id, id, account_id, statement_id, evidence_id, natural_key, line_no, value_date, booked_on,"
            ' direction, amount_vnd, bank_reference, description, "references"'
        ),
        _lines,
    ),
    ("evidence", f"id, source, connection_id, school_id, account_id, account_named, dedup_key, {SAID}", _evidence),
    (
        "bank_transaction",
        (
            "school_id, id, account_id, direction, amount_vnd, value_date, occurred_at, bank_reference, description,"
            ' "references", state, created_at'
        ),
        _transactions,
    ),
    (
        "transaction_evidence",
        "school_id, id, transaction_id, evidence_id, source_key, rule, bank_number",
        _links,
    ),
    ("allocation", "school_id, id, transaction_id, invoice_id, line_id, amount_vnd, created_at", _allocations),
    (
        "ledger_import",
        (
            "school_id, id, file_name, file_sha256, content_sha256, format, period_from, period_to, account_ids,"
            " imported_at"
        ),
        _imports,
    ),
    (
        "ledger_row",
        (
            "school_id, id, import_id, account_id, natural_key, line_no, booked_on, document_no, description,"
            ' account_code, contra_code, direction, amount_vnd, "references", bank_reference, is_cash'
        ),
        _rows,
    ),
)
IDENTITIES = ("bank_line", "evidence", "bank_transaction", "transaction_evidence", "ledger_row", "allocation")
