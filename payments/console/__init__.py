"""The accountant's desk: composes what other rooms know."""
