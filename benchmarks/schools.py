"""Schools whose parents have just paid: issued invoices, callbacks stored by the door, work in the outbox."""

from dataclasses import dataclass

from sqlalchemy import Engine, text

from payments.banking.connections import AccountName, create_connection
from payments.banking.models import ReceivingAccount
from payments.crypto import FieldCipher
from payments.db import session_scope
from payments.settings import Settings, generated_environment
from tests.payments.invoices.rounds import issued
from tests.payments.setting import make_pupils, make_school

NAMELESS = (7, 8)
"""Of every hundred payments these name no reference; six others are too much or too little."""
REGISTER = text("""
    INSERT INTO registration (school_id, pupil_id, fee_item_id, valid_from, quantity)
    SELECT school_id, id, :club, '2025-09-01', 1 + id % 8 FROM pupil WHERE school_id = :school AND id % 2 = 0
""")
ARRIVE = text("""
    WITH paid AS (
        SELECT i.*, row_number() OVER (ORDER BY md5(i.reference)) AS place FROM invoice i
        WHERE i.school_id = :school
    ), said AS (
        INSERT INTO evidence (source, connection_id, school_id, account_id, account_named, dedup_key, direction, status,
                              amount_vnd, occurred_at, value_date, provider_txn_id, bank_reference, description,
                              "references", content_sha256, conflicting, sandbox, received_at)
        SELECT 'callback', :connection, school_id, receiving_account_id, '0001', 'K' || id, 'credit', 'settled',
               amount_vnd + CASE place % 100 WHEN 1 THEN -10000 WHEN 2 THEN -20000 WHEN 3 THEN 10000 WHEN 4 THEN 50000
                                             WHEN 5 THEN -5000 WHEN 6 THEN 1000 ELSE 0 END,
               timestamptz '2025-10-05 01:00Z' + place * interval '7 seconds', '2025-10-05', 'K' || id,
               'FT' || lpad(id::text, 12, '0'),
               CASE WHEN place % 100 = ANY(CAST(:nameless AS int[])) THEN 'PHU HUYNH nop tien'
                    ELSE 'MBVCB.757532.426726.' || reference || '.CT tu 0011 PHU HUYNH toi TRUONG' END,
               CASE WHEN place % 100 = ANY(CAST(:nameless AS int[])) THEN '{}' ELSE ARRAY[reference] END,
               sha256(reference::bytea), false, false, now()
        FROM paid WHERE place <= :payments
        RETURNING id, school_id
    )
    INSERT INTO outbox (queue, kind, school_id, subject_id, due_at)
    SELECT 'settlement', 'evidence', school_id, id, now() FROM said
""")


@dataclass(frozen=True, slots=True)
class PayingSchool:
    """A school, and the account on which its parents have paid."""

    id: int
    account_id: int
    account_number: str


def paying_school(
    engine: Engine, pupils: int, *, payments: int | None = None, nameless: tuple[int, ...] = NAMELESS
) -> PayingSchool:
    """An invoice for each pupil, and a payment for the first of them (all by default), not settled yet."""
    environment = {"DATABASE_URL": str(engine.url), **generated_environment()}
    with session_scope(engine) as session:
        school = make_school(session)
        make_pupils(session, school, pupils - 1)
        session.execute(REGISTER, {"school": school.id, "club": school.club})
        issued(session, school)
        number = session.get_one(ReceivingAccount, (school.id, school.account)).number
        connection_id, _ = create_connection(
            session,
            FieldCipher(Settings.from_env(environment).field_keys),
            adapter="sepay",
            accounts=[AccountName("970998", number)],
            secret={"secret": "a secret of the benchmark alone"},
            actor_id=None,
        )
        paid = {"school": school.id, "connection": connection_id, "payments": payments or pupils}
        session.execute(ARRIVE, paid | {"nameless": list(nameless)})
    return PayingSchool(school.id, school.account, number)
