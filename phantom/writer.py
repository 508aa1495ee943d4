"""Phantom data sets in LUNA16 layout, written so that an unfinished one is never read as whole."""

import csv
import functools
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from lungct.files import whole_file
from lungct.progress import advance
from lungct.readers.metaimage import write_scan
from lungct.readers.names import (
    ANNOTATIONS_TABLE,
    MASKS_FOLDER,
    NODULE_COLUMNS,
    PATIENT_COLUMN,
    PATIENTS_TABLE,
    PHANTOM_NOTE,
    SERIES_COLUMN,
)
from lungct.readers.nifti_writer import write_nifti
from lungct.words import counted
from phantom.model import make_scan, patient_of, series_uid
from phantom.order import Order, PhantomError
from phantom.workers import in_processes

SUBSETS: Final = 10
UNFINISHED_NOTE: Final = f"{PHANTOM_NOTE}.unfinished"


def make_phantoms(out: str, order: Order, workers: int | None = None) -> None:
    """Makes a phantom data set; does nothing where the same one is already whole.

    `out` gets subset0 to subset9 with UID.mhd and UID.raw, nodule_masks with UID.nii.gz,
    annotations.csv, patients.csv and, as the last of all, PHANTOM.json. A call continues what an
    interrupted one left. The bytes depend on the order only, and those of one scan not on the
    number of scans.

    Args:
        out: Folder; made when missing.
        order: What is to be made.
        workers: Processes; as many as the machine has cores when None.

    Raises:
        PhantomError: No process is allowed, or the folder holds something else.
        RuntimeError: A process failed; see `phantom.workers.in_processes`.
    """
    if workers is not None and workers < 1:
        raise PhantomError(f"expected at least one process, got {workers}")
    folder = Path(out)
    if _is_whole(folder, order):
        return
    _check_folder(folder, order)
    for leftover in folder.rglob(".*.part"):
        leftover.unlink()
    folder.mkdir(parents=True, exist_ok=True)
    _write_text(folder / UNFINISHED_NOTE, json.dumps(order.facts(), indent=1) + "\n")
    _make_scans(folder, order, workers or os.cpu_count() or 1)
    _write_tables(folder, order)
    os.replace(folder / UNFINISHED_NOTE, folder / PHANTOM_NOTE)


def header_path(folder: Path, seed: int, index: int) -> Path:
    """Where the header of a scan lies."""
    return folder / f"subset{index % SUBSETS}" / f"{series_uid(seed, index)}.mhd"


def mask_path(folder: Path, seed: int, index: int) -> Path:
    """Where the share of each voxel that lies inside a nodule is."""
    return folder / MASKS_FOLDER / f"{series_uid(seed, index)}.nii.gz"


def write_one(folder: Path, order: Order, index: int) -> None:
    """Makes one scan and writes nodules, their mask, voxels and header, in this order."""
    seed = order.seed
    scan = make_scan(seed, index, order.shape, order.nodules)
    header, mask = header_path(folder, seed, index), mask_path(folder, seed, index)
    for path in (header, mask):
        path.parent.mkdir(parents=True, exist_ok=True)
    write_nifti(str(mask), scan.coverage, scan.geometry, 1 / 255)
    spheres = [(*n.centre_mm, n.diameter_mm) for n in scan.nodules]
    _write_text(_spheres_path(folder, seed, index), json.dumps(spheres))
    write_scan(str(header), scan.hu, scan.geometry)


def _spheres_path(folder: Path, seed: int, index: int) -> Path:
    """File of one scan's nodules, until the table of all is written."""
    return folder / f"{series_uid(seed, index)}.unfinished"


def _make_scans(folder: Path, order: Order, workers: int) -> None:
    """Makes the scans that are missing."""
    missing = [i for i in range(order.scans) if not _has_scan(folder, order, i)]
    done = order.scans - len(missing)
    make = functools.partial(write_one, folder, order)
    alone = workers == 1 or len(missing) == 1
    finished: Iterator[None] = map(make, missing) if alone else in_processes(make, missing, workers)
    advance("phantom scans", done, order.scans)
    for count, _ in enumerate(finished, done + 1):
        advance("phantom scans", count, order.scans)


def _write_tables(folder: Path, order: Order) -> None:
    """Writes the tables of nodules and patients, and removes what the first is made from."""
    seed, numbers = order.seed, range(order.scans)
    waiting = {series_uid(seed, i): _spheres_path(folder, seed, i) for i in numbers}
    rows = [(uid, *n) for uid, path in waiting.items() for n in json.loads(path.read_text())]
    _write_table(folder / ANNOTATIONS_TABLE, (SERIES_COLUMN, *NODULE_COLUMNS), rows)
    people = [(series_uid(seed, i), patient_of(seed, i)) for i in numbers]
    _write_table(folder / PATIENTS_TABLE, (SERIES_COLUMN, PATIENT_COLUMN), people)
    for path in waiting.values():
        path.unlink()


def _has_scan(folder: Path, order: Order, index: int) -> bool:
    """Whether an interrupted call finished this scan."""
    header = header_path(folder, order.seed, index)
    return header.is_file() and _spheres_path(folder, order.seed, index).is_file()


def _is_whole(folder: Path, order: Order) -> bool:
    """Whether the folder is what is to be made, with nothing missing."""
    truth = folder / PHANTOM_NOTE
    if not truth.is_file():
        return False
    found = _read_facts(truth)
    if found != order.facts():
        wanted = f"seed {order.seed}, {counted(order.scans, 'scan')} of {order.shape}"
        raise PhantomError(f"expected the phantom of {wanted} in {folder}, got {_named(found)}")
    headers = [header_path(folder, order.seed, i) for i in range(order.scans)]
    tables = [folder / ANNOTATIONS_TABLE, folder / PATIENTS_TABLE]
    masks = [mask_path(folder, order.seed, i) for i in range(order.scans)]
    files = [*headers, *(h.with_suffix(".raw") for h in headers), *masks, *tables]
    missing = [str(f) for f in files if not f.is_file()]
    if missing:
        raise PhantomError(f"expected a whole phantom in {folder}, got none of {missing[0]}")
    return True


def _read_facts(path: Path) -> Any:
    """What a PHANTOM.json says; its text where it is no JSON."""
    text = path.read_text(errors="replace")
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def _named(found: Any) -> str:
    """The facts of another phantom in a few words."""
    if not isinstance(found, dict):
        return repr(found)[:80]
    return ", ".join(f"{key} {found.get(key)}" for key in ("seed", "scans", "shape", "version"))


def _check_folder(folder: Path, order: Order) -> None:
    """Raises PhantomError unless the folder is missing, empty, or this phantom half made."""
    if folder.exists() and not folder.is_dir():
        raise PhantomError(f"expected a folder, got a file: {folder}")
    found = sorted(p for p in folder.rglob("*") if p.is_file()) if folder.exists() else []
    if not found:
        return
    unfinished = folder / UNFINISHED_NOTE
    if not unfinished.is_file():
        raise PhantomError(f"expected an empty folder for the phantom, got {found[0]}")
    facts = _read_facts(unfinished)
    if facts != order.facts():
        raise PhantomError(f"expected an empty folder, got {folder}, begun with {_named(facts)}")


def _write_table(path: Path, columns: tuple[str, ...], rows: Any) -> None:
    """Writes a CSV table in one step."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    _write_text(path, text.getvalue())


def _write_text(path: Path, text: str) -> None:
    """Writes a file, whole or not at all."""
    with whole_file(path) as file:
        file.write(text.encode())
