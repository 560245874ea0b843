"""What views and templates need of the outside: settings, engine, cipher, the language of the page."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import cast

from flask import current_app, g, request
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from payments import clock
from payments.crypto import FieldCipher
from payments.db import session_scope
from payments.i18n import Language, Text, pick_language
from payments.settings import Settings

MAX_ID = 2**63 - 1
API = "/api/"


@dataclass(frozen=True)
class Services:
    """The outside of one application."""

    settings: Settings
    engine: Engine
    cipher: FieldCipher = field(repr=False)


def services() -> Services:
    """Those of the running application."""
    return cast("Services", current_app.extensions["hocphi"])


@contextmanager
def db_session() -> Iterator[Session]:
    """One transaction of a request: committed at the end of the block, rolled back when it raises."""
    with session_scope(services().engine) as session:
        yield session


def language() -> Language:
    """Vietnamese, unless the address asks for ``?lang=en``, or a program in its header; no cookie is set for it."""
    if "language" not in g:
        for_programs = request.path.startswith(API)
        asked = request.accept_languages.best_match(["vi", "en"]) if for_programs else request.args.get("lang")
        g.language = pick_language(asked)
    return cast("Language", g.language)


def say(vi: str, en: str) -> str:
    """One sentence in the language of the page."""
    return Text(vi, en).in_(language())


def day(value: date) -> str:
    """A date as Vietnamese readers write it: 08/09/2025."""
    return f"{value:%d/%m/%Y}"


def moment(value: datetime) -> str:
    """A moment in Vietnamese time: 08:15 08/09/2025."""
    return f"{value.astimezone(clock.VIETNAM):%H:%M %d/%m/%Y}"


def row_id(text: str) -> int:
    """Read the id of a row out of a form or an address. Raises ValueError for what no row can have."""
    number = int(text)
    if not 0 <= number <= MAX_ID:
        raise ValueError(text[:20])
    return number
