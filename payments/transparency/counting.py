"""From the books to the figures in public: counted to the start of a day, rounded, changed only for enough pupils.

Nobody can watch one payment: figures never move within a day, and one in public stays as it is, with its date, until at
least ``rules.FEWEST`` pupils have changed since (docs/adr/0028).
"""

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from payments import clock
from payments.transparency import rules
from payments.transparency.rules import Counted

_COUNT = text("""
    WITH line AS MATERIALIZED (
        SELECT i.round_id, l.fee_item_id, i.pupil_id, i.id AS invoice_id, l.id AS line_id, l.unit_price_vnd,
            i.issued_at, b.changed_at, b.state IN ('replaced', 'cancelled') AND b.changed_at < :until AS gone,
            CASE WHEN b.state IN ('replaced', 'cancelled') AND b.changed_at < :until THEN 0 ELSE l.amount_vnd END
                AS amount_vnd
        FROM invoice i
        JOIN invoice_balance b ON b.school_id = i.school_id AND b.invoice_id = i.id
        JOIN invoice_line l ON l.school_id = i.school_id AND l.invoice_id = i.id
        WHERE i.school_id = :school_id AND i.round_id = ANY(:round_ids) AND i.issued_at < :until
    ),
    money AS MATERIALIZED (
        SELECT line.round_id, line.fee_item_id, line.pupil_id, a.amount_vnd, a.created_at
        FROM line JOIN allocation a
            ON a.school_id = :school_id AND a.invoice_id = line.invoice_id AND a.line_id = line.line_id
        WHERE a.created_at < :until
    ),
    billed AS (
        SELECT round_id, fee_item_id, count(*) FILTER (WHERE amount_vnd > 0) AS pupils, sum(amount_vnd) AS amount_vnd,
            max(amount_vnd) AS largest_vnd
        FROM (SELECT round_id, fee_item_id, pupil_id, sum(amount_vnd) AS amount_vnd FROM line GROUP BY 1, 2, 3) AS one
        GROUP BY 1, 2
    ),
    paid AS (
        SELECT round_id, fee_item_id, count(*) FILTER (WHERE amount_vnd > 0) AS pupils, sum(amount_vnd) AS amount_vnd,
            max(amount_vnd) AS largest_vnd
        FROM (SELECT round_id, fee_item_id, pupil_id, sum(amount_vnd) AS amount_vnd FROM money GROUP BY 1, 2, 3) AS one
        GROUP BY 1, 2
    ),
    price AS (
        SELECT round_id, fee_item_id, array_agg(unit_price_vnd ORDER BY unit_price_vnd) AS prices
        FROM (SELECT round_id, fee_item_id, unit_price_vnd FROM line WHERE NOT gone GROUP BY 1, 2, 3
              HAVING count(DISTINCT pupil_id) >= :fewest) AS one
        GROUP BY 1, 2
    ),
    changed AS (
        SELECT f.round_id, f.fee_item_id, count(DISTINCT turn.pupil_id) AS pupils
        FROM public_figure f LEFT JOIN (
            SELECT round_id, fee_item_id, pupil_id, created_at AS at FROM money
            UNION ALL SELECT round_id, fee_item_id, pupil_id, issued_at FROM line
            UNION ALL SELECT round_id, fee_item_id, pupil_id, changed_at FROM line WHERE gone
        ) AS turn ON turn.round_id = f.round_id AND turn.fee_item_id = f.fee_item_id AND turn.at >= f.counted_until
        WHERE f.school_id = :school_id AND f.round_id = ANY(:round_ids)
        GROUP BY 1, 2
    )
    SELECT billed.round_id, billed.fee_item_id, billed.pupils, billed.amount_vnd::bigint,
        coalesce(paid.pupils, 0), coalesce(paid.amount_vnd, 0)::bigint,
        greatest(billed.largest_vnd, paid.largest_vnd)::bigint, coalesce(price.prices, '{}'), changed.pupils
    FROM billed
    LEFT JOIN paid USING (round_id, fee_item_id)
    LEFT JOIN price USING (round_id, fee_item_id)
    LEFT JOIN changed USING (round_id, fee_item_id)
    ORDER BY 1, 2
""")
_KEEP = text("""
    INSERT INTO public_figure (school_id, round_id, fee_item_id, counted_until, grain_vnd, billed_vnd, collected_vnd,
        prices_vnd)
    VALUES (:school_id, :round_id, :fee_item_id, :until, :grain_vnd, :billed_vnd, :collected_vnd, :prices_vnd)
    ON CONFLICT (school_id, round_id, fee_item_id) DO UPDATE SET counted_until = excluded.counted_until,
        grain_vnd = excluded.grain_vnd, billed_vnd = excluded.billed_vnd, collected_vnd = excluded.collected_vnd,
        prices_vnd = excluded.prices_vnd
    WHERE public_figure.counted_until < excluded.counted_until
""")
_SHOWN = text("SELECT round_id FROM public_round WHERE school_id = :school_id AND shown ORDER BY round_id")
_SCHOOLS = text("SELECT DISTINCT school_id FROM public_round WHERE shown ORDER BY school_id")


def last_night() -> datetime:
    """The start of today in Viet Nam, in UTC: what public figures are counted to."""
    return clock.day_starts(clock.today())


def counted(session: Session, school_id: int, round_ids: list[int], until: datetime) -> list[Counted]:
    """The exact sums of some rounds' fee items before a moment: for the school's own eyes and for rounding."""
    wanted = {"school_id": school_id, "round_ids": round_ids, "until": until, "fewest": rules.FEWEST}
    return [
        Counted(round_id, fee_item_id, pupils, billed_vnd, payers, collected_vnd, largest_vnd, tuple(prices), changed)
        for round_id, fee_item_id, pupils, billed_vnd, payers, collected_vnd, largest_vnd, prices, changed in (
            session.execute(_COUNT, wanted)
        )
    ]


def refresh(session: Session, school_id: int) -> int:
    """Bring the figures of a school's published rounds up to last night, where enough pupils stand behind the change.

    Returns how many changed. Again on the same day changes nothing.
    """
    until = last_night()
    round_ids = list(session.scalars(_SHOWN, {"school_id": school_id}))
    figures = [rules.figure(one) for one in counted(session, school_id, round_ids, until) if rules.may_replace(one)]
    rows = [
        {
            "school_id": school_id,
            "round_id": one.round_id,
            "fee_item_id": one.fee_item_id,
            "until": until,
            "grain_vnd": one.grain_vnd,
            "billed_vnd": one.billed_vnd,
            "collected_vnd": one.collected_vnd,
            "prices_vnd": list(one.prices_vnd),
        }
        for one in figures
    ]
    if rows:
        session.execute(_KEEP, rows)
    return len(rows)


def schools_that_publish(session: Session) -> list[int]:
    """Ids of the schools that have a round on their page."""
    return list(session.scalars(_SCHOOLS))
