"""Phantom data sets in LUNA16 layout, written so that an unfinished one is never read as whole."""

import csv
import functools
import io
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lungct.progress import report
from lungct.readers.metaimage import write_scan
from phantom.model import make_scan, patient_of, series_uid
from phantom.workers import in_processes

VERSION = 1
SUBSETS = 10
SMALLEST_SHAPE = (24, 48, 48)
TRUTH_NAME, UNFINISHED_NAME = "PHANTOM.json", "PHANTOM.json.unfinished"
ANNOTATION_COLUMNS = ("seriesuid", "coordX", "coordY", "coordZ", "diameter_mm")


class PhantomError(ValueError):
    """What was asked for can't be made, or not in this folder. The text is one line."""


@dataclass(frozen=True)
class Order:
    """What is to be made: number of scans, seed, and voxels (z, y, x) of each scan."""

    scans: int
    seed: int
    shape: tuple[int, int, int]

    def __post_init__(self) -> None:
        """Checks every field; raises PhantomError naming what was expected and what came."""
        if not 1 <= self.scans <= 999_999:
            raise PhantomError(f"expected 1 to 999999 scans, got {self.scans}")
        if not 0 <= self.seed < 2**32:
            raise PhantomError(f"expected a seed from 0 to {2**32 - 1}, got {self.seed}")
        wanted = zip(self.shape, SMALLEST_SHAPE, strict=False)
        if len(self.shape) != 3 or not all(n >= least for n, least in wanted):
            raise PhantomError(f"expected a shape of at least {SMALLEST_SHAPE}, got {self.shape}")

    def facts(self) -> dict[str, Any]:
        """The content of PHANTOM.json."""
        return {
            "phantom": True,
            "note": "made by chance from the seed; no patient, no scanner",
            "generator": "phantom",
            "version": VERSION,
            **asdict(self),
            "shape": list(self.shape),
        }


def make_phantoms(
    out: str, scans: int, seed: int, shape: tuple[int, int, int], workers: int | None = None
) -> None:
    """Makes a phantom data set; does nothing where the same one is already whole.

    `out` gets subset0 to subset9 with UID.mhd and UID.raw, annotations.csv, patients.csv and, as
    the last of all, PHANTOM.json. A call continues what an interrupted one left. The bytes depend
    on seed, number and shape only, and those of one scan not on the number.

    Args:
        out: Folder; made when missing.
        scans: How many.
        seed: From 0 to 2**32 - 1.
        shape: Voxels (z, y, x) of each scan.
        workers: Processes; as many as the machine has cores when None.

    Raises:
        PhantomError: An argument is out of range, or the folder holds something else.
        RuntimeError: A process failed; see `phantom.workers.in_processes`.
    """
    order = Order(scans, seed, shape)
    if workers is not None and workers < 1:
        raise PhantomError(f"expected at least one process, got {workers}")
    folder = Path(out)
    if _is_whole(folder, order):
        return
    _check_folder(folder, order)
    for leftover in folder.rglob("*.tmp"):
        leftover.unlink()
    folder.mkdir(parents=True, exist_ok=True)
    _write_text(folder / UNFINISHED_NAME, json.dumps(order.facts(), indent=1) + "\n")
    _make_scans(folder, order, workers or os.cpu_count() or 1)
    waiting = {series_uid(seed, i): _spheres_path(folder, seed, i) for i in range(scans)}
    rows = [(uid, *n) for uid, path in waiting.items() for n in json.loads(path.read_text())]
    _write_table(folder / "annotations.csv", ANNOTATION_COLUMNS, rows)
    people = [(series_uid(seed, i), patient_of(seed, i)) for i in range(scans)]
    _write_table(folder / "patients.csv", ("seriesuid", "patient_id"), people)
    for path in waiting.values():
        path.unlink()
    os.replace(folder / UNFINISHED_NAME, folder / TRUTH_NAME)


def header_path(folder: Path, seed: int, index: int) -> Path:
    """Where the header of a scan lies."""
    return folder / f"subset{index % SUBSETS}" / f"{series_uid(seed, index)}.mhd"


def write_one(folder: Path, seed: int, index: int, shape: tuple[int, int, int]) -> None:
    """Makes one scan and writes nodules, voxels and header, in this order."""
    scan = make_scan(seed, index, shape)
    header = header_path(folder, seed, index)
    header.parent.mkdir(parents=True, exist_ok=True)
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
    make = functools.partial(write_one, folder, order.seed, shape=order.shape)
    alone = workers == 1 or len(missing) == 1
    finished: Iterator[None] = map(make, missing) if alone else in_processes(make, missing, workers)
    report("phantom scans", done, order.scans)
    for count, _ in enumerate(finished, done + 1):
        report("phantom scans", count, order.scans)


def _has_scan(folder: Path, order: Order, index: int) -> bool:
    """Whether an interrupted call finished this scan."""
    header = header_path(folder, order.seed, index)
    return header.is_file() and _spheres_path(folder, order.seed, index).is_file()


def _is_whole(folder: Path, order: Order) -> bool:
    """Whether the folder is what is to be made, with nothing missing."""
    truth = folder / TRUTH_NAME
    if not truth.is_file():
        return False
    found = _read_facts(truth)
    if found != order.facts():
        wanted = f"seed {order.seed}, {order.scans} scans of {order.shape}"
        raise PhantomError(f"expected the phantom of {wanted} in {folder}, got {_named(found)}")
    headers = [header_path(folder, order.seed, i) for i in range(order.scans)]
    files = [*headers, *(h.with_suffix(".raw") for h in headers), folder / "annotations.csv"]
    missing = [str(f) for f in (*files, folder / "patients.csv") if not f.is_file()]
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
    unfinished = folder / UNFINISHED_NAME
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
    """Writes a file under a temporary name and renames it."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    temporary.write_text(text)
    os.replace(temporary, path)
