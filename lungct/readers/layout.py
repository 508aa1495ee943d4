"""What every reader of a layout takes and gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from operator import attrgetter

from lungct.scan import Scan
from lungct.storage import Listing


@dataclass(frozen=True)
class ScanFiles:
    """The files that one scan consists of.

    Attributes:
        series_uid: Name of the scan, unique in its root: the series instance UID where the layout
            has one, else the stem of the file.
        path: What messages name: the header, the single file, or the folder of slices.
        files: All files that voxels and grid are read from, sorted.
        label: File of the label mask; empty where there is none.
        patient_id: The patient, where the files themselves tell; else empty.
    """

    series_uid: str
    path: str
    files: tuple[str, ...]
    label: str = ""
    patient_id: str = ""


@dataclass(frozen=True)
class Reader:
    """One layout of a data root.

    Attributes:
        layout: Its name in the configuration.
        expected: Where its scans lie, for messages, such as `DIR/subset*/SERIES.mhd`.
        find: All scans of a root; none where the root has another layout. A scan whose files are
            damaged or incomplete is found all the same: `read` refuses it.
        of_file: The scan that a file is, or is the header of, wherever it lies; None for a file of
            another kind.
        read: One scan from files on this machine.
            Raises `lungct.scan.ScanError` with one line that names file and cause.
        members: The files that a scan really is made of, on this machine: what names it first,
            then what holds its voxels.
        suffixes: Endings of files that look like scans of this layout, wherever they lie.
        voxel_suffixes: Endings of files that hold the voxels of a scan alone, each with the ending
            of the header beside it.
        keeps_pixels: Whether columns and rows are those of the DICOM image, which LIDC's outlines
            are drawn on.
    """

    layout: str
    expected: str
    find: Callable[[Listing], tuple[ScanFiles, ...]]
    of_file: Callable[[str], ScanFiles | None]
    read: Callable[[ScanFiles], Scan]
    members: Callable[[ScanFiles], tuple[str, ...]] = attrgetter("files")
    suffixes: tuple[str, ...] = ()
    voxel_suffixes: Mapping[str, str] = field(default_factory=dict)
    keeps_pixels: bool = True
