"""How scans are split: by a hash of the patient, by LUNA16's subsets, or by a table.

However it is decided, all scans of a patient share one split.
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from lungct.readers.tables import SplitTable, TableError, read_splits
from lungct.words import counted, noun
from schema import features

_UNTESTED = tuple(name for name in features.SPLITS if name != features.SPLIT_TEST)
_SUBSET = re.compile(r"subset([0-9])")


@dataclass(frozen=True)
class PlacedScan:
    """A scan before it has a split: what names it, series and patient."""

    path: str
    series_uid: str
    patient_id: str


@dataclass(frozen=True)
class SplitRule:
    """By `fold` where there is one, else by `table`, else by a hash of the patient.

    One class from the configuration to the pushed model.

    Attributes:
        eval_fraction: Expected share of patients in the eval split, 0..1; 1 for all of them, which
            leaves none to train on.
        test_fraction: Expected share of patients in the test split, 0..1.
        salt: Another salt gives another assignment by hash.
        fold: The subset of LUNA16, 0 to 9, that is the eval split.
        table: CSV file that names the split of each series or patient.
        table_splits: The splits that the table may name.
    """

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}

    eval_fraction: float = 0.2
    test_fraction: float = 0.0
    salt: str = ""
    fold: int | None = None
    table: str = ""
    table_splits: tuple[str, ...] = _UNTESTED

    def __post_init__(self) -> None:
        """Checks every field; raises ValueError naming what was expected and what came."""
        held_out = (self.eval_fraction, self.test_fraction)
        fits = held_out[0] > 0 and held_out[1] >= 0 and sum(held_out) < 1
        if not fits and held_out != (1, 0):
            raise ValueError(
                "expected 0 < eval_fraction and eval_fraction + test_fraction < 1, "
                f"got {self.eval_fraction} + {self.test_fraction}"
            )
        if self.fold is not None and (isinstance(self.fold, bool) or not 0 <= self.fold <= 9):
            raise ValueError(f"expected a fold from 0 to 9, got {self.fold!r}")
        if self.fold is not None and self.table:
            raise ValueError(f"expected fold or table, got both: {self.fold} and {self.table}")
        named = set(self.table_splits)
        if not set(_UNTESTED) <= named <= set(features.SPLITS):
            raise ValueError(
                f"expected train, eval and perhaps test in table_splits, got {self.table_splits}"
            )
        object.__setattr__(self, "table_splits", tuple(self.table_splits))

    @property
    def names(self) -> tuple[str, ...]:
        """The splits that the examples fall into."""
        if self.fold is not None:
            return _UNTESTED
        if not self.table and self.eval_fraction == 1:
            return (features.SPLIT_EVAL,)
        tested = features.SPLIT_TEST in self.table_splits if self.table else self.test_fraction > 0
        return features.SPLITS if tested else _UNTESTED


# All patients are judged, and none is trained on.
EVAL_ONLY: Final = SplitRule(eval_fraction=1.0)


def assign_splits(
    scans: Sequence[PlacedScan], rule: SplitRule
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Gives each scan its split.

    Args:
        scans: The scans found.
        rule: How they are split.

    Returns:
        Split by series UID, and warnings, one line each.

    Raises:
        TableError: If a scan is in no subset though folds are asked for, or the table can't be
            read, leaves a scan out, or has a patient in two splits.
    """
    if rule.fold is not None:
        return _by_fold(scans, rule.fold)
    if rule.table:
        return _by_table(scans, read_splits(rule.table, rule.table_splits))
    if rule.names == (features.SPLIT_EVAL,):
        return {scan.series_uid: features.SPLIT_EVAL for scan in scans}, ()
    fractions = (rule.eval_fraction, rule.test_fraction, rule.salt)
    return {scan.series_uid: patient_split(scan.patient_id, *fractions) for scan in scans}, ()


