"""The search box: everything an accountant may have at hand finds its way, and nothing of another school."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from payments.bundles.service import Payer, make_bundle
from payments.console.finding import Found, amounts, escaped, search
from payments.settlement.settling import settle_transactions
from tests.payments.setting import make_pupil, make_school
from tests.payments.settlement.setting import arrive, issue


def names(found: Found) -> list[str]:
    return [row["full_name"] for row in found.pupils]


@pytest.mark.parametrize("typed", ["nguyen mau binh", "BÌNH", "binh 1a", "Mẫu Bình", "  binh  "])
def test_a_pupil_is_found_without_diacritics_by_words_in_any_order_and_by_class(session: Session, typed: str) -> None:
    school = make_school(session)
    make_pupil(session, school.id, school.class_room, "Bình".replace("ì", "i"))
    assert names(search(session, school.id, typed)) == ["Nguyễn Mẫu Binh"]


def test_words_match_from_their_beginning_only(session: Session) -> None:
    school = make_school(session)
    make_pupil(session, school.id, school.class_room, "Binh")
    assert names(search(session, school.id, "inh")) == []
    assert names(search(session, school.id, "bi ngu")) == ["Nguyễn Mẫu Binh"]


def test_an_identifier_a_reference_an_amount_a_bank_number_and_a_receipt_find_their_own(session: Session) -> None:
    school, other = make_school(session), make_school(session)
    invoice = issue(session, school, 123_000)
    transaction = arrive(session, school, 123_000, f"chuyen tien {invoice.reference} CAM ON")
    settle_transactions(session, school.id, [transaction])
    sector, number = session.execute(
        text(
            "SELECT p.sector_id, t.bank_reference FROM pupil p, bank_transaction t WHERE p.id = :pupil AND t.id = :id"
        ),
        {"pupil": school.pupil, "id": transaction},
    ).one()
    assert [row["id"] for row in search(session, school.id, sector).pupils] == [school.pupil]
    assert [row["id"] for row in search(session, school.id, invoice.reference.lower()).invoices] == [invoice.id]
    for typed in ("123.000", "123000 đ", number or invoice.reference, "cam ơn"):
        assert [row["id"] for row in search(session, school.id, typed).transfers] == [transaction], typed
        assert search(session, other.id, typed).nothing
    assert [row["number"] for row in search(session, school.id, "1").receipts] == [1]
    assert search(session, other.id, invoice.reference).nothing
    assert search(session, other.id, sector).nothing


@given(st.text(max_size=30))
def test_whatever_is_typed_is_no_pattern_and_no_error(session_of_school: tuple[Session, int], typed: str) -> None:
    session, school_id = session_of_school
    search(session, school_id, typed)


@pytest.fixture(scope="module")
def session_of_school(shared_engine: Engine) -> Iterator[tuple[Session, int]]:
    with Session(shared_engine) as opened:
        yield opened, make_school(opened).id
        opened.rollback()


def test_signs_of_like_are_taken_word_for_word() -> None:
    assert escaped(r"100%_\ ") == r"100\%\_\\ "


@pytest.mark.parametrize(
    ("typed", "found"), [("1.250.000", [1_250_000]), ("1,250,000đ", [1_250_000]), ("1.25", []), ("HP12", [])]
)
def test_an_amount_is_read_as_people_type_it(typed: str, found: list[int]) -> None:
    assert amounts(typed) == found


@pytest.mark.db
def test_a_bundle_s_reference_finds_all_invoices_of_its_list(session: Session) -> None:
    school = make_school(session)
    ids = [issue(session, school).id for _ in range(2)]
    issue(session, school)
    code = make_bundle(session, school.id, Payer(pupil_id=school.pupil), ids)
    assert [row["id"] for row in search(session, school.id, code).invoices] == ids
