"""A durable server with schools, open invoices and one signed connection, for tests that kill processes."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from operations.migrate import upgrade
from operations.services import EmbeddedPostgres, EmbeddedValkey
from payments import clock
from payments.banking.connections import AccountName, create_connection
from payments.crypto import FieldCipher
from payments.db import make_engine, session_scope
from payments.invoices import reference
from payments.ledger.models import EntryKind, LedgerRole
from payments.ledger.service import Posting, PostingLine, post
from payments.settings import Settings, generated_environment
from tests.payments.setting import SchoolSetting, make_pupils, make_school

INVOICE_VND = 1_000_000


@dataclass(frozen=True)
class World:
    """Addresses and keys that processes are started with, and what the bank needs to know."""

    postgres: EmbeddedPostgres
    environment: dict[str, str]
    token: str
    secret: dict[str, str]
    accounts: list[str]
    references: dict[str, list[str]]
    """Account number -> references of its open invoices."""

    @property
    def url(self) -> str:
        return self.environment["DATABASE_URL"]


@contextmanager
def world(schools: int, invoices_each: int) -> Iterator[World]:
    """PostgreSQL with durability on, Valkey, ``schools`` schools with invoices of 1.000.000 đồng each."""
    with EmbeddedPostgres() as postgres, EmbeddedValkey() as valkey:
        environment = {
            **generated_environment(),
            "DATABASE_URL": postgres.url,
            "BROKER_URL": valkey.url,
            "RESULT_BACKEND": valkey.url,
        }
        upgrade(postgres.url)
        settings = Settings.from_env(environment)
        engine = make_engine(postgres.url)
        secret = {"secret": "whsec_" + secrets.token_hex(16)}
        references: dict[str, list[str]] = {}
        with session_scope(engine) as session:
            for school in [make_school(session) for _ in range(schools)]:
                make_pupils(session, school, invoices_each)
                account = session.scalar(
                    text("SELECT number FROM receiving_account WHERE school_id = :school AND id = :id"),
                    {"school": school.id, "id": school.account},
                )
                references[str(account)] = _issue(session, school)
            names = [AccountName("970998", number) for number in references]
            _, token = create_connection(
                session,
                FieldCipher(settings.field_keys),
                adapter="sepay",
                accounts=names,
                secret=secret,
                actor_id=None,
            )
        engine.dispose()
        yield World(postgres, environment, token, secret, list(references), references)


def _issue(session: Session, school: SchoolSetting) -> list[str]:
    """One invoice for every pupil of the school, with its books, in a few statements."""
    round_id = session.scalar(
        text("""
            INSERT INTO collection_round (school_id, code, name, year_id, starts_on, due_on, grouping, state,
                created_by, created_at, approved_by, approved_at, issued_at, planned_invoices, issued_invoices)
            VALUES (:school, 'D1', 'Đợt 1', :year, '2025-09-01', '2099-09-20', 'per_account', 'issued', :accountant,
                now(), :principal, now(), now(), 0, 0) RETURNING id
        """),
        {
            "school": school.id,
            "year": school.year,
            "accountant": school.accountant,
            "principal": school.principal,
        },
    )
    pupils = list(session.scalars(text("SELECT id FROM pupil WHERE school_id = :school"), {"school": school.id}))
    drawn = [reference.generate() for _ in pupils]
    session.execute(
        text("""
            WITH given AS (SELECT * FROM unnest(CAST(:pupils AS bigint[]), CAST(:refs AS text[])) AS g (pupil_id, ref)),
            made AS (
                INSERT INTO invoice (school_id, round_id, pupil_id, receiving_account_id, group_key, reference,
                    amount_vnd, mandatory_vnd, due_on, issued_at)
                SELECT :school, :round, pupil_id, :account, '', ref, :amount, :amount, '2099-09-20', now() FROM given
                RETURNING id
            ), line AS (
                INSERT INTO invoice_line (school_id, invoice_id, line_no, fee_item_id, description, legal_group,
                    mandatory, quantity, unit_price_vnd, relief_vnd, amount_vnd, legal_basis)
                SELECT :school, id, 1, :fee, 'Tiền ăn', 'agency', true, 1, :amount, 0, :amount, 'Nghị quyết mẫu'
                FROM made
            )
            INSERT INTO invoice_balance (school_id, invoice_id, amount_vnd, paid_vnd, state, changed_at)
            SELECT :school, id, :amount, 0, 'open', now() FROM made
        """),
        {
            "school": school.id,
            "round": round_id,
            "account": school.account,
            "fee": school.meals,
            "amount": INVOICE_VND,
            "pupils": pupils,
            "refs": drawn,
        },
    )
    _post_debt(session, school, INVOICE_VND * len(pupils))
    return drawn


def _post_debt(session: Session, school: SchoolSetting, amount_vnd: int) -> None:
    lines = [
        PostingLine(LedgerRole.RECEIVABLE, None, school.meals, amount_vnd),
        PostingLine(LedgerRole.INCOME, None, school.meals, -amount_vnd),
    ]
    post(session, school.id, [Posting(EntryKind.ISSUE, "round:1", clock.today() - timedelta(days=1), lines)])
