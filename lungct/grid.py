"""The working grid as it is configured: one class from the configuration to the pushed model."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar, Final

FINEST_MM: Final = 0.1
COARSEST_MM: Final = 20.0
MAX_CONTEXT: Final = 8
MAX_MARGIN_MM: Final = 100.0


@dataclass(frozen=True)
class Grid:
    """What the configuration says about the working grid.

    Attributes:
        spacing_mm: Spacing (z, y, x) of the working grid.
        context: Neighbouring slices on each side that the network sees.
        margin_mm: How far the grid goes on around the region of interest.
    """

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}

    spacing_mm: tuple[float, float, float]
    context: int = 1
    margin_mm: float = 5.0

    def __post_init__(self) -> None:
        """Checks every field; raises ValueError naming what was expected and what came."""
        spacings = tuple(self.spacing_mm)
        if len(spacings) != 3 or not all(_between(FINEST_MM, s, COARSEST_MM) for s in spacings):
            bounds = f"{FINEST_MM:g} to {COARSEST_MM:g}"
            raise ValueError(f"expected 3 spacings (z, y, x) of {bounds} mm, got {spacings}")
        object.__setattr__(self, "spacing_mm", spacings)
        for name, low, high in (
            ("context", 0, MAX_CONTEXT),
            ("margin_mm", 0, MAX_MARGIN_MM),
        ):
            value = getattr(self, name)
            if not _between(low, value, high):
                raise ValueError(f"expected {name} from {low} to {high:g}, got {value!r}")

    @property
    def channels(self) -> int:
        """The slice itself and its neighbours on both sides."""
        return 2 * self.context + 1


def _between(low: float, value: float, high: float) -> bool:
    return math.isfinite(value) and low <= value <= high
