"""Settlement reports: read by their headers, all or nothing, and the lines that they explain."""

import pytest

from payments.clearing.report_file import read_report
from payments.clearing.reports import import_report
from payments.errors import ConflictError, DomainError, NotFoundError
from tests.payments.setting import make_school

VNPAY = """Báo cáo đối soát giao dịch,,,,,,
STT,Mã giao dịch VNPAY,Mã đơn hàng,Số tiền giao dịch,Phí giao dịch,Số tiền thực nhận,Mã quyết toán
1,{0},D1,"100.000","1.500","98.500",QT250909
2,{1},D2,"300.000","4.500","295.500",QT250909
,Tổng cộng,,"400.000","6.000","394.000",
"""


def csv(*lines: str) -> bytes:
    return "\n".join(lines).encode()


def taken(street, data: bytes, **more):
    values = {"actor_id": street.school.accountant} | more
    return import_report(
        street.session,
        street.school.id,
        street.school.account,
        street.wallet,
        data=data,
        filename="bao-cao.csv",
        **values,
    )


def test_columns_are_found_by_their_headers_and_totals_are_proved():
    found = read_report(VNPAY.format("V1", "V2").encode(), "vnpay.csv")
    assert [(row.txn_id, row.gross_vnd, row.fee_vnd, row.net_vnd, row.payout_reference) for row in found.rows] == [
        ("V1", 100_000, 1_500, 98_500, "QT250909"),
        ("V2", 300_000, 4_500, 295_500, "QT250909"),
    ]


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("T1,100000,1100,,Thanh toán", (False, 100_000, 1_100, 98_900)),
        ("T1,100000,-1100,,Thanh toán", (False, 100_000, 1_100, 98_900)),
        ("T1,100000,,98900,Thanh toán", (False, 100_000, 1_100, 98_900)),
        ("T1,-100000,0,,", (True, -100_000, 0, -100_000)),
        ("T1,100000,,98900,Hoàn tiền", (True, -100_000, -1_100, -98_900)),
    ],
)
def test_what_is_kept_and_what_is_given_back(line, wanted):
    [row] = read_report(csv("Mã giao dịch,Số tiền,Phí,Thực nhận,Loại giao dịch", line), "x.csv").rows
    assert (row.is_refund, row.gross_vnd, row.fee_vnd, row.net_vnd) == wanted


@pytest.mark.parametrize(
    "lines",
    [
        ("Mã giao dịch,Số tiền,Loại", "T1,100000,x"),
        ("Mã giao dịch,Số tiền,Phí,Thực nhận", "T1,100000,1100,98000"),
        ("Mã giao dịch,Số tiền,Phí,Thực nhận", "T1,100000,1100,98900", "T1,100000,1100,98900"),
        ("Mã giao dịch,Số tiền,Phí,Thực nhận", "T1,100000,1100,98900", "Tổng,99999,,"),
        ("Mã giao dịch,Số tiền,Phí,Thực nhận", "T1,100000,1100,98900", ",5000,,"),
        ("Mã giao dịch,Số tiền,Phí,Thực nhận", "T1,100000,,"),
        ("Mã giao dịch,Số tiền,Phí,Thực nhận", "T1,100000,,101000"),
    ],
)
def test_a_file_whose_figures_contradict_each_other_is_refused_with_its_place(lines):
    with pytest.raises(DomainError) as caught:
        read_report(csv(*lines), "x.csv")
    assert caught.value.code == "bad_report"
    assert "dòng" in caught.value.vi or "Báo cáo đối soát, " in caught.value.vi


def test_payments_that_failed_are_left_out():
    lines = ("Mã giao dịch,Số tiền,Phí,Trạng thái", "T1,100000,1100,Thành công", "T2,100000,1100,Thất bại")
    found = read_report(csv(*lines), "x.csv")
    assert (len(found.rows), found.failed) == (1, 1)


