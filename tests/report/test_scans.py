"""Scans summed up from the scan report."""

from pathlib import Path

import pytest

from report.scans import SpacingRange, read_notes, read_scans, sum_up
from tests.components.made_run import MadeNodule, MadeScan, write_scan_report

SMALL = MadeNodule("1", (5, 30, 30), 4.2, "3-6")
LARGE = MadeNodule("2", (5, 30, 20), 16.0, "15+")


def rows() -> list[dict[str, object]]:
    return [
        MadeScan("a", "train", (SMALL, LARGE)).row(),
        MadeScan("b", "train", (SMALL,)).row(
            patient_id="patient of a", spacing_mm=[1.0, 0.5, 0.5], truth="spheres"
        ),
        MadeScan("c", "eval").row(
            outcome="repaired",
            reason="slope",
            spacing_mm=[3.0, 1.0, 0.5],
            truth="outlines of 2 or more readers",
            warnings=["3 readers instead of 4"],
        ),
        {"series_uid": "d", "outcome": "quarantined", "reason": "no lung", "split": None},
    ]


def test_counts_by_outcome_and_split(tmp_path: Path) -> None:
    folder = write_scan_report(tmp_path, rows(), {"phantom": True, "warnings": ["twice"]})

    data = sum_up(read_scans(folder), read_notes(folder))

    assert (data.found, data.accepted, data.repaired, data.quarantined) == (4, 2, 1, 1)
    assert data.quarantine == (("d", "no lung"),)
    assert data.repairs == (("c", "slope"),)
    assert data.remarks == (("c", "3 readers instead of 4"),)
    assert data.truths == {"outlines of 2 or more readers": 1, "spheres": 1}
    assert data.warnings == ("twice",)
    train, evaluated = data.splits
    assert (train.split, train.patients, train.scans, train.slices) == ("train", 1, 2, 24)
    assert train.nodules == {"3-6": 2, "6-8": 0, "8-15": 0, "15+": 1}
    assert (evaluated.split, evaluated.scans, sum(evaluated.nodules.values())) == ("eval", 1, 0)


def test_spacing_is_of_the_scans_used(tmp_path: Path) -> None:
    folder = write_scan_report(tmp_path, rows(), {})

    spacing = sum_up(read_scans(folder), read_notes(folder)).spacing

    # z: 2.5, 1, 3; y: 2, 0.5, 1; x: 1, 0.5, 0.5
    assert spacing == (
        SpacingRange("z", 1.0, 2.5, 3.0),
        SpacingRange("y", 0.5, 1.0, 2.0),
        SpacingRange("x", 0.5, 0.5, 1.0),
    )


@pytest.mark.parametrize(
    ("notes", "phantoms", "all_phantom", "mixed"),
    [
        ({"phantom": True}, 3, True, False),
        ({"phantom": False}, 0, False, False),
        ({"phantom": False, "phantom_series": ["a", "b"]}, 2, False, True),
        ({"phantom": True, "phantom_series": ["a", "b", "c"]}, 3, True, False),
    ],
)
def test_which_scans_are_phantoms(
    tmp_path: Path, notes: dict[str, object], phantoms: int, all_phantom: bool, mixed: bool
) -> None:
    folder = write_scan_report(tmp_path, rows(), notes)

    data = sum_up(read_scans(folder), read_notes(folder))

    assert (data.phantoms, data.all_phantom, data.mixed) == (phantoms, all_phantom, mixed)


def test_nothing_was_used(tmp_path: Path) -> None:
    folder = write_scan_report(tmp_path, rows()[3:], {"phantom": True})

    data = sum_up(read_scans(folder), read_notes(folder))

    assert (data.used, data.splits, data.spacing) == (0, (), ())
    assert not data.all_phantom


def test_unknown_outcome(tmp_path: Path) -> None:
    folder = write_scan_report(tmp_path, [MadeScan("a", "train").row(outcome="lost")], {})

    with pytest.raises(ValueError, match="quarantined, got 'lost' for series a"):
        read_scans(folder)
