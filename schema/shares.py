"""What share of the training crops each data root has."""

import math
from collections.abc import Mapping

# Shares that are written in decimals are 1 together within this.
_ROUNDING = 1e-6


def complete_shares(shares: Mapping[str, float], weights: Mapping[str, float]) -> dict[str, float]:
    """The share of every data root.

    Args:
        shares: Of some data roots or all, by name, each 0 to 1.
        weights: In proportion to which the data roots that `shares` does not name have the rest, of
            all data roots by name, each above 0.

    Returns:
        By name in the order of `weights`, together 1.

    Raises:
        ValueError: A name is that of no data root, or the shares are 1 together and a root is not
            named, or they are not and all roots are.
    """
    for name in shares:
        if name not in weights:
            raise ValueError(
                f"expected shares of the data roots {', '.join(weights)}, got one of {name!r}"
            )
    unnamed = {name: weight for name, weight in weights.items() if name not in shares}
    rest = 1.0 - math.fsum(shares.values())
    if abs(rest) <= _ROUNDING:
        rest = 0.0
    if not (rest > 0 if unnamed else rest == 0):
        expected = f"a rest for {', '.join(unnamed)}" if unnamed else "shares that are 1 together"
        given = ", ".join(f"{name}: {share:g}" for name, share in shares.items())
        raise ValueError(f"expected {expected}, got {given}")
    part = rest / math.fsum(unnamed.values()) if unnamed else 0.0
    return {name: shares.get(name, weight * part) for name, weight in weights.items()}