@pytest.mark.parametrize("report_first", [True, False])
def test_a_report_explains_a_line_whose_fee_no_tariff_knows(street, report_first):
    keys = [street.told(vnd, street.issue(vnd).reference) for vnd in (100_000, 300_000)]

    def report():
        taken(street, VNPAY.format(*keys).encode())
        street.work()

    def line():
        street.line(394_000, "VNPAY QT250909 TT")
        street.work()

    for step in (report, line) if report_first else (line, report):
        step()
    assert street.payouts() == [("report", 400_000, 6_000, 2)]
    assert street.books() == {"bank": 394_000, "fee": 6_000, "income": -400_000}


def test_a_report_before_its_callbacks_explains_as_soon_as_they_come(street):
    taken(street, VNPAY.format("V1", "V2").encode())
    street.line(394_000, "VNPAY QT250909 TT")
    street.work()
    assert street.states() == ["unmatched"]
    for key, vnd in (("V1", 100_000), ("V2", 300_000)):
        street.told(vnd, street.issue(vnd).reference, key=key)
        street.work()
    assert street.payouts() == [("report", 400_000, 6_000, 2)]


def test_what_a_report_tells_of_is_never_explained_otherwise(street):
    """By tariff one payment of the day is the line; the report says that both are in a payout that has not come."""
    keys = [street.told(vnd, street.issue(vnd).reference) for vnd in (100_000, 300_000)]
    street.line(400_000 - 4_400)
    street.work()
    assert street.payouts() == [("due", 400_000, 4_400, 2)]
    taken(street, VNPAY.format(*keys).encode())
    street.work()
    assert street.payouts() == []
    assert street.states() == ["unmatched"]


def test_the_same_rows_again_add_nothing_and_other_amounts_are_refused(street):
    data = VNPAY.format("V1", "V2").encode()
    assert taken(street, data).new_rows == 2
    again = taken(street, data)
    assert (again.new_rows, again.already_imported) == (0, True)
    more = csv("Mã giao dịch,Số tiền,Phí,Mã quyết toán", "V2,300000,4500,QT250909", "V3,50000,750,QT250909")
    assert taken(street, more).new_rows == 1
    with pytest.raises(ConflictError) as caught:
        taken(street, csv("Mã giao dịch,Số tiền,Phí,Mã quyết toán", "V2,300000,1,QT250909"))
    assert caught.value.code == "report_differs"
    assert street.rows("SELECT count(*) FROM payout_report_row WHERE school_id = :school") == [(3,)]


def test_a_dry_run_writes_nothing(street):
    assert taken(street, VNPAY.format("V1", "V2").encode(), dry_run=True).new_rows == 2
    assert street.rows("SELECT count(*) FROM payout_report WHERE school_id = :school") == [(0,)]


def test_a_report_counts_for_the_accounts_of_its_connection_only(street):
    other = make_school(street.session)
    told = {"data": VNPAY.format("V1", "V2").encode(), "filename": "x.csv", "actor_id": None}
    with pytest.raises(NotFoundError):
        import_report(street.session, other.id, other.account, street.wallet, **told)
    with pytest.raises(NotFoundError):
        import_report(street.session, street.school.id, street.school.other_account, street.wallet, **told)


def test_a_refund_in_a_report_waits_for_the_void_that_it_tells_of(street):
    first = street.told(100_000, street.issue(100_000).reference, day=0)
    street.line(98_900, day=1)
    second = street.told(300_000, street.issue(300_000).reference, day=2)
    street.line(200_000 - 4_500, "VI QT250911", day=3)
    header = "Mã giao dịch,Số tiền,Phí,Mã quyết toán,Ngày quyết toán"
    taken(
        street,
        csv(header, f"{second},300000,4500,QT250911,11/09/2025", f"{first},-100000,0,QT250911,11/09/2025"),
    )
    street.work()
    assert [rule for rule, *_ in street.payouts()] == ["due"]
    street.takes_back(100_000, first, day=2)
    street.work()
    assert [rule for rule, *_ in street.payouts()] == ["due", "report"]
    assert "clearing" not in street.books()
