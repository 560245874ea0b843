"""Pages of one statement put together: a page proves nothing alone, for the lines of its day may go on overleaf."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bank_adapters.statements.errors import StatementError
from bank_adapters.statements.model import Notice, Statement


@dataclass(frozen=True, slots=True)
class Page:
    """A statement as one page of the file gives it; `is_first` and `is_last` as the page itself says."""

    statement: Statement
    place: str
    is_first: bool = True
    is_last: bool = True


def joined(pages: Sequence[Page]) -> list[Statement]:
    """Return the statements of a file, each of all its pages.

    Where a page is missing, the others are read and say so, but state no balances: they cannot prove a day.
    Raises StatementError when one page does not begin where the one before ended.
    """
    found: list[Statement] = []
    position = 0
    while position < len(pages):
        group = [pages[position]]
        for page in pages[position + 1 :]:
            if not continues(group[-1], page):
                break
            group.append(page)
        position += len(group)
        is_whole = group[0].is_first and group[-1].is_last
        found += [merged(group)] if is_whole else [incomplete(page) for page in group]
    return found


def continues(before: Page, page: Page) -> bool:
    """Tell whether a page is the next one of the same statement."""
    one, two = before.statement, page.statement
    same = (one.account_number, one.sequence, one.format) == (two.account_number, two.sequence, two.format)
    return same and not before.is_last and not page.is_first and (one.page or 0) + 1 == two.page


def merged(group: Sequence[Page]) -> Statement:
    """Make one statement of pages that follow each other; a balance between two becomes a running balance."""
    first, last = group[0].statement, group[-1].statement
    if len(group) == 1:
        return first
    lines = []
    for page, after in zip(group, [*group[1:], None], strict=True):
        own = list(page.statement.lines)
        carried = page.statement.closing_vnd if after else None
        if after and None not in (carried, after.statement.opening_vnd) and carried != after.statement.opening_vnd:
            raise StatementError(
                "bad_structure",
                after.place,
                f"Số dư chuyển trang không khớp: trang trước {carried}, trang này {after.statement.opening_vnd} đồng.",
                f"The balance carried over differs: {carried} before, {after.statement.opening_vnd} đồng here.",
            )
        if own and carried is not None:
            own[-1] = replace(own[-1], balance_after_vnd=carried)
        lines += own
    days = [day for page in group for day in (page.statement.period_from, page.statement.period_to) if day]
    return replace(
        first,
        period_from=min(days, default=None),
        period_to=max(days, default=None),
        closing_vnd=last.closing_vnd,
        lines=tuple(replace(line, line_no=number) for number, line in enumerate(lines, start=1)),
        credits_vnd=last.credits_vnd if first.credits_vnd == last.credits_vnd else None,
        debits_vnd=last.debits_vnd if first.debits_vnd == last.debits_vnd else None,
        notices=tuple(notice for page in group for notice in page.statement.notices),
    )


def incomplete(page: Page) -> Statement:
    """Take from a lone page what would let it prove its days."""
    notice = Notice(
        "page_missing",
        page.place,
        f"Đây là trang {page.statement.page or '?'} của một sao kê nhiều trang; tệp thiếu trang khác nên chưa "
        "chứng minh được số dư. Hãy nộp tệp có đủ các trang.",
        f"This is page {page.statement.page or '?'} of a statement of several; others are not in the file, so the "
        "balance is not proved. Send a file with every page.",
    )
    return replace(page.statement, opening_vnd=None, closing_vnd=None, notices=(*page.statement.notices, notice))
