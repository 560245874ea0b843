"""Orders: payments that we ask a payment service to take for one invoice."""
