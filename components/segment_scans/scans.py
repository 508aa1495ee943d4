"""Which scans are judged."""

import hashlib
import os
from collections.abc import Iterable, Mapping

from tfx.dsl.io import fileio

from components.segment_scans.segmentation import ScanTask
from schema import features
from schema.files import INDEX_ENDING, SCAN_ENDING
from schema.slices import read_index


def list_tasks(folders: Mapping[str, str], train_patients: int) -> list[ScanTask]:
    """Lists the scans to judge.

    Args:
        folders: Folder of each split of the examples, indices included.
        train_patients: So many patients of the train split; 0 for all.

    Returns:
        All scans of the other splits, and those of the chosen patients, in order.
    """
    tasks = [
        ScanTask(name.removesuffix(SCAN_ENDING), split, os.path.join(folder, name))
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
