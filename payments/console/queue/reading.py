"""Reads of the queue: a page of rows, counts of tabs, what an empty page is empty of, invoices to choose from."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import RowMapping, text
from sqlalchemy.orm import Session

from payments.console.queue import conditions, words
from payments.console.queue.filters import Filters
from payments.i18n import Language
from payments.invoices.asking import ASKED_VND
from payments.invoices.reference import find
from payments.schools.rules import search_key

Row = RowMapping
PAGE_ROWS = 200
FOUND_ROWS = 40
CHUNK = 500
LISTED = ("waiting", "sure", "assigned", "excluded")
"""Tabs whose rows are bank credits."""

_FROM = """
    FROM bank_transaction t
    JOIN receiving_account a ON a.school_id = t.school_id AND a.id = t.account_id
    JOIN settlement s ON s.school_id = t.school_id AND s.transaction_id = t.id
"""
_DECISION = """
    LEFT JOIN LATERAL (
        SELECT d.id, d.kind, d.decided_at, d.note, u.full_name AS decided_by FROM decision d
        JOIN app_user u ON u.id = d.decided_by
        WHERE d.school_id = t.school_id AND d.transaction_id = t.id
          AND d.kind IN ('assign', 'split', 'exclude', 'refund')
          AND NOT EXISTS (SELECT FROM decision x WHERE x.school_id = d.school_id AND x.undoes_id = d.id)
        ORDER BY d.id DESC LIMIT 1
    ) d ON true
"""
_COLUMNS = f"""
    t.id, t.occurred_at, t.value_date, t.amount_vnd, t.description, t.references, t.bank_reference, t.state,
    a.id AS account_id, a.fund, a.number AS account_number, s.outcome, s.flags, s.suggestions,
    {conditions.SCORE} AS score, d.id AS decision_id, d.kind AS decision_kind, d.decided_at, d.decided_by, d.note,
    (SELECT left(n.note, 80) FROM decision n WHERE n.school_id = t.school_id AND n.transaction_id = t.id
     AND n.kind = 'note' ORDER BY n.id DESC LIMIT 1) AS remark,
    CASE WHEN t.state = 'credited' THEN ARRAY(
        SELECT DISTINCT p.full_name FROM invoice i JOIN pupil p ON p.school_id = i.school_id AND p.id = i.pupil_id
        WHERE i.school_id = t.school_id AND i.id IN ({conditions.PAID})) END AS paid
"""  # noqa: S608 - our own text
_INVOICES = f"""
    SELECT i.id, i.reference, i.pupil_id, p.full_name, p.sector_id, {conditions.CLASS} AS class_name,
        r.name AS round_name, i.due_on, b.state, i.receiving_account_id,
        CASE WHEN i.mandatory_vnd = 0 THEN b.amount_vnd - b.paid_vnd ELSE {ASKED_VND} END AS open_vnd
    FROM invoice i JOIN invoice_balance b ON b.school_id = i.school_id AND b.invoice_id = i.id
    JOIN pupil p ON p.school_id = i.school_id AND p.id = i.pupil_id
    JOIN collection_round r ON r.school_id = i.school_id AND r.id = i.round_id
    WHERE i.school_id = :school_id
"""  # noqa: S608 - our own text
_BY_ID = text(f"{_INVOICES} AND i.id = ANY(CAST(:ids AS bigint[]))")
_FOUND = text(
    f"{_INVOICES} AND b.state IN ('open', 'partial', 'paid') AND (p.sector_id = :typed"
    " OR i.reference = ANY(CAST(:found AS text[]))"
    " OR (cardinality(CAST(:tokens AS text[])) > 0 AND NOT EXISTS (SELECT FROM unnest(CAST(:tokens AS text[])) AS k"
    f"   WHERE position(k IN p.search_key || ' ' || translate(lower({conditions.CLASS}), :letters_from, :letters_to))"
    " = 0)))"
    " ORDER BY b.state = 'paid', p.sort_key COLLATE \"C\", p.id, i.due_on, i.id LIMIT :limit"
)
_COUNTS = text(f"""
    SELECT
        (SELECT count(*) {_FROM} WHERE t.school_id = :school_id AND {conditions.of_tab("waiting")}) AS waiting,
        (SELECT count(*) {_FROM} WHERE t.school_id = :school_id AND {conditions.of_tab("sure")}) AS sure,
        (SELECT count(*) {_FROM} WHERE t.school_id = :school_id AND {conditions.of_tab("assigned")}) AS assigned,
        (SELECT count(*) {_FROM} WHERE t.school_id = :school_id AND {conditions.of_tab("excluded")}) AS excluded,
        (SELECT count(*) FROM refund WHERE school_id = :school_id AND state IN ('proposed', 'approved')) AS refunds,
        (SELECT count(*) FROM held_evidence WHERE school_id = :school_id) AS held
