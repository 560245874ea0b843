"""Double entry: accounts, entries, lines; the only room that writes them."""
