"""Crops around LIDC's nodules: whose they are, what the readers said of them, their folds.

The layout is that of the Medical Segmentation Decathlon with three things more: `patients.csv`;
`nodules.csv` with a row for each crop (`name, patient_id, seriesuid, readers, texture, …`); and
`readersTr/NAME.nii.gz`, of which bit k says that reader k outlined the voxel. The label is what at
least half of the readers outlined.
"""

import csv
import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from benchmarks.nodule_figures import Weighted
from benchmarks.own_grid import mask_as_found, truth_on_grid
from components.segment_scans.judging import judge_scan
from lungct.geometry import Geometry
from lungct.metrics import Mask
from lungct.orientation import to_patient_axes
from lungct.readers.nifti import read_values
from lungct.readers.nifti_header import read_header
from lungct.truth.masks import nodules_of_mask
from schema import features
from schema.judged import NoduleRow, Place, Row

FOLDS: Final = 5

# LIDC's readers scored texture from 1 to 5 and had words for 1 (non-solid, ground glass), 3 (part
# solid, mixed) and 5 (solid): McNitt-Gray et al., The Lung Image Database Consortium (LIDC) data
# collection process for nodule detection and annotation, Academic Radiology 14, 2007. The table has
# pylidc's words, which are five. Here 1 and 2 are ground glass, 3 and 4 part-solid, and 5 is solid;
# other groupings are in use.
TEXTURES: Final[Mapping[str, str]] = {
    "Solid": "solid",
    "Solid/Mixed": "part-solid",
    "Part Solid/Mixed": "part-solid",
    "Non-Solid/Mixed": "ground glass",
    "Non-Solid/GGO": "ground glass",
}

# Two, three and four readers are asked about one nodule: shares of these are whole numbers.
_WHOLE: Final = 12
_MAX_READERS: Final = 4


@dataclass(frozen=True)
class Crop:
    """One crop and the nodule in its middle.

    Attributes:
        name: Its file without ending, by which it is a series.
        patient: The patient.
        series_uid: The series that it was cut out of.
        readers: How many readers outlined the nodule.
        texture: One of the values of TEXTURES.
    """

    name: str
    patient: str
    series_uid: str
    readers: int
    texture: str


@dataclass(frozen=True)
class Readers:
    """What the readers of crops have of each other and of the label.

    Attributes:
        label: Each reader against the label, to which the reader contributed.
        others: Each reader against what at least half of the others outlined.
        each_other: Each reader against each other one.
    """

    label: tuple[Weighted, ...]
    others: tuple[Weighted, ...]
    each_other: tuple[Weighted, ...]

    def agreement(self) -> dict[str, float]:
        """Mean nodule Dice of reader against reader, by crop."""
        found: dict[str, list[float]] = {}
        for row in (one.row for one in self.each_other):
            if isinstance(row, NoduleRow):
                dice = [one.overlap.dice for one in row.figures.values()]
                found.setdefault(row.place.series_uid, []).extend(dice)
        return {name: float(np.mean(dice)) for name, dice in found.items()}


def read_crops(root: Path) -> dict[str, Crop]:
    """Reads `nodules.csv`.

    Args:
        root: Folder of the crops.

    Returns:
        By name.

    Raises:
        ValueError: The table lacks a column, or has a texture or a number of readers that is none.
        OSError: There is no table.
    """
    path = root / "nodules.csv"
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {crop.name: crop for crop in (_crop(row, path) for row in rows)}


def _crop(row: Mapping[str, str], path: Path) -> Crop:
    columns = ("name", "patient_id", "seriesuid", "readers", "texture")
    missing = [column for column in columns if column not in row]
    if missing:
        raise ValueError(
            f"expected the columns {', '.join(columns)}, got none of {missing}: {path}"
        )
    name, patient, series, readers, texture = (row[column] for column in columns)
    if texture not in TEXTURES:
        expected = ", ".join(TEXTURES)
        raise ValueError(f"expected a texture of {expected}, got {texture!r} of {name} in {path}")
    if readers not in map(str, range(2, _MAX_READERS + 1)):
        raise ValueError(f"expected 2 to 4 readers, got {readers!r} of {name} in {path}")
    return Crop(name, patient, series, int(readers), TEXTURES[texture])


