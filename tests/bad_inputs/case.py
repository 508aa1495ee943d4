"""A folder with two good scans, a table and no outlines: what every bad input starts from."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lungct.geometry import Geometry
from lungct.readers.metaimage import write_scan
from lungct.scan import Nodule
from tests.lungct import chest

ACCEPTED, REPAIRED, QUARANTINED = "accepted", "repaired", "quarantined"

# The run stops before any work: a table, or the set of scans, can't be trusted.
REFUSED = "refused"

COLUMNS = "seriesuid,coordX,coordY,coordZ,diameter_mm"
NODULE = Nodule("1", chest.middle_mm(x=70, z=20), 20.0)


@dataclass(frozen=True)
class Case:
    """The files that a bad input may damage.

    Attributes:
        folder: In LUNA16 layout, a child of a folder of its own.
        header: The scan that is to be damaged; its voxels are beside it.
        bystander: A good scan that must be accepted whatever comes of the other.
    """

    folder: Path
    header: Path
    bystander: Path

    @property
    def raw(self) -> Path:
        """Uncompressed voxels of the scan that is to be damaged."""
        return self.header.with_suffix(".raw")

    @property
    def zraw(self) -> Path:
        """Compressed voxels, once `compress` was called."""
        return self.header.with_suffix(".zraw")

    @property
    def annotations(self) -> Path:
        """Table of nodules, one in each scan."""
        return self.folder / "annotations.csv"

    @property
    def excluded(self) -> Path:
        """Where a table of excluded findings would be."""
        return self.folder / "annotations_excluded.csv"

    @property
    def outlines(self) -> Path:
        """Where a file of reader outlines of the scan would be."""
        return self.folder / "lidc" / f"{self.header.stem}.xml"

    def change(self, **fields: str | None) -> None:
        """Sets fields of the header, adds those that are new, removes those that are None."""
        change_header(self.header, **fields)

    def write(self, hu: np.ndarray, geometry: Geometry = chest.GEOMETRY) -> None:
        """Replaces the scan."""
        write_scan(str(self.header), hu, geometry)

    def compress(self) -> None:
        """Replaces the scan by a compressed one whose header leaves its size open."""
        self.raw.unlink()
        write_scan(str(self.header), good_hu(), chest.GEOMETRY, compressed=True)
        self.change(CompressedDataSize=None)

    def remove_row(self) -> None:
        """Removes the nodule of the scan from the table."""
        lines = self.annotations.read_text().splitlines(keepends=True)
        kept = [line for line in lines if not line.startswith(self.header.stem)]
        self.annotations.write_text("".join(kept))

    def add_row(self, *values: Any, series_uid: str | None = None) -> None:
        """Adds a row to the table, of the scan unless another series is given."""
        row = ",".join(map(str, (series_uid or self.header.stem, *values)))
        self.annotations.write_text(self.annotations.read_text() + row + "\n")


@dataclass(frozen=True)
class BadInput:
    """One kind of bad input.

    Attributes:
        name: Name of the function that makes it.
        make: Damages a good case.
        outcome: ACCEPTED, REPAIRED or QUARANTINED for the scan, or REFUSED for the run.
        says: Regular expression that the reason, the error or a warning must match.
        nodules: Nodules of an accepted scan.
        like_good: Whether lungs and nodules are those of the undamaged scan.
    """

    name: str
    make: Callable[[Case], None]
    outcome: str
    says: str = ""
    nodules: int = 1
    like_good: bool = False


def good_hu() -> np.ndarray:
    """(z, y, x) int16 HU of a chest with one nodule."""
    return chest.with_nodule(chest.hu(), NODULE)


def lifelike_hu() -> np.ndarray:
    """The same with the noise of a scanner, by which slices are told from each other."""
    hu = good_hu()
    return hu + np.rint(np.random.default_rng(1).normal(0, 12, hu.shape)).astype(np.int16)


def good_case(folder: Path) -> Case:
    """Two good scans and their table in a new folder."""
    header, bystander = (folder / "subset0" / name for name in ("1.2.3.mhd", "1.2.4.mhd"))
    header.parent.mkdir(parents=True)
    for path in (header, bystander):
        write_scan(str(path), good_hu(), chest.GEOMETRY)
    case = Case(folder, header, bystander)
    case.annotations.write_text(f"{COLUMNS}\n")
    for path in (header, bystander):
        case.add_row(*NODULE.centre_mm, NODULE.diameter_mm, series_uid=path.stem)
    return case


def change_header(path: Path, **fields: str | None) -> None:
    """Sets fields of a header, adds those that are new, removes those that are None."""
    lines = dict(line.split(" = ", 1) for line in path.read_text().splitlines())
    last = lines.pop("ElementDataFile")
    lines = {**lines, "ElementDataFile": last, **fields}
    lines["ElementDataFile"] = lines.pop("ElementDataFile")
    text = "".join(f"{name} = {value}\n" for name, value in lines.items() if value is not None)
    path.write_text(text)


def register(kinds: list[BadInput], outcome: str, says: str = "", **facts: Any) -> Callable:
    """Decorator that adds a function to a list of bad inputs under its own name."""

    def add(make: Callable[[Case], None]) -> Callable[[Case], None]:
        kinds.append(BadInput(make.__name__, make, outcome, says, **facts))
        return make

    return add
