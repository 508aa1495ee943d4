"""What is said of a data root: where it lies, and what its scans and their truth are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from lungct.limits import LUNG, REGIONS
from lungct.readers import LAYOUTS

# The layout is found by looking.
AUTO: Final = "auto"

# What counts as nodule: spheres of the annotated diameter, what LIDC's readers outlined, or the
# connected parts of label masks.
SPHERES: Final = "spheres"
LIDC: Final = "lidc"
MASKS: Final = "masks"
TRUTHS: Final = (SPHERES, LIDC, MASKS)

# What is done with a scan without outlines, where outlines are the truth.
REFUSE: Final = "refuse"
WITHOUT_OUTLINES: Final = (SPHERES, REFUSE)

MAX_READERS: Final = 12


@dataclass(frozen=True, kw_only=True)
class RootValues:
    """What may be said of one data root, or for all of them at once.

    Attributes:
        layout: One of LAYOUTS, or AUTO.
        region: Where the scans are looked at: LUNG, the lungs found in each, or VOLUME, all of
            scans that are crops.
        truth: One of TRUTHS; empty for MASKS where the layout has label masks, else SPHERES.
        min_readers: Readers who must have outlined a voxel, where the truth is LIDC.
        outlines: Folders of LIDC's XML files besides those below the path.
        without_outlines: For a scan without outlines SPHERES instead, or REFUSE the scan.
    """

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}

    layout: str = AUTO
    region: str = LUNG
    truth: str = ""
    min_readers: int = 2
    outlines: tuple[str, ...] = ()
    without_outlines: str = SPHERES

    def __post_init__(self) -> None:
        """Refuses what is none of the choices; raises ValueError naming them."""
        for name, choices in (
            ("layout", (AUTO, *LAYOUTS)),
            ("region", REGIONS),
            ("truth", ("", *TRUTHS)),
            ("without_outlines", WITHOUT_OUTLINES),
        ):
            value = getattr(self, name)
            _expect(f"{name} {', '.join(filter(None, choices))}", value in choices, value)
        readers = self.min_readers
        _expect(f"min_readers from 1 to {MAX_READERS}", 1 <= readers <= MAX_READERS, readers)


@dataclass(frozen=True)
class DataRoot(RootValues):
    """One folder of scans, and what is said of it.

    Attributes:
        path: The folder, on this machine or in a bucket.
        name: What its scans are called in figures, the feature `source`; empty for the name of
            the folder.
    """

    path: str
    name: str = ""

    def __post_init__(self) -> None:
        """Refuses no path, and what is none of the choices; raises ValueError naming them."""
        _expect("a path", bool(self.path), self.path)
        super().__post_init__()

    @property
    def source(self) -> str:
        """The name of the root's scans in figures."""
        return self.name or self.path.rstrip("/").rpartition("/")[2] or self.path


def sources_of(roots: Sequence[DataRoot]) -> dict[DataRoot, str]:
    """What each root is called in figures: by its folder, or by its path where others share it."""
    names = [root.source for root in roots]
    return {
        root: root.path if names.count(root.source) > 1 and not root.name else root.source
        for root in roots
    }


def _expect(expected: str, holds: bool, got: object) -> None:
    if not holds:
        raise ValueError(f"expected {expected}, got {got!r}")
