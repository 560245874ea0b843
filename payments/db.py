"""One declarative base, typed column shorthands, the engine, and the only ordinary place of commit.

Naming follows ``kind__table__columns`` so that a constraint's name can be read back into its parts.
"""

import enum
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import Annotated, Any, ClassVar

import psycopg
from psycopg.errors import UndefinedTable
from sqlalchemy import BigInteger, Date, DateTime, Enum, Identity, LargeBinary, MetaData, Text, create_engine
from sqlalchemy import ForeignKey as _ForeignKey
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from payments.errors import DomainError
from payments.settings import Settings

NAMING = {
    "ix": "ix__%(table_name)s__%(column_0_N_name)s",
    "uq": "uq__%(table_name)s__%(column_0_N_name)s",
    "ck": "ck__%(table_name)s__%(constraint_name)s",
    "fk": "fk__%(table_name)s__%(column_0_N_name)s__%(referred_table_name)s",
    "pk": "pk__%(table_name)s",
}

HANGING_MS = 300_000
"""No work of ours thinks for so long between two statements of a transaction."""

Vnd = Annotated[int, mapped_column(BigInteger)]
"""Whole đồng (invariant I9)."""
Id = Annotated[int, mapped_column(BigInteger)]
GlobalId = Annotated[int, mapped_column(BigInteger, Identity(always=False), primary_key=True)]
SchoolId = Annotated[int, mapped_column(BigInteger, _ForeignKey("school.id"), primary_key=True)]
RowId = Annotated[int, mapped_column(BigInteger, Identity(always=False), primary_key=True)]


def str_enum(kind: type[enum.StrEnum]) -> Enum:
    """A text column with a CHECK of the enum's values (adding a value is a hand-written migration)."""
    return Enum(
        kind,
        native_enum=False,
        create_constraint=True,
        length=40,
        name=kind.__name__.lower(),
        values_callable=lambda members: [member.value for member in members],
    )


class Base(DeclarativeBase):
    """Base of every table."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: DateTime(timezone=True),
        date: Date(),
        str: Text(),
        bytes: LargeBinary(),
        dict[str, Any]: JSONB(),
        list[Any]: JSONB(),
    }


class GlobalRow(Base):
    """A table of the province: its key is a single identity column."""

    __abstract__ = True

    id: Mapped[GlobalId]


class SchoolRow(Base):
    """A table of one school: the key is (school_id, id), every foreign key to it carries school_id (invariant I10)."""

    __abstract__ = True

    school_id: Mapped[SchoolId]
    id: Mapped[RowId]


def sqlalchemy_url(database_url: str) -> str:
    """``postgres://`` and ``postgresql://`` both mean psycopg 3."""
    scheme, separator, rest = database_url.partition("://")
    return f"postgresql+psycopg://{rest}" if separator and scheme in {"postgres", "postgresql"} else database_url


def libpq_url(database_url: str) -> str:
    """The same address for drivers that are used without SQLAlchemy."""
    return database_url.replace("postgresql+psycopg://", "postgresql://", 1)


def make_engine(database_url: str, *, pool_size: int = 5) -> Engine:
    """An engine whose sessions keep the time in UTC and say who they are in ``pg_stat_activity``.

    The values of a statement that fails stay out of its error, which is logged: they name pupils. A process that hangs
    within a transaction loses it, and with it the lease of the school that it held.
    """
    return create_engine(
        sqlalchemy_url(database_url),
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_pre_ping=True,
        hide_parameters=True,
        connect_args={
            "options": f"-c timezone=UTC -c idle_in_transaction_session_timeout={HANGING_MS}",
            "application_name": "hocphi",
        },
    )


@contextmanager
def session_scope(engine: Engine) -> Iterator[Session]:
    """One transaction: committed when the block ends well, rolled back when it raises.

    The only ordinary place of commit; the banks' door has its own (payments/inbox/door.py).
    """
    with Session(engine, expire_on_commit=False) as session:
        try:
            yield session
            session.commit()
        except BaseException:
            session.rollback()
            raise


@contextmanager
def command_session() -> Iterator[tuple[Session, Settings]]:
    """For commands: settings from the environment, one engine, one committed transaction.

    Raises SettingsError, and DomainError as ``readable_faults`` does.
    """
    settings = Settings.from_env()
    engine = make_engine(settings.database_url)
    try:
        with readable_faults(), session_scope(engine) as session:
            yield session, settings
    finally:
        engine.dispose()


@contextmanager
def readable_faults() -> Iterator[None]:
    """Tell the caller of a command what to do about a database that is away or has no tables yet.

    Raises DomainError ``database_away`` or ``no_schema`` instead of the driver's errors; all others pass.
    """
    try:
        yield
    except Exception as error:
        said = readable(error)
        if said is None:
            raise
        raise said from error


def readable(error: BaseException) -> DomainError | None:
    """What to do about a database that is away or has no tables yet; None for every other fault."""
    origin = getattr(error, "orig", error)
    if isinstance(origin, UndefinedTable):
        return DomainError(
            "no_schema",
            "Cơ sở dữ liệu chưa có bảng; hãy chạy «hocphi migrate».",
            "The database has no tables yet; run «hocphi migrate».",
        )
    if isinstance(origin, psycopg.OperationalError) and getattr(error, "statement", None) is None:
        return DomainError(
            "database_away",
            "Không kết nối được cơ sở dữ liệu; hãy kiểm tra DATABASE_URL và máy chủ.",
            "The database cannot be reached; check DATABASE_URL and the server.",
        )
    return None


def reason(error: SQLAlchemyError) -> str:
    """The fault in a few words for checks that an operator or a monitor reads."""
    said = readable(error)
    return type(error).__name__ if said is None else said.en
