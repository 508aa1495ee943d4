"""Phantom scans that several benchmarks run on."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from lungct.given_scans import find_given
from lungct.inventory import FoundScan, take_inventory
from lungct.limits import LUNG
from lungct.readers.names import ANNOTATIONS_TABLE, PATIENTS_TABLE, PHANTOM_NOTE
from lungct.roots import AUTO, DataRoot
from phantom.order import Order
from phantom.writer import make_phantoms

SEED = 3


def phantom_headers(folder: Path, scans: int, shape: Sequence[int]) -> list[str]:
    """Headers of phantom scans, which are made where they are not there yet.

    Args:
        folder: Where those of all shapes are.
        scans: How many.
        shape: Voxels (z, y, x).
    """
    z, y, x = shape
    order = Order(scans, SEED, (z, y, x))
    root = folder / order.folder
    make_phantoms(str(root), order)
    return [found.files.path for found in find_given([str(root)], AUTO, LUNG).scans]


def scans_of(root: Path) -> tuple[FoundScan, ...]:
    """All scans of a root of the phantom."""
    return take_inventory([DataRoot(str(root))]).scans


def first_scans(root: Path, count: int) -> Path:
    """A data root with the first scans of another, which share their files."""
    data = root.with_name(f"{root.name}-first-{count}")
    shutil.rmtree(data, ignore_errors=True)
    for found in scans_of(root)[:count]:
        for path in map(Path, filter(None, (*found.files.files, found.files.label))):
            place = data / path.relative_to(root)
            place.parent.mkdir(parents=True, exist_ok=True)
            os.link(path, place)
    for name in (ANNOTATIONS_TABLE, PATIENTS_TABLE, PHANTOM_NOTE):
        shutil.copy(root / name, data / name)
    return data
