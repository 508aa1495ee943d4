"""Phantom scans that several benchmarks run on."""

import os
import shutil
from pathlib import Path

from lungct.inventory import FoundScan, take_inventory
from lungct.readers.names import ANNOTATIONS_TABLE, PATIENTS_TABLE, PHANTOM_NOTE
from lungct.roots import DataRoot

SEED = 3


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
