"""The matching queue: which money is shown, in which order, and how it leaves as a file."""
