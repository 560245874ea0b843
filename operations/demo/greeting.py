"""What a visitor of the demo needs: where to look, how to log in, one parent's link."""

from collections.abc import Iterator
from datetime import timedelta

import click
from sqlalchemy import text

from operations.demo.founding import Login
from operations.demo.month import Billed
from operations.demo.world import World
from payments import clock
from payments.db import session_scope
from payments.portal.service import ensure_links, tokens

GOOD_FOR = timedelta(days=365)
WITH_SOMETHING_OPEN = text("""
    SELECT i.pupil_id FROM invoice i
    JOIN invoice_balance b ON b.school_id = i.school_id AND b.invoice_id = i.id
    WHERE i.school_id = :school_id AND b.state = 'open' ORDER BY i.id LIMIT 1
""")


def greet(world: World, billed: Billed) -> None:
    """Print addresses and log-ins to standard error: they are no part of the report."""
    for line in _lines(world, billed):
        click.echo(line, err=True)


def _lines(world: World, billed: Billed) -> Iterator[str]:
    base = world.settings.base_url
    first = next(iter(billed.province.schools.values()))
    yield f"\nTrang web: {base}   (Ctrl-C để dừng)"
    yield f"Trang của phụ huynh: {base}/p/{_parents_token(world, first.id)}"
    yield f"Đăng nhập tại {base}/login"
    staff: tuple[tuple[str, Login], ...] = (
        ("kế toán", first.accountant),
        ("hiệu trưởng", first.principal),
        ("cán bộ Sở", billed.province.officer),
        ("quản trị", billed.province.operator),
    )
    for role, login in staff:
        yield f"  {role:<12} {login.username:<24} {login.password}"


def _parents_token(world: World, school_id: int) -> str:
    """The link of a pupil who still has something to pay."""
    keys = world.settings.link_keys
    with session_scope(world.engine) as session:
        ensure_links(session, keys, school_id, clock.now() + GOOD_FOR)
        wanted = session.scalar(WITH_SOMETHING_OPEN, {"school_id": school_id})
        links = dict(tokens(session, keys, school_id))
    return links[wanted] if wanted in links else next(iter(links.values()))
