"""What a school shows everybody: which accounts are its own, and what it asks and has collected."""