def fold_of(patients: Iterable[str], folds: int = FOLDS) -> dict[str, int]:
    """Deals patients to folds that are alike in patients and in crops.

    Those with the most crops come first, those with the same number in the order of a hash, and
    each round of dealing goes the other way round than the one before.

    Args:
        patients: The patient of each crop.
        folds: How many folds.

    Returns:
        Fold by patient, the same for the same patients always.
    """
    crops = Counter(patients)
    ranked = sorted(crops, key=lambda patient: (-crops[patient], _hash(patient)))
    turns = [*range(folds), *reversed(range(folds))]
    return {patient: turns[place % len(turns)] for place, patient in enumerate(ranked)}


def write_splits(path: Path, splits: Mapping[str, str]) -> Path:
    """Writes a table for `split.table`, but leaves one that says the same: TFX's cache sees times.

    Args:
        path: Where.
        splits: Split by patient.

    Returns:
        The path.
    """
    lines = (f"{patient},{split}" for patient, split in sorted(splits.items()))
    text = "\n".join(["patient_id,split", *lines, ""])
    if not path.is_file() or path.read_text() != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return path


def read_readers(root: Path, crops: Sequence[Crop]) -> Readers:
    """Judges each reader of crops as a model is judged, on the scanner's own grid.

    Args:
        root: Folder of the crops.
        crops: Those wanted.

    Raises:
        ValueError: A mask has another number of readers than the table.
    """
    judged = [_readers_of(root, crop) for crop in crops]
    return Readers(
        tuple(row for one in judged for row in one.label),
        tuple(row for one in judged for row in one.others),
        tuple(row for one in judged for row in one.each_other),
    )


def _readers_of(root: Path, crop: Crop) -> Readers:
    masks, geometry = _reader_masks(root / "readersTr" / f"{crop.name}.nii.gz", crop)
    count = len(masks)

    def judged(predictions: Sequence[Mask], truth: Mask, pairs: int) -> Iterator[Weighted]:
        """Rows of predictions against a truth, one of so many pairs of the crop each."""
        rows = _judge(crop, predictions, truth, geometry)
        return (Weighted(row, _WHOLE // pairs) for row in rows)

    label = judged(masks, at_least_half(masks), count)
    others = (
        row
        for place, mask in enumerate(masks)
        for row in judged([mask], at_least_half(masks[:place] + masks[place + 1 :]), count)
    )
    each_other = (
        row
        for place in range(1, count)
        for row in judged(masks[:place], masks[place], count * (count - 1) // 2)
    )
    return Readers(tuple(label), tuple(others), tuple(each_other))


def at_least_half(masks: Sequence[Mask]) -> Mask:
    """Voxels that at least half of the masks hold.

    Args:
        masks: (z, y, x) bool, at least one.
    """
    return np.asarray(2 * np.sum(masks, axis=0, dtype=np.int64) >= len(masks))


def _judge(
    crop: Crop, predictions: Sequence[Mask], truth: Mask, geometry: Geometry
) -> Iterator[Row]:
    place = Place(features.SPLIT_EVAL, crop.name, crop.patient, "readers", features.BUCKETS)
    scan = truth_on_grid(place, truth, geometry, nodules_of_mask(truth, geometry, crop.name))
    found = {f"{number}": mask_as_found(mask) for number, mask in enumerate(predictions)}
    return nodules_in_the_middle(judge_scan(scan, found))


def nodules_in_the_middle(rows: Iterable[Row]) -> Iterator[Row]:
    """The rows without those of a crop's lesser parts.

    The largest connected part of a crop's label, which has the number 1, is the nodule that it was
    cut out for. Other parts are what it shows of neighbours, or splinters of the same nodule.
    """
    return (row for row in rows if not isinstance(row, NoduleRow) or row.nodule_id == "1")


def _reader_masks(path: Path, crop: Crop) -> tuple[list[Mask], Geometry]:
    """(z, y, x) bool for each reader, along the patient's axes, and their grid."""
    header = read_header(str(path))
    stored: npt.NDArray[np.uint8] = read_values(header).astype(np.uint8)
    bits, geometry = to_patient_axes(stored, header.geometry)
    masks = [np.asarray(bits >> bit & 1).astype(np.bool_) for bit in range(8)]
    masks = [mask for mask in masks if mask.any()]
    if len(masks) != crop.readers:
        raise ValueError(f"expected masks of {crop.readers} readers, got {len(masks)} in {path}")
    return masks, geometry


def _hash(patient: str) -> str:
    return hashlib.sha256(f"fold\0{patient}".encode()).hexdigest()
