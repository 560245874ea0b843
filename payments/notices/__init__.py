"""Notices to parents: texts for the class group, letters and group posts in waves, what became of each."""
