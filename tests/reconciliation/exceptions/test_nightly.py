"""Accountants hear of overdue work once for each day on which something became overdue."""

from datetime import UTC, datetime

from payments import clock
from reconciliation.exceptions import nightly, service
from reconciliation.exceptions.rules import Resolution


def messages(nights) -> list[tuple]:
    return nights.rows(
        "SELECT recipient_user_id, subject FROM message WHERE school_id = :school AND kind = 'exceptions_overdue'"
        " ORDER BY id"
    )


def test_what_is_overdue_is_told_once_and_again_when_more_becomes_so(nights):
    nights.night(nights.item("missing_gateway", lines=[nights.line()]), nights.item("only_ledger", rows=[nights.row()]))
    who = nights.school.accountant
    for day, expected in ((15, []), (16, [(who, "Ngoại lệ đối soát quá hạn: 1")]), (17, None), (20, None)):
        with clock.turned_to(datetime(2025, 9, day, 3, tzinfo=UTC)):
            nightly.follow(nights.session, nights.school.id, nights.school.account)
        if expected is not None:
            assert messages(nights) == expected
    assert messages(nights) == [(who, f"Ngoại lệ đối soát quá hạn: {many}") for many in (1, 2)]


def test_finished_work_is_never_overdue(nights):
    nights.night(nights.item("missing_gateway", lines=[nights.line()]))
    service.resolve(
        *(nights.session, nights.school.id, nights.ids()[0], nights.school.accountant),
        resolution=Resolution.BANK_CONFIRMED,
    )
    with clock.turned_to(datetime(2025, 12, 1, tzinfo=UTC)):
        nightly.remind(nights.session, [nights.school.id])
    assert messages(nights) == []
