"""Which scans are judged."""

import hashlib
import os
from collections.abc import Iterable, Mapping

from tfx.dsl.io import fileio

from components.segment_scans.segmentation import ScanTask
from lungct.record import ScanRecord
from schema import features
from schema.files import INDEX_ENDING, SCAN_ENDING
from schema.slices import read_index


def list_tasks(
    folders: Mapping[str, str], records: Iterable[ScanRecord], train_patients: int
) -> list[ScanTask]:
    """Lists the scans to judge.

    Args:
        folders: Folder of each split of the examples, indices included.
        records: Of the scans found, with their nodules and excluded findings.
        train_patients: So many patients of the train split; 0 for all.

    Returns:
        All scans of the other splits, and those of the chosen patients, in order.

    Raises:
        ValueError: A scan has no record.
    """
    known = {record.series_uid: record for record in records}
    tasks = [
        _task(split, os.path.join(folder, name), known)
        for split, folder in folders.items()
        if not features.is_index(split)
        for name in sorted(fileio.listdir(folder))
        if name.endswith(SCAN_ENDING)
    ]
    if not train_patients or features.SPLIT_TRAIN not in folders:
        return tasks
    patients = _patients(folders[features.index_split(features.SPLIT_TRAIN)])
    chosen = choose_patients(patients.values(), train_patients)
    return [
        task
        for task in tasks
        if task.split != features.SPLIT_TRAIN or patients.get(task.series_uid) in chosen
    ]


def _task(split: str, path: str, known: Mapping[str, ScanRecord]) -> ScanTask:
    series = os.path.basename(path).removesuffix(SCAN_ENDING)
    if series in known:
        return ScanTask(series, split, path, known[series].nodules, known[series].excluded)
    if not _is_empty(path):
        raise ValueError(f"expected a record of the scan of {path}, got {len(known)} others")
    return ScanTask(series, split, path)


def _is_empty(path: str) -> bool:
    """Whether a file holds nothing, as that of a split without scans does."""
    with fileio.open(path, "rb") as file:
        return not file.read(1)


def choose_patients(patients: Iterable[str], count: int) -> frozenset[str]:
    """Chooses patients by a hash of their id, so that added patients change little.

    Args:
        patients: Ids, each any number of times.
        count: How many to choose; all where there are fewer.
    """
    return frozenset(sorted(set(patients), key=_rank)[:count])


def _rank(patient: str) -> str:
    # Salted: the patients held out for early stopping come first by the hash of the id alone, and
    # a gap measured on those would be too small.
    return hashlib.sha256(f"judged\0{patient}".encode()).hexdigest()


def _patients(index: str) -> dict[str, str]:
    """Patient by series, from the folder of an index."""
    names = sorted(name for name in fileio.listdir(index) if name.endswith(INDEX_ENDING))
    rows = read_index([os.path.join(index, name) for name in names])
    return {row.series_uid: row.patient_id for row in rows}
