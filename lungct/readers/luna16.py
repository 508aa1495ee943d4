"""The layout of LUNA16: DIR/subset*/SERIES.mhd or DIR/SERIES.mhd with voxels beside it.

Scans of one file, `.mha`, are found in the same places. DIR/nodule_masks/SERIES.nii.gz may hold a
label mask, as beside phantoms.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from lungct.readers.layout import Reader, ScanFiles
from lungct.readers.metaimage import read_scan
from lungct.readers.metaimage_header import read_header
from lungct.readers.names import MASKS_FOLDER
from lungct.scan import Scan, ScanError
from lungct.storage import Listing, exists, open_file

HEADER_SUFFIXES = (".mhd", ".mha")
VOXEL_SUFFIXES = (".raw", ".zraw")

_PLACE = re.compile(r"(subset[^/]*/)?[^/]+")


def find(listing: Listing) -> tuple[ScanFiles, ...]:
    """All scans of a root in LUNA16 layout.

    Args:
        listing: Files of the root.

    Returns:
        A scan for each header, with the files of the same stem that may hold its voxels; also
        for a folder that is named as a header.
    """
    there = set(listing.files)
    found = []
    for path in sorted((*listing.files, *listing.folders)):
        stem, suffix = _split(path)
        if suffix not in HEADER_SUFFIXES or not _PLACE.fullmatch(listing.relative(path)):
            continue
        voxels = [stem + ending for ending in VOXEL_SUFFIXES if stem + ending in there]
        files = (path, *voxels) if suffix == ".mhd" else (path,)
        name = PurePosixPath(stem).name
        mask = f"{listing.root}/{MASKS_FOLDER}/{name}.nii.gz"
        found.append(ScanFiles(name, path, files, mask if mask in there else ""))
    return tuple(found)


def of_file(path: str) -> ScanFiles | None:
    """The scan of a header; None for any other file.

    Args:
        path: The file.
    """
    folder, _, _ = path.rpartition("/")
    stem, _ = _split(path)
    beside = (stem + suffix for suffix in VOXEL_SUFFIXES)
    scans = find(Listing(folder, (path, *filter(exists, beside)), open_file))
    return scans[0] if scans else None


def read(files: ScanFiles) -> Scan:
    """Reads one scan; see `lungct.readers.metaimage.read_scan`."""
    return read_scan(files.path)


def members(files: ScanFiles) -> tuple[str, ...]:
    """Header and the file of voxels that it names, on this machine.

    Args:
        files: The scan.

    Returns:
        Both paths, or the header alone where it can't be trusted or holds the voxels itself.
    """
    try:
        voxels = read_header(files.path).voxels_path
    except ScanError:
        return (files.path,)
    return (files.path,) if voxels == files.path else (files.path, voxels)


def _split(path: str) -> tuple[str, str]:
    """Path without its ending, and the ending."""
    stem, dot, ending = path.rpartition(".")
    return (stem, dot + ending) if "/" not in ending else (path, "")


READER = Reader(
    "luna16",
    "DIR/*.mhd or DIR/subset*/*.mhd (or .mha)",
    find,
    of_file,
    read,
    members,
    HEADER_SUFFIXES,
    dict.fromkeys(VOXEL_SUFFIXES, ".mhd"),
)
