"""Exceptions as work that people finish: what a night finds stays one thing of its own over all later nights."""
