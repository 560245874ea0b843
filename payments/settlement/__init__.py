"""Which invoice a transfer pays: allocation, credit, the unmatched queue, decisions."""
