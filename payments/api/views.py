"""The API's routes, one for each row of the table. A key instead of a session: no cookie, no form, no other origin."""

from collections.abc import Callable, Iterable
from typing import cast

import msgspec
from flask import Blueprint, Response, g, request
from flask.typing import ResponseReturnValue
from psycopg.errors import DeadlockDetected, LockNotAvailable, SerializationFailure
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError
from werkzeug.exceptions import RequestEntityTooLarge

from payments import clock
from payments.api.once import Done, execute_once
from payments.api.operation import Call, Operation
from payments.api.problems import RequestError, bad_idempotency_key, busy, no_key, scope_missing, wrong_media_type
from payments.api.rules import KEY, request_hash
from payments.api.service import Holder, TooManyRequestsError, use_key
from payments.api.strict import MAX_BODY_BYTES, read_body, read_query
from payments.api.table import OPERATIONS, VERSION
from payments.api.throttle import TRIES, WINDOW, BadKeys
from payments.errors import DomainError
from payments.i18n import Text
from payments.web.context import db_session, language, services
from payments.web.errors import database_away, problem
from payments.web.security import csrf

blueprint = Blueprint("api", __name__)
csrf.exempt(blueprint)  # A browser sends no key by itself, so no page of others can forge a request.

JSON = "application/json"
RETRY_AFTER_S = {"busy": 3, "too_many_bad_keys": 60}
MAX_IDEMPOTENCY_KEY = 100
_bad_keys = BadKeys()


def admit_key() -> ResponseReturnValue | None:
    """Let whoever shows a live key in; everybody else gets one and the same answer. Raises DomainError."""
    given = request.authorization
    key = given.token if given is not None and given.type == "bearer" else None
    if key is None or not KEY.fullmatch(key):
        raise no_key()  # Costs no look-up, so it is not counted.
    with db_session() as session:
        holder = use_key(session, key)
    if holder is None:
        raise _too_many_bad_keys() if _bad_keys.too_many(request.remote_addr, clock.now()) else no_key()
    holder.refuse_too_many()
    g.api_holder = holder
    return None


ACCESS = admit_key


@blueprint.before_app_request
def _hide_what_is_not_there() -> ResponseReturnValue | None:
    """Without a key an address that does not exist looks like one that does."""
    if request.endpoint is not None or not request.path.startswith(f"{VERSION}/"):
        return None
    try:
        return admit_key()
    except DomainError as error:
        return _refused(error)


def _too_many_bad_keys() -> RequestError:
    return RequestError(
        429,
        "too_many_bad_keys",
        Text(
            f"Quá {TRIES} lần dùng khóa sai từ địa chỉ này. Hãy thử lại sau {WINDOW.seconds // 60} phút.",
            f"More than {TRIES} bad keys came from this address. Try again in {WINDOW.seconds // 60} minutes.",
        ),
    )


def _view(operation: Operation) -> Callable[..., Response]:
    def view(**path: str) -> Response:
        holder = cast("Holder", g.api_holder)
        if operation.scope is not None and operation.scope not in holder.scopes:
            raise scope_missing(operation.scope)
        query = read_query(request.args, operation.query)
        if operation.body is None:
            return _read(operation, holder, path, query)
        return _written(operation, holder, path, query)

    return view


def _read(operation: Operation, holder: Holder, path: dict[str, str], query: msgspec.Struct) -> Response:
    with db_session() as session:
        call = Call(operation.name, session, services(), holder, language(), path, query, None)
        answer = operation.run(call)
    response = _answer(operation.status, msgspec.json.encode(answer))
    response.add_etag()
    response.headers["Cache-Control"] = "private, no-cache"
    response.make_conditional(request)
    return response


def _written(operation: Operation, holder: Holder, path: dict[str, str], query: msgspec.Struct) -> Response:
    """Execute a POST once, whatever the number of times it is sent."""
    if request.mimetype != JSON:
        raise wrong_media_type()
    idempotency_key = request.headers.get("Idempotency-Key", "")
    if not 0 < len(idempotency_key) <= MAX_IDEMPOTENCY_KEY or not all("!" <= one <= "~" for one in idempotency_key):
        raise bad_idempotency_key()
    sent = request.stream.read(MAX_BODY_BYTES + 1)
    if len(sent) > MAX_BODY_BYTES:
        raise RequestEntityTooLarge
    body = read_body(sent, cast("type[msgspec.Struct]", operation.body))
    fingerprint = request_hash(request.method, request.path, sent)
    with db_session() as session:

        def act() -> tuple[int, bytes]:
            call = Call(operation.name, session, services(), holder, language(), path, query, body)
            return operation.status, msgspec.json.encode(operation.run(call))

        done = execute_once(
            session,
            holder,
            operation=operation.name,
            idempotency_key=idempotency_key,
            request_sha256=fingerprint,
            act=act,
        )
    return _said(done)


def _said(done: Done) -> Response:
    response = _answer(done.status, done.body)
    response.headers["Idempotency-Replayed"] = "true" if done.replayed else "false"
    return response


def _answer(status: int, body: bytes) -> Response:
    response = Response(body, status, mimetype=JSON)
    response.headers["Content-Language"] = language()
    response.vary.add("Accept-Language")
    return response


@blueprint.errorhandler(DomainError)
def _refused(error: DomainError) -> ResponseReturnValue:
    faults = [fault.to_json(language()) for fault in getattr(error, "faults", ())]
    response = problem(error.status, error.code, Text(error.vi, error.en).in_(language()), faults)
    retry_after = RETRY_AFTER_S.get(error.code)
    if error.status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="hocphi"'
    if isinstance(error, TooManyRequestsError):
        retry_after = 60 - clock.now().second
    if retry_after is not None:
        response.headers["Retry-After"] = str(retry_after)
    return response


@blueprint.errorhandler(DBAPIError)
def _database(error: DBAPIError) -> ResponseReturnValue:
    """Two who write the same at once: the second one tries again. A database that is away is told as on pages."""
    if isinstance(error, IntegrityError) or isinstance(
        error.orig, DeadlockDetected | LockNotAvailable | SerializationFailure
    ):
        return _refused(busy())
    if isinstance(error, OperationalError | InterfaceError):
        return database_away(error)
    raise error


def _add_routes(target: Blueprint, operations: Iterable[Operation]) -> None:
    for operation in operations:
        target.add_url_rule(
            f"{VERSION}{operation.path.replace('{', '<').replace('}', '>')}",
            operation.name,
            _view(operation),
            methods=[operation.method],
        )


def blueprint_of(operations: Iterable[Operation]) -> Blueprint:
    """Routes for operations of the packages above: the same door, the same answers."""
    made = Blueprint("api_above", __name__)
    csrf.exempt(made)
    made.register_error_handler(DomainError, _refused)
    made.register_error_handler(DBAPIError, _database)
    _add_routes(made, operations)
    return made


_add_routes(blueprint, OPERATIONS)
