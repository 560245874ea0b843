"""What a person is told about a camt message that was read all the same."""

from bank_adapters.statements.camt_entry import Entry
from bank_adapters.statements.model import Notice


def not_booked(entry: Entry) -> Notice:
    """Note an entry that has not moved the balance."""
    return Notice(
        "entry_not_booked",
        entry.place,
        f"Bút toán chưa ghi sổ ({entry.status[:35]}) nên được bỏ qua.",
        f"The entry is not booked ({entry.status[:35]}) and was passed over.",
    )


def of_zero(place: str) -> Notice:
    """Note an entry of zero đồng, as banks write for a fee that they waive."""
    return Notice(
        "row_without_movement",
        place,
        "Bút toán này có số tiền bằng 0 nên được bỏ qua.",
        "The entry's amount is zero, and it was passed over.",
    )


def not_all_details(place: str, stated: int, found: int) -> Notice:
    """Note a batch that says it has another number of transactions than it lists."""
    return Notice(
        "batch_incomplete",
        place,
        f"Bút toán gộp ghi {stated} giao dịch nhưng tệp chỉ liệt kê {found}.",
        f"The batch says {stated} transactions, the file lists {found}.",
    )


def proves_no_day(place: str) -> Notice:
    """Note a message whose balances, if it has any, are not those of a day's end."""
    return Notice(
        "proves_no_day",
        place,
        "Đây là báo cáo trong ngày (camt.052) hoặc báo có/báo nợ (camt.054), không chứng minh được số dư của ngày. "
        "Hãy nộp thêm sao kê cuối ngày (camt.053).",
        "This is a report within the day (camt.052) or of single movements (camt.054); it proves no day's balance. "
        "Send the statement of the day (camt.053) as well.",
    )
