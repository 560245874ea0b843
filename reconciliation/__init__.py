"""Three-way reconciliation: bank statement, gateway and school ledger, proved to the đồng."""
