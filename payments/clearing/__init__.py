"""Which bank line pays what an intermediary owes: settlement reports, explanations, and a person's choice."""
