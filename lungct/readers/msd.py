"""The layout of the Medical Segmentation Decathlon, http://medicaldecathlon.com.

A root holds `dataset.json`, which lists pairs of an image and its label, the images in `imagesTr`
and the labels in `labelsTr`. Images without truth in `imagesTs` are no scans of ours.
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterable
from typing import Any

from lungct.files import reason_of
from lungct.readers.layout import Reader, ScanFiles
from lungct.readers.nifti import read_scan
from lungct.readers.nifti_header import series_name
from lungct.readers.tables import TableError
from lungct.scan import Scan
from lungct.storage import Listing

_LIST_NAME = "dataset.json"
_IMAGES, _LABELS = "imagesTr", "labelsTr"
_ENDINGS = (".nii.gz", ".nii")

# Half a million pairs of long names.
_MAX_LIST_BYTES = 1 << 27


def find(listing: Listing) -> tuple[ScanFiles, ...]:
    """Finds all training images of a root, those that `dataset.json` leaves out included.

    A label that is not there is left empty; an image that is listed and not there is found, and
    refused when it is read.

    Args:
        listing: All files of the root.

    Returns:
        The scans, sorted by name; none where the root has another layout.

    Raises:
        TableError: `dataset.json` can't be read or trusted, or two images have the same name.
    """
    by_place = {listing.relative(path): path for path in listing.files}
    labels = {series_name(place): place for place in _volumes(by_place, _LABELS)}
    pairs = _listed_pairs(listing, by_place[_LIST_NAME]) if _LIST_NAME in by_place else {}
    for image in _volumes(by_place, _IMAGES):
        pairs.setdefault(image, labels.get(series_name(image), ""))
    found: dict[str, ScanFiles] = {}
    for image, label in sorted(pairs.items()):
        path = posixpath.join(listing.root, image)
        # A label that is listed and not there is found all the same: reading it refuses the scan.
        mask = posixpath.join(listing.root, label) if label else ""
        scan = ScanFiles(series_name(image), path, (path,), mask)
        known = found.setdefault(scan.series_uid, scan)
        if known is not scan:
            raise TableError(
                f"expected one image of name {scan.series_uid}, got {known.path} and {path}"
            )
    return tuple(found[series_uid] for series_uid in sorted(found))


def of_file(path: str) -> ScanFiles | None:
    """The scan of a NIfTI file, in a data set or not; None for any other file.

    Args:
        path: The file.
    """
    return ScanFiles(series_name(path), path, (path,)) if path.lower().endswith(_ENDINGS) else None


def read(files: ScanFiles) -> Scan:
    """Reads one scan.

    Args:
        files: What `find` found.

    Returns:
        The scan.

    Raises:
        ScanError: Its file can't be trusted, or the values can't be HU.
    """
    return read_scan(files.path)


def _volumes(places: Iterable[str], folder: str) -> list[str]:
    """Places of the NIfTI files right in a folder of the root, sorted."""
    return sorted(
        place
        for place in places
        if posixpath.dirname(place) == folder
        and place.lower().endswith(_ENDINGS)
        and not posixpath.basename(place).startswith(".")
    )


def _listed_pairs(listing: Listing, path: str) -> dict[str, str]:
    """Place of the label, empty for none, by that of the image, as `dataset.json` lists them."""
    content = _json(listing, path)
    rows = content.get("training") if isinstance(content, dict) else None
    if not isinstance(rows, list):
        raise TableError(
            f"expected an object with a list 'training', got {_shown(content)} in {path}"
        )
    pairs: dict[str, str] = {}
    for number, row in enumerate(rows, start=1):
        where = f"entry {number} of 'training' in {path}"
        if not isinstance(row, dict):
            raise TableError(f"expected an image and a label, got {_shown(row)} in {where}")
        image = _place(row.get("image"), "image", where)
        label = _place(row["label"], "label", where) if "label" in row else ""
        if pairs.setdefault(image, label) != label:
            both = f"{_shown(pairs[image])} and {_shown(label)}"
            raise TableError(f"expected one label of {image}, got {both} in {where}")
    return pairs


def _json(listing: Listing, path: str) -> Any:
    """Content of a JSON file of bounded size."""
    try:
        with listing.open(path) as file:
            data = file.read(_MAX_LIST_BYTES + 1)
        if len(data) > _MAX_LIST_BYTES:
            raise TableError(f"expected at most {_MAX_LIST_BYTES} bytes, got more in {path}")
        return json.loads(data.decode("utf-8-sig"))
    # A RecursionError is what json makes of a list in a list in a list.
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise TableError(f"expected readable JSON, got {reason_of(error)} in {path}") from error


def _place(value: object, name: str, where: str) -> str:
    """The place of a NIfTI file below the root."""
    place = posixpath.normpath(value) if isinstance(value, str) else ""
    inside = not place.startswith(("/", "..")) and "\0" not in place
    if not inside or not place.lower().endswith(_ENDINGS):
        raise TableError(
            f"expected as {name} a file .nii or .nii.gz below the root, got {_shown(value)} "
            f"in {where}"
        )
    return place


def _shown(value: object) -> str:
    """A value of the file, short enough for one line."""
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


READER = Reader(
    layout="msd",
    expected=f"DIR/{_IMAGES}/NAME.nii.gz and DIR/{_LIST_NAME}",
    find=find,
    of_file=of_file,
    read=read,
    suffixes=(".nii", ".nii.gz"),
    keeps_pixels=False,
)
