"""The files of one segmented scan, and what is said of it in one line."""

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from lungct.files import whole_file
from lungct.geometry import Geometry
from lungct.readers.metaimage import write_scan
from lungct.readers.names import (
    COORDINATE_COLUMNS,
    DIAMETER_COLUMN,
    PROBABILITY_COLUMN,
    SERIES_COLUMN,
)
from lungct.readers.nifti_writer import write_nifti
from lungct.record import ScanRecord
from lungct.record_lines import as_line
from lungct.words import counted
from serving.notice import NOTICE
from serving.scan import ScanResult
from serving.segmentation import FoundNodule

# The columns of a LUNA16 submission come first.
COLUMNS: Final = (
    *(SERIES_COLUMN, *COORDINATE_COLUMNS, PROBABILITY_COLUMN),
    *(DIAMETER_COLUMN, "volume_mm3", "longest_axial_mm", "notice"),
)

NIFTI: Final = "nii.gz"

# Nodules that a line for people names.
_NAMED = 5


@dataclass(frozen=True)
class Form:
    """How results are written.

    Attributes:
        ending: NIFTI, or `mhd`.
        probabilities: Whether probabilities are written too.
    """

    ending: str = NIFTI
    probabilities: bool = False


def write_results(folder: Path, result: ScanResult, form: Form) -> dict[str, str]:
    """Writes the files of one scan, each whole or not at all.

    Args:
        folder: Where; it exists. Files that are there already are replaced.
        result: What was found.
        form: How it is written.

    Returns:
        Path by kind: `mask`, `probability` where it is asked for, and `nodules`, the last one.

    Raises:
        OSError: A file can't be written.
    """
    uid = result.record.series_uid
    files = {"mask": str(folder / f"{uid}_mask.{form.ending}")}
    _write_volume(files["mask"], result.mask, result.geometry)
    if form.probabilities:
        files["probability"] = str(folder / f"{uid}_probability.{form.ending}")
        _write_volume(files["probability"], result.probability(), result.geometry)
    files["nodules"] = str(folder / f"{uid}_nodules.csv")
    with whole_file(files["nodules"]) as file:
        file.write(nodule_table(uid, result.nodules).encode())
    return files


def nodule_table(series_uid: str, nodules: tuple[FoundNodule, ...]) -> str:
    """The nodules of one scan as CSV.

    Args:
        series_uid: The scan.
        nodules: Its nodules, any number.

    Returns:
        COLUMNS, and a line for each nodule with all digits that tell probabilities apart.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for nodule in nodules:
        mm = (*nodule.centre_mm, nodule.diameter_mm, nodule.volume_mm3, nodule.longest_axial_mm)
        x, y, z, diameter, volume, longest = (f"{value:.4f}" for value in mm)
        probability = f"{nodule.probability:.9g}"
        writer.writerow((series_uid, x, y, z, probability, diameter, volume, longest, NOTICE))
    return text.getvalue()


def result_line(result: ScanResult) -> str:
    """A segmented scan for people: what reading it said, and its most probable nodules."""
    nodules = result.nodules
    named = [f"{one.diameter_mm:.1f} mm ({one.probability:.3f})" for one in nodules[:_NAMED]]
    more = [f"{len(nodules) - _NAMED} more"] if len(nodules) > _NAMED else []
    number = counted(len(nodules), "nodule")
    found = f"{number}{': ' if nodules else ''}{', '.join([*named, *more])}"
    return as_line(result.record, found)


def result_json(result: ScanResult, files: Mapping[str, str]) -> str:
    """A segmented scan for programs, one line.

    Args:
        result: What was found.
        files: What was written, by kind.
    """
    return _json(
        result.record,
        nodules=[asdict(nodule) for nodule in result.nodules],
        files=files,
        done=asdict(result.done),
    )


def refused_json(record: ScanRecord) -> str:
    """A scan that can't be used, with the same fields as one that can."""
    return _json(record, nodules=[], files={}, done={})


def _json(record: ScanRecord, **found: Any) -> str:
    """One line of JSON."""
    names = ("series_uid", "outcome", "reason", "path", "shape", "spacing_mm", "warnings")
    read = {name: getattr(record, name) for name in names}
    return json.dumps({**read, **found, "seconds": record.seconds, "notice": NOTICE})


def _write_volume(path: str, volume: Any, geometry: Geometry) -> None:
    """Writes a mask or probabilities in the form that the ending of the path says."""
    if path.endswith(NIFTI):
        write_nifti(path, volume, geometry, description=NOTICE)
    else:
        # Masks are nearly all zeros; probabilities are not worth the time.
        write_scan(path, volume, geometry, volume.dtype.name == "uint8", NOTICE)
