"""The layout `dicom`: folders of one series of CT each, or of one enhanced file."""

from __future__ import annotations

import functools
import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import PurePosixPath

from lungct.readers.dicom_header import MAGIC, PREAMBLE_BYTES, Fields, read_header
from lungct.readers.dicom_pixels import read_voxels
from lungct.readers.dicom_preflight import CT_KINDS, read_frames
from lungct.readers.dicom_stack import stack_frames
from lungct.readers.dicom_warnings import caught_warnings
from lungct.readers.hounsfield import to_hounsfield
from lungct.readers.layout import Reader, ScanFiles
from lungct.scan import Scan, ScanError
from lungct.storage import Listing, open_file

_SUFFIXES = (".dcm", ".ima")

# Files of these names are something else, and are not opened to find out.
_OTHER_SUFFIXES = frozenset(
    ".bmp .bz2 .csv .doc .docx .gif .gz .hdr .htm .html .img .jpeg .jpg .json .log .md .mha .mhd "
    ".nii .npy .npz .nrrd .pdf .pkl .png .py .raw .tar .tfrecord .tif .tiff .tsv .txt .xlsx .xls "
    ".xml .xz .yaml .yml .zip .zraw".split()
)
_DIRECTORY = "DICOMDIR"

# Files of a folder that are opened, at most, to find out that it holds no CT.
_LOOKED_AT = 5

# A name that can be one of a file: UIDs are digits and dots, but not those of all anonymisers.
_UID = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,127}")


@dataclass(frozen=True)
class _Identity:
    """What a file says of its kind and series; texts are empty where it says nothing."""

    kind: str
    modality: str
    series_uid: str
    patient_id: str

    @property
    def may_be_ct(self) -> bool:
        """Whether the modality or the kind is that of CT, or neither is known."""
        if self.modality:
            return self.modality == "CT" or self.kind in CT_KINDS
        return self.kind in (*CT_KINDS, "")


def find(listing: Listing) -> tuple[ScanFiles, ...]:
    """Folders that directly hold files of DICOM, each of which is taken for one scan.

    Args:
        listing: All files of the data root.

    Returns:
        One scan for each folder, sorted by folder, named by the series instance UID of its first
        file that can be read, else by the folder. Folders without CT are left out.
    """
    folders: dict[str, list[str]] = defaultdict(list)
    for path in listing.files:
        if _may_be_dicom(path):
            folders[path.rpartition("/")[0]].append(path)
    slices = ((folder, _slices(paths, listing)) for folder, paths in sorted(folders.items()))
    found = (_scan_files(folder, paths, listing) for folder, paths in slices if paths)
    return tuple(files for files in found if files is not None)


def of_file(path: str) -> ScanFiles | None:
    """The scan of an enhanced file; None for a file that is none of DICOM.

    Args:
        path: The file. One of many slices is found too, and refused when it is read.
    """
    folder, _, _ = path.rpartition("/")
    scans = find(Listing(folder, (path,), open_file))
    return replace(scans[0], path=path) if scans else None


def read(files: ScanFiles) -> Scan:
    """One scan whose slices make a regular volume.

    Args:
        files: Files of one folder, on this machine.

    Returns:
        The scan with int16 Hounsfield units clipped to HU_MIN..HU_MAX on a grid in LPS, slices
        along the normal of the image; and which padding would have been tissue.

    Raises:
        ScanError: A slice is damaged, foreign or missing, or the values can't be HU.
    """
    frames = [frame for path in files.files for frame in read_frames(path)]
    ordered, geometry = stack_frames(frames, files.path)
    voxels, repairs = read_voxels(ordered)
    # These are int16 already: what is repaired here is padding within the range of HU.
    hu, more = to_hounsfield(voxels, files.path)
    return Scan(files.series_uid, hu, geometry, (*repairs, *more))


READER = Reader(
    layout="dicom",
    expected="DIR/**/*.dcm, a folder for each series",
    find=find,
    of_file=of_file,
    read=read,
    suffixes=(".dcm", ".ima"),
)


def _may_be_dicom(path: str) -> bool:
    """Whether nothing in the name of a file says that it is something else."""
    name = PurePosixPath(path)
    return name.stem.upper() != _DIRECTORY and name.suffix.lower() not in _OTHER_SUFFIXES


def _slices(paths: list[str], listing: Listing) -> list[str]:
    """Which files of a folder are slices, also those too damaged to be told by their bytes.

    Where slices have the ending of DICOM, files without it are slices only if their bytes say so;
    where one has not, all others of such names are taken for slices.
    """
    named = [path for path in paths if PurePosixPath(path).suffix.lower() in _SUFFIXES]
    others = sorted(set(paths) - set(named))
    if named:
        return [*named, *(path for path in others if _is_dicom(path, listing))]
    return others if any(_is_dicom(path, listing) for path in others) else []


def _is_dicom(path: str, listing: Listing) -> bool:
    """Whether a file is one of DICOM by its bytes."""
    try:
        with listing.open(path) as file:
            return file.read(PREAMBLE_BYTES + len(MAGIC))[PREAMBLE_BYTES:] == MAGIC
    except OSError:
        return False


def _scan_files(folder: str, paths: list[str], listing: Listing) -> ScanFiles | None:
    """The scan of one folder; None where it holds images or objects of another kind alone."""
    fields_of = functools.cache(lambda path: _fields(path, listing))
    if _is_other_kind(paths, fields_of):
        return None
    series_uid, patient_id = _identity(paths, fields_of)
    # The name becomes that of files: no slash in it.
    below = listing.relative(folder + "/").rstrip("/").replace("/", "_")
    return ScanFiles(
        series_uid=series_uid or below or PurePosixPath(folder).name,
        path=folder,
        files=tuple(sorted(paths)),
        patient_id=patient_id,
    )


def _fields(path: str, listing: Listing) -> _Identity | None:
    """What tells of which kind and series a file is; None where it can't be read."""
    keywords = ("SOPClassUID", "Modality", "SeriesInstanceUID", "PatientID")
    try:
        with listing.open(path) as file, caught_warnings():
            fields = Fields(path, read_header(file, keywords, path).dataset)
            return _Identity(*(fields.text(keyword) for keyword in keywords))
    except (OSError, ScanError):
        return None


def _is_other_kind(paths: list[str], fields_of: Callable[[str], _Identity | None]) -> bool:
    """Whether files that can be read, a few of a folder, are none of them of CT.

    Folders of structured reports, segmentations and outlines lie beside those of CT in archives. A
    folder that mixes them is a scan, which is refused by name.
    """
    step = max(1, -(-len(paths) // _LOOKED_AT))
    kinds = filter(None, map(fields_of, paths[::step]))
    first = next(kinds, None)
    return first is not None and not any(each.may_be_ct for each in chain((first,), kinds))


def _identity(paths: list[str], fields_of: Callable[[str], _Identity | None]) -> tuple[str, str]:
    """Series instance UID and patient ID of the first file that tells; empty where none does."""
    for identity in filter(None, map(fields_of, paths)):
        if _UID.fullmatch(identity.series_uid):
            return identity.series_uid, identity.patient_id
    return "", ""
