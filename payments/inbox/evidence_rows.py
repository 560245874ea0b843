"""One transaction of a sender as a row of evidence: the same whether it was told by itself or when it was asked."""

from bank_adapters.contract import BankTransaction, MalformedCallbackError, Status
from payments import clock
from payments.banking.queries import DoorConnection
from payments.banking.rules import Target
from payments.inbox.models import DeliveryOutcome
from payments.inbox.rules import content_sha256
from payments.inbox.storing import Row
from payments.invoices import reference


def target_of(connection: DoorConnection, transaction: BankTransaction) -> Target | None:
    """Whose account a transaction names, of those on the connection's closed list."""
    return connection.accounts.resolve(transaction.account_number, transaction.virtual_account)


def evidence_row(connection: DoorConnection, transaction: BankTransaction, target: Target | None) -> Row:
    """One transaction as a row, with its outcome for the case that it is new.

    Raises MalformedCallbackError and UnicodeEncodeError for text that cannot be stored.
    """
    if transaction.status in (Status.failed, Status.test):
        outcome = DeliveryOutcome.NOT_A_PAYMENT
    else:
        outcome = DeliveryOutcome.ACCEPTED if target else DeliveryOutcome.FOREIGN_ACCOUNT
    texts = (transaction.dedup_key, transaction.provider_txn_id, transaction.description)
    if any("\0" in text for text in texts):
        raise MalformedCallbackError("nul_character")
    return Row(
        connection_id=connection.id,
        outcome=outcome.value,
        dedup_key=transaction.dedup_key,
        direction=transaction.direction.value,
        status=transaction.status.value,
        school_id=target and target.school_id,
        account_id=target and target.account_id,
        account_named=(transaction.account_number or transaction.virtual_account or "")[-4:],
        amount_vnd=transaction.amount_vnd,
        occurred_at=transaction.occurred_at,
        value_date=transaction.value_date or clock.day_of(transaction.occurred_at),
        provider_txn_id=transaction.provider_txn_id,
        bank_reference=transaction.bank_reference,
        order_reference=transaction.order_ref,
        virtual_account=_virtual_account(connection, transaction, target),
        description=transaction.description,
        found=" ".join(_references(transaction)),
        content_sha256=content_sha256(transaction),
        sandbox=connection.sandbox,
    )


def _virtual_account(connection: DoorConnection, transaction: BankTransaction, target: Target | None) -> str | None:
    """The virtual account; of banks whose customer is known by it (VietinBank), also the customer's code."""
    code = transaction.customer_code
    if transaction.virtual_account is None and code and target and connection.accounts.is_virtual(code, target):
        return code
    return transaction.virtual_account


def _references(transaction: BankTransaction) -> list[str]:
    """Our references in the memo; else in the order that the sender names, else in a virtual account made of one."""
    places = (transaction.description, transaction.order_ref, transaction.virtual_account)
    return next((found for place in places if place and (found := reference.find(place))), [])
