"""Whose fault an error is: the row's, the database's, or nobody's."""

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from payments.errors import DomainError

TRANSIENT = frozenset({"40001", "40P01"})
"""Serialization failure and deadlock: nothing was written, the same again is right."""

AWAY = ("08", "53", "57", "58")
"""SQLSTATE classes: connection, no resources, operator intervention, system error."""


def sqlstate_of(error: BaseException) -> str:
    """The code that the server gave; empty when the error is not the server's."""
    return getattr(getattr(error, "orig", None), "sqlstate", None) or ""


def is_away(error: BaseException) -> bool:
    """Whether the database went away: no row and no school can help that."""
    if not isinstance(error, DBAPIError):
        return False
    state = sqlstate_of(error)
    if state:
        return state.startswith(AWAY)
    return error.connection_invalidated or isinstance(error, OperationalError | InterfaceError)


def is_no_rows_fault(error: BaseException) -> bool:
    """Whether the whole batch shall come again, since nothing in it is to blame."""
    return is_away(error) or sqlstate_of(error) in TRANSIENT


def problem_code(error: BaseException) -> str:
    """A code for what went wrong: never a text, which could hold personal data."""
    if isinstance(error, DomainError):
        return error.code
    return sqlstate_of(error) or type(error).__name__
