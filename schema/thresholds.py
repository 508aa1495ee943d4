"""From which probability on something counts as found."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Thresholds:
    """Where probabilities become nodules.

    Attributes:
        voxel: A voxel is predicted from this probability on; above 0, at most 1.
        nodule: The most probable voxel of a nodule has at least this probability; from 0 to 1.
            Anything up to `voxel` leaves no nodule out. A higher one trades sensitivity for fewer
            false positives, and changes no outline.
    """

    voxel: float
    nodule: float = 0.0

    def __post_init__(self) -> None:
        """Refuses what is no probability."""
        if not 0 < self.voxel <= 1:
            raise ValueError(f"expected a threshold above 0 and at most 1, got {self.voxel}")
        if not 0 <= self.nodule <= 1:
            raise ValueError(f"expected a nodule threshold from 0 to 1, got {self.nodule}")
