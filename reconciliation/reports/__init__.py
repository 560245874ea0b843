"""Reports of a reconciliation run: the same stored inputs give the same bytes."""
