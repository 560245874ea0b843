"""Printed paper: slips and class sheets of a round, and the poster of the school's accounts."""
