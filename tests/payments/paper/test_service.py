"""Printing from the database: what is open now, in class order, each code that of its invoice; nothing else changes."""

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from payments import clock
from payments.errors import DomainError, NotFoundError
from payments.paper import queries, service
from payments.paper.document import join
from payments.paper.rules import Kind
from payments.settlement.settling import settle_transactions
from payments.vietqr import decode
from tests.payments.paper.office import LINKS, Office, memos, open_office
from tests.payments.paper.reading import codes
from tests.payments.setting import make_school
from tests.payments.settlement.setting import arrive, issue

MONEY_TABLES = ("invoice", "invoice_balance", "invoice_line", "allocation", "ledger_line")


@pytest.fixture
def office(session: Session) -> Office:
    return open_office(session)


def printed(session: Session, office: Office, kind: Kind = Kind.SHEETS, **of: int) -> bytes:
    wanted = service.order(session, office.school.id, office.round_id, kind, **of)
    return join(part.pdf for part in service.print_parts(session, LINKS, wanted))


def asked(session: Session, office: Office, kind: Kind = Kind.SHEETS, **of: int) -> list[tuple[str, int]]:
    """(memo, đồng) of the codes that ask for money, in the order of print."""
    found = [decode(code.text) for code in codes(printed(session, office, kind, **of), 150) if "://" not in code.text]
    return [(qr.memo, qr.amount_vnd) for qr in found]


def pay(session: Session, office: Office, amount_vnd: int, number: int) -> None:
    transaction = arrive(session, office.school, amount_vnd, office.invoices[number].reference)
    settle_transactions(session, office.school.id, [transaction])


def test_classes_come_by_grade_and_pupils_by_their_names(session: Session, office: Office) -> None:
    assert [(room.name, room.slips) for room in queries.rooms(session, office.school.id, office.round_id)] == [
        ("1A", 3),
        ("10A", 1),
    ]
    references = [invoice.reference for invoice in office.invoices]
    assert asked(session, office) == list(zip(references, (100_000, 50_000, 220_000, 310_000), strict=True))
    assert sorted(asked(session, office, Kind.SLIPS)) == sorted(asked(session, office))
    assert [memo for memo, _ in asked(session, office, class_id=office.other_class)] == references[3:]
    assert [memo for memo, _ in asked(session, office, pupil_id=office.school.pupil)] == references[:2]


def test_paper_asks_for_what_the_table_says_is_mandatory_and_open(session: Session, office: Office) -> None:
    pay(session, office, 100_000, 0)
    pay(session, office, 20_000, 2)
    pay(session, office, 310_000, 3)
    references = [invoice.reference for invoice in office.invoices]
    assert asked(session, office) == [(references[1], 50_000), (references[2], 200_000)]
    rows = session.execute(
        text(
            "SELECT i.reference, i.mandatory_vnd - b.paid_vnd FROM invoice i JOIN invoice_balance b"
            " ON b.school_id = i.school_id AND b.invoice_id = i.id WHERE i.mandatory_vnd > b.paid_vnd"
        )
    )
    assert sorted(asked(session, office)) == sorted((reference, vnd) for reference, vnd in rows)


def test_a_replaced_or_cancelled_invoice_is_never_printed(session: Session, office: Office) -> None:
    first = office.invoices[0]
    session.execute(text("UPDATE invoice_balance SET state = 'replaced' WHERE invoice_id = :id"), {"id": first.id})
    session.execute(
        text("UPDATE invoice_balance SET state = 'cancelled' WHERE invoice_id = :id"), {"id": office.invoices[3].id}
    )
    assert [memo for memo, _ in asked(session, office)] == [one.reference for one in office.invoices[1:3]]


def test_only_invoices_of_this_round_and_school_are_printed(session: Session, office: Office) -> None:
    issue(session, office.school, 999_000)
    stranger = open_office(session)
    assert 999_000 not in [vnd for _, vnd in asked(session, office)]
    assert len(asked(session, office)) == 4
    with pytest.raises(NotFoundError):
        service.order(session, office.school.id, stranger.round_id, Kind.SLIPS)
    with pytest.raises(DomainError, match="nothing_to_print"):
        service.order(session, office.school.id, office.round_id, Kind.SLIPS, class_id=stranger.other_class)


def test_a_reprint_is_the_same_file_with_the_same_links(session: Session, office: Office) -> None:
    first = printed(session, office, Kind.SLIPS)
    assert printed(session, office, Kind.SLIPS) == first
    links = [code.text for code in codes(first, 150) if "://" in code.text]
    assert len(links) == 4
    assert all(link.startswith("https://hocphi.example.vn/p/") for link in links)
    pay(session, office, 1_000, 0)
    assert printed(session, office, Kind.SLIPS) != first


def test_printing_changes_no_money_and_class_sheets_make_no_links(session: Session, office: Office) -> None:
    def money() -> list[object]:
        return [session.execute(text(f"SELECT * FROM {table} ORDER BY 1, 2, 3")).all() for table in MONEY_TABLES]

    before = money()
    printed(session, office)
    assert session.scalar(text("SELECT count(*) FROM parent_link")) == 0
    printed(session, office, Kind.SLIPS)
    assert session.scalar(text("SELECT count(*) FROM parent_link")) == 3
    assert money() == before


@pytest.mark.parametrize("state", ["approved", "issuing", "closed"])
def test_only_a_round_that_is_out_is_printed(session: Session, office: Office, state: str) -> None:
    session.execute(text("UPDATE collection_round SET state = :state"), {"state": state})
    with pytest.raises(DomainError, match="round_not_out"):
        service.order(session, office.school.id, office.round_id, Kind.SLIPS)


def test_a_round_without_open_invoices_says_so(session: Session, office: Office) -> None:
    for number, vnd in enumerate((100_000, 50_000, 220_000, 310_000)):
        pay(session, office, vnd, number)
    with pytest.raises(DomainError, match="nothing_to_print") as refusal:
        service.order(session, office.school.id, office.round_id, Kind.SLIPS)
    assert "Không có gì để in" in refusal.value.vi


def test_the_log_says_who_printed_how_much_and_no_name(session: Session, office: Office) -> None:
    wanted = service.order(session, office.school.id, office.round_id, Kind.SLIPS)
    service.note_printing(session, wanted, office.school.accountant)
    session.flush()
    assert memos(session) == 1
    row = session.execute(text("SELECT actor_id, detail FROM audit_event WHERE action = 'paper.printed'")).one()
    assert row.actor_id == office.school.accountant
    assert row.detail == {
        "kind": "slips",
        "round_id": office.round_id,
        "class_ids": [office.school.class_room, office.other_class],
        "slips": 4,
    }


def test_the_poster_shows_accounts_that_take_money_and_no_others(session: Session) -> None:
    school = make_school(session)
    session.execute(text("UPDATE receiving_account SET state = 'closed' WHERE id = :id"), {"id": school.other_account})
    shown = queries.accounts(session, school.id, clock.now())
    pdf = service.poster(session, school.id, "https://hocphi.example.vn", "a4")
    read = [code.text for code in codes(pdf, 100)]
    assert [decode(code).account for code in read if "://" not in code] == [account.number for account in shown]
    assert len(shown) == 1
    assert f"https://hocphi.example.vn/s/{school.code}" in read
    session.execute(text("UPDATE receiving_account SET state = 'closed'"))
    with pytest.raises(DomainError, match="no_account"):
        service.poster(session, school.id, "https://hocphi.example.vn", "a4")
