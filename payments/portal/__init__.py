"""The parent's pages: what is due, how to pay it, whether it arrived; no log-in."""