def patient_split(
    patient_id: str, eval_fraction: float, test_fraction: float = 0.0, salt: str = ""
) -> str:
    """Assigns a patient to a split by a hash, so that growing data moves no patient.

    Args:
        patient_id: The patient; every scan of a patient lands in the same split.
        eval_fraction: Expected share of patients in the eval split, 0..1.
        test_fraction: Expected share of patients in the test split, 0..1.
        salt: Another salt gives another assignment.

    Returns:
        One of `schema.features.SPLIT_*`.

    Raises:
        ValueError: If the two fractions leave no room for training.
    """
    if not (eval_fraction >= 0 and test_fraction >= 0 and eval_fraction + test_fraction < 1):
        raise ValueError(
            "expected fractions >= 0 with a sum below 1, "
            f"got eval {eval_fraction} and test {test_fraction}"
        )
    digest = hashlib.sha256(f"{salt}\0{patient_id}".encode()).digest()
    position = int.from_bytes(digest[:8], "big") / 2**64
    if position < eval_fraction:
        return features.SPLIT_EVAL
    if position < eval_fraction + test_fraction:
        return features.SPLIT_TEST
    return features.SPLIT_TRAIN


def _by_fold(scans: Sequence[PlacedScan], fold: int) -> tuple[dict[str, str], tuple[str, ...]]:
    """One subset to evaluate on, the others to train on.

    A patient whose scans lie in several subsets goes with the first of these as a whole, so that
    over all folds each scan is evaluated on exactly once. (Of LUNA16's 888 scans two are of one
    patient, LIDC-IDRI-0332.)
    """
    subsets: dict[str, set[int]] = defaultdict(set)
    for scan in scans:
        subsets[scan.patient_id].add(_subset_of(scan.path))
    warnings = tuple(
        f"patient {patient} has scans in subsets {_listed(found)}; all go with subset {min(found)}"
        for patient, found in sorted(subsets.items())
        if len(found) > 1
    )
    splits = {
        scan.series_uid: features.SPLIT_EVAL
        if min(subsets[scan.patient_id]) == fold
        else features.SPLIT_TRAIN
        for scan in scans
    }
    return splits, warnings


def _subset_of(path: str) -> int:
    """Number of the subset that a scan lies in."""
    folder = path.rpartition("/")[0].rpartition("/")[2]
    match = _SUBSET.fullmatch(folder)
    if match is None:
        raise TableError(f"expected scans in subset0 to subset9 for split.fold, got {path}")
    return int(match.group(1))


def _by_table(
    scans: Sequence[PlacedScan], table: SplitTable
) -> tuple[dict[str, str], tuple[str, ...]]:
    """What a table says, which must be about every scan."""
    keys = {s.series_uid: s.series_uid if table.by_series else s.patient_id for s in scans}
    missing = sorted(key for key in keys.values() if key not in table.rows)
    if missing:
        of = "series" if table.by_series else "patient"
        raise TableError(
            f"expected a row for every {of}, got none for {len(missing)}, such as {missing[0]}, "
            f"in {table.path}"
        )
    _check_patients(scans, keys, table)
    unused = sorted(set(table.rows) - set(keys.values()))
    warnings = []
    if unused:
        rows = f"{counted(len(unused), 'row')} {noun(len(unused), 'is', 'are')}"
        warnings.append(f"{table.path}: {rows} of no scan, such as {unused[0]}")
    return {uid: table.rows[key][0] for uid, key in keys.items()}, tuple(warnings)


def _check_patients(
    scans: Sequence[PlacedScan], keys: Mapping[str, str], table: SplitTable
) -> None:
    """Refuses a patient whose series are in two splits, naming both lines."""
    first: dict[str, str] = {}
    for scan in scans:
        other = first.setdefault(scan.patient_id, scan.series_uid)
        splits = [table.rows[keys[uid]] for uid in (other, scan.series_uid)]
        if splits[0][0] != splits[1][0]:
            places = " and ".join(f"{split} in line {line}" for split, line in splits)
            raise TableError(
                f"expected one split of patient {scan.patient_id}, got {places} of {table.path}"
            )


def _listed(numbers: Iterable[int]) -> str:
    """Numbers for a sentence."""
    return " and ".join(map(str, sorted(numbers)))
