"""schemathesis against the real application and a real database: all its checks, good and bad data, a fixed seed."""

import json
from collections.abc import Iterator

import pytest
import schemathesis
from schemathesis.config import SchemathesisConfig

from payments.api.openapi import written
from payments.db import make_engine, session_scope
from reconciliation.imports.push import OPERATIONS
from tests.payments.api.conftest import software
from tests.payments.faces import faces
from tests.payments.setting import make_pupils

EXAMPLES = 40
CONFIG = SchemathesisConfig.from_dict(
    {
        "generation": {"mode": "all", "deterministic": True, "max-examples": EXAMPLES, "database": "none"},
        # A request of the right form may still name a pupil that does not exist or break a rule of fees: 422.
        "checks": {"positive_data_acceptance": {"expected-statuses": ["2xx", "304", "404", "409", "422"]}},
    }
)


class Standing:
    """Stands for the application, which exists only while tests run."""

    app = None

    def __call__(self, environ, start_response):
        return self.app(environ, start_response)


schema = schemathesis.openapi.from_dict(json.loads(written(OPERATIONS)), config=CONFIG)
schema.app = Standing()


@pytest.fixture(scope="module")
def key(postgres) -> Iterator[str]:
    """A key with every scope, of a school with pupils, an invoice and a payment."""
    name = postgres.new_database()
    engine = make_engine(postgres.url(name))
    with faces(engine, postgres.url(name), operations=OPERATIONS) as desk:
        desk.pay(200_000, desk.invoice.reference)
        with session_scope(engine) as session:
            make_pupils(session, desk.school, 5)
        schema.app.app = desk.client.application
        yield software(desk, desk.school, per_minute=1_000_000).key
    engine.dispose()
    postgres.drop_database(name)


@pytest.mark.slow
@schema.parametrize()
def test_no_request_meets_an_error_of_ours_or_an_answer_that_is_not_described(case, key: str):
    case.call_and_validate(headers={"Authorization": f"Bearer {key}"})