""")  # noqa: S608 - our own text
_CHOICES = text("""
    SELECT 'account' AS kind, a.id::text AS value, a.fund || ' · …' || right(a.number, 4) AS label
    FROM receiving_account a WHERE a.school_id = :school_id AND a.state <> 'proposed'
    UNION ALL
    SELECT DISTINCT 'class', c.name, c.name FROM class_room c WHERE c.school_id = :school_id
    ORDER BY 1, 3
""")
_CREDITS = text("""
    SELECT p.id AS pupil_id, p.full_name, sum(k.amount_vnd)::bigint AS amount_vnd FROM pupil_credit k
    JOIN pupil p ON p.school_id = k.school_id AND p.id = k.pupil_id
    WHERE k.school_id = :school_id AND k.transaction_id = :id
    GROUP BY p.id, p.full_name, p.sort_key HAVING sum(k.amount_vnd) > 0 ORDER BY p.sort_key COLLATE "C", p.id
""")
_DECIDED = text("""
    SELECT d.id, d.kind, d.transaction_id, t.amount_vnd, u.full_name AS decided_by,
        (SELECT count(DISTINCT i.pupil_id) FROM invoice i
         WHERE i.school_id = d.school_id AND i.id = ANY(d.invoice_ids)) AS pupils,
        (SELECT min(p.full_name) FROM invoice i JOIN pupil p ON p.school_id = i.school_id AND p.id = i.pupil_id
         WHERE i.school_id = d.school_id AND i.id = ANY(d.invoice_ids)) AS pupil,
        NOT EXISTS (SELECT FROM decision x WHERE x.school_id = d.school_id AND x.undoes_id = d.id) AS stands
    FROM decision d JOIN bank_transaction t ON t.school_id = d.school_id AND t.id = d.transaction_id
    JOIN app_user u ON u.id = d.decided_by
    WHERE d.school_id = :school_id AND d.id = ANY(CAST(:ids AS bigint[])) ORDER BY d.id
""")


@dataclass(frozen=True, slots=True)
class Hint:
    """What a transfer may be meant for, with the reasons for and against; ``score`` of 100."""

    invoice_ids: tuple[int, ...]
    chips: tuple[str, ...]
    against: tuple[str, ...] = ()
    score: int | None = None
    differs_vnd: int = 0
    """By how much the transfer is more than what is open; negative: less."""
    rivals: int = 1
    """Of how many the same can be said."""

    def told_against(self, language: Language) -> list[str]:
        """The reasons against it in words, with their figures."""
        return [words.against(key, self.differs_vnd, self.rivals, language) for key in self.against]


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows of a tab, and how many there are of what sum in all."""

    rows: Sequence[Row]
    invoices: Mapping[int, Row]
    total: int
    total_vnd: int

    @property
    def more(self) -> bool:
        """Whether the page is full: another one may follow."""
        return len(self.rows) == PAGE_ROWS


@dataclass(frozen=True, slots=True)
class Choices:
    """What the filters offer."""

    accounts: Sequence[Row] = field(default_factory=list)
    classes: Sequence[Row] = field(default_factory=list)


def hints(row: Row) -> list[Hint]:
    """The suggestions of a row, the best first; what an older settlement wrote has no score and nothing against."""
    return [
        Hint(tuple(one["invoice_ids"]), tuple(one["chips"]), tuple(one.get("against", ())), *_figures(one))
        for one in row["suggestions"]
    ]


def _figures(one: Mapping[str, Any]) -> tuple[int | None, int, int]:
    return one.get("score"), one.get("differs_vnd", 0), one.get("rivals", 1)


def page(session: Session, school_id: int, filters: Filters) -> Page:
    """The rows of a tab that pass the filters, with the invoices that their first hints or payments name."""
    found = session.execute(
        text(
            f"SELECT {_COLUMNS}, count(*) OVER () AS total, (sum(t.amount_vnd) OVER ())::bigint AS total_vnd"
            f" {_FROM} {_DECISION} WHERE {_where(filters)} ORDER BY {conditions.order(filters)}"
            " LIMIT :limit OFFSET :offset"
        ),
        _values(school_id, filters) | {"limit": PAGE_ROWS, "offset": PAGE_ROWS * filters.page},
    )
    rows = found.mappings().all()
    total, total_vnd = (rows[0]["total"], rows[0]["total_vnd"]) if rows else (0, 0)
    return Page(rows, named(session, school_id, rows), total, total_vnd)


def every(session: Session, school_id: int, filters: Filters) -> Iterator[tuple[Sequence[Row], Mapping[int, Row]]]:
    """All rows of a tab that pass the filters, in chunks, each with the invoices it names."""
    found = session.execute(
        text(f"SELECT {_COLUMNS} {_FROM} {_DECISION} WHERE {_where(filters)} ORDER BY {conditions.order(filters)}"),
        _values(school_id, filters),
    )
    rows = found.mappings().all()
    for start in range(0, len(rows), CHUNK):
        chunk = rows[start : start + CHUNK]
        yield chunk, named(session, school_id, chunk)


