"""What a visitor of the demo needs: where to look, how to log in, one parent's link."""

from collections.abc import Iterator

import click
from sqlalchemy import text

from operations.demo.founding import Login
from operations.demo.month import Billed
from operations.demo.world import World
from payments.db import session_scope
from payments.portal.service import ensure_links, good_until, link_of

STATES = (("open", "chưa nộp"), ("partial", "nộp thiếu"), ("paid", "đã nộp"))
"""What a visitor wants to see, in words."""
PUPIL_IN_STATE = text("""
    SELECT i.pupil_id FROM invoice i
    JOIN invoice_balance b ON b.school_id = i.school_id AND b.invoice_id = i.id
    WHERE i.school_id = :school_id AND b.state NOT IN ('replaced', 'cancelled')
    GROUP BY i.pupil_id HAVING bool_or(b.state = :state) AND bool_and(b.state IN (:state, 'paid'))
    ORDER BY i.pupil_id LIMIT 1
""")


def greet(world: World, billed: Billed, family: str) -> None:
    """Print addresses and log-ins to standard error: they are no part of the report."""
    for line in _lines(world, billed, family):
        click.echo(line, err=True)


def _lines(world: World, billed: Billed, family: str) -> Iterator[str]:
    base = world.settings.base_url
    first = next(iter(billed.province.schools.values()))
    yield f"\nTrang web: {base}   (Ctrl-C để dừng)"
    yield "Trang của phụ huynh (parents' pages):"
    for words, token in _parents_links(world, first.id):
        yield f"  {words:<12} {base}/p/{token}"
    yield f"  {'cả nhà':<12} {base}/p/{family}"
    yield f"  {'tra cứu':<12} {base}/tra-cuu"
    yield f"  {'trang trường':<12} {base}/s/{first.size.code}"
    yield f"Đăng nhập tại {base}/login (log-ins of the staff):"
    staff: tuple[tuple[str, Login], ...] = (
        ("kế toán", first.accountant),
        ("hiệu trưởng", first.principal),
        ("cán bộ Sở", billed.province.officer),
        ("quản trị", billed.province.operator),
        ("kỹ sư", billed.province.engineer),
    )
    for role, login in staff:
        yield f"  {role:<12} {login.username:<24} {login.password}"


def _parents_links(world: World, school_id: int) -> Iterator[tuple[str, str]]:
    """(state in words, token) of one pupil each."""
    keys = world.settings.link_keys
    with session_scope(world.engine) as session:
        ensure_links(session, keys, school_id, good_until(session, school_id))
        for state, words in STATES:
            pupil_id = session.scalar(PUPIL_IN_STATE, {"school_id": school_id, "state": state})
            token = None if pupil_id is None else link_of(session, keys, school_id, pupil_id)
            if token is not None:
                yield words, token
