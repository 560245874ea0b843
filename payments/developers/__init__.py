"""The bank engineer's desk: signing as each sender does, so that every callback can be rehearsed."""