def one(session: Session, school_id: int, transaction_id: int) -> Row | None:
    """One bank credit, whatever became of it."""
    found = session.execute(
        text(
            f"SELECT {_COLUMNS} {_FROM} {_DECISION}"
            " WHERE t.school_id = :school_id AND t.id = :id AND t.direction = 'credit'"
        ),
        {"school_id": school_id, "id": transaction_id},
    )
    return found.mappings().one_or_none()


def some(session: Session, school_id: int, ids: Sequence[int]) -> Sequence[Row]:
    """Bank credits by their numbers, oldest first; numbers of another school are left out."""
    found = session.execute(
        text(
            f"SELECT {_COLUMNS} {_FROM} {_DECISION} WHERE t.school_id = :school_id"
            " AND t.id = ANY(CAST(:ids AS bigint[])) AND t.direction = 'credit' ORDER BY t.value_date, t.id"
        ),
        {"school_id": school_id, "ids": list(ids)},
    )
    return found.mappings().all()


def counts(session: Session, school_id: int) -> Row:
    """How much stands under each tab, without filters."""
    return session.execute(_COUNTS, {"school_id": school_id}).mappings().one()


def choices(session: Session, school_id: int) -> Choices:
    """Accounts and classes that the filters offer."""
    rows = session.execute(_CHOICES, {"school_id": school_id}).mappings().all()
    return Choices([row for row in rows if row["kind"] == "account"], [row for row in rows if row["kind"] == "class"])


def killers(session: Session, school_id: int, filters: Filters) -> list[tuple[str, int]]:
    """For an empty page: which filter alone empties it, and how many rows would be left without it; one statement.

    When no single one does, every filter is named with what is left without all of them.
    """
    parts = conditions.narrowing(filters)
    if not parts:
        return []
    others = {key: " AND ".join([part for name, part in parts.items() if name != key] or ["true"]) for key in parts}
    asked = ", ".join(f'count(*) FILTER (WHERE {rest}) AS "{key}"' for key, rest in others.items())
    row = (
        session.execute(
            text(
                f'SELECT {asked}, count(*) AS "all" {_FROM}'
                f" WHERE t.school_id = :school_id AND {conditions.of_tab(filters.tab)}"
            ),
            _values(school_id, filters),
        )
        .mappings()
        .one()
    )
    guilty = [(key, row[key]) for key in parts if row[key]]
    return guilty or ([("", row["all"])] if row["all"] else [])


def named(session: Session, school_id: int, rows: Sequence[Row]) -> dict[int, Row]:
    """The invoices that rows hint at first, by id."""
    ids = {invoice_id for row in rows for hint in hints(row)[:1] for invoice_id in hint.invoice_ids}
    return invoices(session, school_id, sorted(ids))


def invoices(session: Session, school_id: int, ids: Sequence[int]) -> dict[int, Row]:
    """Invoices with pupil, class, round and what is open in đồng, by id; those of another school are left out."""
    found = session.execute(_BY_ID, {"school_id": school_id, "ids": list(ids)}).mappings()
    return {row["id"]: row for row in found}


def search(session: Session, school_id: int, typed: str) -> Sequence[Row]:
    """Invoices by parts of name and class without diacritics, sector identifier or reference; unpaid ones first."""
    values = {
        "typed": typed.strip(),
        "found": find(typed),
        "tokens": search_key(typed.replace("/", " ").replace("-", " ")).split(),
        "letters_from": conditions.FROM,
        "letters_to": conditions.TO,
    }
    return session.execute(_FOUND, {"school_id": school_id, "limit": FOUND_ROWS, **values}).mappings().all()


def _where(filters: Filters) -> str:
    parts = ["t.school_id = :school_id", conditions.of_tab(filters.tab), *conditions.narrowing(filters).values()]
    return " AND ".join(parts)


def _values(school_id: int, filters: Filters) -> dict[str, Any]:
    return {"school_id": school_id, **conditions.values(filters)}


def decided(session: Session, school_id: int, ids: Sequence[int]) -> Sequence[Row]:
    """Decisions by their numbers, each with whether it stands; those of another school are left out."""
    if not ids:
        return []
    return session.execute(_DECIDED, {"school_id": school_id, "ids": list(ids)}).mappings().all()


def credits_of(session: Session, school_id: int, transaction_id: int) -> Sequence[Row]:
    """What a transfer left as credit of pupils, in đồng."""
    return session.execute(_CREDITS, {"school_id": school_id, "id": transaction_id}).mappings().all()
