"""Signed closes: a period is proved, signed and chained; what was signed stays; a reopening needs two people."""
