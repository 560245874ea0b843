"""The filters of the queue as SQL: our own text only, what people type travels as parameters."""

import unicodedata
from collections.abc import Mapping
from typing import Any

from payments.console.queue.filters import Filters
from payments.errors import DomainError
from payments.invoices.reference import find
from payments.money import parse_vnd
from payments.settlement import reasons

SURE = 70
"""From this score on a hint stands under «Gợi ý chắc»."""
_MARKS = "".join(chr(code) for code in range(0x300, 0x370))


def _letters() -> tuple[str, str]:
    """Vietnamese letters and what they are without diacritics, for ``translate``; combining marks fall away."""
    accented = [chr(code) for code in (*range(0xC0, 0x250), *range(0x1EA0, 0x1EFA)) if chr(code).isalpha()]
    plain = {one: unicodedata.normalize("NFD", one)[0].lower() for one in accented} | {"đ": "d", "Đ": "d"}
    known = {one: base for one, base in plain.items() if base.isascii()}
    return "".join(known) + _MARKS, "".join(known.values())


FROM, TO = _letters()
SCORE = f"""
    coalesce((s.suggestions->0->>'score')::int, (
        SELECT least({reasons.MOST}, coalesce(sum(w.points), 0))::int
        FROM jsonb_array_elements_text(s.suggestions->0->'chips') AS c(chip)
        JOIN (VALUES {", ".join(f"('{chip}', {points})" for chip, points in reasons.CHIPS.items())}) AS w(chip, points)
          ON w.chip = c.chip
    ), 0)
"""  # noqa: S608 - our own text
HINTED = """
    SELECT x.id::bigint FROM jsonb_array_elements(s.suggestions) AS h(hint),
        jsonb_array_elements_text(h.hint->'invoice_ids') AS x(id)
"""
FIRST_HINT = "SELECT x.id::bigint FROM jsonb_array_elements_text(s.suggestions->0->'invoice_ids') AS x(id)"
PAID = """
    SELECT al.invoice_id FROM allocation al
    WHERE al.school_id = t.school_id AND al.transaction_id = t.id
    GROUP BY al.invoice_id HAVING sum(al.amount_vnd) <> 0
"""
CLASS = """
    (SELECT c.name FROM enrollment e JOIN class_room c ON c.school_id = e.school_id AND c.id = e.class_id
     WHERE e.school_id = p.school_id AND e.pupil_id = p.id ORDER BY e.valid_from DESC, e.id DESC LIMIT 1)
"""
_MEMO = "regexp_replace(translate(lower(t.description), :letters_from, :letters_to), '[^0-9a-z]+', ' ', 'g')"
_OF_TAB: Mapping[str, str] = {
    "waiting": "t.direction = 'credit' AND t.state = 'unmatched'",
    "sure": f"t.direction = 'credit' AND t.state = 'unmatched' AND {SCORE} >= {SURE}"
    " AND coalesce(jsonb_array_length(s.suggestions->0->'against'), 0) = 0",
    "assigned": "t.state = 'credited' AND s.outcome = 'assigned'",
    "excluded": "t.state = 'excluded'",
}
ORDERS: Mapping[str, str] = {
    "oldest": "t.value_date, t.id",
    "newest": "t.value_date DESC, t.id DESC",
    "largest": "t.amount_vnd DESC, t.id",
    "score": f"{SCORE} DESC, t.value_date, t.id",
    "name": '(SELECT min(p.sort_key COLLATE "C") FROM invoice i JOIN pupil p ON p.school_id = i.school_id'
    " AND p.id = i.pupil_id WHERE i.school_id = t.school_id AND i.id IN ({who})) NULLS LAST, t.id",
}


def who(tab: str) -> str:
    """The invoices that a row of this tab is about: what was paid, else what is hinted at."""
    return PAID if tab == "assigned" else FIRST_HINT


def order(filters: Filters) -> str:
    """The order of the rows; always the same one for the same facts."""
    return ORDERS[filters.sort].replace("{who}", who(filters.tab))


def of_tab(tab: str) -> str:
    """What belongs under a tab, before any filter."""
    return _OF_TAB[tab]


def narrowing(filters: Filters) -> dict[str, str]:
    """Key of each active filter -> its condition."""
    about = PAID if filters.tab == "assigned" else HINTED
    pupils = (
        "EXISTS (SELECT FROM invoice i JOIN pupil p ON p.school_id = i.school_id AND p.id = i.pupil_id"
        f" WHERE i.school_id = t.school_id AND i.id IN ({about}) AND "
    )
    conditions = {
        "account": "t.account_id = :account",
        "from": "t.value_date >= :since",
        "to": "t.value_date <= :until",
        "min": "t.amount_vnd >= :least_vnd",
        "max": "t.amount_vnd <= :most_vnd",
        "q": f"(position(:words IN {_MEMO}) > 0 OR t.bank_reference = :typed OR t.amount_vnd = :amount_vnd"
        f' OR t."references" && CAST(:found AS text[]) OR {pupils}position(:words IN p.search_key) > 0))',
        "class": f"{pupils}{CLASS} = :class_name)",
        "chip": "EXISTS (SELECT FROM jsonb_array_elements(s.suggestions) AS h(hint)"
        " WHERE h.hint->'chips' ? CAST(:chip AS text) OR h.hint->'against' ? CAST(:chip AS text))",
        "score": f"{SCORE} >= :score",
        "outcome": "s.outcome = :outcome",
    }
    return {key: conditions[key] for key in filters.active()}


def values(filters: Filters) -> dict[str, Any]:
    """The parameters of the conditions."""
    return {
        "account": filters.account,
        "since": filters.since,
        "until": filters.until,
        "least_vnd": filters.least_vnd,
        "most_vnd": filters.most_vnd,
        "words": filters.words or "\x01",
        "typed": filters.q,
        "amount_vnd": _amount(filters.q),
        "found": find(filters.q),
        "class_name": filters.class_name,
        "chip": filters.chip,
        "score": filters.score,
        "outcome": filters.outcome,
        "letters_from": FROM,
        "letters_to": TO,
    }


def _amount(text: str) -> int | None:
    """The text as an amount in đồng, when it is one."""
    try:
        return parse_vnd(text)
    except DomainError:
        return None
