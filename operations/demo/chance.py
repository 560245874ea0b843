"""Chance that repeats: one generator per purpose, so that a change in one place moves nothing in another."""

import random


def generator(seed: int, *purpose: object) -> random.Random:
    """A generator that the seed and the purpose determine; never for secrets."""
    return random.Random("/".join(map(str, (seed, *purpose))))  # noqa: S311 - invented data, no secret
