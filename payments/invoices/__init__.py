"""Collection rounds, invoices and the payment references that identify them."""
