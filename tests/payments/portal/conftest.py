"""What several tests of the parent's page share."""

from tests.payments.payer_claims.conftest import told

__all__ = ["told"]
