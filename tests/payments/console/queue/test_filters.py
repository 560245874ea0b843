"""Filters of the queue: what an address says is read, told and written again; what it cannot say is named."""

from datetime import date
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.console.queue.filters import NAMES, Filters, read

EVERYTHING = {
    "tab": "assigned",
    "account": "7",
    "from": "2025-09-01",
    "to": "30/09/2025",
    "min": "1.250.000",
    "max": "2000000 đ",
    "q": "Nguyễn  Văn-An",
    "class": "6/4",
    "chip": "same_amount",
    "score": "60",
    "outcome": "damaged",
    "sort": "name",
    "page": "2",
    "view": "9",
}


def test_every_filter_is_read_and_written_again() -> None:
    found = read(EVERYTHING)
    assert found.unread == ()
    assert (found.since, found.until) == (date(2025, 9, 1), date(2025, 9, 30))
    assert (found.least_vnd, found.most_vnd) == (1_250_000, 2_000_000)
    assert found.words == "nguyen van an"
    assert set(found.active()) == set(NAMES)
    assert read(dict(parse_qsl(found.query()))) == found


def test_what_says_nothing_leaves_the_address_bare() -> None:
    assert read({}).query() == ""
    assert read({"q": "  ", "tab": "waiting", "sort": "oldest", "page": "0"}) == Filters()


def test_dropping_a_filter_leaves_the_others_and_goes_to_the_first_page() -> None:
    left = read(dict(parse_qsl(read(EVERYTHING).without("class"))))
    assert "class" not in left.active()
    assert len(left.active()) == len(NAMES) - 1
    assert (left.page, left.view) == (0, None)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("account", value) for value in ("x", "-1", "0", "99999999999999999999", "²", "1 OR 1=1")),
        *(("from", value) for value in ("2025-13-01", "31/02/2025", "hôm qua", "1/1", "9999999-01-01")),
        *(("min", value) for value in ("12..34", "-5", "1.25", "1e9")),
        *(("chip", value) for value in ("a'b", "<script>", "A" * 41)),
        *(("score", value) for value in ("101", "-1", "60.5")),
        ("outcome", "exact"),
    ],
)
def test_a_forged_filter_is_named_and_never_silently_widened(key: str, value: str) -> None:
    found = read({key: value})
    assert found.unread == (key,)
    assert found.active() == {}


@pytest.mark.parametrize(("key", "value"), [("tab", "drop table"), ("sort", "t.id;"), ("page", "10001"), ("view", "x")])
def test_a_forged_tab_order_or_page_is_the_usual_one(key: str, value: str) -> None:
    assert read({key: value}) == Filters()


@given(st.dictionaries(st.sampled_from(list(EVERYTHING)), st.text(max_size=40)))
def test_no_address_breaks_the_reader_and_what_it_reads_it_writes(args: dict[str, str]) -> None:
    found = read(args)
    again = read(dict(parse_qsl(found.query())))
    assert {key: again.active().get(key) for key in found.active()} == found.active() or found.q != found.q.strip()
