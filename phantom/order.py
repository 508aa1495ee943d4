"""What phantom data set is to be made: from the configuration to the note in its folder."""

import math
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Final

VERSION: Final = 2
# What the scans of the phantom are called in figures, beside data roots.
SOURCE: Final = "phantom"
MAX_SCANS: Final = 999_999
MAX_SEED: Final = 2**32 - 1
MAX_NODULES: Final = 50
SMALLEST_SHAPE: Final = (24, 48, 48)
# Twice the largest scan of LUNA16.
MAX_VOXELS: Final = 1 << 28


class PhantomError(ValueError):
    """What was asked for can't be made, or not in this folder. The text is one line."""


@dataclass(frozen=True)
class Order:
    """What is to be made.

    Attributes:
        scans: How many.
        seed: Another seed draws other chests.
        shape: Voxels (z, y, x) of each scan.
        nodules: How many nodules a scan with nodules has, where so many fit; 1 to 6 when None.
    """

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}

    scans: int = 24
    seed: int = 1
    shape: tuple[int, int, int] = (96, 256, 256)
    nodules: int | None = None

    def __post_init__(self) -> None:
        """Checks every field; raises PhantomError naming what was expected and what came."""
        if not 1 <= self.scans <= MAX_SCANS:
            raise PhantomError(f"expected 1 to {MAX_SCANS} scans, got {self.scans}")
        if not 0 <= self.seed <= MAX_SEED:
            raise PhantomError(f"expected a seed from 0 to {MAX_SEED}, got {self.seed}")
        if self.nodules is not None and not 1 <= self.nodules <= MAX_NODULES:
            raise PhantomError(f"expected 1 to {MAX_NODULES} nodules a scan, got {self.nodules}")
        wanted = zip(self.shape, SMALLEST_SHAPE, strict=False)
        if len(self.shape) != 3 or not all(n >= least for n, least in wanted):
            raise PhantomError(f"expected a shape of at least {SMALLEST_SHAPE}, got {self.shape}")
        if math.prod(self.shape) > MAX_VOXELS:
            raise PhantomError(f"expected a shape of at most {MAX_VOXELS} voxels, got {self.shape}")

    @property
    def folder(self) -> str:
        """Name of a folder of just these scans."""
        parts = ("phantom", self.seed, self.scans, *self.shape)
        more = () if self.nodules is None else (f"n{self.nodules}",)
        return "-".join(map(str, (*parts, *more)))

    def facts(self) -> dict[str, Any]:
        """The content of PHANTOM.json."""
        return {
            "phantom": True,
            "note": "made by chance from the seed; no patient, no scanner",
            "generator": "phantom",
            "version": VERSION,
            **asdict(self),
            "shape": list(self.shape),
        }
