"""Who visits, for limits: the network of the client that the trusted proxies tell."""

from flask import request

from payments.throttle.rules import Limit, network_of
from payments.throttle.service import limit
from payments.web.context import db_session, services


def visitor() -> str:
    """The visitor's network, for counting tries."""
    return network_of(request.remote_addr)


def limit_visitor(of: Limit) -> None:
    """Count one try of the visitor in a transaction of its own. Raises TooManyTriesError: a page with Retry-After."""
    with db_session() as session:
        limit(session, services().cipher, of, visitor())
