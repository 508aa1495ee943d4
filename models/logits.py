"""Probabilities as logits: what the networks give, so that losses stay exact near 0 and 1."""

import math


def logit(probability: float) -> float:
    """The logit whose sigmoid is a probability between 0 and 1, both left out."""
    return math.log(probability / (1 - probability))
