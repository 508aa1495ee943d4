"""What lies in data roots beside the voxels: headers, tables, reader outlines, lists of sums."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tfx.dsl.io import fileio

from components.ct_example_gen.storage import is_remote, local_copies
from lungct.readers.checksum_lists import (
    CHECKSUMS_NAME,
    ChecksumList,
    Checksums,
    gather_checksums,
    read_checksums,
)
from lungct.readers.tables import (
    Annotations,
    TableError,
    find_scans,
    overlooked,
    read_annotations,
    read_patients,
)
from lungct.scan import Nodule
from lungct.truth.lidc.folders import HEAD_BYTES, PATTERNS, by_series, head_of

ANNOTATIONS = "annotations.csv"
PATIENT_TABLES = ("patients.csv", "LIDC-IDRI-mappingLUNA16.txt", "LIDC-IDRI-mappingLUNA16.csv")
PHANTOM_NOTE = "PHANTOM.json"
OUTLINES = "lidc"


@dataclass
class RootTables:
    """What the tables of all roots say.

    Attributes:
        nodules: Annotated nodules by series.
        patients: Patient by series.
        phantom_roots: The roots that say of themselves that they are phantoms.
        warnings: What the tables' readers found worth saying, one line each.
    """

    nodules: dict[str, tuple[Nodule, ...]] = field(default_factory=dict)
    patients: dict[str, str] = field(default_factory=dict)
    phantom_roots: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def find_series(roots: Sequence[str]) -> dict[str, str]:
    """Finds the scans.

    Args:
        roots: Folders that hold `*.mhd` or `subset*/*.mhd`, local or in a bucket.

    Returns:
        Header path by series UID, ordered by series.

    Raises:
        TableError: If a series lies in two places, or there is none.
    """
    headers = find_scans([root for root in roots if not is_remote(root)])
    for root in filter(is_remote, roots):
        for pattern in ("*.mhd", "subset*/*.mhd"):
            headers += fileio.glob(os.path.join(root, pattern))
    series: dict[str, str] = {}
    for header in headers:
        uid = os.path.basename(header).removesuffix(".mhd")
        other = series.setdefault(uid, header)
        if other != header:
            raise TableError(f"expected series {uid} once, got {other}, {header}")
    if not series:
        raise TableError(f"expected scans as ROOT/subset*/SERIES.mhd, got none in {list(roots)}")
    return dict(sorted(series.items()))


def read_tables(roots: Sequence[str], series: Mapping[str, str]) -> RootTables:
    """Reads annotations and patients of all roots.

    Args:
        roots: The data roots.
        series: Header path by series UID.

    Returns:
        What they say.

    Raises:
        TableError: If a table is missing or can't be trusted, or two contradict each other.
    """
    tables = RootTables()
    for root in roots:
        if not is_remote(root):
            tables.warnings += overlooked([root], list(series.values()))
        _add_annotations(os.path.join(root, ANNOTATIONS), series, tables)
        _add_patients(root, tables)
        if fileio.exists(os.path.join(root, PHANTOM_NOTE)):
            tables.phantom_roots.append(root)
    unknown = sorted(set(series) - set(tables.patients))
    if unknown:
        tables.warnings.append(
            f"{len(unknown)} series are in no table of patients and count as a patient each, "
            f"such as {unknown[0]}"
        )
    return tables


def find_outlines(roots: Sequence[str], named: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Finds the XML files of reader outlines.

    Args:
        roots: Data roots; outlines are in ROOT/lidc.
        named: Further folders of outlines.

    Returns:
        Sorted paths by series.

    Raises:
        TableError: If a named folder is not there.
    """
    for folder in named:
        if not fileio.isdir(folder):
            raise TableError(f"expected a folder of LIDC XML files, got {folder!r}")
    folders = [*(os.path.join(root, OUTLINES) for root in roots), *named]
    patterns = [os.path.join(folder, pattern) for folder in folders for pattern in PATTERNS]
    return by_series((path for pattern in patterns for path in fileio.glob(pattern)), _head_of)


def find_lists(
    roots: Sequence[str], series: Mapping[str, str], named: str
) -> tuple[Checksums, tuple[str, ...]]:
    """Reads the lists of SHA-256 sums beside the scans, and one that is named.

    Args:
        roots: Data roots; lists are ROOT/SHA256SUMS and ROOT/subset*/SHA256SUMS.
        series: Header path by series UID.
        named: A further list, or empty.

    Returns:
        Sums by file name for each folder of scans, and what is worth saying, one line each.

    Raises:
        TableError: If a list can't be read, two give a file different sums, or one is of other
            files.
    """
    patterns = [os.path.join(r, *p, CHECKSUMS_NAME) for r in roots for p in ((), ("subset*",))]
    places = [place for pattern in patterns for place in sorted(fileio.glob(pattern))]
    lists = [_read_list(place) for place in [*places, *([named] if named else [])]]
    return gather_checksums(lists, roots, list(series.values()))


def _read_list(place: str) -> ChecksumList:
    if not fileio.exists(place):
        raise TableError(f"expected the list of sums {place}, got no such file")
    with local_copies([place]) as (copy,):
        return ChecksumList(place, read_checksums(copy))


def _head_of(path: str) -> bytes:
    if not is_remote(path):
        return head_of(path)
    with fileio.open(path, "rb") as file:
        head: bytes = file.read(HEAD_BYTES)
    return head


def _add_annotations(path: str, series: Mapping[str, str], tables: RootTables) -> None:
    annotations = _read_annotations(path)
    tables.warnings += annotations.warnings
    absent = sorted(set(annotations.by_series) - set(series))
    if absent:
        tables.warnings.append(
            f"{path}: annotations of {len(absent)} series that are not there, such as {absent[0]}"
        )
    for uid, found in annotations.by_series.items():
        if tables.nodules.setdefault(uid, found) != found:
            raise TableError(f"expected one set of annotations for {uid}, got another in {path}")


def _read_annotations(path: str) -> Annotations:
    if not fileio.exists(path):
        raise TableError(f"expected the annotation table {path}, got no such file")
    with local_copies([path]) as (copy,):
        return read_annotations(copy)


def _add_patients(root: str, tables: RootTables) -> None:
    for path in (os.path.join(root, name) for name in PATIENT_TABLES):
        if not fileio.exists(path):
            continue
        with local_copies([path]) as (copy,):
            table = read_patients(copy)
        for uid, patient_id in table.items():
            if tables.patients.setdefault(uid, patient_id) != patient_id:
                raise TableError(
                    f"expected one patient for series {uid}, "
                    f"got {tables.patients[uid]} and, in {path}, {patient_id}"
                )
