"""What a piece of evidence about one of our orders says beyond its memo, as SQL.

An order names its invoice from its beginning, so this is a fact however late the money comes, and in whatever order. A
memo that names an invoice or a bundle of the school itself is what the payer meant. Its service has a number of its own
for every payment, which callbacks and answers to our questions share: they tell of one movement exactly when it is the
same.

A pupil's own account is named by the virtual account, and only on the receiving account for which the connection's
closed list let the evidence in: the same number from the sender of another account names nobody.
"""

_ORDER = """
    FROM payment_order ordered
    WHERE ordered.connection_id = {0}.connection_id AND ordered.order_ref = {0}.order_reference
      AND ordered.school_id = {0}.school_id
"""

_REFERENCES = f"""
    CASE WHEN {{0}}.order_reference IS NULL THEN {{0}}."references" ELSE coalesce((
        SELECT {{0}}."references" || meant.reference
        FROM invoice meant
        WHERE (meant.school_id, meant.id) = (SELECT ordered.school_id, ordered.invoice_id {_ORDER})
          AND NOT EXISTS (SELECT FROM invoice printed
              WHERE printed.school_id = {{0}}.school_id AND printed.reference = ANY({{0}}."references"))
          AND NOT EXISTS (SELECT FROM bundle printed
              WHERE printed.school_id = {{0}}.school_id AND printed.reference = ANY({{0}}."references"))
    ), {{0}}."references") END
"""  # noqa: S608 - constants of this module

_NUMBER = f"""
    CASE WHEN {{0}}.order_reference IS NOT NULL AND EXISTS (SELECT {_ORDER})
    THEN {{0}}.provider_txn_id ELSE {{0}}.bank_reference END
"""

# As banking.rules.account_text: banks print numbers with blanks, dots and dashes.
_OWN_ACCOUNT = """
    (SELECT own.id FROM virtual_account own
     WHERE own.number = upper(translate({0}.virtual_account, E' .-\\u00a0', ''))
       AND own.school_id = {0}.school_id AND own.receiving_account_id = {0}.account_id)
"""


def references_named_by(evidence: str) -> str:
    """The references that a row of ``evidence`` (its alias) names, with that of its order's invoice."""
    return _REFERENCES.format(evidence)


def number_of(evidence: str) -> str:
    """The number by which a row of ``evidence`` (its alias) is known: the bank's, of our orders the service's."""
    return _NUMBER.format(evidence)


def own_account_named_by(evidence: str) -> str:
    """The virtual account (id) of a pupil that a row of ``evidence`` (its alias) names; null when it names none."""
    return _OWN_ACCOUNT.format(evidence)
